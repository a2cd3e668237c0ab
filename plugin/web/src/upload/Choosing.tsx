/** Before anything is sent: the zone for files, and what was found in them. */
import { useEffect, useState } from "react";
import { useNavigate } from "react-router-dom";
import { useUploadLimits } from "../api/uploads";
import { Notice } from "../components/Notice";
import { Person } from "../components/Person";
import { ofNamed } from "../components/whom";
import { t } from "../i18n";
import { useUploadServices } from "./context";
import { isEmpty, type Desk } from "./desk";
import { DropZone } from "./DropZone";
import { Review } from "./Review";
import { useDesk } from "./useUpload";

export function Choosing({ order }: { order: Desk["order"] }) {
  const { desk: store } = useUploadServices();
  const desk = useDesk();
  const navigate = useNavigate();
  const [fits, setFits] = useState(true);
  const limit = useUploadLimits().data?.max_file_bytes;
  useEffect(() => {
    if (limit !== undefined) store.limitTo(limit);
  }, [store, limit]);
  useEffect(() => setFits(store.startFor(order)), [store, order, desk.known]);

  if (!fits) {
    return (
      <Notice kind="warn" title={t("upload.other.title")}>
        <p>{t("upload.other.text")}</p>
        <div className="actions">
          <button
            type="button"
            className="button"
            onClick={() => void navigate(desk.order ? `/upload?order=${encodeURIComponent(desk.order.order.id)}` : "/upload")}
          >
            {t("upload.other.back")}
          </button>
          <button type="button" className="button" onClick={() => store.clear()}>
            {t("upload.other.clear")}
          </button>
        </div>
      </Notice>
    );
  }
  return (
    <>
      {order && (
        <section className="panel panel-slim" aria-label={t("upload.for")}>
          <p>
            <span className="muted">{t("upload.for")}</span>
          </p>
          <Person whom={ofNamed(order.order)}>
            <span className="number">{order.order.accession_number}</span> · {order.order.modality} {order.order.description}
          </Person>
        </section>
      )}
      <DropZone small={!isEmpty(desk)} onFiles={(files) => store.add(files)} />
      <Review />
    </>
  );
}
