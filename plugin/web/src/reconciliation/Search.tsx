import { useCallback, useState } from "react";
import { useOrderSuggestions, usePatientSuggestions } from "../api/reconciliation";
import { SearchField } from "../components/Fields";
import { Mrn, OrNone, PersonName } from "../components/values";
import { t } from "../i18n";
import { ofOrder, ofPatient, type Choice } from "./choice";

/** Somebody the server did not think of: any order, or any patient with or without a new order. */
export function Search({ isBusy, onChoose }: { isBusy: boolean; onChoose: (choice: Choice) => void }) {
  const [q, setQ] = useState("");
  const search = useCallback((text: string) => setQ(text), []);
  const orders = useOrderSuggestions(q);
  const patients = usePatientSuggestions(q);
  const problem = orders.error ?? patients.error;
  const found = (orders.data?.length ?? 0) + (patients.data?.length ?? 0);
  return (
    <div className="stack-small">
      <h3>{t("reconciliation.search.title")}</h3>
      <SearchField label={t("reconciliation.search")} hint={t("reconciliation.search.hint")} value={q} onChange={search} />
      <p role="status" className="small muted">
        {q === "" ? "" : problem ? t("error.network.text") : orders.isFetching || patients.isFetching ? t("app.loading") : found === 0 ? t("reconciliation.search.none") : ""}
      </p>
      {q !== "" && (
        <ul className="suggestions">
          {orders.data?.map((order) => (
            <li key={order.id}>
              <span>
                <PersonName name={order.patient_name} />
                <span className="second">
                  <Mrn mrn={order.mrn} /> · {order.accession_number} · <OrNone>{order.description}</OrNone>
                </span>
              </span>
              <button type="button" className="button button-small" disabled={isBusy} aria-label={t("reconciliation.link_order.label", { accession: order.accession_number })} onClick={() => onChoose(ofOrder(order))}>
                {t("reconciliation.link_order")}
              </button>
            </li>
          ))}
          {patients.data?.map((patient) => (
            <li key={patient.id}>
              <span>
                <bdi>{ofPatient(patient, "link").patient}</bdi>
                <span className="second">
                  <Mrn mrn={patient.mrn} />
                </span>
              </span>
              <span className="actions">
                <button type="button" className="button button-small" disabled={isBusy} aria-label={t("reconciliation.new_order.label", { mrn: patient.mrn })} onClick={() => onChoose(ofPatient(patient, "create-order"))}>
                  {t("reconciliation.new_order")}
                </button>
                <button type="button" className="button button-small" disabled={isBusy} aria-label={t("reconciliation.link_patient.label", { mrn: patient.mrn })} onClick={() => onChoose(ofPatient(patient, "link"))}>
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
