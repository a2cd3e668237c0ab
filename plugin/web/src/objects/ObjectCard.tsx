import { useId, useState } from "react";
import { saveAs } from "../api/files";
import { useObjectFile, type StudyObject } from "../api/objects";
import { useMay } from "../auth/permissions";
import { describe } from "../components/ErrorState";
import { Fact, Facts } from "../components/Facts";
import { Icon } from "../components/Icon";
import { useSay } from "../components/Toast";
import { t } from "../i18n";
import { linesOf, titleOf } from "./content";
import { ContentTree } from "./ContentTree";
import { Curves } from "./Curves";
import { text } from "./dataset";
import { commonFacts, factsOf, tableOf, type Table } from "./facts";
import { kindOf } from "./kinds";

/** One object in words, and as a picture where it can be drawn. */
export function ObjectCard({ study, object }: { study: string; object: StudyObject }) {
  const id = useId();
  const kind = kindOf(object);
  const { attributes, series } = object;
  const instance = text(attributes, "00080018");
  const facts = [...factsOf(kind, attributes), ...commonFacts(object)].filter(([, value]) => value);
  const lines = kind === "document" || kind === "keys" ? linesOf(attributes) : [];
  const table = tableOf(kind, attributes);
  return (
    <section className="panel" aria-labelledby={id}>
      <h2 id={id}>
        {titleOf(attributes) || t(`objects.kind.${kind}`)} <span className="muted small">{series.modality}</span>
      </h2>
      <Facts across>
        {facts.map(([key, value]) => (
          <Fact key={key} label={t(key)}>
            <bdi>{value}</bdi>
          </Fact>
        ))}
      </Facts>
      {lines.length > 0 && <ContentTree lines={lines} />}
      {kind === "waveform" && <Curves study={study} series={series.series_instance_uid} instance={instance} />}
      {table && <Parts table={table} />}
      <Download study={study} series={series.series_instance_uid} instance={instance} />
    </section>
  );
}

function Parts({ table: { columns, rows } }: { table: Table }) {
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className="table-frame" role="group" aria-label={t("objects.parts")} tabIndex={0}>
      <table className="data">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {t(column)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              {row.map((cell, column) => (
                <td key={column}>
                  <bdi className="breakable">{cell || t("value.none")}</bdi>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Download({ study, series, instance }: { study: string; series: string; instance: string }) {
  const mayDownload = useMay("download");
  const file = useObjectFile();
  const say = useSay();
  const [busy, setBusy] = useState(false);
  if (!mayDownload) return null;
  const download = async () => {
    setBusy(true);
    try {
      saveAs(new Blob([(await file(study, series, instance)) as BlobPart], { type: "application/dicom" }), `${instance}.dcm`);
    } catch (error) {
      say({ text: describe(error as Error).title, bad: true });
    } finally {
      setBusy(false);
    }
  };
  return (
    <div className="actions">
      <button type="button" className="button button-small" aria-disabled={busy} onClick={() => void (busy || download())}>
        <Icon name="inbox" />
        {t("objects.download")}
      </button>
    </div>
  );
}
