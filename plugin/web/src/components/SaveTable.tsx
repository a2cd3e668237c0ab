/** Saves the list that is shown as a table, all of it: for those who may take something away. */
import { useEffect, useRef, useState } from "react";
import { ApiError } from "../api/errors";
import { useSaveTable, type Saved, type Table } from "../api/tables";
import { useMay } from "../auth/permissions";
import { formatBytes, t } from "../i18n";
import { Icon } from "./Icon";
import { Problem } from "./Problem";

export function SaveTable(table: Table) {
  return useMay("download") ? <Button {...table} /> : null;
}

function Button(table: Table) {
  const save = useSaveTable();
  const [bytes, setBytes] = useState<number | null>(null);
  const [saved, setSaved] = useState<Saved | null>(null);
  const [problem, setProblem] = useState<Error | null>(null);
  const running = useRef<AbortController | null>(null);
  useEffect(() => () => running.current?.abort(), []);

  const start = async () => {
    const control = new AbortController();
    running.current = control;
    setProblem(null);
    setSaved(null);
    setBytes(0);
    try {
      setSaved(await save(table, control.signal, setBytes));
    } catch (error) {
      if (!control.signal.aborted) setProblem(error instanceof Error ? error : new ApiError(0, "cut_off"));
    } finally {
      if (running.current === control) {
        running.current = null;
        setBytes(null);
      }
    }
  };
  const isRunning = bytes !== null;
  return (
    <div className="save-table">
      {isRunning ? (
        <button type="button" className="button button-small" onClick={() => running.current?.abort()}>
          {t("action.cancel")}
        </button>
      ) : (
        <button type="button" className="button button-small" onClick={() => void start()}>
          <Icon name="down" />
          {t("away.save")}
        </button>
      )}
      {isRunning && <progress aria-label={t("away.save")} />}
      <p role="status" className="small muted">
        {isRunning && (bytes > 0 ? t("away.coming", { size: formatBytes(bytes) }) : t("away.making"))}
        {saved && t("away.saved", { count: saved.rows, name: saved.name })}
      </p>
      <Problem error={problem} />
    </div>
  );
}
