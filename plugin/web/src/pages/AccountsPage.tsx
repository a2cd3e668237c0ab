import { useState } from "react";
import { useAccounts, type Account } from "../api/accounts";
import { AccountActions } from "../accounts/AccountActions";
import { NewAccountDialog } from "../accounts/NewAccountDialog";
import { Blank } from "../components/Blank";
import type { Column } from "../components/DataList";
import { NeedsPermission } from "../components/NoPermission";
import { Page } from "../components/Page";
import { QueryList } from "../components/QueryList";
import { useListPlace } from "../components/useListPlace";
import { Instant, OrNone } from "../components/values";
import { formatInstant, formatList, t, word } from "../i18n";

const DEFAULTS = {};

export function AccountsPage() {
  return (
    <NeedsPermission permission="accounts" title={t("accounts.title")}>
      <Accounts />
    </NeedsPermission>
  );
}

function Accounts() {
  const [{ offset }, move] = useListPlace(DEFAULTS);
  const accounts = useAccounts(offset);
  const [isNew, setNew] = useState(false);
  return (
    <Page title={t("accounts.title")} lead={t("accounts.lead")} isWide>
      <div className="actions">
        <button type="button" className="button button-primary" onClick={() => setNew(true)}>
          {t("accounts.new")}
        </button>
      </div>
      <QueryList
        label={t("accounts.list")}
        list={accounts}
        save={{ path: "accounts" }}
        columns={columns()}
        rowKey={({ username }) => username}
        found={(count) => t("accounts.found", { count })}
        offset={offset}
        onMove={(to) => move({ offset: to })}
        empty={<Blank icon="people" title={t("accounts.empty.title")} text={t("accounts.empty.text")} />}
      />
      {isNew && <NewAccountDialog onClose={() => setNew(false)} />}
    </Page>
  );
}

const columns = (): Column<Account>[] => [
  {
    key: "name",
    title: t("accounts.name"),
    main: true,
    cell: (account) => (
      <>
        <bdi>{account.full_name}</bdi>
        <span className="second">
          <bdi>{account.username}</bdi>
        </span>
      </>
    ),
  },
  {
    key: "roles",
    title: t("accounts.roles"),
    className: "column-wide",
    cell: ({ roles }) => <OrNone>{formatList(roles.map((role) => word("role", role)))}</OrNone>,
  },
  { key: "state", title: t("column.status"), cell: (account) => <State account={account} /> },
  { key: "last", title: t("accounts.last_sign_in"), className: "number", cell: (account) => <Instant iso={account.last_sign_in_at} /> },
  {
    key: "actions",
    title: t("column.action"),
    silent: true,
    className: "column-action column-decide",
    cell: (account) => <AccountActions account={account} />,
  },
];

function State({ account }: { account: Account }) {
  const isLocked = account.locked_until !== null && Date.parse(account.locked_until) > Date.now();
  return (
    <>
      <span className={`badge badge-${account.active ? "good" : "plain"}`}>{t(account.active ? "accounts.on" : "accounts.off")}</span>
      {isLocked && <span className="second text-warn">{t("accounts.locked", { when: formatInstant(account.locked_until ?? "") })}</span>}
      {account.must_change_password && <span className="second">{t("accounts.must_change")}</span>}
    </>
  );
}
