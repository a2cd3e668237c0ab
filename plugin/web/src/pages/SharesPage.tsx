import { Link } from "react-router-dom";
import { useShares, type Share } from "../api/shares";
import { Blank } from "../components/Blank";
import type { Column } from "../components/DataList";
import { Page } from "../components/Page";
import { Person } from "../components/Person";
import { QueryList } from "../components/QueryList";
import { useListPlace } from "../components/useListPlace";
import { modalitiesOf } from "../components/values";
import { ofNamed } from "../components/whom";
import { formatDay, formatInstant, t } from "../i18n";
import { EndShare } from "../sharing/EndShare";
import { canEnd, stateText, usesText } from "../sharing/words";

const DEFAULTS = {};

/** Every link that somebody has made for a person outside. */
export function SharesPage() {
  const [{ offset }, move] = useListPlace(DEFAULTS);
  const shares = useShares(offset);
  return (
    <Page title={t("sharing.list.title")} lead={t("sharing.list.lead")}>
      <QueryList
        label={t("sharing.list")}
        list={shares}
        columns={columns()}
        rowKey={({ id }) => id}
        found={(count) => t("sharing.list.found", { count })}
        offset={offset}
        onMove={(to) => move({ offset: to })}
        empty={<Blank icon="link" title={t("sharing.list.empty")} text={t("sharing.list.empty.text")} />}
      />
    </Page>
  );
}

const columns = (): Column<Share>[] => [
  { key: "who", title: t("sharing.list.patient"), main: true, cell: (share) => <Person whom={ofNamed(share)} /> },
  {
    key: "study",
    title: t("sharing.list.study"),
    className: "column-wide",
    cell: ({ study_instance_uid: uid, study_date: day, modalities, study_description: text }) => (
      <Link to={`/studies/${encodeURIComponent(uid)}`}>
        {[day && formatDay(day), modalitiesOf(modalities), text].filter(Boolean).join(" · ") || t("sharing.list.a_study")}
      </Link>
    ),
  },
  {
    key: "state",
    title: t("sharing.list.state"),
    cell: (share) => (
      <>
        {stateText(share)}
        <span className="second">{usesText(share)}</span>
      </>
    ),
  },
  {
    key: "made",
    title: t("sharing.list.made"),
    cell: (share) => (
      <>
        <bdi>{share.created_by}</bdi>
        <span className="second">{formatInstant(share.created_at)}</span>
      </>
    ),
  },
  {
    key: "end",
    title: t("column.action"),
    silent: true,
    className: "column-action",
    cell: (share) => (canEnd(share) ? <EndShare share={share} /> : null),
  },
];
