import type { UseQueryResult } from "@tanstack/react-query";
import type { Reconciliation } from "../api/reconciliation";
import type { Page } from "../api/types";
import { Blank } from "../components/Blank";
import { ListStates } from "../components/QueryList";
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
}

/** What waits for a decision. */
export function Queue({ list, chosen, onOpen, offset, onMove }: Props) {
  const page = list.data;
  return (
    <section className="stack-small" aria-label={t("reconciliation.waiting")}>
      <p className="list-said muted" role="status">
        {page ? t("studies.found", { count: page.total }) : ""}
      </p>
      <ListStates
        list={list}
        empty={<Blank icon="check" title={t("reconciliation.empty.title")} text={t("reconciliation.empty.text")} />}
        offset={offset}
        onMove={onMove}
      >
        {(items) => (
          <ul className="queue" aria-busy={list.isPlaceholderData}>
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
  return (
    <li>
      <button type="button" className="queue-entry" aria-current={isChosen ? "true" : undefined} onClick={() => onOpen(study.study_instance_uid)}>
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
