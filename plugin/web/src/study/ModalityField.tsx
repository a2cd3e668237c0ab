import { SelectField } from "../components/Fields";
import { t } from "../i18n";
import { MODALITIES } from "./listFilter";

/** Narrows a list of studies to those with one modality; "" is all of them. */
export function ModalityField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  return (
    <SelectField
      label={t("column.modality")}
      value={value}
      options={[{ value: "", label: t("studies.modality.all") }, ...MODALITIES.map((each) => ({ value: each, label: each }))]}
      onChange={onChange}
    />
  );
}
