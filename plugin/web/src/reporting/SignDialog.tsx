import { useState } from "react";
import { ApiError } from "../api/errors";
import { useReport, useSign, type Report } from "../api/reports";
import { useSession } from "../auth/useSession";
import { ErrorState } from "../components/ErrorState";
import { FormDialog } from "../components/FormDialog";
import { ListSkeleton } from "../components/DataList";
import { Person } from "../components/Person";
import { TextField } from "../components/TextField";
import { ofNamed } from "../components/whom";
import { t } from "../i18n";
import { ReportText } from "./ReportText";

interface Props {
  id: string;
  /** Whether there is something to go on with. */
  hasNext: boolean;
  onSigned: (report: Report, goOn: boolean) => void;
  onClose: () => void;
}

/**
 * What will be signed, as it will be read, and the proof of who signs. The text is the server's, asked for now: what was
 * read here is what is signed, or nothing is.
 */
export function SignDialog({ id, hasNext, onSigned, onClose }: Props) {
  const asked = useReport(id);
  const sign = useSign(id);
  const session = useSession();
  const isLaunched = "launched" in session && session.launched;
  const [password, setPassword] = useState("");
  const [missing, setMissing] = useState(false);
  const [goOn, setGoOn] = useState(true);
  const seen = asked.isFetching ? undefined : asked.data;
  // Whoever comes from the EHR is asked for a password only where the server says that they have one here.
  const [isAskedFor, setAskedFor] = useState(false);
  const hasAccount = !isLaunched || isAskedFor;
  const submit = () => {
    if (!seen) return;
    setMissing(hasAccount && !password);
    if (hasAccount && !password) return;
    // By promise: the signed report takes the place of this dialog before a callback of it would be called.
    sign.mutateAsync({ password: hasAccount ? password : null, tag: seen.tag }).then(
      ({ report }) => onSigned(report, hasNext && goOn),
      (error) => {
        setPassword("");
        if (!(error instanceof ApiError)) return;
        if (error.status === 412) void asked.refetch();
        if (error.fields.some(({ field }) => field === "password")) setAskedFor(true);
      },
    );
  };
  return (
    <FormDialog title={t("report.sign.title")} action={t("report.sign.action")} wide busy={sign.isPending || !seen} error={sign.error} onSubmit={submit} onClose={onClose}>
      {asked.error && <ErrorState error={asked.error} onRetry={() => void asked.refetch()} />}
      {!seen && !asked.error && <ListSkeleton label={t("app.loading")} rows={3} />}
      {seen && <WhatIsSigned report={seen.report} />}
      {!hasAccount && <p className="muted">{t("report.sign.launched")}</p>}
      {hasAccount && (
        <TextField
          label={t("report.sign.password")}
          type="password"
          autoComplete="current-password"
          maxLength={1024}
          value={password}
          problem={missing ? t("report.sign.password.missing") : null}
          onChange={setPassword}
        />
      )}
      {hasNext && (
        <label className="check">
          <input type="checkbox" checked={goOn} onChange={(event) => setGoOn(event.target.checked)} />
          {t("report.sign.next")}
        </label>
      )}
    </FormDialog>
  );
}

function WhatIsSigned({ report }: { report: Report }) {
  const { draft } = report;
  if (!draft) return <p role="alert">{t("report.sign.nothing")}</p>;
  return (
    // It may be longer than the window: it can be moved with the keyboard.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="to-sign" role="group" aria-label={t("report.sign.what")} tabIndex={0}>
      <Person whom={ofNamed(report)} />
      <p className="number small muted">{report.accession_numbers.join(", ")}</p>
      <h3>{report.title}</h3>
      {draft.kind !== "new" && <p>{t(`report.kind.${draft.kind}`, { reason: draft.reason ?? "" })}</p>}
      {draft.critical && <p className="text-bad">{t(`report.critical.${draft.critical.level}`)}</p>}
      <ReportText sections={draft.sections} language={report.language} />
    </div>
  );
}
