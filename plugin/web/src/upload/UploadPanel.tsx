import type { Order } from "../api/types";
import { useMay } from "../auth/permissions";
import { Blank } from "../components/Blank";
import { Notice } from "../components/Notice";
import { PersonName } from "../components/values";
import { t } from "../i18n";
import { personName } from "../i18n/person";
import { DropZone } from "./DropZone";
import { FileLists } from "./FileLists";
import { isActive } from "./queue";
import { resultsByStudy } from "./results";
import { StudyResultCard } from "./StudyResultCard";
import { UploadProgress } from "./UploadProgress";
import { useQueue, useUploader } from "./useUploader";

/** Everything about uploading for one order: the zone, the progress, the results, the files. */
export function UploadPanel({ order }: { order: Order }) {
  const may = useMay("upload");
  return (
    <section className="panel" aria-labelledby="upload-title">
      <h2 id="upload-title">{t("upload.title")}</h2>
      {!may ? (
        <Blank icon="info" title={t("upload.no_permission.title")} text={t("upload.no_permission.text")} />
      ) : order.status === "cancelled" ? (
        <Notice kind="warn" title={t("order.cancelled.title")}>
          <p>{t("order.cancelled.text")}</p>
        </Notice>
      ) : (
        <Uploading order={order} />
      )}
    </section>
  );
}

function Uploading({ order }: { order: Order }) {
  const uploader = useUploader({ orderId: String(order.id), accessionNumber: order.accession_number });
  const queue = useQueue(uploader);
  const patient = personName(order.patient_name) || t("patient.unknown");
  const begun = queue.files.length > 0;
  const results = isActive(queue) ? [] : resultsByStudy(queue);
  return (
    <>
      <p className="muted">
        {patient === t("patient.unknown") ? patient : <PersonName name={order.patient_name} />}
        {order.mrn && <span className="number"> · {t("patient.mrn.value", { mrn: order.mrn })}</span>}
      </p>
      <DropZone patient={patient} onFiles={(files) => uploader.add(files)} />
      <UploadProgress uploader={uploader} queue={queue} />
      {results.length > 0 && (
        <section aria-labelledby="result-title" className="stack">
          <h3 id="result-title">{t("result.title")}</h3>
          {results.map((result, at) => (
            <StudyResultCard key={result.studyInstanceUid} result={result} order={order} number={at + 1} />
          ))}
        </section>
      )}
      {begun && <FileLists queue={queue} />}
    </>
  );
}
