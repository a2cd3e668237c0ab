import { MomentField } from "../components/DateField";
import { TextField } from "../components/TextField";
import { NameFields } from "../corrections/NameFields";
import { saidOf } from "../desk/typed";
import { t } from "../i18n";
import type { TypedNewOrder } from "./newOrder";

interface Props {
  typed: TypedNewOrder;
  onChange: (typed: TypedNewOrder) => void;
  error: Error | null;
}

/** The order to be created, filled with what the images say. */
export function NewOrderFields({ typed, onChange, error }: Props) {
  const set = (field: keyof TypedNewOrder) => (value: string) => onChange({ ...typed, [field]: value });
  return (
    <fieldset className="boxes">
      <legend>{t("desk.order.from_images")}</legend>
      <div className="desk-fields">
        <TextField label={t("field.accession_number")} value={typed.accession_number} onChange={set("accession_number")} maxLength={16} hint={t("desk.order.accession.hint")} problem={saidOf(error, "accession_number")} />
        <TextField label={t("order.description")} value={typed.description} onChange={set("description")} problem={saidOf(error, "description")} />
        <TextField label={t("order.modality")} value={typed.modality} onChange={set("modality")} maxLength={16} problem={saidOf(error, "modality")} />
        <MomentField label={t("order.scheduled_at")} value={typed.scheduled_at} onChange={set("scheduled_at")} />
      </div>
      <NameFields legend={t("order.ordered_by")} value={typed.ordered_by} onChange={set("ordered_by")} />
      {saidOf(error, "ordered_by") && <p className="small text-bad">{saidOf(error, "ordered_by")}</p>}
    </fieldset>
  );
}
