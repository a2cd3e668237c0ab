/** What became of the documents of an upload: attached to whom, or why not. */
import { Link } from "react-router-dom";
import { Person } from "../components/Person";
import { ofNamed, ofPatient } from "../components/whom";
import { t, word } from "../i18n";
import type { Queue } from "./queue";
import { isAttached, type Paper } from "./papers";

export function PaperResults({ papers, queue }: { papers: readonly Paper[]; queue: Queue }) {
  const states = new Map(queue.files.map(({ group, state }) => [group, state]));
  const sent = papers.filter((paper) => isAttached(paper) && states.has(paper.group));
  if (sent.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="attached-title">
      <h2 id="attached-title">{t("papers.result")}</h2>
      <ul className="plain-list">
        {sent.map((paper) => {
          const state = states.get(paper.group) ?? "failed";
          return (
            <li key={paper.id} className="plain-row">
              <Whose paper={paper} />
              <span className={state === "failed" ? "text-bad" : "muted"}>{t(state === "stored" || state === "duplicate" ? "papers.attached" : "papers.failed")}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function Whose({ paper: { owner, title, kind } }: { paper: Paper }) {
  const what = title.trim() || word("document.kind", kind);
  if (owner.kind === "automatic") return <bdi>{what}</bdi>;
  const address = owner.kind === "order" ? `/orders/${encodeURIComponent(owner.order.id)}` : `/patients/${encodeURIComponent(owner.patient.id)}`;
  return (
    <Person whom={owner.kind === "order" ? ofNamed(owner.order) : ofPatient(owner.patient)}>
      <Link to={address}>{what}</Link>
    </Person>
  );
}
