/** What was made: every series of a study with a picture, and what a radiographer checks. */
import { useState } from "react";
import { useMadeFacts, useMadeImages, useMadePicture } from "../api/made";
import { isOfImages } from "../api/objects";
import { useSeries, type Series } from "../api/study";
import { useMay } from "../auth/permissions";
import { Blank } from "../components/Blank";
import { ErrorState } from "../components/ErrorState";
import { Icon } from "../components/Icon";
import { useObjectUrl, useSeen } from "../components/Thumbnail";
import { known, t } from "../i18n";
import { bodyPartOf, lateralityOf, windowsOf } from "./facts";
import { QuickLook } from "./QuickLook";
import "../styles/made.css";

/** Nothing for who may not see images. */
export function MadeImages({ study }: { study: string }) {
  return useMay("view") ? <Strip study={study} /> : null;
}

/** The same where it is not what the page is about: it is asked for when somebody opens it. */
export function MadeDetails({ study }: { study: string }) {
  const [isOpen, setOpen] = useState(false);
  if (!useMay("view")) return null;
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t("made.title")}</summary>
      {isOpen && <Strip study={study} />}
    </details>
  );
}

/** The same as a part of a page. */
export function MadePanel({ study }: { study: string }) {
  if (!useMay("view")) return null;
  return (
    <section className="panel" aria-labelledby="made-title">
      <h2 id="made-title">{t("made.title")}</h2>
      <Strip study={study} />
    </section>
  );
}

function Strip({ study }: { study: string }) {
  const series = useSeries(study);
  const [opened, setOpened] = useState<Series | null>(null);
  if (series.error) return <ErrorState error={series.error} onRetry={() => void series.refetch()} />;
  if (!series.data) return <p className="muted" role="status">{t("app.loading")}</p>;
  if (series.data.length === 0) return <Blank title={t("study.series.none.title")} text={t("study.series.none.text")} />;
  return (
    <>
      <ul className="made" aria-label={t("made.title")}>
        {series.data.map((each) => (
          <li key={each.series_instance_uid}>
            <Tile study={study} series={each} onOpen={() => setOpened(each)} />
          </li>
        ))}
      </ul>
      {opened && <QuickLook study={study} series={opened} onClose={() => setOpened(null)} />}
    </>
  );
}

function Tile({ study, series, onOpen }: { study: string; series: Series; onOpen: () => void }) {
  const isImages = isOfImages(series.modality);
  const uid = series.series_instance_uid;
  const [place, isSeen] = useSeen();
  const images = useMadeImages(study, uid, isImages && isSeen);
  const middle = images.data?.[Math.floor(images.data.length / 2)];
  const facts = useMadeFacts(study, uid, middle?.instance);
  const picture = useObjectUrl(useMadePicture(study, uid, middle, { side: 160 }).data);
  const [window] = windowsOf(facts.data);
  const said = [bodyPartOf(facts.data), sideWord(lateralityOf(facts.data)), window && t("made.window", { center: window[0], width: window[1] })];
  const name = series.description || t("studies.untitled");
  const content = (
    <>
      <span className="made-picture" ref={place}>
        {picture ? <img src={picture} alt="" /> : <Icon name="images" />}
      </span>
      <span className="made-words">
        <bdi className="made-name">{name}</bdi>
        <span className="small number">
          {[series.number !== null && t("made.number", { number: String(series.number) }), series.modality, t("count.images", { count: series.number_of_instances })].filter(Boolean).join(" · ")}
        </span>
        <span className="small muted number">{said.filter(Boolean).join(" · ")}</span>
      </span>
    </>
  );
  if (!isImages) return <div className="made-tile made-still">{content}</div>;
  return (
    <button type="button" className="made-tile" onClick={onOpen}>
      <span className="visually-hidden">{t("made.look.open")}</span>
      {content}
    </button>
  );
}

/** R and L in words, anything else as it is. */
function sideWord(code: string): string {
  return known("made.side", code) || code;
}
