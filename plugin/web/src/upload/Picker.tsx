/** Choose the order or patient that files are meant for: search as you type, orders before patients. */
import { useCallback, useState } from "react";
import { useOrderSearch, usePatientSearch } from "../api/patients";
import { useServices } from "../services";
import type { Order, Patient } from "../api/types";
import { Dialog } from "../components/Dialog";
import { describe } from "../components/ErrorState";
import { SearchField } from "../components/Fields";
import { Instant, OrderStatus, PersonName } from "../components/values";
import { formatDay, t } from "../i18n";
import { nameOf, type Link } from "./choice";

interface Props {
  /** What the files say, to begin with. */
  hint: string;
  onPick: (link: Link) => void;
  onClose: () => void;
}

export function Picker({ hint, onPick, onClose }: Props) {
  const [q, setQ] = useState(hint);
  const search = useCallback((text: string) => setQ(text), []);
  const orders = useOrderSearch(q);
  const patients = usePatientSearch(q);
  const { ask } = useServices();
  const [failed, setFailed] = useState<Error | null>(null);
  const open = (orders.data ?? []).filter(({ status }) => status !== "cancelled");
  const found = patients.data ?? [];
  const error = failed ?? orders.error ?? patients.error;

  const pickOrder = async (order: Order) => {
    try {
      // The patient as well: what disagrees with the files must be seen before they are sent.
      onPick({ kind: "order", order, patient: await ask<Patient>(`patients/${encodeURIComponent(order.patient_id)}`) });
    } catch (problem) {
      setFailed(problem as Error);
    }
  };

  return (
    <Dialog title={t("pick.title")} wide onClose={onClose}>
      <SearchField label={t("orders.search")} hint={t("orders.search.hint")} value={q} onChange={search} />
      {error && <p role="alert" className="text-bad">{describe(error).title}</p>}
      <p role="status" className="muted small">
        {q === "" ? t("pick.begin") : t("pick.found", { orders: open.length, patients: found.length })}
      </p>
      {q !== "" && (
        <div className="pick-lists">
          <Group title={t("pick.orders")}>
            {open.map((order) => (
              <Row key={order.id} onClick={() => void pickOrder(order)}>
                <span>
                  <strong>
                    <PersonName name={order.patient_name} />
                  </strong>{" "}
                  <span className="number">{order.accession_number}</span> <OrderStatus status={order.status} />
                </span>
                <span className="muted small number">
                  {t("patient.mrn.value", { mrn: order.mrn })} · {order.modality} · {order.description} · <Instant iso={order.scheduled_at} />
                </span>
              </Row>
            ))}
          </Group>
          <Group title={t("pick.patients")}>
            {found.map((patient) => (
              <Row key={patient.id} onClick={() => onPick({ kind: "patient", patient })}>
                <strong>
                  <PersonName name={nameOf(patient)} />
                </strong>
                <span className="muted small number">
                  {t("patient.mrn.value", { mrn: patient.mrn })}
                  {patient.birth_date && ` · ${t("review.born", { date: formatDay(patient.birth_date) })}`}
                </span>
              </Row>
            ))}
          </Group>
        </div>
      )}
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>
          {t("pick.close")}
        </button>
      </div>
    </Dialog>
  );
}

function Group({ title, children }: { title: string; children: React.ReactNode[] }) {
  if (children.length === 0) return null;
  return (
    <section className="stack-small">
      <h3>{title}</h3>
      <ul className="pick">{children}</ul>
    </section>
  );
}

function Row({ onClick, children }: { onClick: () => void; children: React.ReactNode }) {
  return (
    <li>
      <button type="button" className="pick-row" onClick={onClick}>
        {children}
      </button>
    </li>
  );
}
