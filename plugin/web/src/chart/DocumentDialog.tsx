/** A document, opened: the sheet, what is known about it, and taking it away. */
import { useEffect, useState } from "react";
import { Link } from "react-router-dom";
import { useContent, useDocument, type ChartDocument } from "../api/chart";
import { saveAs } from "../api/files";
import { useMay } from "../auth/permissions";
import { Dialog } from "../components/Dialog";
import { ErrorState } from "../components/ErrorState";
import { Icon } from "../components/Icon";
import { ListSkeleton } from "../components/DataList";
import { Notice } from "../components/Notice";
import { Problem } from "../components/Problem";
import { formatBytes, formatDay, formatInstant, t, word } from "../i18n";
import { Sheet } from "../documents/Sheet";

export function DocumentDialog({ id, onClose }: { id: string; onClose: () => void }) {
  const { data, error, refetch } = useDocument(id);
  return (
    <Dialog wide title={data?.title ?? t("document.one")} onClose={onClose}>
      {data ? <Opened document={data} /> : error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <ListSkeleton label={t("app.loading")} rows={3} />}
      <div className="actions actions-end">
        <button type="button" className="button" onClick={onClose}>
          {t("action.close")}
        </button>
      </div>
    </Dialog>
  );
}

function Opened({ document }: { document: ChartDocument }) {
  const mayView = useMay("view");
  return (
    <>
      <p className="muted small number">
        {word("document.kind", document.kind)} · {formatDay(document.dated)} · {formatBytes(document.size_bytes)} · {t("document.by", { who: document.attached_by, when: formatInstant(document.attached_at) })}
      </p>
      {document.warnings.map((warning) => (
        <Notice key={warning} kind="warn">
          <p>{t(`document.warning.${warning}`)}</p>
        </Notice>
      ))}
      {mayView ? <Content document={document} /> : <p className="muted">{t("document.no_view")}</p>}
      <div className="actions">
        <SaveButton document={document} />
        <Link className="button button-small" to={`/studies/${encodeURIComponent(document.study_instance_uid)}`}>
          <Icon name="link" />
          {t("document.study")}
        </Link>
      </div>
    </>
  );
}

function Content({ document }: { document: ChartDocument }) {
  const get = useContent();
  const [content, setContent] = useState<Blob | null>(null);
  const [error, setError] = useState<Error | null>(null);
  useEffect(() => {
    const ends = new AbortController();
    get(document.id, false, ends.signal).then(setContent, (reason: Error) => ends.signal.aborted || setError(reason));
    return () => ends.abort();
    // `get` is made anew at each render and does the same.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [document.id]);
  if (error) return <Problem error={error} />;
  return content ? <Sheet content={content} type={content.type} title={document.title} /> : <div className="sheet" aria-busy="true" />;
}

function SaveButton({ document }: { document: ChartDocument }) {
  const may = useMay("download");
  const mayView = useMay("view");
  const get = useContent();
  const [error, setError] = useState<Error | null>(null);
  if (!may || !mayView) return null;
  const save = async () => {
    try {
      const content = await get(document.id, true);
      saveAs(content, `${document.title}.${(content.type.split("/")[1] ?? "").replace("jpeg", "jpg")}`);
    } catch (reason) {
      setError(reason as Error);
    }
  };
  return (
    <>
      <button type="button" className="button button-small" onClick={() => void save()}>
        <Icon name="down" />
        {t("document.save")}
      </button>
      <Problem error={error} />
    </>
  );
}
