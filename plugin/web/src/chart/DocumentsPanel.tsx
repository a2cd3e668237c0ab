/** The documents of an order: what is there, and attaching another. */
import { useState } from "react";
import { useDocuments, type Owner } from "../api/chart";
import { ListSkeleton } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { Icon } from "../components/Icon";
import { formatDay, t, word } from "../i18n";
import { AttachZone } from "./AttachZone";
import { DocumentDialog } from "./DocumentDialog";

type Props = { owner: Owner; canAttach?: boolean } | { owner: { study: string }; canAttach: false };

export function DocumentsPanel({ owner, canAttach = true }: Props) {
  const documents = useDocuments(owner);
  const [open, setOpen] = useState<string | null>(null);
  return (
    <section className="panel" aria-labelledby="documents-title">
      <h2 id="documents-title">{t("documents.title")}</h2>
      {documents.error && <ErrorState error={documents.error} onRetry={() => void documents.refetch()} />}
      {!documents.data && !documents.error && <ListSkeleton label={t("app.loading")} rows={1} />}
      {documents.data?.items.length === 0 && <p className="muted">{t("documents.none")}</p>}
      <ul className="plain-list">
        {(documents.data?.items ?? []).map((document) => (
          <li key={document.id} className="plain-row">
            <span>
              <button type="button" className="link-button" onClick={() => setOpen(document.id)}>
                <Icon name="report" /> <bdi>{document.title}</bdi>
              </button>
              <span className="second muted small number">
                {word("document.kind", document.kind)} · {formatDay(document.dated)}
              </span>
            </span>
          </li>
        ))}
      </ul>
      {canAttach && !("study" in owner) && <AttachZone owner={owner} />}
      {open && <DocumentDialog id={open} onClose={() => setOpen(null)} />}
    </section>
  );
}
