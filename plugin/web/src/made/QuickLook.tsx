/** A quick look at a series, image by image, rendered by the server: to see whether it is good, not to read it. */
import { useEffect, useRef, useState, type KeyboardEvent } from "react";
import { useMadeFacts, useMadeImages, useMadePicture } from "../api/made";
import type { Series } from "../api/study";
import { useMay } from "../auth/permissions";
import { Dialog } from "../components/Dialog";
import { ErrorState } from "../components/ErrorState";
import { useObjectUrl } from "../components/Thumbnail";
import { formatNumber, t, word } from "../i18n";
import { CT, scaled, shifted, windowsOf, type Window } from "./facts";
import { RejectDialog } from "./RejectDialog";

const PAGE = 10;
const STEP = 0.1;

export function QuickLook({ study, series, onClose }: { study: string; series: Series; onClose: () => void }) {
  const uid = series.series_instance_uid;
  const images = useMadeImages(study, uid);
  const count = images.data?.length ?? 0;
  const [place, setPlace] = useState<number | null>(null);
  const at = Math.min(place ?? Math.floor(count / 2), Math.max(0, count - 1));
  const image = images.data?.[at];
  const facts = useMadeFacts(study, uid, image?.instance);
  const own = windowsOf(facts.data);
  const [chosen, setChosen] = useState<Window | null>(null);
  const window = chosen ?? own[0] ?? null;
  const picture = useMadePicture(study, uid, image, { window: chosen });
  const address = useLast(useObjectUrl(picture.data));
  const mayReject = useMay("modify_tags");
  const [isRejecting, setRejecting] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const isThere = count > 0;
  useEffect(() => box.current?.focus(), [isThere]);

  const presets = [{ name: "own", window: null }, ...own.slice(1).map((each) => ({ name: "own", window: each })), ...(series.modality === "CT" ? CT : [])];
  const move = (to: number) => setPlace(Math.max(0, Math.min(count - 1, to)));
  const change = (to: (from: Window) => Window) => window && setChosen(to(window));
  const onKey = (event: KeyboardEvent) => {
    event.stopPropagation(); // what lies behind the dialog has keys of its own
    if (event.target instanceof HTMLInputElement || event.ctrlKey || event.altKey || event.metaKey) return;
    const preset = presets[Number(event.key) - 1];
    const act: Record<string, () => void> = {
      ArrowDown: () => move(at + 1),
      ArrowUp: () => move(at - 1),
      PageDown: () => move(at + PAGE),
      PageUp: () => move(at - PAGE),
      Home: () => move(0),
      End: () => move(count - 1),
      "+": () => change((from) => scaled(from, 1 - STEP)),
      "-": () => change((from) => scaled(from, 1 + STEP)),
      ArrowRight: () => change((from) => shifted(from, -STEP)),
      ArrowLeft: () => change((from) => shifted(from, STEP)),
    };
    const done = act[event.key] ?? (preset && (() => setChosen(preset.window)));
    if (!done) return;
    event.preventDefault();
    done();
  };
  return (
    <Dialog title={t("made.look.title", { what: series.description || t("studies.untitled") })} wide onClose={onClose}>
      {images.error ? (
        <ErrorState error={images.error} onRetry={() => void images.refetch()} />
      ) : (
        // Keys scroll and change the window wherever the focus is in here; the buttons and the slider do the same.
        // eslint-disable-next-line jsx-a11y/no-static-element-interactions
        <div className="stack" onKeyDown={onKey}>
          <div
            ref={box}
            className="look"
            role="group"
            aria-label={t("made.look.picture")}
            aria-describedby="look-keys"
            aria-busy={picture.isFetching}
            // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
            tabIndex={0}
            onWheel={(event) => move(at + Math.sign(event.deltaY))}
          >
            {picture.error ? <p className="look-none">{t("made.look.none")}</p> : address ? <img src={address} alt="" /> : <p className="look-none">{t("app.loading")}</p>}
          </div>
          <p className="look-said number" role="status">
            {count > 0 && t("made.look.at", { at: at + 1, count: formatNumber(count) })}
            {window && ` · ${t("made.window", { center: window[0], width: window[1] })}`}
          </p>
          <label className="field">
            <span>{t("made.look.image")}</span>
            <input type="range" min={1} max={Math.max(1, count)} value={at + 1} onChange={(event) => move(Number(event.target.value) - 1)} />
          </label>
          <div className="actions made-presets">
            {presets.map(({ name, window: preset }, number) => (
              <button key={number} type="button" className="button button-small" aria-pressed={String(preset) === String(chosen)} onClick={() => setChosen(preset)}>
                {word("made.preset", name)}
                {name === "own" && number > 0 && ` ${number + 1}`}
              </button>
            ))}
            {window && (
              <>
                <button type="button" className="button button-small" onClick={() => change((from) => scaled(from, 1 - STEP))}>
                  {t("made.contrast.more")}
                </button>
                <button type="button" className="button button-small" onClick={() => change((from) => scaled(from, 1 + STEP))}>
                  {t("made.contrast.less")}
                </button>
                <button type="button" className="button button-small" onClick={() => change((from) => shifted(from, -STEP))}>
                  {t("made.brighter")}
                </button>
                <button type="button" className="button button-small" onClick={() => change((from) => shifted(from, STEP))}>
                  {t("made.darker")}
                </button>
              </>
            )}
          </div>
          <p id="look-keys" className="small muted">
            {t("made.look.keys")}
          </p>
        </div>
      )}
      <div className="actions actions-end">
        {mayReject && image && (
          <button type="button" className="button button-danger" onClick={() => setRejecting(true)}>
            {t("reject.action")}
          </button>
        )}
        <button type="button" className="button" onClick={onClose}>
          {t("action.close")}
        </button>
      </div>
      {isRejecting && image && (
        <RejectDialog study={study} series={uid} image={image.instance} onClose={() => setRejecting(false)} onDone={onClose} />
      )}
    </Dialog>
  );
}

/** The last one there was: between two images the former stays, instead of a black blink. */
function useLast(address: string | null): string | null {
  const last = useRef<string | null>(null);
  useEffect(() => {
    if (address) last.current = address;
  }, [address]);
  return address ?? last.current;
}
