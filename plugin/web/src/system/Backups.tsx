/** When the last backup was made, how it ended, and when all of them were read again. */
import type { BackupsAnswer } from "../api/schema";
import { Fact, Facts } from "../components/Facts";
import { formatBytes, formatInstant, formatNumber, known, t, word } from "../i18n";

export function BackupsPanel({ backups }: { backups: BackupsAnswer }) {
  const { last } = backups;
  return (
    <section className="panel" aria-labelledby="backups-title">
      <h2 id="backups-title">{t("system.backups")}</h2>
      {last === null && !backups.is_scheduled ? (
        <p>{t("system.backups.off")}</p>
      ) : (
        <Facts>
          <Fact label={t("system.backups.success")}>{moment(backups.last_success_at)}</Fact>
          <Fact label={t("system.backups.check")}>{moment(backups.last_check_at)}</Fact>
          <Fact label={t("system.backups.schedule")}>{t(backups.is_scheduled ? "system.backups.schedule.on" : "system.backups.schedule.off")}</Fact>
          {last && (
            <>
              <Fact label={t("system.backups.last")}>{lastWords(last)}</Fact>
              {last.failure !== null && <Fact label={t("system.backups.failure")}>{word("system.backups.why", last.failure)}</Fact>}
              {last.number_of_files !== null && (
                <Fact label={t("system.backups.size")}>
                  {t("system.backups.size.value", {
                    files: formatNumber(last.number_of_files),
                    size: formatBytes(last.size_bytes ?? 0),
                    added: formatBytes(last.added_bytes ?? 0),
                  })}
                </Fact>
              )}
              <Fact label={t("system.backups.repository")}>
                <span className="uid">{last.repository}</span>
              </Fact>
            </>
          )}
        </Facts>
      )}
    </section>
  );
}

function moment(at: string | null): string {
  return at === null ? t("system.backups.never") : formatInstant(at);
}

function lastWords({ kind, status, begun_at: begun, ended_at: ended }: NonNullable<BackupsAnswer["last"]>): string {
  const words = known("system.backups.last", `${kind}.${status}`) ?? "{at}";
  return words.replace("{at}", formatInstant(ended ?? begun));
}
