/** Whose a study would become: as the person chose, or as the server says it would decide. */
import type { ReactNode } from "react";
import type { Prediction } from "../api/match";
import { useOrder } from "../api/queries";
import { usePatient } from "../api/patients";
import type { Order, Patient } from "../api/types";
import { Icon } from "../components/Icon";
import { PersonName } from "../components/values";
import { formatDay, t } from "../i18n";
import { changes, nameOf, type Link } from "./choice";
import { ChangesTable } from "./ChangesTable";
import { EvidenceList } from "./EvidenceList";
import type { Header } from "./read/header";

interface Props {
  header: Header;
  link: Link;
  asking: boolean;
  prediction: Prediction | null;
  onLink: (link: Link) => void;
  onSearch: () => void;
}

export function Destination({ header, link, asking, prediction, onLink, onSearch }: Props) {
  if (link.kind === "order") {
    return (
      <Where tone="good" title={t("where.order", { accession: link.order.accession_number })}>
        <Person patient={link.patient} name={link.order.patient_name} mrn={link.order.mrn} />
      </Where>
    );
  }
  if (link.kind === "patient") {
    return (
      <Where tone="good" title={t("where.patient")}>
        <Person patient={link.patient} name={nameOf(link.patient)} mrn={link.patient.mrn} />
      </Where>
    );
  }
  if (asking) return <Where tone="plain" title={t("where.asking")} />;
  if (!prediction) {
    return (
      <Where tone="plain" title={t("where.unknown")}>
        <p className="muted">{t("where.unknown.text")}</p>
      </Where>
    );
  }
  return <Predicted header={header} prediction={prediction} onLink={onLink} onSearch={onSearch} />;
}

function Predicted({ header, prediction, onLink, onSearch }: { header: Header; prediction: Prediction; onLink: Props["onLink"]; onSearch: () => void }) {
  const order = useOrder(prediction.order_id ?? "").data ?? null;
  const patient = usePatient(prediction.patient_id).data ?? null;
  const certain = prediction.kind === "exact" && prediction.automatic;
  const kind = certain ? "exact" : prediction.kind === "exact" ? "probable" : prediction.kind;
  const title = kind === "exact" ? t("where.exact") : kind === "probable" ? t("where.probable") : kind === "ambiguous" ? t("where.ambiguous") : t("where.none");
  const listed = patient ? changes(header, patient, order) : [];
  return (
    <Where tone={kind === "exact" ? "good" : "warn"} title={title}>
      {patient && <Person patient={patient} name={nameOf(patient)} mrn={patient.mrn} order={order} />}
      {kind === "ambiguous" && <p>{t("where.ambiguous.text")}</p>}
      {kind === "none" && <p>{t("where.none.text")}</p>}
      <details className="why">
        <summary>{t("evidence.title")}</summary>
        <EvidenceList evidence={prediction.evidence} />
      </details>
      {certain && listed.length > 0 && <ChangesTable changes={listed} />}
      {!certain && (
        <div className="actions">
          {patient && (order || kind === "probable") && (
            <button
              type="button"
              className="button button-small button-primary"
              onClick={() => onLink(order ? { kind: "order", order, patient } : { kind: "patient", patient })}
            >
              {t("where.accept")}
            </button>
          )}
          {!patient && (
            <button type="button" className="button button-small button-primary" onClick={onSearch}>
              {t("review.pick")}
            </button>
          )}
        </div>
      )}
    </Where>
  );
}

function Person({ patient, name, mrn, order }: { patient: Patient | null; name: string | null; mrn: string; order?: Order | null }) {
  return (
    <p>
      <strong>
        <PersonName name={name} />
      </strong>
      <span className="muted number">
        {" "}
        · {t("patient.mrn.value", { mrn })}
        {patient?.birth_date && ` · ${t("review.born", { date: formatDay(patient.birth_date) })}`}
        {order && ` · ${order.accession_number}${order.description ? ` ${order.description}` : ""}`}
      </span>
    </p>
  );
}

function Where({ tone, title, children }: { tone: "good" | "warn" | "plain"; title: string; children?: ReactNode }) {
  return (
    <section className={`where where-${tone}`} aria-label={t("where.label")}>
      <p className="where-title">
        <Icon name={tone === "good" ? "check" : tone === "warn" ? "question" : "info"} />
        {title}
      </p>
      {children}
    </section>
  );
}
