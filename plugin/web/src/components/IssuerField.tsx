import { useAuthorities } from "../api/authorities";
import { t } from "../i18n";
import { SelectField } from "./Fields";

/** Whose numbers a number is looked for among; not there where all are of one authority. */
export function IssuerField({ value, onChange }: { value: string; onChange: (issuer: string) => void }) {
  const { names } = useAuthorities();
  if (names.length === 0) return null;
  const options = [{ value: "", label: t("issuer.any") }, ...names.map((name) => ({ value: name, label: name }))];
  return <SelectField label={t("issuer")} value={value} options={options} onChange={onChange} />;
}
