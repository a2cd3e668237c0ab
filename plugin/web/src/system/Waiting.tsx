import { Link } from "react-router-dom";
import { useCount } from "../api/system";
import { useMay } from "../auth/permissions";
import { Fact, Facts } from "../components/Facts";
import { OrNone } from "../components/values";
import { formatNumber, t } from "../i18n";

/** What waits for people's decisions, each a way to the list. */
export function Waiting({ version, orthanc }: { version: string | undefined; orthanc: string | null | undefined }) {
  const mayRead = useMay("read");
  const mayReconcile = useMay("reconcile");
  const mayDecide = useMay("approve_deletion");
  const studies = useCount("dicom/studies", {}, mayRead);
  const undecided = useCount("reconciliation", {}, mayReconcile);
  const pending = useCount("deletions", { status: "pending" }, mayDecide);
  return (
    <section className="panel" aria-labelledby="waiting-title">
      <h2 id="waiting-title">{t("system.numbers")}</h2>
      <Facts>
        {version && <Fact label={t("system.version")}>{version}</Fact>}
        {orthanc && <Fact label={t("system.orthanc")}>{orthanc}</Fact>}
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
