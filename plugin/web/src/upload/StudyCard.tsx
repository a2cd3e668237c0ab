/** One study before it is sent: what it is, whose it would become, what would change, and what can be decided. */
import { useState } from "react";
import type { Prediction } from "../api/match";
import { Notice } from "../components/Notice";
import { Day, modalitiesOf, OrNone } from "../components/values";
import { formatBytes, t } from "../i18n";
import { fieldName } from "../i18n/fieldName";
import { personName } from "../i18n/person";
import { useServices } from "../services";
import { changes, corrected, needsConfirmation, type Choice, type Link } from "./choice";
import { ChangesTable } from "./ChangesTable";
import { Destination } from "./Destination";
import type { StudyDraft } from "./group";
import { Picker } from "./Picker";
import { SeriesList } from "./SeriesList";
import { TagEditor } from "./TagEditor";
import { isoDay } from "./words";

interface Props {
  study: StudyDraft;
  choice: Choice;
  pictures: ReadonlyMap<string, string>;
  asking: boolean;
  prediction: Prediction | null;
}

export function StudyCard({ study, choice, pictures, asking, prediction }: Props) {
  const { desk } = useServices();
  const [open, setOpen] = useState<"picker" | "tags" | null>(null);
  const choose = (change: Partial<Choice>) => desk.choose(study.uid, change);
  const title = titleOf(study);
  const close = () => setOpen(null);
  return (
    <article className={choice.include ? "panel study" : "panel study study-out"} aria-label={title}>
      <header className="study-head">
        <div>
          <h3>{title}</h3>
          <p className="muted number">
            <Day iso={isoDay(study.header.studyDate)} /> · {t("send.files", { count: study.fileIds.length })} · {formatBytes(study.bytes)} ·{" "}
            {t("review.accession")} <OrNone>{study.header.accessionNumber}</OrNone>
          </p>
        </div>
        <label className="check">
          <input type="checkbox" checked={choice.include} onChange={(event) => choose({ include: event.target.checked })} />
          {t("review.include")}
        </label>
      </header>
      <SeriesList series={study.series} pictures={pictures} />
      {choice.include && (
        <>
          {study.mixed.length > 0 && (
            <Notice kind="bad" title={t("review.mixed.title")}>
              <p>{t("review.mixed.text", { fields: study.mixed.map(fieldName).join(", ") })}</p>
            </Notice>
          )}
          <Destination
            header={corrected(study.header, choice.tags)}
            link={choice.link}
            asking={asking}
            prediction={prediction}
            onLink={(link) => choose({ link, confirmed: false })}
          />
          <Decided study={study} choice={choice} onConfirm={(confirmed) => choose({ confirmed })} />
          <div className="actions">
            <button type="button" className="button button-small" onClick={() => setOpen("picker")}>
              {t("review.pick")}
            </button>
            <button type="button" className="button button-small" onClick={() => setOpen("tags")}>
              {t("review.tags")}
            </button>
            {choice.link.kind !== "automatic" && (
              <button type="button" className="button button-small" onClick={() => choose({ link: { kind: "automatic" }, confirmed: false })}>
                {t("review.automatic")}
              </button>
            )}
          </div>
        </>
      )}
      {open === "picker" && (
        <Picker
          hint={study.header.patientId || personName(study.header.patientName).split(",")[0] || ""}
          onPick={(link: Link) => {
            choose({ link, confirmed: false });
            close();
          }}
          onClose={close}
        />
      )}
      {open === "tags" && (
        <TagEditor
          study={study}
          tags={choice.tags}
          onSave={(tags) => {
            choose({ tags, confirmed: false });
            close();
          }}
          onClose={close}
        />
      )}
    </article>
  );
}

/** What follows from the person's own choice; what follows from the server's is in Destination. */
function Decided({ study, choice, onConfirm }: { study: StudyDraft; choice: Choice; onConfirm: (confirmed: boolean) => void }) {
  const { link, tags } = choice;
  const patient = link.kind === "automatic" ? null : link.patient;
  const listed = changes(study.header, patient, link.kind === "order" ? link.order : null, tags);
  const question = needsConfirmation({ ...choice, confirmed: false }, listed, study.mixed.length > 0);
  return (
    <>
      {listed.length > 0 && <ChangesTable changes={listed} />}
      {question && (
        <Notice kind="bad" title={t("review.conflict.title")}>
          <p>{t("review.conflict.text")}</p>
          <label className="check">
            <input type="checkbox" checked={choice.confirmed} onChange={(event) => onConfirm(event.target.checked)} />
            {t("review.conflict.confirm")}
          </label>
        </Notice>
      )}
    </>
  );
}

function titleOf(study: StudyDraft): string {
  const modalities = modalitiesOf([...new Set(study.series.map(({ modality }) => modality).filter(Boolean))]);
  return [modalities, study.header.studyDescription || t("studies.untitled")].filter(Boolean).join(" · ");
}
