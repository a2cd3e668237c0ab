import { useState } from "react";
import { useServiceKeys, type NewServiceKey, type ServiceKey } from "../api/accounts";
import { NewKeyDialog, ShownOnce } from "../accounts/NewKeyDialog";
import { RevokeKey } from "../accounts/Revoke";
import { Blank } from "../components/Blank";
import type { Column } from "../components/DataList";
import { NeedsPermission } from "../components/NoPermission";
import { Page } from "../components/Page";
import { QueryList } from "../components/QueryList";
import { useListPlace } from "../components/useListPlace";
import { Instant } from "../components/values";
import { formatInstant, formatList, t, word } from "../i18n";

const DEFAULTS = {};

export function ServiceKeysPage() {
  return (
    <NeedsPermission permission="service_permissions" title={t("keys.title")}>
      <ServiceKeys />
    </NeedsPermission>
  );
}

function ServiceKeys() {
  const [{ offset }, move] = useListPlace(DEFAULTS);
  const keys = useServiceKeys(offset);
  const [isNew, setNew] = useState(false);
  const [made, setMade] = useState<NewServiceKey | null>(null);
  return (
    <Page title={t("keys.title")} lead={t("keys.lead")} isWide>
      <div className="actions">
        <button type="button" className="button button-primary" onClick={() => setNew(true)}>
          {t("keys.new")}
        </button>
      </div>
      <QueryList
        label={t("keys.list")}
        list={keys}
        save={{ path: "service-keys" }}
        columns={columns()}
        rowKey={({ id }) => id}
        found={(count) => t("keys.found", { count })}
        offset={offset}
        onMove={(to) => move({ offset: to })}
        empty={<Blank icon="lock" title={t("keys.empty.title")} text={t("keys.empty.text")} />}
      />
      {isNew && (
        <NewKeyDialog
          onMade={(key) => {
            setNew(false);
            setMade(key);
          }}
          onClose={() => setNew(false)}
        />
      )}
      {made && <ShownOnce made={made} onClose={() => setMade(null)} />}
    </Page>
  );
}

const columns = (): Column<ServiceKey>[] => [
  {
    key: "name",
    title: t("keys.name"),
    main: true,
    cell: (key) => (
      <>
        <bdi>{key.name}</bdi>
        <span className="second">{t("keys.made", { who: key.created_by, when: formatInstant(key.created_at) })}</span>
      </>
    ),
  },
  {
    key: "roles",
    title: t("accounts.roles"),
    className: "column-wide",
    cell: ({ roles }) => formatList(roles.map((role) => word("role", role))),
  },
  { key: "used", title: t("keys.used"), className: "number", cell: (key) => <Instant iso={key.last_used_at} /> },
  {
    key: "state",
    title: t("column.status"),
    cell: (key) =>
      key.revoked_at ? (
        <>
          <span className="badge badge-plain">{t("keys.revoked")}</span>
          <span className="second">
            <bdi>{key.revoked_by}</bdi>, <Instant iso={key.revoked_at} />
          </span>
        </>
      ) : (
        <span className="badge badge-good">{t("keys.valid")}</span>
      ),
  },
  {
    key: "revoke",
    title: t("column.action"),
    silent: true,
    className: "column-action",
    cell: (key) => !key.revoked_at && <RevokeKey id={key.id} name={key.name} />,
  },
];
