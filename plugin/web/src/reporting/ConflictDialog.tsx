import { useState } from "react";
import type { Draft, Saved } from "../api/reports";
import { FormDialog } from "../components/FormDialog";
import { t } from "../i18n";
import { differences, merged, type Pick } from "./conflict";

const PICKS: readonly Pick[] = ["mine", "theirs", "both"];

/** Both texts beside each other, section by section. Nothing is saved before a person has decided. */
export function ConflictDialog({ mine, theirs, onResolve }: { mine: Draft; theirs: Saved; onResolve: (draft: Draft) => void }) {
  const [picks, setPicks] = useState<ReadonlyMap<number, Pick>>(new Map());
  const found = differences(mine, theirs.draft);
  return (
    <FormDialog
      title={t("report.conflict.title")}
      action={t("report.conflict.action")}
      wide
      busy={false}
      error={null}
      onSubmit={() => onResolve(merged(mine, theirs.draft, picks))}
      onClose={() => {}}
    >
      <p>{t("report.conflict.text", { who: theirs.by })}</p>
      {found.map(({ at, title, mine: own, theirs: other }) => (
        <fieldset key={at} className="conflict">
          <legend>{title}</legend>
          <div className="conflict-texts">
            <Text label={t("report.conflict.mine")} text={own} />
            <Text label={t("report.conflict.theirs")} text={other} />
          </div>
          <div className="actions">
            {PICKS.map((pick) => (
              <label key={pick} className="check">
                <input type="radio" name={`pick-${at}`} checked={(picks.get(at) ?? "mine") === pick} onChange={() => setPicks(new Map(picks).set(at, pick))} />
                {t(`report.conflict.take.${pick}`)}
              </label>
            ))}
          </div>
        </fieldset>
      ))}
    </FormDialog>
  );
}

function Text({ label, text }: { label: string; text: string }) {
  return (
    <div>
      <p className="small muted">{label}</p>
      <p className="conflict-text">{text || t("value.empty")}</p>
    </div>
  );
}
