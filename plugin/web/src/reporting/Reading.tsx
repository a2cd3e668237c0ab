/** A report as doctors read it: what was issued last, its versions and their proof, and what those who write may do. */
import { useEffect, useState } from "react";
import { useAmend, useClaim, useKeep, useSeen, useVerify, useVersions, useWithdraw, type Amendment, type Report, type Version } from "../api/reports";
import { useCurrentUser, useMay } from "../auth/permissions";
import { BusyButton } from "../components/BusyButton";
import { Icon } from "../components/Icon";
import { Notice } from "../components/Notice";
import { Problem } from "../components/Problem";
import { ReasonDialog } from "../components/ReasonDialog";
import { Instant } from "../components/values";
import { formatInstant, t } from "../i18n";
import { Attachments } from "./Attachments";
import { Communications } from "./Communications";
import { PdfButton } from "./PdfButton";
import { ReportText } from "./ReportText";
import { SignDialog } from "./SignDialog";
import { ReportStatus } from "./Status";

export function Reading({ report, onSigned }: { report: Report; onSigned: (report: Report, goOn: boolean) => void }) {
  const seen = useSeen(report.id);
  const { mutate } = seen;
  useEffect(() => {
    if (report.version > 0) mutate();
  }, [mutate, report.id, report.version]);
  return (
    <article className="reading" aria-label={report.title}>
      <header className="stack-small">
        <h2>{report.title}</h2>
        <p className="identity">
          <ReportStatus status={report.status} />
          <span className="number muted">{report.accession_numbers.join(", ")}</span>
          {report.version > 1 && <span className="muted">{t("report.version", { number: report.version })}</span>}
        </p>
      </header>
      <Warnings report={report} />
      {report.outside && (
        <Notice kind="info" title={t("report.outside", { sender: report.outside.sender })}>
          <p>{t("report.outside.text")}</p>
        </Notice>
      )}
      <ReportText sections={report.sections} language={report.language} />
      <Signature of={report} />
      {report.outside && <Attachments id={report.id} version={report.version} files={report.outside.attachments} />}
      {report.version > 0 && report.status !== "entered_in_error" && (
        <div className="actions">
          <PdfButton id={report.id} version={report.version} name={`${report.accession_numbers[0] ?? report.id}-${report.version}`} />
        </div>
      )}
      <Acts report={report} onSigned={onSigned} />
      <Communications report={report} />
      {report.version > 0 && <Versions report={report} />}
    </article>
  );
}

/** What must be known before the text is believed. */
export function Warnings({ report }: { report: Report }) {
  return (
    <>
      {report.status === "entered_in_error" && (
        <Notice kind="bad" title={t("report.withdrawn.title")}>
          {report.reason && <p>{report.reason}</p>}
        </Notice>
      )}
      {report.status === "preliminary" && <Notice kind="warn" title={t("report.preliminary.warning")} />}
      {report.doubt && (
        <Notice kind="warn" title={t("report.doubt")}>
          {report.doubt === "split" && <p>{t("split.report")}</p>}
          {report.doubt !== "orders" && report.doubt !== "split" && <p>{t("report.doubt.link_back")}</p>}
        </Notice>
      )}
      {report.critical && report.version > 0 && (
        <Notice kind={report.critical.is_open ? "bad" : "warn"} title={t(`report.critical.${report.critical.level}`)}>
          {report.critical.note && <p>{report.critical.note}</p>}
          <p>{t(report.critical.is_open ? "report.critical.open" : "report.critical.told")}</p>
        </Notice>
      )}
    </>
  );
}

export function Signature({ of }: { of: Pick<Report | Version, "author" | "signer" | "cosigner" | "issued_at" | "outside"> }) {
  if (!of.issued_at) return null;
  const when = formatInstant(of.issued_at);
  if (of.outside) {
    return (
      <p className="signature muted small">
        {of.outside.said_at ? t("report.outside.by", { who: of.author?.name ?? "", when: formatInstant(of.outside.said_at) }) : of.author?.name}{" "}
        {t("report.outside.received", { sender: of.outside.sender, when, status: of.outside.sender_status })}
      </p>
    );
  }
  return (
    <p className="signature muted small">
      {of.signer ? t("report.signed_by", { who: of.signer.name, when }) : t("report.issued_by", { who: of.author?.name ?? "", when })}
      {of.author && of.signer && of.author.subject !== of.signer.subject && ` ${t("report.written_by", { who: of.author.name })}`}
      {of.cosigner && ` ${t("report.cosigned_by", { who: of.cosigner.name })}`}
    </p>
  );
}

const AMENDMENTS: readonly Amendment[] = ["corrected", "appended", "amended"];
const SIGNED = ["final", "amended", "corrected", "appended"];

function Acts({ report, onSigned }: { report: Report; onSigned: (report: Report, goOn: boolean) => void }) {
  const mayWrite = useMay("write_reports");
  const maySign = useMay("sign_reports");
  const { subject } = useCurrentUser();
  const [asking, setAsking] = useState<Amendment | "withdraw" | "take" | "keep" | "cosign" | null>(null);
  const amend = useAmend(report.id);
  const withdraw = useWithdraw(report.id);
  const claim = useClaim(report.id);
  const keep = useKeep(report.id);
  const presigner = report.draft?.presigned_by ?? null;
  const close = () => setAsking(null);
  if (!mayWrite || (report.outside && !report.doubt)) return null;
  const isOurs = !report.outside;
  const isSigned = SIGNED.includes(report.status);
  const isAnothers = report.draft !== null && (presigner ? true : report.claim ? report.claim.by.subject !== subject : report.draft.author.subject !== subject);
  return (
    <>
      {isAnothers && report.draft && (
        <Notice kind="info">
          <p>
            {report.claim
              ? t("report.claimed", { who: report.claim.by.name, until: formatInstant(report.claim.until) })
              : presigner
                ? t("report.presigned", { who: presigner.name })
                : t("report.abandoned", { who: report.draft.author.name, when: formatInstant(report.draft.saved_at) })}
          </p>
        </Notice>
      )}
      <div className="actions">
        {presigner && maySign && presigner.subject !== subject && (
          <button type="button" className="button button-primary" onClick={() => setAsking("cosign")}>
            <Icon name="check" />
            {t("report.cosign")}
          </button>
        )}
        {(report.doubt === "orders" || report.doubt === "split") && maySign && (
          <button type="button" className="button" onClick={() => setAsking("keep")}>
            {t("report.keep")}
          </button>
        )}
        {isAnothers && (
          <button type="button" className="button" onClick={() => setAsking("take")}>
            {t("report.take_over")}
          </button>
        )}
        {isSigned &&
          isOurs &&
          !report.draft &&
          AMENDMENTS.map((kind) => (
            <button key={kind} type="button" className="button" onClick={() => setAsking(kind)}>
              {t(`report.amend.${kind}`)}
            </button>
          ))}
        {maySign && isOurs && (isSigned || report.status === "preliminary") && (
          <button type="button" className="button button-danger" onClick={() => setAsking("withdraw")}>
            {t("report.withdraw")}
          </button>
        )}
      </div>
      {asking === "take" && (
        <ReasonDialog title={t("report.take_over.title")} action={t("report.take_over")} busy={claim.isPending} error={claim.error} onClose={close} onConfirm={(reason) => claim.mutate(reason, { onSuccess: close })}>
          <p>{t("report.take_over.text")}</p>
        </ReasonDialog>
      )}
      {asking === "cosign" && <SignDialog id={report.id} hasNext={false} onSigned={onSigned} onClose={close} />}
      {asking === "keep" && (
        <ReasonDialog title={t("report.keep.title")} action={t("report.keep")} busy={keep.isPending} error={keep.error} onClose={close} onConfirm={(reason) => keep.mutate(reason, { onSuccess: close })}>
          <p>{t("report.keep.text")}</p>
        </ReasonDialog>
      )}
      {asking === "withdraw" && (
        <ReasonDialog title={t("report.withdraw.title")} action={t("report.withdraw")} danger busy={withdraw.isPending} error={withdraw.error} onClose={close} onConfirm={(reason) => withdraw.mutate(reason, { onSuccess: close })}>
          <p>{t("report.withdraw.text")}</p>
        </ReasonDialog>
      )}
      {(asking === "amended" || asking === "corrected" || asking === "appended") && (
        <ReasonDialog
          title={t(`report.amend.${asking}`)}
          action={t("report.amend.action")}
          busy={amend.isPending}
          error={amend.error}
          onClose={close}
          onConfirm={(reason) => amend.mutate({ kind: asking, reason }, { onSuccess: close })}
        >
          <p>{t(`report.amend.${asking}.text`)}</p>
        </ReasonDialog>
      )}
    </>
  );
}

function Versions({ report }: { report: Report }) {
  const versions = useVersions(report.id).data ?? [];
  const verify = useVerify(report.id);
  return (
    <section className="stack-small" aria-labelledby="versions-title">
      <h2 id="versions-title">{t("report.versions")}</h2>
      <ul className="plain-list">
        {[...versions].reverse().map((one) => (
          <li key={one.version}>
            <details className="version">
              <summary>
                {t("report.version", { number: one.version })} <ReportStatus status={one.status} /> <Instant iso={one.issued_at} />
              </summary>
              {one.reason && <p>{t("report.reason", { reason: one.reason })}</p>}
              <ReportText sections={one.sections} language={one.language} />
              <Signature of={one} />
              {one.outside && <Attachments id={report.id} version={one.version} files={one.outside.attachments} />}
              <div className="actions">
                <PdfButton id={report.id} version={one.version} name={`${report.accession_numbers[0] ?? report.id}-${one.version}`} />
                <BusyButton className="button button-small" busy={verify.isPending} onPress={() => verify.mutate(one.version)}>
                  <Icon name="shield" />
                  {t("report.verify")}
                </BusyButton>
              </div>
              <div role="status">
                {verify.data?.version === one.version && (
                  <Notice kind={verify.data.ok ? "good" : "bad"} title={t(verify.data.ok ? "report.verify.ok" : "report.verify.wrong")}>
                    <p className="small breakable">SHA-256 {verify.data.sha256}</p>
                  </Notice>
                )}
              </div>
            </details>
          </li>
        ))}
      </ul>
      {verify.error && <Problem error={verify.error} />}
    </section>
  );
}
