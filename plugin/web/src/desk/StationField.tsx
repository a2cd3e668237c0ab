import { useStations } from "../api/desk";
import { SelectField } from "../components/Fields";
import { t } from "../i18n";

/** The device of a step, of those that ask for the worklist; what an order names already stays, whatever is registered. */
export function StationField({ value, onChange }: { value: string; onChange: (aeTitle: string) => void }) {
  const stations = useStations();
  const known = stations.map(({ ae_title, description }) => ({ value: ae_title, label: description ? `${ae_title} – ${description}` : ae_title }));
  const unknown = value && !stations.some(({ ae_title }) => ae_title === value) ? [{ value, label: value }] : [];
  return <SelectField label={t("desk.order.station")} value={value} options={[{ value: "", label: t("desk.order.station.any") }, ...known, ...unknown]} onChange={onChange} />;
}
