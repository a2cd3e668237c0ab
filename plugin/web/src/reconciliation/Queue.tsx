import { useEffect, useRef, type KeyboardEvent } from "react";
import type { UseQueryResult } from "@tanstack/react-query";
import type { Reconciliation } from "../api/reconciliation";
import type { Table } from "../api/tables";
import type { Page } from "../api/types";
import { Blank } from "../components/Blank";
import { ListStates } from "../components/QueryList";
import { SaveTable } from "../components/SaveTable";
import { Thumbnail } from "../components/Thumbnail";
import { Person } from "../components/Person";
import { Day } from "../components/values";
import { ofNamed } from "../components/whom";
import { t } from "../i18n";
import { studyWhat } from "../study/words";
import { Why } from "./Why";

interface Props {
  list: UseQueryResult<Page<Reconciliation>>;
  chosen: string;
  onOpen: (uid: string) => void;
  offset: number;
  onMove: (offset: number) => void;
  save: Table;
}

/** What waits for a decision. */
export function Queue({ list, chosen, onOpen, offset, onMove, save }: Props) {
  const page = list.data;
  return (
    <section className="queue-side stack-small" aria-label={t("reconciliation.waiting")}>
      <p className="list-said muted" role="status">
        {page ? (page.items.length < page.total ? t("desk.count.part", { shown: page.items.length, total: page.total }) : t("desk.count", { count: page.total })) : ""}
      </p>
      {page && page.total > 0 && <SaveTable {...save} />}
      <ListStates
        list={list}
        empty={<Blank icon="check" title={t("reconciliation.empty.title")} text={t("reconciliation.empty.text")} />}
        offset={offset}
        onMove={onMove}
      >
        {(items) => (
          // The entries are buttons; the arrows only go from one to the next.
          // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
          <ul className="queue" aria-busy={list.isPlaceholderData} onKeyDown={walk}>
            {items.map((item) => (
              <Entry key={item.study.study_instance_uid} item={item} isChosen={item.study.study_instance_uid === chosen} onOpen={onOpen} />
            ))}
          </ul>
        )}
      </ListStates>
    </section>
  );
}

function Entry({ item, isChosen, onOpen }: { item: Reconciliation; isChosen: boolean; onOpen: (uid: string) => void }) {
  const { study, why, job } = item;
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (isChosen) button.current?.scrollIntoView({ block: "nearest" });
  }, [isChosen]);
  return (
    <li>
      <button ref={button} type="button" className="queue-entry" aria-current={isChosen ? "true" : undefined} onClick={() => onOpen(study.study_instance_uid)}>
        <Thumbnail uid={study.study_instance_uid} />
        <span>
          <Person whom={ofNamed(study)} />
          <span className="second">
            {studyWhat(study)} · <Day iso={study.study_date} />
          </span>
          <Why why={why} busy={job !== null} />
        </span>
      </button>
    </li>
  );
}

/** Arrow up and down go through the entries without opening them. */
function walk(event: KeyboardEvent<HTMLUListElement>) {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0) return;
  const entries = [...event.currentTarget.querySelectorAll<HTMLElement>(".queue-entry")];
  const next = entries[entries.indexOf(document.activeElement as HTMLElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
