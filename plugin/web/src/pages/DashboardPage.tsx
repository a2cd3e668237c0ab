/** The department at a glance: today, what waits, how long it takes. Each number opens its list. */
import { useBoard } from "../api/dashboard";
import { ListSkeleton } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { Filters } from "../components/Filters";
import { NeedsPermission } from "../components/NoPermission";
import { Notice } from "../components/Notice";
import { Page } from "../components/Page";
import { useListPlace } from "../components/useListPlace";
import { DosePanel } from "../dashboard/DosePanel";
import { TodayPanel } from "../dashboard/TodayPanel";
import { TurnaroundPanel } from "../dashboard/TurnaroundPanel";
import { WaitingPanel } from "../dashboard/WaitingPanel";
import { PriorityField, SpanField } from "../dashboard/SpanFields";
import { LEGS, METRICS, PRIORITIES, SPANS } from "../dashboard/words";
import { t } from "../i18n";
import { ModalityField } from "../study/ModalityField";
import "../styles/dashboard.css";

const DEFAULTS = { days: "30", modality: "", priority: "", leg: "completed_to_signed", metric: "dlp" };

export function DashboardPage() {
  return (
    <NeedsPermission permission="read" title={t("dashboard.title")}>
      <Page title={t("dashboard.title")} lead={t("dashboard.lead")} isWide>
        <Now />
        <Spans />
      </Page>
    </NeedsPermission>
  );
}

function Now() {
  const { data, error, isError, refetch } = useBoard();
  if (!data) return error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <ListSkeleton label={t("app.loading")} />;
  return (
    <>
      {isError && (
        <Notice kind="warn">
          <p>{t("error.stale")}</p>
        </Notice>
      )}
      <div className="board">
        <TodayPanel today={data.today} zone={data.time_zone} />
        <WaitingPanel waiting={data.waiting} />
      </div>
    </>
  );
}

/** An address that somebody has written by hand asks for what it makes sense to ask for. */
function Spans() {
  const [{ filters }, move] = useListPlace(DEFAULTS);
  const question = {
    days: SPANS.find((each) => each === filters.days) ?? DEFAULTS.days,
    modality: /^[A-Z0-9_]{1,16}$/.test(filters.modality) ? filters.modality : "",
    priority: PRIORITIES.find((each) => each === filters.priority) ?? "",
  };
  const leg = LEGS.find((each) => each === filters.leg) ?? DEFAULTS.leg;
  return (
    <>
      <Filters label={t("dashboard.filters")}>
        <SpanField value={question.days} onChange={(days) => move({ filters: { days } })} />
        <ModalityField value={question.modality} onChange={(modality) => move({ filters: { modality } })} />
        <PriorityField value={question.priority} onChange={(priority) => move({ filters: { priority } })} />
      </Filters>
      <TurnaroundPanel question={question} leg={leg} onLeg={(to) => move({ filters: { leg: to } })} />
      <DosePanel days={question.days} metric={METRICS.find((each) => each === filters.metric) ?? "dlp"} onMetric={(metric) => move({ filters: { metric } })} />
    </>
  );
}
