import { useCallback, useState } from "react";
import { NOT_CANCELLED, useOrderSearch, usePatientSearch } from "../api/patients";
import { Cut } from "../components/Cut";
import { SearchField } from "../components/Fields";
import { Person } from "../components/Person";
import { OrderStatus, OrNone } from "../components/values";
import { useNumbers } from "../components/useNumbers";
import { namesakes, ofNamed, ofPatient as whomOfPatient } from "../components/whom";
import { t } from "../i18n";
import { ofOrder, ofPatient, type Choice } from "./choice";

interface Props {
  isBusy: boolean;
  title?: string;
  /** Whether an order can be created for a patient who is found. */
  canCreate?: boolean;
  onChoose: (choice: Choice) => void;
}

/** Somebody the server did not think of: any order, or any patient with or without a new order. */
export function Search({ isBusy, title = t("reconciliation.search.title"), canCreate = true, onChoose }: Props) {
  const [q, setQ] = useState("");
  const numbers = useNumbers();
  const search = useCallback((text: string) => setQ(text), []);
  const orders = useOrderSearch(q, NOT_CANCELLED);
  const patients = usePatientSearch(q);
  const problem = orders.error ?? patients.error;
  const open = orders.data?.items ?? [];
  const known = patients.data?.items ?? [];
  const found = open.length + known.length;
  const isNamesake = namesakes([...open.map(ofNamed), ...known.map(whomOfPatient)]);
  return (
    <div className="stack-small">
      <h3>{title}</h3>
      <SearchField label={t("reconciliation.search")} hint={t("reconciliation.search.hint")} value={q} onChange={search} />
      <p role="status" className="small muted">
        {q === "" ? "" : problem ? t("error.network.text") : orders.isFetching || patients.isFetching ? t("app.loading") : found === 0 ? t("reconciliation.search.none") : ""}
      </p>
      {q !== "" && !problem && (
        <>
          <Cut shown={open.length} total={orders.data?.total ?? 0} what="orders" />
          <Cut shown={known.length} total={patients.data?.total ?? 0} what="patients" />
        </>
      )}
      {q !== "" && (
        <ul className="suggestions">
          {open.map((order) => (
            <li key={order.id}>
              <Person whom={ofNamed(order)} isNamesake={isNamesake(ofNamed(order))}>
                <span className="number">{order.accession_number}</span> <OrderStatus status={order.status} /> {order.modality} · <OrNone>{order.description}</OrNone>
              </Person>
              <button type="button" className="button button-small" disabled={isBusy} aria-label={t("reconciliation.link_order.label", { accession: order.accession_number })} onClick={() => onChoose(ofOrder(order))}>
                {t("reconciliation.link_order")}
              </button>
            </li>
          ))}
          {known.map((patient) => (
            <li key={patient.id}>
              <Person whom={whomOfPatient(patient)} isNamesake={isNamesake(whomOfPatient(patient))} />
              <span className="actions">
                {canCreate && (
                  <button type="button" className="button button-small" disabled={isBusy} aria-label={t("reconciliation.new_order.label", { mrn: numbers.mrn(patient) })} onClick={() => onChoose(ofPatient(patient, "create-order"))}>
                    {t("reconciliation.new_order")}
                  </button>
                )}
                <button type="button" className="button button-small" disabled={isBusy} aria-label={t("reconciliation.link_patient.label", { mrn: numbers.mrn(patient) })} onClick={() => onChoose(ofPatient(patient, "link"))}>
                  {t("reconciliation.link_patient")}
                </button>
              </span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
