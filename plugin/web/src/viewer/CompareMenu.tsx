import { useId } from "react";
import type { Study } from "../api/types";
import { modalitiesOf } from "../components/values";
import { formatDay, t } from "../i18n";

interface Props {
  others: readonly Study[];
  /** A study's UID, "priors", or "" for this study alone. */
  value: string;
  onChange: (value: string) => void;
}

/** What stands beside the study: nothing, one picked study of the patient, or the earlier ones of the same kind. */
export function CompareMenu({ others, value, onChange }: Props) {
  const id = useId();
  const known = value === "" || value === "priors" || others.some(({ study_instance_uid: uid }) => uid === value);
  if (others.length === 0 && value === "") return null;
  return (
    <div className="viewer-compare">
      <label htmlFor={id}>{t("viewer.beside")}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.target.value)}>
        <option value="">{t("viewer.beside.none")}</option>
        <option value="priors">{t("viewer.beside.priors")}</option>
        {!known && <option value={value}>{t("viewer.beside.other")}</option>}
        {others.map((study) => (
          <option key={study.study_instance_uid} value={study.study_instance_uid}>
            {[study.study_date && formatDay(study.study_date), modalitiesOf(study.modalities), study.study_description].filter(Boolean).join(" · ")}
          </option>
        ))}
      </select>
    </div>
  );
}
