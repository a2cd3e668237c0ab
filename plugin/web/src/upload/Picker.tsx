/** Choose the order or patient that files are meant for: search as you type, orders before patients. */
import { useCallback, useState } from "react";
import { useApi } from "../api/context";
import { NOT_CANCELLED, useOrderSearch, usePatientSearch } from "../api/patients";
import type { Order, Patient } from "../api/types";
import { Dialog } from "../components/Dialog";
import { describe } from "../components/ErrorState";
import { SearchField } from "../components/Fields";
import { Cut } from "../components/Cut";
import { Person } from "../components/Person";
import { Instant, OrderStatus } from "../components/values";
import { namesakes, ofNamed, ofPatient } from "../components/whom";
import { t } from "../i18n";
import type { Link } from "./choice";

interface Props {
  /** What the files say, to begin with. */
  hint: string;
  onPick: (link: Link) => void;
  onClose: () => void;
}

export function Picker({ hint, onPick, onClose }: Props) {
  const [q, setQ] = useState(hint);
  const search = useCallback((text: string) => setQ(text), []);
  const orders = useOrderSearch(q, NOT_CANCELLED);
  const patients = usePatientSearch(q);
  const { ask } = useApi();
  const [failed, setFailed] = useState<Error | null>(null);
  const open = orders.data?.items ?? [];
  const found = patients.data?.items ?? [];
  const isNamesake = namesakes([...open.map(ofNamed), ...found.map(ofPatient)]);
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
        {q === "" ? t("pick.begin") : t("pick.found", { orders: orders.data?.total ?? 0, patients: patients.data?.total ?? 0 })}
      </p>
      {q !== "" && (
        <div className="pick-lists">
          <Group title={t("pick.orders")} what="orders" total={orders.data?.total ?? 0}>
            {open.map((order) => (
              <Row key={order.id} onClick={() => void pickOrder(order)}>
                <Person whom={ofNamed(order)} isNamesake={isNamesake(ofNamed(order))}>
                  <span className="number">{order.accession_number}</span> <OrderStatus status={order.status} /> {order.modality} · {order.description} ·{" "}
                  <Instant iso={order.scheduled_at} />
                </Person>
              </Row>
            ))}
          </Group>
          <Group title={t("pick.patients")} what="patients" total={patients.data?.total ?? 0}>
            {found.map((patient) => (
              <Row key={patient.id} onClick={() => onPick({ kind: "patient", patient })}>
                <Person whom={ofPatient(patient)} isNamesake={isNamesake(ofPatient(patient))} />
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

function Group({ title, what, total, children }: { title: string; what: "orders" | "patients"; total: number; children: React.ReactNode[] }) {
  if (children.length === 0) return null;
  return (
    <section className="stack-small">
      <h3>{title}</h3>
      <Cut shown={children.length} total={total} what={what} />
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
