import { useState } from "react";
import { useDestinations, useQueues, type Destination, type Made, type Queue } from "../api/destinations";
import { Blank } from "../components/Blank";
import type { Column } from "../components/DataList";
import { NeedsPermission } from "../components/NoPermission";
import { Page } from "../components/Page";
import { QueryList } from "../components/QueryList";
import { useSay } from "../components/Toast";
import { useListPlace } from "../components/useListPlace";
import { Deliveries } from "../destinations/Deliveries";
import { DestinationActions } from "../destinations/DestinationActions";
import { DestinationDialog } from "../destinations/DestinationDialog";
import { QueueState } from "../destinations/QueueState";
import { SecretDialog } from "../destinations/SecretDialog";
import { t, word } from "../i18n";

const DEFAULTS = { name: "", state: "" };

export function DestinationsPage() {
  return (
    <NeedsPermission permission="interfaces" title={t("destinations.title")}>
      <Destinations />
    </NeedsPermission>
  );
}

function Destinations() {
  const [{ filters, offset }, move] = useListPlace(DEFAULTS);
  const [isNew, setNew] = useState(false);
  const [made, setMade] = useState<Made | null>(null);
  const destinations = useDestinations(0);
  const queues = new Map((useQueues().data?.items ?? []).map((each) => [each.name, each]));
  const say = useSay();
  const done = (one: Made) => {
    setNew(false);
    if (one.secret) setMade(one);
    else say({ text: t("destinations.saved", { name: one.name }) });
  };
  return (
    <Page title={t("destinations.title")} lead={t("destinations.lead")} isWide>
      <div className="actions">
        <button type="button" className="button button-primary" onClick={() => setNew(true)}>
          {t("destinations.new")}
        </button>
      </div>
      <QueryList
        label={t("destinations.title")}
        list={destinations}
        save={{ path: "destinations" }}
        columns={columns(queues, (name) => move({ filters: { name, state: "" } }))}
        rowKey={({ name }) => name}
        found={(count) => t("destinations.found", { count })}
        offset={0}
        onMove={() => undefined}
        empty={<Blank icon="inbox" title={t("destinations.empty.title")} text={t("destinations.empty.text")} />}
      />
      {filters.name && (
        <Deliveries
          key={filters.name}
          name={filters.name}
          state={filters.state}
          offset={offset}
          onState={(state) => move({ filters: { state } })}
          onMove={(to) => move({ offset: to })}
          onClose={() => move({ filters: { name: "", state: "" } })}
        />
      )}
      {isNew && <DestinationDialog destination={null} onDone={done} onClose={() => setNew(false)} />}
      {made?.secret && <SecretDialog name={made.name} secret={made.secret} isRenewed={false} onClose={() => setMade(null)} />}
    </Page>
  );
}

const columns = (queues: ReadonlyMap<string, Queue>, onShow: (name: string) => void): Column<Destination>[] => [
  {
    key: "name",
    title: t("destinations.name"),
    main: true,
    cell: (one) => (
      <>
        <bdi>{one.name}</bdi>
        <span className="second">
          {one.subscription ? t("destinations.subscription", { criteria: one.subscription }) : word("destinations.kind", one.kind)}
          {one.description && (
            <>
              {" · "}
              <bdi>{one.description}</bdi>
            </>
          )}
        </span>
        <span className="second mono">
          <bdi>{one.url ?? `${one.host ?? ""}:${one.port ?? ""}`}</bdi>
        </span>
      </>
    ),
  },
  { key: "state", title: t("destinations.state"), className: "column-wide", cell: (one) => <QueueState of={queues.get(one.name)} /> },
  {
    key: "action",
    title: t("column.action"),
    silent: true,
    className: "column-action",
    cell: (one) => <DestinationActions destination={one} queue={queues.get(one.name)} onShow={() => onShow(one.name)} />,
  },
];
