/** Two patients in one study: images are picked, their owner is found, and what would happen is said before it does. */
import { useState } from "react";
import { useSeries, type Series } from "../api/study";
import { useMadeImages, useMadePicture, type MadeImage } from "../api/made";
import { isOfImages } from "../api/objects";
import { useMay } from "../auth/permissions";
import { Icon } from "../components/Icon";
import { useObjectUrl, useSeen } from "../components/Thumbnail";
import { t } from "../i18n";
import { asWish, countOf, isPicked, NOTHING_PICKED, withImage, withSeries, type Picked } from "./picked";
import type { Choice } from "./choice";
import { Search } from "./Search";
import { SplitDialog } from "./SplitDialog";
import "../styles/split.css";

interface Props {
  uid: string;
  isBusy: boolean;
  onStarted: (jobId: string) => void;
}

export function SplitPanel({ uid, isBusy, onStarted }: Props) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="split" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t("split.title")}</summary>
      {isOpen && <Choosing uid={uid} isBusy={isBusy} onStarted={onStarted} />}
    </details>
  );
}

function Choosing({ uid, isBusy, onStarted }: Props) {
  const series = useSeries(uid);
  const [picked, setPicked] = useState<Picked>(NOTHING_PICKED);
  const [asked, setAsked] = useState<Choice | null>(null);
  const all = series.data ?? [];
  const sizes = new Map(all.map((each) => [each.series_instance_uid, each.number_of_instances]));
  const count = countOf(picked, sizes);
  const total = [...sizes.values()].reduce((sum, each) => sum + each, 0);
  const canMove = count > 0 && count < total;
  return (
    <div className="stack-small">
      <p className="small muted">{t("split.lead")}</p>
      <ul className="split-series" aria-label={t("split.series")}>
        {all.map((each) => (
          <li key={each.series_instance_uid}>
            <SeriesChoice study={uid} series={each} picked={picked} onChange={setPicked} />
          </li>
        ))}
      </ul>
      <p role="status" className={count === total && total > 0 ? "small text-bad" : "small"}>
        {count === total && total > 0 ? t("split.all") : t("split.count", { count, total })}
      </p>
      {canMove && <Search isBusy={isBusy} title={t("split.to")} canCreate={false} onChoose={setAsked} />}
      {asked && (
        <SplitDialog
          uid={uid}
          choice={asked}
          picked={asWish(picked)}
          onClose={() => setAsked(null)}
          onStarted={(jobId) => {
            setPicked(NOTHING_PICKED);
            onStarted(jobId);
          }}
        />
      )}
    </div>
  );
}

interface SeriesProps {
  study: string;
  series: Series;
  picked: Picked;
  onChange: (picked: Picked) => void;
}

function SeriesChoice({ study, series, picked, onChange }: SeriesProps) {
  const uid = series.series_instance_uid;
  const name = series.description || t("studies.untitled");
  const maySee = useMay("view") && isOfImages(series.modality);
  const [isOpen, setOpen] = useState(false);
  const [place, isSeen] = useSeen();
  const images = useMadeImages(study, uid, maySee && (isSeen || isOpen));
  const each = (images.data ?? []).filter(({ frame }) => frame === 1);
  const some = picked.instances.get(uid)?.size ?? 0;
  return (
    <div className="split-one">
      <label className="split-tile">
        <input
          type="checkbox"
          checked={picked.series.has(uid)}
          ref={(box) => {
            if (box) box.indeterminate = some > 0;
          }}
          onChange={({ target }) => onChange(withSeries(picked, uid, target.checked))}
        />
        <span className="split-picture" ref={place}>
          <Picture study={study} series={uid} image={each[Math.floor(each.length / 2)]} />
        </span>
        <span>
          <bdi>{name}</bdi>
          <span className="second small muted number">
            {series.modality} · {t("count.images", { count: series.number_of_instances })}
            {some > 0 && ` · ${t("split.some", { count: some })}`}
          </span>
        </span>
      </label>
      {maySee && series.number_of_instances > 1 && (
        <button type="button" className="button button-small" aria-expanded={isOpen} aria-label={t("split.images.label", { what: name })} onClick={() => setOpen(!isOpen)}>
          {t("split.images")}
        </button>
      )}
      {isOpen && (
        <ul className="split-images" aria-label={t("split.images.label", { what: name })}>
          {each.map((image, at) => (
            <li key={image.instance}>
              <label>
                <input
                  type="checkbox"
                  aria-label={t("split.image", { number: at + 1 })}
                  checked={isPicked(picked, uid, image.instance)}
                  onChange={({ target }) => onChange(withImage(picked, uid, image.instance, target.checked, each.map((one) => one.instance)))}
                />
                <Small study={study} series={uid} image={image} />
                <span className="small number" aria-hidden>
                  {at + 1}
                </span>
              </label>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Small(props: { study: string; series: string; image: MadeImage }) {
  const [place, isSeen] = useSeen();
  return (
    <span className="split-picture" ref={place}>
      {isSeen && <Picture {...props} />}
    </span>
  );
}

function Picture({ study, series, image }: { study: string; series: string; image: MadeImage | undefined }) {
  const url = useObjectUrl(useMadePicture(study, series, image, { side: 96 }).data);
  return url ? <img src={url} alt="" /> : <Icon name="images" />;
}
