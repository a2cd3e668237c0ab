import { Link } from "react-router-dom";
import { isOfImages } from "../api/objects";
import { useSeries, type Series } from "../api/study";
import type { Study } from "../api/types";
import { useMay } from "../auth/permissions";
import { Blank } from "../components/Blank";
import { DataList, type Column } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { OrNone } from "../components/values";
import { MadeImages } from "../made/MadeImages";
import { RejectedPanel } from "../made/RejectedPanel";
import { formatNumber, t } from "../i18n";

export function SeriesPanel({ study }: { study: Study }) {
  const series = useSeries(study.study_instance_uid);
  const mayView = useMay("view");
  return (
    <>
    <section className="panel" aria-labelledby="series-title">
      <h2 id="series-title">{t("study.series")}</h2>
      {mayView && series.data?.some(({ modality }) => !isOfImages(modality)) && (
        <p>
          <Link to={`/studies/${encodeURIComponent(study.study_instance_uid)}/objects`}>{t("objects.open")}</Link>
        </p>
      )}
      {mayView ? (
        <MadeImages study={study.study_instance_uid} />
      ) : series.data ? (
        series.data.length > 0 ? (
          <DataList label={t("study.series")} columns={columns()} rows={series.data} rowKey={({ series_instance_uid: uid }) => uid} busy={false} />
        ) : (
          <Blank title={t("study.series.none.title")} text={t("study.series.none.text")} />
        )
      ) : series.error ? (
        <ErrorState error={series.error} onRetry={() => void series.refetch()} />
      ) : (
        <p className="muted" role="status">
          {t("app.loading")}
        </p>
      )}
    </section>
    <RejectedPanel study={study.study_instance_uid} />
    </>
  );
}

const columns = (): Column<Series>[] => [
  {
    key: "series",
    title: t("study.series.one"),
    main: true,
    cell: ({ description }) => <bdi>{description || t("studies.untitled")}</bdi>,
  },
  { key: "number", title: t("study.series.number"), className: "number", cell: ({ number }) => <OrNone>{number}</OrNone> },
  { key: "modality", title: t("column.modality"), cell: ({ modality }) => <OrNone>{modality}</OrNone> },
  {
    key: "images",
    title: t("column.images"),
    className: "number column-end",
    cell: ({ number_of_instances: count }) => formatNumber(count),
  },
];
