/** What narrows a list. Where there is little room some of it waits behind a button: the list is what one came for. */
import { useId, useState, type ReactNode } from "react";
import { formatNumber, t } from "../i18n";
import { Icon } from "./Icon";
import { NARROW, useMedia } from "./useMedia";

interface Props {
  /** Names the group for screen readers. */
  label: string;
  /** What stays in sight. */
  children?: ReactNode;
  /** What folds where there is little room. */
  folding?: ReactNode;
  /** What each of the folding ones asks for; "" where it asks for nothing. */
  asked?: readonly (string | undefined)[];
}

export function Filters({ label, children, folding, asked = [] }: Props) {
  const isNarrow = useMedia(NARROW);
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  return (
    <div className="filters" role="search" aria-label={label}>
      {children}
      {folding && isNarrow && (
        <button type="button" className="button filters-button" aria-expanded={isOpen} aria-controls={id} onClick={() => setOpen(!isOpen)}>
          <Icon name="filter" />
          {t("list.filters")}
          <Active count={asked.filter(Boolean).length} />
        </button>
      )}
      {folding && (
        <div id={id} className="filters-folding" hidden={isNarrow && !isOpen}>
          {folding}
        </div>
      )}
    </div>
  );
}

/** How many of them ask for something. */
export function Active({ count }: { count: number }) {
  if (count === 0) return null;
  return (
    <>
      <span className="badge badge-accent" aria-hidden="true">
        {formatNumber(count)}
      </span>
      <span className="visually-hidden">{t("list.filters.active", { count })}</span>
    </>
  );
}
