/** One report: read, or written beside its images. */
import { useCallback, useMemo, useRef } from "react";
import { useLocation, useNavigate, useParams, useSearchParams } from "react-router-dom";
import { useBegin, useMacros, useReading, useReport, useTemplates, type Report, type Tagged } from "../api/reports";
import { useCurrentUser, useMay } from "../auth/permissions";
import { describe, ErrorState } from "../components/ErrorState";
import { Icon } from "../components/Icon";
import { ListSkeleton } from "../components/DataList";
import { NeedsPermission } from "../components/NoPermission";
import { PatientLink } from "../components/PatientLink";
import { PersonFacts } from "../components/Person";
import { useSay } from "../components/Toast";
import { useMedia } from "../components/useMedia";
import { ViewLink } from "../components/ViewButton";
import { ofNamed } from "../components/whom";
import { t } from "../i18n";
import { Editor } from "../reporting/Editor";
import { Reading } from "../reporting/Reading";
import { Subject } from "../reporting/Subject";
import { useSecondScreen } from "../reporting/useSecondScreen";
import { beginning } from "../reporting/template";
import { nextOf, subjectOf } from "../reporting/worklist";
import { Images } from "../viewer/Images";

/** Where images and text fit beside each other. */
const WIDE = "(min-width: 64rem)";

export function ReportPage() {
  const { id = "" } = useParams();
  return (
    <NeedsPermission permission="read" title={t("reports.one")}>
      <Asked key={id} id={id} />
    </NeedsPermission>
  );
}

function Asked({ id }: { id: string }) {
  const report = useReport(id);
  const { subject } = useCurrentUser();
  const mayWrite = useMay("write_reports");
  if (!report.data) {
    return (
      <main id="content" className="page" tabIndex={-1}>
        {report.error ? <ErrorState error={report.error} onRetry={() => void report.refetch()} /> : <ListSkeleton label={t("app.loading")} />}
      </main>
    );
  }
  const { draft, claim } = report.data.report;
  const isMine = draft !== null && draft.presigned_by === null && mayWrite && (claim ? claim.by.subject === subject : draft.author.subject === subject);
  return <Desk first={report.data} isWritten={isMine} />;
}

function Desk({ first, isWritten }: { first: Tagged; isWritten: boolean }) {
  const { report } = first;
  const study = report.study_instance_uid;
  const [search, setSearch] = useSearchParams();
  const mayView = useMay("view");
  const say = useSay();
  const isWide = useMedia(WIDE);
  const screen = useSecondScreen(study);
  const frame = useRef<HTMLIFrameElement | null>(null);
  const isBeside = study !== null && mayView && isWide && !screen.isOpen && search.get("images") !== "off";
  const [next, openNext] = useNext(report);
  const macros = useMacros(isWritten).data ?? [];
  const required = useMemo(() => new Set(report.draft?.required_sections), [report.draft?.required_sections]);
  const signed = (done: Report, goOn: boolean) => {
    say({ text: t(done.draft?.presigned_by ? "report.presigned.done" : "report.signed") });
    if (goOn) openNext();
  };
  const toImages = useCallback(() => frame.current?.contentWindow?.focus(), []);
  const show = (isShown: boolean) => setSearch(isShown ? {} : { images: "off" }, { replace: true });

  return (
    <main id="content" className="viewer" tabIndex={-1}>
      <title>{t("app.title", { page: t("reports.one") })}</title>
      <header className="viewer-bar">
        <CloseButton />
        <h1>
          <PatientLink id={report.patient_id} name={report.patient_name} />
          <PersonFacts whom={ofNamed(report)} />
          <span className="muted">{report.title}</span>
        </h1>
        <Subject report={report} />
        {study && mayView && !isWide && <ViewLink studyInstanceUid={study} what={report.title} />}
        {study && mayView && isWide && (
          <>
            {!screen.isOpen && (
              <button type="button" className="button button-small" aria-pressed={isBeside} onClick={() => show(!isBeside)}>
                <Icon name="images" />
                {t("report.images")}
              </button>
            )}
            <button type="button" className="button button-small" onClick={screen.open}>
              <Icon name="view" />
              {t(screen.isOpen ? "report.screen.front" : "report.screen")}
            </button>
          </>
        )}
      </header>
      <div className={isBeside ? "reading-desk reading-desk-split" : "reading-desk"}>
        {isBeside && (
          <div className="reading-images">
            <Images key={study} wish={{ studyUid: study, compare: null, priors: false }} mayView={mayView} frame={frame} onLoad={leadBack} />
          </div>
        )}
        <div className="reading-text">
          {isWritten ? (
            <Editor
              key={report.draft?.kind === "new" ? "new" : report.version}
              first={first}
              required={required}
              macros={macros}
              hasNext={next !== null}
              onImages={toImages}
              onSigned={signed}
            />
          ) : (
            <Reading report={report} onSigned={signed} />
          )}
        </div>
      </div>
    </main>
  );
}

/** F6 leads from the images back to the text: keys inside the frame are heard by the frame alone. */
function leadBack(frame: HTMLIFrameElement): void {
  frame.contentWindow?.addEventListener("keydown", (event) => {
    if (event.key !== "F6") return;
    event.preventDefault();
    document.querySelector<HTMLElement>(".editor textarea")?.focus();
  });
}

/** What is read after this report, and how to go there. */
function useNext({ study_instance_uid: study, order_ids: orders }: Report) {
  const { subject } = useCurrentUser();
  const reading = useReading({}, useMay("write_reports")).data;
  const navigate = useNavigate();
  const begin = useBegin();
  const templates = useTemplates(useMay("write_reports")).data ?? [];
  const say = useSay();
  const next = reading ? nextOf(reading.items, { study, orders }, subject) : null;
  const open = () => {
    if (!next) return;
    if (next.report) return void navigate(`/reports/${next.report.id}`);
    begin.mutateAsync(beginning(subjectOf(next), templates)).then(
      (begun) => void navigate(`/reports/${begun.report.id}`),
      (error: Error) => say({ text: describe(error).title, bad: true }),
    );
  };
  return [next, open] as const;
}

/** Whoever writes goes to what waits to be read; whoever reads, back to where they came from. */
function CloseButton() {
  const navigate = useNavigate();
  const isFirst = useLocation().key === "default";
  const mayWrite = useMay("write_reports");
  const close = () => void (mayWrite ? navigate("/reading") : isFirst ? navigate("/reports") : navigate(-1));
  return (
    <button type="button" className="button button-small" onClick={close}>
      <Icon name="cross" />
      {t("viewer.close")}
    </button>
  );
}
