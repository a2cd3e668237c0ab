import { useState } from "react";
import { useCommunicate, useCommunications, type Communication, type CommunicationBody, type Report } from "../api/reports";
import { useMay } from "../auth/permissions";
import { FormDialog } from "../components/FormDialog";
import { TextField } from "../components/TextField";
import { formatInstant, t } from "../i18n";

const WAYS: readonly CommunicationBody["way"][] = ["phone", "in_person", "message", "other"];

/** Who was told of a critical result, and who could not be reached; nothing of it ever changes. */
export function Communications({ report }: { report: Report }) {
  const mayWrite = useMay("write_reports");
  const [asking, setAsking] = useState(false);
  const told = useCommunications(report.id, report.critical !== null).data ?? [];
  if (!report.critical) return null;
  return (
    <section className="stack-small" aria-labelledby="communications-title">
      <h2 id="communications-title">{t("report.told.title")}</h2>
      {told.length > 0 ? (
        <ul className="plain-list">
          {told.map((one) => (
            <li key={one.id}>
              <Told one={one} />
            </li>
          ))}
        </ul>
      ) : (
        <p className="muted">{t("report.critical.open")}</p>
      )}
      {mayWrite && (
        <div className="actions">
          <button type="button" className={report.critical.is_open ? "button button-primary" : "button"} onClick={() => setAsking(true)}>
            {t("report.told.add")}
          </button>
        </div>
      )}
      {asking && <ToldDialog id={report.id} onClose={() => setAsking(false)} />}
    </section>
  );
}

function Told({ one }: { one: Communication }) {
  const how = t(`report.told.way.${one.way}`);
  const heard = t(!one.was_reached ? "report.told.not_reached" : one.read_back ? "report.told.read_back" : "report.told.no_read_back");
  return (
    <>
      <strong>{one.told}</strong>
      <span className="second small">{[formatInstant(one.at), how, heard].join(" · ")}</span>
      {one.note && <span className="second small">{one.note}</span>}
      <span className="second small muted">{t("report.told.by", { who: one.recorded.name, when: formatInstant(one.recorded_at) })}</span>
    </>
  );
}

function ToldDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const communicate = useCommunicate(id);
  const [whom, setWhom] = useState("");
  const [way, setWay] = useState<CommunicationBody["way"]>("phone");
  const [outcome, setOutcome] = useState<"read_back" | "no_read_back" | "not_reached" | null>(null);
  const [note, setNote] = useState("");
  const [missing, setMissing] = useState(false);
  const submit = () => {
    const isComplete = whom.trim() !== "" && outcome !== null;
    setMissing(!isComplete);
    if (!isComplete) return;
    communicate.mutate({ told: whom.trim(), way, was_reached: outcome !== "not_reached", read_back: outcome === "read_back", note: note.trim() || null, at: null, level: null }, { onSuccess: onClose });
  };
  return (
    <FormDialog title={t("report.told.title")} action={t("report.told.save")} busy={communicate.isPending} error={communicate.error} onSubmit={submit} onClose={onClose}>
      <p className="muted">{t("report.told.text")}</p>
      <TextField label={t("report.told.whom")} hint={t("report.told.whom.hint")} maxLength={255} value={whom} problem={missing && !whom.trim() ? t("report.told.whom.missing") : null} onChange={setWhom} />
      <fieldset className="choices">
        <legend>{t("report.told.way")}</legend>
        {WAYS.map((each) => (
          <label key={each} className="check">
            <input type="radio" name="way" checked={way === each} onChange={() => setWay(each)} />
            {t(`report.told.way.${each}`)}
          </label>
        ))}
      </fieldset>
      <fieldset className="choices">
        <legend>{t("report.told.outcome")}</legend>
        {(["read_back", "no_read_back", "not_reached"] as const).map((each) => (
          <label key={each} className="check">
            <input type="radio" name="outcome" checked={outcome === each} onChange={() => setOutcome(each)} />
            {t(`report.told.${each}`)}
          </label>
        ))}
        {missing && outcome === null && <p className="small text-bad">{t("report.told.outcome.missing")}</p>}
      </fieldset>
      <TextField label={t("report.told.note")} maxLength={255} value={note} onChange={setNote} />
    </FormDialog>
  );
}
