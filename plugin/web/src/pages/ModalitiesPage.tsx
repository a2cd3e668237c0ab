import { useState } from "react";
import { useModalities, type Modality } from "../api/modalities";
import { Blank } from "../components/Blank";
import type { Column } from "../components/DataList";
import { NeedsPermission } from "../components/NoPermission";
import { Page } from "../components/Page";
import { QueryList } from "../components/QueryList";
import { useListPlace } from "../components/useListPlace";
import { OrNone } from "../components/values";
import { formatList, t, word } from "../i18n";
import { ModalityActions } from "../interfaces/ModalityActions";
import { ModalityDialog } from "../interfaces/ModalityDialog";
import { MAY } from "../interfaces/typed";

const DEFAULTS = {};

export function ModalitiesPage() {
  return (
    <NeedsPermission permission="interfaces" title={t("modalities.title")}>
      <Modalities />
    </NeedsPermission>
  );
}

function Modalities() {
  const [{ offset }, move] = useListPlace(DEFAULTS);
  const modalities = useModalities(offset);
  const [isNew, setNew] = useState(false);
  return (
    <Page title={t("modalities.title")} lead={t("modalities.lead")} isWide>
      <div className="actions">
        <button type="button" className="button button-primary" onClick={() => setNew(true)}>
          {t("modalities.new")}
        </button>
      </div>
      <QueryList
        label={t("modalities.list")}
        list={modalities}
        save={{ path: "modalities" }}
        columns={columns()}
        rowKey={({ ae_title }) => ae_title}
        found={(count) => t("modalities.found", { count })}
        offset={offset}
        onMove={(to) => move({ offset: to })}
        empty={<Blank icon="system" title={t("modalities.empty.title")} text={t("modalities.empty.text")} />}
      />
      {isNew && <ModalityDialog modality={null} onClose={() => setNew(false)} />}
    </Page>
  );
}

const columns = (): Column<Modality>[] => [
  {
    key: "ae_title",
    title: t("modalities.ae_title"),
    main: true,
    cell: (modality) => (
      <>
        <bdi>{modality.ae_title}</bdi>
        {modality.description && (
          <span className="second">
            <bdi>{modality.description}</bdi>
          </span>
        )}
      </>
    ),
  },
  {
    key: "host",
    title: t("modalities.where"),
    className: "number",
    cell: ({ host, port }) => (
      <bdi>
        {host}:{port}
      </bdi>
    ),
  },
  {
    key: "may",
    title: t("modalities.may"),
    className: "column-wide column-may",
    cell: ({ may }) => <OrNone>{formatList(MAY.filter((each) => may.includes(each)).map((each) => word("modalities.may", each)))}</OrNone>,
  },
  { key: "action", title: t("column.action"), silent: true, className: "column-action", cell: (modality) => <ModalityActions modality={modality} /> },
];
