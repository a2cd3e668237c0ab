/** Whose a study would become, as the server says, and what speaks for and against it. */
import type { ReactNode } from "react";
import { useOrder } from "../api/queries";
import { usePatient } from "../api/patients";
import { CompareTable } from "../components/CompareTable";
import { rowsOf } from "../components/comparison";
import { Icon, type IconName } from "../components/Icon";
import { Person } from "../components/Person";
import { ofNamed, ofPatient } from "../components/whom";
import { formatDay, t } from "../i18n";
import { personName } from "../i18n/person";
import type { Link } from "./choice";
import { EvidenceList } from "./EvidenceList";
import { isSettled, type Reviewed, type State } from "./review";

interface Props {
  reviewed: Reviewed;
  link: Link;
  /** Whom it is for stands above already: said again only where something differs. */
  brief: boolean;
  onLink: (link: Link) => void;
}

const icons: Record<Reviewed["tone"], IconName> = { good: "check", warn: "question", bad: "alert", plain: "info" };

export function Destination({ reviewed, link, brief, onLink }: Props) {
  const { state, tone, shown } = reviewed;
  return (
    <div role="group" className={`where where-${tone}`} aria-label={t("where.label")}>
      <p className="where-title">
        <Icon name={icons[tone]} />
        {titleOf(reviewed, link)}
      </p>
      <Named reviewed={reviewed} link={link} brief={brief} onLink={onLink} />
      {state === "refused" && <p>{shown?.refused?.message}</p>}
      <Text state={state} chosen={link.kind !== "automatic"} />
      {shown && shown.evidence.length > 0 && (
        <details className="why">
          <summary>{t("evidence.title")}</summary>
          <EvidenceList evidence={shown.evidence} />
        </details>
      )}
    </div>
  );
}

function titleOf({ state, shown }: Reviewed, link: Link): string {
  const linkedAt = shown?.study?.linked_at;
  if (state === "joins" && linkedAt) return t("where.joins", { date: formatDay(linkedAt.slice(0, 10)) });
  if (state === "joins") return t("where.joins.now");
  if (link.kind === "order" && state !== "refused") return t("where.order", { accession: link.order.accession_number });
  if (link.kind === "patient" && state !== "refused") return t("where.patient");
  if (state === "chosen") return t("where.exact");
  return t(`where.${state}`);
}

function Text({ state, chosen }: { state: State; chosen: boolean }): ReactNode {
  if (state === "unknown") return <p className="muted">{t(chosen ? "where.unknown.chosen" : "where.unknown.text")}</p>;
  if (state === "ambiguous" || state === "none" || state === "waits" || state === "apart") return <p>{t(`where.${state}.text`)}</p>;
  return null;
}

/** The person, and every value that would be replaced or speaks against it. One of several would look like the right one. */
function Named({ reviewed: { state, shown }, link, brief, onLink }: Props) {
  const foundOrder = useOrder(link.kind === "automatic" ? (shown?.order_id ?? "") : "").data ?? null;
  const found = usePatient(link.kind === "automatic" ? shown?.patient_id : null).data ?? null;
  if (link.kind === "automatic" && (!found || state === "ambiguous" || state === "none")) return null;
  const order = link.kind === "order" ? link.order : foundOrder;
  const patient = link.kind === "automatic" ? found : link.patient;
  const whom = patient ? ofPatient(patient) : order && ofNamed(order);
  if (!whom) return null;
  const rows = shown ? rowsOf(shown.differences, shown.evidence).filter(({ mark }) => mark !== "same") : [];
  const isNamed = brief && link.kind !== "automatic";
  if (isNamed && rows.length === 0) return <p className="muted small">{t("where.agrees")}</p>;
  return (
    <>
      {!isNamed && <Person whom={whom}>{order && `${order.accession_number} · ${order.modality} ${order.description}`}</Person>}
      {rows.length > 0 && <CompareTable rows={rows} label={t("reconciliation.compare", { patient: personName(whom.name) || t("patient.unknown") })} />}
      {(state === "probable" || state === "apart") && patient && (
        <div className="actions">
          <button
            type="button"
            className={state === "probable" ? "button button-small button-primary" : "button button-small"}
            onClick={() => onLink(order ? { kind: "order", order, patient } : { kind: "patient", patient })}
          >
            {t(state === "probable" ? "where.accept" : "where.theirs")}
          </button>
        </div>
      )}
      {isSettled(state) && rows.length === 0 && <p className="muted small">{t("where.agrees")}</p>}
    </>
  );
}
