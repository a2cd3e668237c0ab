/** Correct what a study's files say of themselves, as far as that may be corrected; the rest is shown and stays. */
import { useState, type FormEvent } from "react";
import { Dialog } from "../components/Dialog";
import { Fact, Facts } from "../components/Facts";
import { OrNone } from "../components/values";
import { known, t } from "../i18n";
import { CorrectionFields } from "../corrections/CorrectionFields";
import { useSide } from "../corrections/SideConfirm";
import { hasComma } from "../corrections/nameParts";
import { isSame } from "../corrections/values";
import { FIELD, MODIFIABLE, type Modifiable } from "./choice";
import type { StudyDraft } from "./group";
import type { Header } from "./read/header";

interface Props {
  study: StudyDraft;
  tags: Readonly<Record<string, string>>;
  onSave: (tags: Record<string, string>) => void;
  onClose: () => void;
}

export function TagEditor({ study, tags, onSave, onClose }: Props) {
  const [values, setValues] = useState(() => initial(study.header, tags));

  const [tried, setTried] = useState(false);
  const side = useSide(study.header.laterality, values.Laterality, tried);
  // What single images say of their side is not what the study says of all.
  const saidByImages = study.variants.some(({ imageLaterality }) => imageLaterality !== "");

  const save = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (side.isOpen) return;
    if (values.PatientName !== study.header.patientName && hasComma(values.PatientName)) return;
    onSave(Object.fromEntries(MODIFIABLE.filter((each) => !isSame(each, values[each], study.header[FIELD[each]])).map((each) => [each, values[each]])));
  };

  return (
    <Dialog title={t("tags.title")} wide onClose={onClose}>
      <form className="stack" onSubmit={save} noValidate>
        <p className="muted">{t("tags.text")}</p>
        <CorrectionFields
          fields={MODIFIABLE.map((tag) => ({ tag, fixed: tag === "Laterality" && saidByImages ? t("correction.side.fixed") : null }))}
          values={values}
          onChange={(tag, value) => setValues((before) => ({ ...before, [tag]: value }))}
        />
        {side.question}
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
