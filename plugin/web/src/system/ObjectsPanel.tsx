/** What waits on this server's disk for the object storage; nothing where images are kept in a folder. */
import type { StorageAnswer } from "../api/schema";
import { Fact, Facts } from "../components/Facts";
import { OrNone } from "../components/values";
import { formatBytes, formatInstant, formatNumber, t } from "../i18n";

export function ObjectsPanel({ objects }: Pick<StorageAnswer, "objects">) {
  if (objects === null) return null;
  const at = objects.failing_since === null ? "" : formatInstant(objects.failing_since);
  const size = { size: formatBytes(objects.waiting_bytes), limit: formatBytes(objects.limit_bytes) };
  return (
    <section className="panel" aria-labelledby="objects-title">
      <h2 id="objects-title">{t("system.objects")}</h2>
      <Facts>
        <Fact label={t("system.objects.state")}>
          {objects.error === null ? t("system.objects.state.ok") : t(`system.objects.state.${objects.error}`, { at })}
        </Fact>
        <Fact label={t("system.objects.waiting")}>{formatNumber(objects.waiting)}</Fact>
        <Fact label={t("system.objects.size")}>{t("system.objects.size.value", size)}</Fact>
        <Fact label={t("system.objects.since")}>
          <OrNone>{objects.oldest_at === null ? null : formatInstant(objects.oldest_at)}</OrNone>
        </Fact>
        <Fact label={t("system.objects.removing")}>{formatNumber(objects.removing)}</Fact>
      </Facts>
    </section>
  );
}
