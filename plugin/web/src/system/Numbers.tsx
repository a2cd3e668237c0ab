/** How much is stored, and what waits to be done by the server itself. */
import type { FixityAnswer, QueueAnswer, StorageAnswer } from "../api/schema";
import { Fact, Facts } from "../components/Facts";
import { OrNone } from "../components/values";
import { formatBytes, formatNumber, t } from "../i18n";
import { fixityWords, forecastWords, freeWords, savedWords } from "./words";

export function StoragePanel({ storage, fixity }: { storage: StorageAnswer; fixity: FixityAnswer }) {
  return (
    <section className="panel" aria-labelledby="storage-title">
      <h2 id="storage-title">{t("system.storage")}</h2>
      <Facts>
        <Fact label={t("system.storage.used")}>
          <OrNone>{storage.archive_bytes === null ? null : formatBytes(storage.archive_bytes)}</OrNone>
        </Fact>
        <Fact label={t("system.storage.saved")}>
          <OrNone>{savedWords(storage)}</OrNone>
        </Fact>
        <Fact label={t("system.storage.free")}>
          <OrNone>{freeWords(storage)}</OrNone>
        </Fact>
        <Fact label={t("system.storage.forecast")}>{storage.objects ? t("system.storage.forecast.bucket") : forecastWords(storage.forecast)}</Fact>
        <Amount label={t("system.storage.studies")} amount={storage.number_of_studies} />
        <Amount label={t("system.storage.instances")} amount={storage.number_of_instances} />
        <Amount label={t("system.storage.damaged")} amount={fixity.damaged} />
        <Fact label={t("system.storage.fixity")}>
          <OrNone>{fixityWords(fixity)}</OrNone>
        </Fact>
      </Facts>
    </section>
  );
}

export function QueuePanel({ queue }: { queue: QueueAnswer }) {
  return (
    <section className="panel" aria-labelledby="queue-title">
      <h2 id="queue-title">{t("system.queue")}</h2>
      <Facts>
        <Amount label={t("system.queue.record")} amount={queue.instances_to_record} />
        <Amount label={t("system.queue.check")} amount={queue.changes_to_check} />
        <Fact label={t("system.queue.jobs")}>{t("system.queue.jobs.value", queue.jobs)}</Fact>
        <Amount label={t("system.queue.uploads")} amount={queue.uploads_under_way} />
        <Amount label={t("system.queue.quarantined")} amount={queue.quarantined} />
      </Facts>
    </section>
  );
}

function Amount({ label, amount }: { label: string; amount: number | null }) {
  return (
    <Fact label={label}>
      <OrNone>{amount === null ? null : formatNumber(amount)}</OrNone>
    </Fact>
  );
}
