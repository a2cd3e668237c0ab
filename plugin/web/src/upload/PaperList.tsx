/** PDFs and pictures among the files: seen, and attached to whoever is chosen for images, or to nobody. */
import { useEffect, useId, useRef, useState } from "react";
import type { DocumentKind } from "../api/chart";
import { usePatientsById } from "../api/patients";
import { KINDS } from "../documents/files";
import { Sheet } from "../documents/Sheet";
import { DateField } from "../components/DateField";
import { SelectField } from "../components/Fields";
import { Icon } from "../components/Icon";
import { TextField } from "../components/TextField";
import { useSay } from "../components/Toast";
import { nameOf, ofNamed, ofPatient, type Whom } from "../components/whom";
import { formatBytes, formatDay, t, word } from "../i18n";
import { personName } from "../i18n/person";
import { targetOf, type Link } from "./choice";
import { useUploadServices } from "./context";
import type { Desk, UploadDesk } from "./desk";
import { Picker } from "./Picker";
import { contentOf } from "./read/source";
import { isSettled, type Reviewed } from "./review";
import { inOrder, isAttached, KINDS_OF_FILE, nobodys, ownersOf, type KindOfFile, type Paper } from "./papers";

const AT_ONCE = 10;

export function PaperList({ desk, reviews }: { desk: Desk; reviews: ReadonlyMap<string, Reviewed> }) {
  const { desk: store } = useUploadServices();
  const { owners, chosen, known } = useOwners(desk, store, reviews);
  const [limit, setLimit] = useState(AT_ONCE);
  const heading = useRef<HTMLHeadingElement>(null);
  const focusHeading = () => heading.current?.focus();
  useForgetting(desk, store, reviews, known);
  if (desk.papers.length === 0) return null;
  const hidden = desk.papers.length - limit;
  return (
    <section className="panel" aria-labelledby="papers-title">
      <h2 id="papers-title" ref={heading} tabIndex={-1}>{t("papers.title", { count: desk.papers.length })}</h2>
      <p className="muted">{t("papers.text")}</p>
      {KINDS_OF_FILE.map((kind) => (
        <AttachAll key={kind} kind={kind} desk={desk} owners={owners} chosen={chosen} store={store} onDone={focusHeading} />
      ))}
      <ul className="papers">
        {inOrder(desk.papers)
          .slice(0, limit)
          .map((paper) => (
            <PaperRow key={paper.id} paper={paper} owners={owners} chosen={chosen} store={store} />
          ))}
      </ul>
      {hidden > 0 && (
        <button type="button" className="button button-small" onClick={() => setLimit(limit + 10 * AT_ONCE)}>
          {t("files.more", { count: Math.min(hidden, 10 * AT_ONCE) })}
        </button>
      )}
    </section>
  );
}

interface AllProps {
  kind: KindOfFile;
  desk: Desk;
  owners: readonly Link[];
  chosen: ReadonlySet<string>;
  store: UploadDesk;
  /** What was pressed may be gone. */
  onDone: () => void;
}

/** One choice for all that are nobody's yet; PDFs and pictures apart, because pictures of a disc are mostly its viewer's.
 *  The list only chooses: on a closed list each arrow key is a choice. */
function AttachAll({ kind, desk, owners, chosen, store, onDone }: AllProps) {
  const [target, setTarget] = useState("");
  const [last, setLast] = useState<{ ids: readonly number[]; owner: Link } | null>(null);
  const say = useSay();
  const papers = nobodys(desk.papers, kind);
  const owner = owners.find((link) => targetOf(link) === target);
  const attached = last ? desk.papers.filter((paper) => last.ids.includes(paper.id) && targetOf(paper.owner) === targetOf(last.owner)) : [];
  const attach = () => {
    if (!owner) return;
    const ids = papers.map(({ id }) => id);
    for (const id of ids) store.attach(id, { owner, isPicked: false, isByServer: !chosen.has(target) });
    setLast({ ids, owner });
    setTarget("");
    say({ text: t("papers.all.done", { count: ids.length, whom: ownerWords(owner) }) });
    onDone();
  };
  const undo = () => {
    for (const { id } of attached) store.attach(id, { owner: { kind: "automatic" }, isPicked: false, isByServer: false });
    setLast(null);
    say({ text: t("papers.all.undone", { count: attached.length }) });
    onDone();
  };
  return (
    <>
      {papers.length > 1 && owners.length > 0 && (
        <div className="paper-fields">
          <SelectField
            label={t(`papers.all.${kind}`, { count: papers.length })}
            value={owner ? target : ""}
            options={[{ value: "", label: t("papers.all.choose") }, ...owners.map((link) => ({ value: targetOf(link), label: ownerWords(link) }))]}
            onChange={setTarget}
          />
          <button type="button" className="button" disabled={!owner} onClick={attach}>
            {t(`papers.all.${kind}.attach`, { count: papers.length })}
          </button>
        </div>
      )}
      {last && attached.length > 0 && (
        <p>
          {t("papers.all.done", { count: attached.length, whom: ownerWords(last.owner) })}{" "}
          <button type="button" className="button button-small" onClick={undo}>
            {t("papers.all.undo")}
          </button>
        </p>
      )}
    </>
  );
}

function PaperRow({ paper, owners, chosen, store }: { paper: Paper; owners: readonly Link[]; chosen: ReadonlySet<string>; store: UploadDesk }) {
  const [shown, setShown] = useState(false);
  const [picking, setPicking] = useState(false);
  const name = useId();
  const change = (changed: Partial<Paper>) => store.attach(paper.id, changed);
  const choices = ownersOf([...owners, paper.owner]);
  const options = [{ value: "", label: t("papers.nobody") }, ...choices.map((link) => ({ value: targetOf(link), label: ownerWords(link) }))];
  return (
    <li className="paper" aria-labelledby={name}>
      <div className="paper-head">
        <Icon name="report" />
        <bdi id={name}>{paper.name}</bdi> <span className="muted small number">{formatBytes(paper.size)}</span>
        <button type="button" className="button button-small" aria-expanded={shown} aria-describedby={name} onClick={() => setShown(!shown)}>
          {t(shown ? "papers.hide" : "papers.show")}
        </button>
      </div>
      {shown && <Preview paper={paper} store={store} />}
      <div className="paper-fields">
        <SelectField
          label={t("papers.owner")}
          value={targetOf(paper.owner)}
          options={options}
          onChange={(value) => change({ owner: choices.find((link) => targetOf(link) === value) ?? { kind: "automatic" }, isPicked: false, isByServer: !chosen.has(value) })}
        />
        <button type="button" className="button" aria-describedby={name} onClick={() => setPicking(true)}>
          {t("papers.pick")}
        </button>
      </div>
      {isAttached(paper) && (
        <div className="paper-fields">
          <SelectField
            label={t("document.kind")}
            value={paper.kind}
            options={KINDS.map((each) => ({ value: each, label: word("document.kind", each) }))}
            onChange={(value) => change({ kind: value as DocumentKind })}
          />
          <TextField label={t("document.title")} value={paper.title} hint={t("document.title.hint", { kind: word("document.kind", paper.kind) })} onChange={(title) => change({ title })} />
          <DateField label={t("document.dated")} value={paper.dated} onChange={(dated) => change({ dated })} />
        </div>
      )}
      {picking && (
        <Picker
          hint=""
          onPick={(owner) => {
            change({ owner, isPicked: true, isByServer: false });
            setPicking(false);
          }}
          onClose={() => setPicking(false)}
        />
      )}
    </li>
  );
}

function Preview({ paper, store }: { paper: Paper; store: UploadDesk }) {
  const [content, setContent] = useState<Blob | null>(null);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    const source = store.sourceOf(paper.id);
    let wanted = true;
    const show = async () => {
      try {
        const found = source ? await contentOf(source) : null;
        if (wanted) setContent(found);
      } catch {
        if (wanted) setFailed(true);
      }
    };
    void show();
    return () => {
      wanted = false;
    };
  }, [paper.id, store]);
  if (failed) return <p role="alert">{t("refused.unreadable")}</p>;
  return content && <Sheet content={content} type={paper.type} title={paper.name} />;
}

interface Owners {
  owners: Link[];
  /** Those whom a person chose. */
  chosen: ReadonlySet<string>;
  /** Also those whom the server named and of whom the page has not read more yet. */
  known: ReadonlySet<string>;
}

/** Whoever is chosen in this review, or certain to the server. */
function useOwners(desk: Desk, store: UploadDesk, reviews: ReadonlyMap<string, Reviewed>): Owners {
  const studies = desk.patients.flatMap((patient) => patient.studies).filter(({ uid }) => store.choiceOf(uid).include);
  const links = studies.map(({ uid }) => store.choiceOf(uid).link);
  const certain = studies.flatMap(({ uid }) => {
    const review = reviews.get(uid);
    return store.choiceOf(uid).link.kind === "automatic" && review && isSettled(review.state) && review.shown?.patient_id ? [review.shown.patient_id] : [];
  });
  const patients = usePatientsById(desk.papers.length > 0 ? [...new Set(certain)] : []);
  const order: Link[] = desk.order ? [{ kind: "order", ...desk.order }] : [];
  const said = ownersOf([...order, ...desk.decisions.values(), ...links]);
  const chosen = new Set(said.map(targetOf));
  return {
    owners: ownersOf([...said, ...patients.map((patient): Link => ({ kind: "patient", patient }))]),
    chosen,
    known: new Set([...chosen, ...certain.map((id) => `patient ${id}`)]),
  };
}

/** Whoever is no longer chosen for images gets no document either, unless a person picked them for it; and that is said. */
function useForgetting(desk: Desk, store: UploadDesk, reviews: ReadonlyMap<string, Reviewed>, known: ReadonlySet<string>) {
  const say = useSay();
  // While the server is asked nobody is certain, and nobody is gone.
  const asking = desk.reading || [...reviews.values()].some(({ state }) => state === "asking");
  // Nor is anybody of whom it was certain, while it gives no answer.
  const silent = [...reviews].some(([uid, { state }]) => state === "unknown" && store.choiceOf(uid).include && store.choiceOf(uid).link.kind === "automatic");
  const isGone = (paper: Paper) => isAttached(paper) && !paper.isPicked && !(silent && paper.isByServer) && !known.has(targetOf(paper.owner));
  const gone = asking ? [] : desk.papers.filter(isGone).map(({ id }) => id);
  const key = gone.join(" ");
  useEffect(() => {
    const ids = key ? key.split(" ") : [];
    for (const id of ids) store.attach(Number(id), { owner: { kind: "automatic" } });
    if (ids.length > 0) say({ text: t("papers.detached", { count: ids.length }), bad: true });
  }, [key, store, say]);
}

/** "Doe, Jane · 14 Mar 1961 · Order A1 MR Brain" */
function ownerWords(link: Link): string {
  if (link.kind === "automatic") return t("papers.nobody");
  if (link.kind === "patient") return [personWords({ ...ofPatient(link.patient), name: nameOf(link.patient) }), link.patient.mrn].join(" · ");
  const { order } = link;
  return [personWords(ofNamed(order)), order.mrn, t("papers.order", { accession: order.accession_number, what: [order.modality, order.description].filter(Boolean).join(" ") })].join(" · ");
}

function personWords({ name, birthDate }: Whom): string {
  return [personName(name) || t("patient.unknown"), birthDate && formatDay(birthDate)].filter(Boolean).join(" · ");
}
