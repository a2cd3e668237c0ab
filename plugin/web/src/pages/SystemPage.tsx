import { Link } from "react-router-dom";
import { useCount, useHealth, useVersion } from "../api/system";
import { useMay } from "../auth/permissions";
import { ListSkeleton } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { Fact, Facts } from "../components/Facts";
import { Icon } from "../components/Icon";
import { Notice } from "../components/Notice";
import { Page } from "../components/Page";
import { OrNone } from "../components/values";
import { formatNumber, known, t, word } from "../i18n";

export function SystemPage() {
  const health = useHealth();
  return (
    <Page title={t("system.title")} lead={t("system.lead")}>
      {health.data ? (
        <>
          {health.isError ? (
            <Notice kind="bad" title={t("error.network.title")}>
              <p>{t("system.stale")}</p>
            </Notice>
          ) : (
            <div role="status">
              <Notice kind={health.data.status === "ok" ? "good" : "bad"} title={t(health.data.status === "ok" ? "system.ok" : "system.degraded")} />
            </div>
          )}
          <div className="two">
            <Checks checks={health.data.checks} />
            <Waiting />
          </div>
        </>
      ) : health.error ? (
        <ErrorState error={health.error} onRetry={() => void health.refetch()} />
      ) : (
        <ListSkeleton label={t("app.loading")} />
      )}
    </Page>
  );
}

/** Each part; what to do stands beside what does not work. */
function Checks({ checks }: { checks: Readonly<Record<string, string>> }) {
  return (
    <section className="panel" aria-labelledby="checks-title">
      <h2 id="checks-title">{t("system.checks")}</h2>
      <ul className="checks">
        {Object.entries(checks).map(([name, state]) => (
          <li key={name}>
            <span className={state === "ok" ? "text-good" : "text-bad"}>
              <Icon name={state === "ok" ? "check" : "alert"} />
            </span>
            <span>
              {word("system.check", name)} <span className={state === "ok" ? "muted" : "text-bad"}>{word("system.state", state)}</span>
              {state !== "ok" && <span className="second">{known("system.todo", name) ?? t("system.todo.other")}</span>}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Waiting() {
  const mayRead = useMay("read");
  const mayReconcile = useMay("reconcile");
  const mayDecide = useMay("approve_deletion");
  const version = useVersion();
  const studies = useCount("dicom/studies", {}, mayRead);
  const undecided = useCount("reconciliation", {}, mayReconcile);
  const pending = useCount("deletions", { status: "pending" }, mayDecide);
  return (
    <section className="panel" aria-labelledby="waiting-title">
      <h2 id="waiting-title">{t("system.numbers")}</h2>
      <Facts>
        <Fact label={t("system.version")}>
          <OrNone>{version.data}</OrNone>
        </Fact>
        {mayRead && <Count label={t("system.studies")} count={studies.data} to="/studies" />}
        {mayReconcile && <Count label={t("system.undecided")} count={undecided.data} to="/reconciliation" />}
        {mayDecide && <Count label={t("system.pending")} count={pending.data} to="/deletions?status=pending" />}
      </Facts>
    </section>
  );
}

function Count({ label, count, to }: { label: string; count: number | undefined; to: string }) {
  return (
    <Fact label={label}>
      {count === undefined ? (
        <OrNone>{null}</OrNone>
      ) : (
        <Link className="number" to={to} aria-label={`${label}: ${formatNumber(count)}`}>
          {formatNumber(count)}
        </Link>
      )}
    </Fact>
  );
}
