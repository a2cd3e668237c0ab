import type { Queue } from "../api/destinations";
import { formatInstant, formatNumber, t, word } from "../i18n";

/** How a destination fares: what waits, since when, and what was wrong last. */
export function QueueState({ of: queue }: { of: Queue | undefined }) {
  if (!queue) return null;
  return (
    <>
      <Badge of={queue} />
      <span className="second">{queue.waiting > 0 ? waiting(queue) : queue.last_sent_at ? t("destinations.last_sent", { at: formatInstant(queue.last_sent_at) }) : t("destinations.nothing")}</span>
      {queue.fails_at !== null && <span className="second">{t("destinations.fails_at")}</span>}
      {queue.dead > 0 && <span className="second">{t("destinations.dead", { count: queue.dead })}</span>}
      {queue.last_error && (queue.failing_since || queue.stopped_at || queue.parked > 0) && (
        <span className="second text-bad">
          <bdi>{queue.last_error}</bdi>
        </span>
      )}
    </>
  );
}

function Badge({ of: queue }: { of: Queue }) {
  if (!queue.enabled) return <span className="badge badge-plain">{t("destinations.state.off")}</span>;
  if (queue.stopped_because) return <span className="badge badge-bad">{word("destinations.stopped", queue.stopped_because)}</span>;
  if (queue.parked > 0) return <span className="badge badge-bad">{t("destinations.state.parked")}</span>;
  if (queue.failing_since) return <span className="badge badge-bad">{t("destinations.state.away", { at: formatInstant(queue.failing_since) })}</span>;
  return <span className="badge badge-good">{t("destinations.state.well")}</span>;
}

const waiting = ({ waiting: count, waiting_since: since }: Queue): string =>
  t("destinations.waiting", { count: formatNumber(count), at: since ? formatInstant(since) : "" });
