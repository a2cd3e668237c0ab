/** One study before it is sent: what it is, whose it would become, what would change, and what can be decided. */
import { useState } from "react";
import { ChangeTable } from "../components/ChangeTable";
import { Doubts } from "../components/Doubts";
import { Notice } from "../components/Notice";
import { Day, OrNone } from "../components/values";
import { nameOf } from "../components/whom";
import { formatBytes, t, word } from "../i18n";
import { fieldName, snake } from "../i18n/fieldName";
import { personName } from "../i18n/person";
import { reasonOf } from "../i18n/reason";
import { corrections, type Choice, type Link } from "./choice";
import { useUploadServices } from "./context";
import { Destination } from "./Destination";
import type { StudyDraft } from "./group";
import { Picker } from "./Picker";
import { isAskedTogether, type Reviewed } from "./review";
import type { Header } from "./read/header";
import { SeriesList } from "./SeriesList";
import { TagEditor } from "./TagEditor";
import { isoDay, titleOf } from "./words";

interface Props {
  study: StudyDraft;
  choice: Choice;
  pictures: ReadonlyMap<string, string>;
  reviewed: Reviewed;
  /** What was chosen is the decision for all studies of the patient, which is named above. */
  follows: boolean;
}

export function StudyCard({ study, choice, pictures, reviewed, follows }: Props) {
  const { desk } = useUploadServices();
  const [open, setOpen] = useState<"picker" | "tags" | null>(null);
  const choose = (change: Partial<Choice>) => desk.choose(study.uid, change);
  const title = titleOf(study);
  const close = () => setOpen(null);
  const corrected = corrections(study.header, choice.tags);
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
      {!choice.include && choice.leftOut && <LeftOut choice={choice} reviewed={reviewed} onChoose={choose} onPick={() => setOpen("picker")} />}
      {choice.include && (
        <>
          {study.mixed.length > 0 && (
            <Notice kind="warn" title={t("review.mixed.title")}>
              <p>{t("review.mixed.text", { fields: study.mixed.map(fieldName).join(", ") })}</p>
            </Notice>
          )}
          <Destination reviewed={reviewed} link={choice.link} brief={follows} onLink={(link) => choose({ link, confirmed: "" })} />
          {corrected.length > 0 && <ChangeTable caption={t("review.changes", { count: corrected.length })} after={t("review.changes.after")} changes={corrected} />}
          {!(follows && isAskedTogether(reviewed)) && <Question reviewed={reviewed} confirmed={choice.confirmed === reviewed.question} onConfirm={(confirmed) => choose({ confirmed })} />}
          <div className="actions">
            <button type="button" className="button button-small" onClick={() => setOpen("picker")}>
              {t("review.pick")}
            </button>
            <button type="button" className="button button-small" onClick={() => setOpen("tags")}>
              {t("review.tags")}
            </button>
            {choice.link.kind !== "automatic" && (
              <button type="button" className="button button-small" onClick={() => choose({ link: { kind: "automatic" }, confirmed: "" })}>
                {t("review.automatic")}
              </button>
            )}
          </div>
        </>
      )}
      {open === "picker" && (
        <Picker
          hint={hintOf(study.header)}
          onPick={(link: Link) => {
            choose({ link, include: true, confirmed: "" });
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
            choose({ tags, confirmed: "" });
            close();
          }}
          onClose={close}
        />
      )}
    </article>
  );
}

/** Why a study is not sent with the others, and what can be done about it. */
function LeftOut({ choice: { link }, reviewed: { doubts, shown }, onChoose, onPick }: { choice: Choice; reviewed: Reviewed; onChoose: (change: Partial<Choice>) => void; onPick: () => void }) {
  const patient = link.kind === "order" ? link.patient : null;
  return (
    <Notice kind="warn" title={t("review.left_out.title")}>
      <ul className="doubts" aria-label={t("review.left_out.title")}>
        {doubts.map((doubt) => (
          <li key={`${doubt.field} ${doubt.detail}`}>
            <strong>{word("field", snake(doubt.field))}</strong>: {reasonOf(doubt)}
          </li>
        ))}
        {doubts.length === 0 && shown?.refused && <li>{shown.refused.message}</li>}
      </ul>
      <p>{t("review.left_out.text")}</p>
      <div className="actions">
        {patient && (
          <button type="button" className="button button-small" onClick={() => onChoose({ link: { kind: "patient", patient }, include: true, confirmed: "" })}>
            {t("review.left_out.patient", { patient: personName(nameOf(patient)) || t("patient.unknown") })}
          </button>
        )}
        <button type="button" className="button button-small" onClick={onPick}>
          {t("review.pick")}
        </button>
      </div>
    </Notice>
  );
}

/** What is really in doubt, by name, and the person's word that it was looked at. */
function Question({ reviewed, confirmed, onConfirm }: { reviewed: Reviewed; confirmed: boolean; onConfirm: (question: string) => void }) {
  const { state, doubts, question } = reviewed;
  if (!question) return null;
  const words = state === "apart" ? "apart" : state === "unknown" ? "unseen" : "conflict";
  return (
    <Doubts
      title={t(`review.${words}.title`)}
      doubts={state === "apart" ? [] : doubts}
      confirm={t(`review.${words}.confirm`)}
      confirmed={confirmed}
      onConfirm={(said) => onConfirm(said ? question : "")}
    >
      <p>{t(`review.${words}.text`)}</p>
    </Doubts>
  );
}

/** What somebody would look for first. */
export function hintOf({ patientId, patientName }: Header): string {
  return patientId || personName(patientName).split(",")[0] || "";
}
