/** What became of the documents of an upload: attached to whom, or why not. */
import { Link } from "react-router-dom";
import { Person } from "../components/Person";
import { ofNamed, ofPatient, type Named } from "../components/whom";
import { t, word } from "../i18n";
import type { Queue } from "./queue";
import { isAttached, type Paper } from "./papers";

export function PaperResults({ papers, queue }: { papers: readonly Paper[]; queue: Queue }) {
  const files = new Map(queue.files.map((file) => [file.group, file]));
  const sent = papers.filter((paper) => isAttached(paper) && files.has(paper.group));
  if (sent.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="attached-title">
      <h2 id="attached-title">{t("papers.result")}</h2>
      <ul className="plain-list">
        {sent.map((paper) => {
          const { state = "failed", answer } = files.get(paper.group) ?? {};
          return (
            <li key={paper.id} className="plain-row">
              <Whose paper={paper} said={answer?.document} />
              <span className={state === "failed" ? "text-bad" : "muted"}>{t(state === "stored" || state === "duplicate" ? "papers.attached" : "papers.failed")}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** The person is the one of the answer: an order may have been given to somebody else. */
function Whose({ paper: { owner, title, kind }, said }: { paper: Paper; said: Named | undefined }) {
  const what = title.trim() || word("document.kind", kind);
  if (owner.kind === "automatic") return <bdi>{what}</bdi>;
  const address = owner.kind === "order" ? `/orders/${encodeURIComponent(owner.order.id)}` : `/patients/${encodeURIComponent(owner.patient.id)}`;
  return (
    <Person whom={said ? ofNamed(said) : owner.kind === "order" ? ofNamed(owner.order) : ofPatient(owner.patient)}>
      <Link to={address}>{what}</Link>
    </Person>
  );
}
