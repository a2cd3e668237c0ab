/** Where a document comes in: dropped, or chosen. Several are asked about one after the other. */
import { useRef, useState } from "react";
import type { Owner } from "../api/chart";
import { useMay } from "../auth/permissions";
import { Icon } from "../components/Icon";
import { t } from "../i18n";
import { AttachDialog } from "./AttachDialog";
import { ACCEPTED, typeOf } from "../documents/files";

export function AttachZone({ owner }: { owner: Owner }) {
  const mayUpload = useMay("upload");
  const mayRegister = useMay("register");
  const input = useRef<HTMLInputElement>(null);
  // Whoever was seen when the files were chosen: the page may learn of another patient while they are asked about.
  const [{ files, seen }, setChosen] = useState<{ files: readonly File[]; seen: Owner }>({ files: [], seen: owner });
  const [isOver, setOver] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  if (!mayUpload && !mayRegister) return null;
  const take = (chosen: readonly File[]) => {
    const good = chosen.filter((file) => typeOf(file) && file.size > 0);
    setProblem(good.length < chosen.length ? t("document.not_taken", { count: chosen.length - good.length }) : null);
    setChosen({ files: good, seen: owner });
  };
  const next = () => setChosen((chosen) => ({ ...chosen, files: chosen.files.slice(1) }));
  const [file] = files;
  return (
    // Dropping is a convenience beside the button, which the keyboard and screen readers use.
    <div
      className={isOver ? "attach-zone drop-over" : "attach-zone"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        take([...event.dataTransfer.files]);
      }}
    >
      <button type="button" className="button" onClick={() => input.current?.click()}>
        <Icon name="plus" />
        {t("document.choose")}
      </button>
      <span className="small muted">{t("document.drop")}</span>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        accept={ACCEPTED}
        aria-label={t("document.choose")}
        onChange={(event) => {
          take([...(event.target.files ?? [])]);
          event.target.value = "";
        }}
      />
      <p role="alert" className="text-bad small attach-problem">
        {problem}
      </p>
      {file && <AttachDialog key={`${files.length} ${file.name}`} owner={seen} file={file} type={typeOf(file) ?? ""} onDone={next} onClose={next} />}
    </div>
  );
}
