import { Link, useParams } from "react-router-dom";
import { useOrder } from "../api/queries";
import type { Order } from "../api/types";
import { useMay } from "../auth/permissions";
import { DocumentsPanel } from "../chart/DocumentsPanel";
import { Blank } from "../components/Blank";
import { ErrorState } from "../components/ErrorState";
import { Fact, Facts } from "../components/Facts";
import { Icon } from "../components/Icon";
import { ListSkeleton } from "../components/DataList";
import { Notice } from "../components/Notice";
import { Page } from "../components/Page";
import { Instant, OrderStatus, OrNone, PersonName, PriorityFlag } from "../components/values";
import { PersonFacts } from "../components/Person";
import { ofNamed } from "../components/whom";
import { ViewButton } from "../components/ViewButton";
import { Assignment } from "../day/Assignment";
import { Differs } from "../desk/Marks";
import { OrderActions } from "../desk/OrderActions";
import { t, word } from "../i18n";
import { MadePanel } from "../made/MadeImages";
import { PrintButtons } from "../printing/PrintButtons";
import { Priors } from "./Priors";
import { Arrival } from "./Arrival";
import { ReportsPanel } from "../reporting/ReportsPanel";
import { PerformedSteps } from "../study/PerformedSteps";
import { imageCount } from "../study/words";
import { RestrictionMark } from "../privacy/RestrictionMark";
import { hasImages, orderTitle } from "../day/orderWords";

export function OrderPage() {
  const { id = "" } = useParams();
  const order = useOrder(id);
  if (!order.data) {
    return (
      <Page key={id} title={t("nav.orders")} heading={order.error ? t("nav.orders") : t("order.loading")} above={<BackLink />}>
        {order.error ? (
          <ErrorState error={order.error} onRetry={() => void order.refetch()} />
        ) : (
          <ListSkeleton label={t("order.loading")} />
        )}
      </Page>
    );
  }
  return <LoadedOrder key={id} order={order.data} />;
}

function LoadedOrder({ order }: { order: Order }) {
  return (
    <Page
      title={t("order.title", { accession: order.accession_number })}
      heading={
        <Link className="name-link" to={`/patients/${encodeURIComponent(order.patient_id)}`}>
          <PersonName name={order.patient_name} />
        </Link>
      }
      above={<BackLink />}
      lead={
        <p className="identity">
          <PersonFacts whom={ofNamed(order)} />
          <RestrictionMark patientId={order.patient_id} />
          <OrderStatus status={order.status} />
          <PriorityFlag priority={order.priority} />
          {order.registered_here && <span className="badge badge-plain">{t("desk.registered_here")}</span>}
          <Link to={`/patients/${encodeURIComponent(order.patient_id)}`}>{t("desk.patient.open")}</Link>
        </p>
      }
    >
      <div className="order-grid">
        <div className="order-side">
          <section className="panel" aria-labelledby="study-title">
            <h2 id="study-title">{t("order.study")}</h2>
            <OrderStudy order={order} />
          </section>
          <section className="panel" aria-labelledby="order-title">
            <h2 id="order-title">{t("order.facts")}</h2>
            <Differs row={order} />
            <OrderFacts order={order} />
            <OrderActions order={order} />
            <PrintButtons orderId={order.id} />
          </section>
          <Assignment order={order} />
          <PerformedSteps of={{ order: order.id }} title={t("performed.title")} />
        </div>
        <div className="stack">
          {hasImages(order) && order.study_instance_uid && <MadePanel study={order.study_instance_uid} />}
          <ReportsPanel of={{ order: order.id }} {...(order.status === "cancelled" ? {} : { begin: { order } })} />
          <DocumentsPanel owner={{ order: order.id, patient: order.patient_id }} canAttach={order.status !== "cancelled"} />
          <Priors order={order} />
        </div>
      </div>
    </Page>
  );
}

function OrderFacts({ order }: { order: Order }) {
  return (
    <Facts>
      <Fact label={t("order.description")}>
        <OrNone>{order.description}</OrNone>
      </Fact>
      <Fact label={t("order.accession_number")}>
        <span className="number">{order.accession_number}</span>
      </Fact>
      <Fact label={t("order.modality")}>
        <OrNone>{order.modality}</OrNone>
      </Fact>
      {(order.body_part || order.laterality) && (
        <Fact label={t("order.body_part")}>
          {[order.body_part, order.laterality && word("order.laterality", order.laterality)].filter(Boolean).join(", ")}
        </Fact>
      )}
      <Fact label={t("order.scheduled_at")}>
        <Instant iso={order.scheduled_at} />
      </Fact>
      {order.arrived_at && (
        <Fact label={t("order.arrived_at")}>
          <Instant iso={order.arrived_at} />
        </Fact>
      )}
      <Fact label={t("order.ordered_by")}>
        {order.ordered_by ? <PersonName name={order.ordered_by} /> : <OrNone>{null}</OrNone>}
      </Fact>
      <Fact label={t("order.report")}>{t(`order.report.${order.status}`)}</Fact>
      <Fact label={t("order.priority")}>
        <OrNone>{order.priority && word("order.priority", order.priority.toLowerCase())}</OrNone>
      </Fact>
      <NumberFact label={t("order.requested_procedure_id")} value={order.requested_procedure_id} />
      <NumberFact label={t("order.scheduled_procedure_step_id")} value={order.scheduled_procedure_step_id} />
      <NumberFact label={t("order.placer_order_number")} value={order.placer_order_number} />
      <NumberFact label={t("order.procedure_code")} value={order.procedure_code} />
      <NumberFact label={t("order.station_ae_title")} value={order.station_ae_title} />
      {order.further_steps.map((step) => (
        <Fact key={step.scheduled_procedure_step_id} label={t("order.further_step")}>
          <span className="number">{step.scheduled_procedure_step_id}</span>
          {[step.modality, step.station_ae_title].filter(Boolean).map((said) => `, ${said}`)}
          {step.scheduled_at && (
            <>
              , <Instant iso={step.scheduled_at} />
            </>
          )}
        </Fact>
      ))}
    </Facts>
  );
}

/** What other systems call the order; nothing where nobody said it. */
function NumberFact({ label, value }: { label: string; value: string | null }) {
  if (!value) return null;
  return (
    <Fact label={label}>
      <span className="number">{value}</span>
    </Fact>
  );
}

/** The images of the order and what one can do with them, each one press away. */
function OrderStudy({ order }: { order: Order }) {
  const mayView = useMay("view");
  const mayUpload = useMay("upload");
  const shown = hasImages(order);
  return (
    <div className="stack">
      {shown ? (
        <p className="number">
          <Link to={`/studies/${encodeURIComponent(order.study_instance_uid)}`} aria-label={`${imageCount(order.number_of_images ?? 0, order.number_of_series)}. ${t("order.study.open")}`}>
            {imageCount(order.number_of_images ?? 0, order.number_of_series)}
          </Link>
        </p>
      ) : (
        <Blank title={t("order.study.none.title")} text={t("order.study.none.text")} />
      )}
      {shown && !mayView && <p className="muted">{t("view.no_permission")}</p>}
      {order.status === "cancelled" ? (
        <Notice kind="warn" title={t("order.cancelled.title")}>
          <p>{t("order.cancelled.text")}</p>
        </Notice>
      ) : (
        <div className="actions actions-wide">
          <Arrival order={order} />
          {shown && <ViewButton primary studyInstanceUid={order.study_instance_uid} what={orderTitle(order)} />}
          {mayUpload && (
            <Link className={shown ? "button" : "button button-primary"} to={`/upload?order=${encodeURIComponent(order.id)}`}>
              <Icon name="upload" />
              {t("upload.title")}
            </Link>
          )}
        </div>
      )}
    </div>
  );
}

function BackLink() {
  return (
    <p className="back">
      <Link to="/orders">
        <Icon name="back" />
        {t("order.back")}
      </Link>
    </p>
  );
}
