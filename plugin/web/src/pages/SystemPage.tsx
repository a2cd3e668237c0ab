import { useHealth, useSystem } from "../api/system";
import { useMay } from "../auth/permissions";
import { ListSkeleton } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { Notice } from "../components/Notice";
import { Page } from "../components/Page";
import { t } from "../i18n";
import { ActPanel } from "../system/ActPanel";
import { BackupsPanel } from "../system/Backups";
import { Checks } from "../system/Checks";
import { NodesPanel } from "../system/Nodes";
import { QueuePanel, StoragePanel } from "../system/Numbers";
import { ObjectsPanel } from "../system/ObjectsPanel";
import { RolesPanel } from "../system/Roles";
import { Waiting } from "../system/Waiting";

export function SystemPage() {
  const health = useHealth();
  const mayAccounts = useMay("accounts");
  const mayAudit = useMay("audit");
  const maySee = mayAccounts || mayAudit;
  const system = useSystem(maySee);
  const toDo = system.data?.attention ?? [];
  const kind = health.data?.status !== "ok" ? "bad" : toDo.length > 0 ? "warn" : "good";
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
              <Notice kind={kind} title={t(`system.said.${kind}`)} />
            </div>
          )}
          {toDo.length > 0 && system.data && <ActPanel system={system.data} />}
          <div className="two">
            <Checks checks={health.data.checks} />
            <Waiting version={system.data?.version} orthanc={system.data?.orthanc_version} />
            {system.data ? (
              <>
                <StoragePanel storage={system.data.storage} fixity={system.data.fixity} />
                <ObjectsPanel objects={system.data.storage.objects} />
                <QueuePanel queue={system.data.queue} />
                <NodesPanel nodes={system.data.nodes} />
                <BackupsPanel backups={system.data.backups} />
                <RolesPanel roles={system.data.roles} />
              </>
            ) : system.error ? (
              <ErrorState error={system.error} onRetry={() => void system.refetch()} />
            ) : (
              maySee && <ListSkeleton label={t("app.loading")} />
            )}
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
