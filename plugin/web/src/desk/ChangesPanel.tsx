import { useState } from "react";
import { useChangesOf, useUndoChange } from "../api/desk";
import type { Change } from "../api/changes";
import { useMay } from "../auth/permissions";
import { ErrorState } from "../components/ErrorState";
import { ReasonDialog } from "../components/ReasonDialog";
import { useSay } from "../components/Toast";
import { Instant } from "../components/values";
import { formatList, t, word } from "../i18n";
import { fieldName } from "../i18n/fieldName";
import { mayUndo } from "./undoing";

/** What was changed of a patient and their orders, by whom and why; each can be taken back. */
export function ChangesPanel({ patientId }: { patientId: string }) {
  const changes = useChangesOf(patientId);
  const mayRegister = useMay("register");
  const [undoing, setUndoing] = useState<Change | null>(null);
  if (changes.error) return <ErrorState error={changes.error} onRetry={() => void changes.refetch()} />;
  if (!changes.data || changes.data.items.length === 0) return null;
  return (
    <section className="stack-small" aria-labelledby="changes-title">
      <h2 id="changes-title">{t("desk.changes.title")}</h2>
      <ul className="suggestions">
        {changes.data.items.map((change) => (
          <li key={change.id}>
            <span>
              {word("desk.change", change.undoes_id ? "undone" : change.kind)}
              {change.accession_number && <span className="number"> {change.accession_number}</span>}
              <Fields change={change} />
              <span className="second">
                <Instant iso={change.changed_at} /> · <bdi>{change.changed_by}</bdi> · <bdi>{change.reason}</bdi>
              </span>
            </span>
            {mayRegister && mayUndo(change) && (
              <button type="button" className="button button-small" aria-label={t("desk.undo.label", { what: word("desk.change", change.kind) })} onClick={() => setUndoing(change)}>
                {t("desk.undo")}
              </button>
            )}
          </li>
        ))}
      </ul>
      {undoing && <UndoDialog change={undoing} onClose={() => setUndoing(null)} />}
    </section>
  );
}

function Fields({ change }: { change: Change }) {
  const fields = Object.keys(change.after).filter((field) => !HIDDEN.has(field));
  return fields.length > 0 && <span>: {formatList(fields.map(fieldName))}</span>;
}

const HIDDEN = new Set(["merged_into_id", "status", "is_unidentified"]);

function UndoDialog({ change, onClose }: { change: Change; onClose: () => void }) {
  const undo = useUndoChange();
  const say = useSay();
  return (
    <ReasonDialog
      title={t("desk.undo.title")}
      action={t("desk.undo")}
      maxLength={500}
      busy={undo.isPending}
      error={undo.error}
      onClose={onClose}
      onConfirm={(reason) =>
        undo.mutate(
          { id: change.id, reason },
          {
            onSuccess: () => {
              say({ text: t("desk.undo.done") });
              onClose();
            },
          },
        )
      }
    >
      <p>{t(change.kind === "patient_merged" ? "desk.undo.merge.text" : "desk.undo.text")}</p>
    </ReasonDialog>
  );
}
