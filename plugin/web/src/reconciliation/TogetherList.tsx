import { useId } from "react";
import { Day } from "../components/values";
import { t } from "../i18n";
import { studyWhat } from "../study/words";
import { isDoubted, type Together } from "./together";

interface Props {
  others: readonly Together[];
  chosen: ReadonlySet<string>;
  onChange: (chosen: ReadonlySet<string>) => void;
}

/** The other waiting studies of the person, each with what the decision does for it; what does not agree is left out. */
export function TogetherList({ others, chosen, onChange }: Props) {
  const id = useId();
  if (others.length === 0) return null;
  const change = (uid: string, isChosen: boolean) => {
    const next = new Set(chosen);
    if (isChosen) next.add(uid);
    else next.delete(uid);
    onChange(next);
  };
  return (
    <fieldset className="boxes">
      <legend>{t("together.title")}</legend>
      {others.map(({ item, candidate }) => {
        const { study } = item;
        const uid = study.study_instance_uid;
        const leftOut = t(isDoubted(item) ? "together.doubted" : "together.left_out");
        return (
          <label key={uid} htmlFor={`${id}-${uid}`} className="box">
            <input id={`${id}-${uid}`} type="checkbox" disabled={candidate === null} checked={chosen.has(uid)} onChange={({ target }) => change(uid, target.checked)} />
            <span>
              {studyWhat(study)} · <Day iso={study.study_date} /> · {t("count.images", { count: study.number_of_instances })}
              <span className="small muted">
                {" "}
                {candidate === null ? leftOut : candidate.accession_number ? t("together.order", { accession: candidate.accession_number }) : t("together.patient")}
              </span>
            </span>
          </label>
        );
      })}
    </fieldset>
  );
}
