/** Correct what a study's files say of themselves, as far as that may be corrected; the rest is shown and stays. */
import { useId, useState, type FormEvent } from "react";
import { Dialog } from "../components/Dialog";
import { Fact, Facts } from "../components/Facts";
import { OrNone } from "../components/values";
import { known, t } from "../i18n";
import { FIELD, MODIFIABLE, type Modifiable } from "./choice";
import type { StudyDraft } from "./group";
import type { Header } from "./read/header";
import { snake } from "../i18n/fieldName";

const LONGEST: Record<Modifiable, number> = { PatientID: 64, PatientName: 64, AccessionNumber: 16, StudyDate: 8 };

interface Props {
  study: StudyDraft;
  tags: Readonly<Record<string, string>>;
  onSave: (tags: Record<string, string>) => void;
  onClose: () => void;
}

export function TagEditor({ study, tags, onSave, onClose }: Props) {
  const id = useId();
  const [values, setValues] = useState(() => initial(study.header, tags));
  const wrongDate = values.StudyDate !== "" && !isDate(values.StudyDate);

  const save = (event: FormEvent) => {
    event.preventDefault();
    if (wrongDate) return;
    onSave(Object.fromEntries(MODIFIABLE.filter((each) => values[each] !== study.header[FIELD[each]]).map((each) => [each, values[each]])));
  };

  return (
    <Dialog title={t("tags.title")} wide onClose={onClose}>
      <form className="stack" onSubmit={save} noValidate>
        <p className="muted">{t("tags.text")}</p>
        {MODIFIABLE.map((each) => (
          <div className="field" key={each}>
            <label htmlFor={`${id}-${each}`}>{known("field", snake(each))}</label>
            <input
              id={`${id}-${each}`}
              value={values[each]}
              maxLength={LONGEST[each]}
              autoComplete="off"
              spellCheck={false}
              aria-invalid={each === "StudyDate" && wrongDate ? true : undefined}
              aria-describedby={each === "StudyDate" ? `${id}-date` : undefined}
              onChange={(event) => setValues({ ...values, [each]: event.target.value })}
            />
            {each === "StudyDate" && (
              <p id={`${id}-date`} className={wrongDate ? "text-bad small" : "muted small"}>
                {t("tags.date")}
              </p>
            )}
          </div>
        ))}
        <section aria-label={t("tags.fixed")} className="stack-small fixed-tags">
          <h3>{t("tags.fixed")}</h3>
          <Facts>
            <Fact label={known("field", "study_instance_uid") ?? ""}>{study.uid}</Fact>
            <Fact label={known("field", "modality") ?? ""}>
              <OrNone>{study.header.modality}</OrNone>
            </Fact>
            <Fact label={t("tags.institution")}>
              <OrNone>{study.header.institution}</OrNone>
            </Fact>
            <Fact label={t("tags.series_and_images")}>
              {t("count.images_in_series", {
                images: t("count.images", { count: study.fileIds.length }),
                series: t("count.series", { count: study.series.length }),
              })}
            </Fact>
          </Facts>
        </section>
        <div className="actions">
          <button type="button" className="button" onClick={onClose}>
            {t("pick.close")}
          </button>
          <button type="submit" className="button button-primary">
            {t("tags.save")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function initial(header: Header, tags: Readonly<Record<string, string>>): Record<Modifiable, string> {
  return Object.fromEntries(MODIFIABLE.map((each) => [each, tags[each] ?? header[FIELD[each]]])) as Record<Modifiable, string>;
}

/** An existing day as DICOM writes it. */
function isDate(value: string): boolean {
  const found = /^(\d{4})(\d{2})(\d{2})$/.exec(value);
  if (!found) return false;
  const day = new Date(`${found[1]}-${found[2]}-${found[3]}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().slice(0, 10).replaceAll("-", "") === value;
}
