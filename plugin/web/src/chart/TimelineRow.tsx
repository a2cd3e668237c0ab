import { memo, type ReactNode } from "react";
import { Link } from "react-router-dom";
import type { Entry } from "../api/chart";
import { Icon, type IconName } from "../components/Icon";
import { Thumbnail } from "../components/Thumbnail";
import { Day, LinkStatus, modalitiesOf, OrderStatus } from "../components/values";
import { ViewButton } from "../components/ViewButton";
import { formatDay, t, word } from "../i18n";
import { placeOf } from "./timeline";

const ICONS: Readonly<Record<Entry["kind"], IconName>> = { order: "inbox", study: "images", report: "report", document: "folder", upload: "upload" };

interface Props {
  entry: Entry;
  onOpen: (documentId: string) => void;
  /** Where it stands among all of them, drawn or not. */
  position: number;
  total: number;
  line: number;
  element: (element: Element | null) => void;
}

export const TimelineRow = memo(function TimelineRow({ entry, onOpen, position, total, line, element }: Props) {
  const uid = entry.study_instance_uid;
  const title = titleOf(entry);
  return (
    <li ref={element} className="plain-row timeline-row" data-index={line} aria-posinset={position} aria-setsize={total}>
      <span className="with-thumbnail">
        {entry.kind === "study" && uid ? (
          <Thumbnail uid={uid} />
        ) : (
          <span className="thumbnail">
            <Icon name={ICONS[entry.kind]} />
          </span>
        )}
        <span>
          <Title entry={entry} onOpen={onOpen}>
            {title}
          </Title>
          <span className="second muted small number">
            {[entry.title || entry.kind === "study" ? word("timeline.one", entry.kind) : "", modalitiesOf(entry.modalities), entry.accession_number, imagesOf(entry)].filter(Boolean).join(" · ")} · <Day iso={entry.day} />
          </span>
        </span>
      </span>
      <span className="actions">
        <State entry={entry} />
        {entry.kind === "study" && uid && <ViewButton studyInstanceUid={uid} what={`${title}, ${formatDay(entry.day)}`} />}
      </span>
    </li>
  );
});

function Title({ entry, onOpen, children }: { entry: Entry; onOpen: (id: string) => void; children: ReactNode }) {
  const place = placeOf(entry);
  const text = <bdi>{children}</bdi>;
  if (place) return <Link to={place}>{text}</Link>;
  const id = entry.document_id;
  return id ? (
    <button type="button" className="link-button" onClick={() => onOpen(id)}>
      {text}
    </button>
  ) : (
    text
  );
}

function State({ entry: { kind, status } }: { entry: Entry }) {
  if (!status) return null;
  if (kind === "order") return <OrderStatus status={status} />;
  // A study that is certainly this patient's says nothing.
  if (kind === "study") return status === "linked" ? null : <LinkStatus status={status} />;
  if (kind === "report") return <span className="badge badge-plain">{word("report.status", status)}</span>;
  if (kind === "document") return <span className="badge badge-plain">{word("document.kind", status)}</span>;
  return status === "success" ? null : <span className="badge badge-warn">{word("uploads.status", status)}</span>;
}

function titleOf({ kind, title }: Entry): string {
  if (title) return title;
  return kind === "study" ? t("studies.untitled") : word("timeline.one", kind);
}

function imagesOf({ kind, number_of_images }: Entry): string {
  return number_of_images !== null && (kind === "study" || kind === "upload") ? t("count.images", { count: number_of_images }) : "";
}
