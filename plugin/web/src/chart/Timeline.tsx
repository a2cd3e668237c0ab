/** Everything about a patient by date, the latest first: pages follow as one reads on. */
import { useEffect, useRef, useState } from "react";
import { useTimeline } from "../api/chart";
import { Blank } from "../components/Blank";
import { ListSkeleton } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { SelectField } from "../components/Fields";
import { t, word } from "../i18n";
import { DocumentDialog } from "./DocumentDialog";
import { TimelineRows } from "./TimelineRows";
import { KINDS } from "./timeline";

/** Those that orders and images of a clinic mostly have. */
const MODALITIES = ["CR", "CT", "DX", "ES", "MG", "MR", "NM", "PT", "PX", "RF", "US", "XA"];

export function Timeline({ patientId }: { patientId: string }) {
  const [kind, setKind] = useState("");
  const [modality, setModality] = useState("");
  const [open, setOpen] = useState<string | null>(null);
  const timeline = useTimeline(patientId, kind, modality);
  const entries = timeline.data?.pages.flatMap(({ items }) => items) ?? [];
  const total = timeline.data?.pages[0]?.total ?? 0;
  return (
    <section className="stack-small" aria-labelledby="timeline-title">
      <div className="timeline-head">
        <h2 id="timeline-title">{t("timeline.title")}</h2>
        <SelectField label={t("timeline.kind")} value={kind} options={[{ value: "", label: t("timeline.all") }, ...KINDS.map((each) => ({ value: each, label: word("timeline.kinds", each) }))]} onChange={setKind} />
        <SelectField label={t("order.modality")} value={modality} options={[{ value: "", label: t("timeline.all_modalities") }, ...MODALITIES.map((each) => ({ value: each, label: each }))]} onChange={setModality} />
      </div>
      <p className="list-said muted" role="status">
        {timeline.data ? t("timeline.found", { count: total }) : ""}
      </p>
      {timeline.error && <ErrorState error={timeline.error} onRetry={() => void timeline.refetch()} />}
      {timeline.isPending && <ListSkeleton label={t("app.loading")} />}
      {timeline.data && entries.length === 0 && <Blank icon="history" title={t("timeline.none.title")} text={t(kind || modality ? "timeline.none.filtered" : "timeline.none.text")} />}
      {entries.length > 0 && <TimelineRows entries={entries} total={total} onOpen={setOpen} />}
      {timeline.hasNextPage && <More isBusy={timeline.isFetchingNextPage} onMore={() => void timeline.fetchNextPage()} />}
      {open && <DocumentDialog id={open} onClose={() => setOpen(null)} />}
    </section>
  );
}

/** Asks for the next page when it comes near, and on a press. */
function More({ isBusy, onMore }: { isBusy: boolean; onMore: () => void }) {
  const place = useRef<HTMLButtonElement>(null);
  const ask = useRef(onMore);
  ask.current = onMore;
  useEffect(() => {
    if (!place.current || isBusy) return;
    const watch = new IntersectionObserver((seen) => seen.some(({ isIntersecting }) => isIntersecting) && ask.current(), { rootMargin: "600px" });
    watch.observe(place.current);
    return () => watch.disconnect();
  }, [isBusy]);
  return (
    <button ref={place} type="button" className="button" aria-disabled={isBusy} onClick={() => isBusy || onMore()}>
      {t(isBusy ? "app.loading" : "timeline.more")}
    </button>
  );
}
