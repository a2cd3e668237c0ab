/** A study's images in OHIF, and in words what OHIF cannot show: never an empty black pane. */
import { useState, type RefObject } from "react";
import { Link } from "react-router-dom";
import { useObjects, type StudyObject } from "../api/objects";
import { ErrorState } from "../components/ErrorState";
import { Icon } from "../components/Icon";
import { Notice } from "../components/Notice";
import { t } from "../i18n";
import { isForViewer, seriesForViewer } from "../objects/kinds";
import { ObjectList } from "../objects/ObjectList";
import { narrowed } from "./link";
import { useViewerSession, type Wish } from "./useViewerSession";

interface Props {
  wish: Wish;
  /** Whether the user may see the study's objects; who sees it only to decide about it may not. */
  mayView: boolean;
  /** Hears which studies are shown. */
  onShown?: (studies: readonly string[]) => void;
  frame?: RefObject<HTMLIFrameElement | null>;
  onLoad?: (frame: HTMLIFrameElement) => void;
}

export function Images({ wish, mayView, ...rest }: Props) {
  const found = useObjects(wish.studyUid, mayView);
  // What cannot be found out is no reason to show nothing.
  if (mayView && found.isPending) return <Opening />;
  const { objects = [], images = [] } = found.data ?? {};
  const shut = objects.filter((one) => !isForViewer(one, images.length > 0));
  if (shut.length > 0 && shut.length === objects.length && images.length === 0) return <OnlyObjects study={wish.studyUid} />;
  const isAlone = wish.compare === null && !wish.priors;
  const series = shut.length > 0 && isAlone ? seriesForViewer(objects, images) : [];
  return (
    <>
      {shut.length > 0 && <AlsoThere study={wish.studyUid} objects={shut} />}
      <Frame wish={wish} series={series} {...rest} />
    </>
  );
}

function Frame({ wish, series, onShown, frame, onLoad }: Omit<Props, "mayView"> & { series: readonly string[] }) {
  const [attempt, setAttempt] = useState(0);
  const state = useViewerSession(wish, attempt, onShown);
  if (state.kind === "failed") return <ErrorState error={state.error} onRetry={() => setAttempt(attempt + 1)} />;
  if (state.kind === "opening") return <Opening />;
  const address = narrowed(state.opened.address, series);
  if (state.opened.own) {
    return (
      <iframe
        key={address}
        ref={frame}
        className="viewer-frame"
        title={t("viewer.frame")}
        src={address}
        allow="fullscreen"
        onLoad={(event) => onLoad?.(event.currentTarget)}
      />
    );
  }
  return (
    <p className="viewer-wait">
      <a className="button button-primary" href={state.opened.address} target="_blank" rel="noopener noreferrer">
        <Icon name="view" />
        {t("viewer.elsewhere")}
      </a>
    </p>
  );
}

function Opening() {
  return (
    <p role="status" className="viewer-wait">
      {t("viewer.opening")}
    </p>
  );
}

/** Said before the images: what is not among them. */
function AlsoThere({ study, objects }: { study: string; objects: readonly StudyObject[] }) {
  return (
    <div className="viewer-doubt">
      <Notice kind="info">
        <p>
          {t("objects.also", { count: objects.length })} <Link to={`/studies/${encodeURIComponent(study)}/objects`}>{t("objects.open")}</Link>
        </p>
      </Notice>
    </div>
  );
}

function OnlyObjects({ study }: { study: string }) {
  return (
    <div className="viewer-objects">
      <p>{t("objects.only")}</p>
      <ObjectList study={study} />
    </div>
  );
}
