import { formatBytes, t } from "../i18n";
import type { SeriesDraft } from "./group";

const SHOWN = 12;

/** The series of a study, each with a small picture where one could be made. */
export function SeriesList({ series, pictures }: { series: readonly SeriesDraft[]; pictures: ReadonlyMap<string, string> }) {
  return (
    <ul className="series" aria-label={t("review.series")}>
      {series.slice(0, SHOWN).map((each) => {
        const picture = pictures.get(each.uid);
        return (
          <li key={each.uid}>
            <span className="thumb">{picture ? <img src={picture} alt="" /> : each.modality}</span>
            <span className="series-words">
              <bdi>{each.description || t("review.series.number", { number: each.number || "–" })}</bdi>
              <span className="muted small number">
                {t("count.images", { count: each.files })} · {formatBytes(each.bytes)}
              </span>
            </span>
          </li>
        );
      })}
      {series.length > SHOWN && <li className="muted">{t("review.series.more", { count: series.length - SHOWN })}</li>}
    </ul>
  );
}
