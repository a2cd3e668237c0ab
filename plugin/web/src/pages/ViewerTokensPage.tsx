import { Link } from "react-router-dom";
import { useViewerTokens, type ViewerToken } from "../api/accounts";
import { useMay } from "../auth/permissions";
import { RevokeToken } from "../accounts/Revoke";
import { Blank } from "../components/Blank";
import type { Column } from "../components/DataList";
import { Page } from "../components/Page";
import { QueryList } from "../components/QueryList";
import { useListPlace } from "../components/useListPlace";
import { Instant } from "../components/values";
import { formatInstant, formatList, t, word } from "../i18n";

const DEFAULTS = {};

/** Links to images that are still good: one's own, or everybody's for account administrators. */
export function ViewerTokensPage() {
  const [{ offset }, move] = useListPlace(DEFAULTS);
  const seesAll = useMay("accounts");
  const tokens = useViewerTokens(offset);
  return (
    <Page title={t("tokens.title")} lead={t(seesAll ? "tokens.lead.all" : "tokens.lead.own")} isWide>
      <QueryList
        label={t("tokens.list")}
        list={tokens}
        save={{ path: "dicom/viewer-token" }}
        columns={columns()}
        rowKey={({ token_id: id }) => id}
        found={(count) => t("tokens.found", { count })}
        offset={offset}
        onMove={(to) => move({ offset: to })}
        empty={<Blank icon="view" title={t("tokens.empty.title")} text={t("tokens.empty.text")} />}
      />
    </Page>
  );
}

const columns = (): Column<ViewerToken>[] => [
  {
    key: "who",
    title: t("tokens.for"),
    main: true,
    cell: (token) => (
      <>
        <bdi>{token.subject}</bdi>
        <span className="second">{t("keys.made", { who: token.minted_by, when: formatInstant(token.created_at) })}</span>
      </>
    ),
  },
  {
    key: "studies",
    title: t("tokens.studies"),
    className: "column-wide",
    cell: ({ study_instance_uids: uids }) => (
      <>
        {uids.slice(0, 3).map((uid) => (
          <Link key={uid} className="uid second" to={`/studies/${encodeURIComponent(uid)}`}>
            {uid}
          </Link>
        ))}
        {uids.length > 3 && <span className="second">{t("tokens.more", { count: uids.length - 3 })}</span>}
      </>
    ),
  },
  {
    key: "may",
    title: t("tokens.may"),
    cell: ({ operations }) => formatList(operations.map((each) => word("tokens.operation", each))),
  },
  { key: "until", title: t("tokens.until"), className: "number", cell: (token) => <Instant iso={token.expires_at} /> },
  {
    key: "revoke",
    title: t("column.action"),
    silent: true,
    className: "column-action",
    cell: (token) =>
      token.revoked_at ? (
        <span className="badge badge-plain">{t("keys.revoked")}</span>
      ) : (
        <RevokeToken id={token.token_id} subject={token.subject} />
      ),
  },
];
