/**
 * What lies on the table before it is sent: the files that were chosen, what they are, and what was decided of each study.
 *
 * Lives as long as the tab, so that looking at another page loses nothing. Files are read by a worker; here it is only
 * gathered, grouped and shown at a pace people can read.
 */
import type { Order, Patient } from "../api/types";
import { PORTION, type Chosen } from "./arrived";
import { grouped, type PatientDraft, type ReadFile } from "./group";
import { decidedFor, optionsOf, undecided, type Choice, type Link } from "./choice";
import { isAttached, optionsOfPaper, paperOf, type Paper } from "./papers";
import type { SendOptions } from "./known/known";
import type { Answer, ReaderPort } from "./read/messages";
import type { Found, Refused } from "./read/reader";
import { fileSource, type Source } from "./read/source";
import type { Item } from "./uploader";

export interface RefusedFile {
  name: string;
  why: Refused;
}

interface Damaged {
  id: number;
  name: string;
  size: number;
}

export interface Desk {
  readonly reading: boolean;
  readonly read: number;
  readonly known: number;
  readonly patients: readonly PatientDraft[];
  /** DICOM whose header could not be read here; sent as they are when wished. */
  readonly damaged: readonly Damaged[];
  readonly sendDamaged: boolean;
  readonly refused: readonly RefusedFile[];
  /** Larger than the server takes; never sent. */
  readonly tooLarge: readonly { name: string; size: number }[];
  readonly pictures: ReadonlyMap<string, string>;
  /** By study; the others are as they were found. */
  readonly choices: ReadonlyMap<string, Choice>;
  /** What was decided for all studies whose files name one patient, by `PatientDraft.key`. */
  readonly decisions: ReadonlyMap<string, Link>;
  /** PDFs and pictures among the files, and what is to become of them. */
  readonly papers: readonly Paper[];
  /** The order this upload was started for. */
  readonly order: { order: Order; patient: Patient | null } | null;
}

export interface DeskDeps {
  openReader: (tell: (answer: Answer) => void) => ReaderPort;
  later: (ms: number, call: () => void) => () => void;
  pictureUrl: (picture: Blob) => string;
  dropUrl: (url: string) => void;
}

/** What the page shows of files whose study is not known. */
export const DAMAGED = "";
const PUBLISH_EVERY_MS = 150;

const EMPTY: Desk = {
  reading: false,
  read: 0,
  known: 0,
  patients: [],
  damaged: [],
  sendDamaged: true,
  refused: [],
  tooLarge: [],
  pictures: new Map(),
  choices: new Map(),
  decisions: new Map(),
  papers: [],
  order: null,
};

export class UploadDesk {
  private desk = EMPTY;
  private shown = EMPTY;
  private run = 0;
  private nextId = 1;
  private before = { read: 0, known: 0 };
  private publishing = false;
  private stale = false;
  private reader: ReaderPort | null = null;
  private files: ReadFile[] = [];
  private damaged: Damaged[] = [];
  private papers: Paper[] = [];
  /** By study: the key of the patient whom its files name. */
  private groups: ReadonlyMap<string, string> = new Map();
  /** The most that one file may have (bytes), as far as the server has said. */
  private limit: number | null = null;
  /** Chosen, and not with the reader yet. */
  private queued: readonly Chosen[] = [];
  private readonly sources = new Map<number, Source>();
  private readonly asked = new Set<string>();
  private readonly listeners = new Set<() => void>();

  constructor(private readonly deps: DeskDeps) {}

  snapshot = (): Desk => this.shown;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /**
   * Whether what is on the table is for this order (null: for none in particular). It is not when files lie there that
   * were put there for another: those must not change hands silently.
   */
  startFor(order: Desk["order"]): boolean {
    if (order?.order.id === this.desk.order?.order.id) return true;
    if (!isEmpty(this.desk)) return false;
    this.change({ order });
    return true;
  }

  /** Look into more files; while others are still being read these wait their turn. */
  add(files: readonly Chosen[]): void {
    if (files.length === 0) return;
    const { reading, known } = this.desk;
    this.queued = [...this.queued, ...files];
    this.change({ reading: true, known: known + files.length });
    if (!reading) this.readOn();
  }

  /** What a person says of one study. */
  choose(studyUid: string, change: Partial<Choice>): void {
    const decided = "include" in change || "link" in change;
    this.put([studyUid], (before) => ({ ...before, ...(decided && { decided: true, leftOut: false }), ...("link" in change && { linkedAlone: true }), ...change }));
  }

  /** What a person says of all studies whose files name one patient, those that are still to come included. */
  decide(key: string, link: Link): void {
    this.desk = { ...this.desk, decisions: new Map(this.desk.decisions).set(key, link) };
    const studies = this.desk.patients.find((patient) => patient.key === key)?.studies ?? [];
    this.put(studies.map(({ uid }) => uid), (before) => decidedFor(before, link));
  }

  choiceOf(studyUid: string): Choice {
    const known = this.desk.choices.get(studyUid);
    if (known) return known;
    return undecided(this.decisionOf(this.groups.get(studyUid) ?? ""));
  }

  /** Whether a person has decided about the patient whom a study names. */
  isDecidedFor(studyUid: string): boolean {
    return this.desk.decisions.has(this.groups.get(studyUid) ?? "");
  }

  decisionOf(key: string): Link {
    const { decisions, order } = this.desk;
    return decisions.get(key) ?? (order ? { kind: "order", ...order } : { kind: "automatic" });
  }

  /** Leave out, until somebody says otherwise, studies that nobody has decided about alone. */
  leaveOut(studyUids: readonly string[]): void {
    const undecided = studyUids.filter((uid) => !this.choiceOf(uid).decided);
    if (undecided.length > 0) this.put(undecided, (before) => ({ ...before, include: false, leftOut: true }));
  }

  attach(id: number, change: Partial<Paper>): void {
    this.papers = this.papers.map((paper) => (paper.id === id ? { ...paper, ...change } : paper));
    this.stale = true;
    this.publish();
  }

  /** The bytes of a file on the table. */
  sourceOf(id: number): Source | undefined {
    return this.sources.get(id);
  }

  private put(studyUids: readonly string[], change: (before: Choice) => Choice): void {
    const choices = new Map(this.desk.choices);
    for (const uid of studyUids) choices.set(uid, change(this.choiceOf(uid)));
    this.change({ choices });
  }

  sendDamaged(wished: boolean): void {
    this.change({ sendDamaged: wished });
  }

  /** What is to be sent now, and what is said about each study. */
  packed(): { items: Item[]; options: Map<string, SendOptions> } {
    const items: Item[] = [];
    const options = new Map<string, SendOptions>();
    const put = (id: number, group: string) => {
      const source = this.sources.get(id);
      if (source) items.push({ source, group });
    };
    // First: the last file of an upload says how many images it has.
    for (const paper of this.desk.papers.filter(isAttached)) {
      options.set(paper.group, optionsOfPaper(paper));
      put(paper.id, paper.group);
    }
    for (const study of this.desk.patients.flatMap(({ studies }) => studies)) {
      const choice = this.choiceOf(study.uid);
      if (!choice.include) continue;
      options.set(study.uid, optionsOf(choice));
      for (const id of study.fileIds) put(id, study.uid);
    }
    if (this.desk.sendDamaged) {
      // Nobody has seen whose they are: never for the chosen order, the server judges them by what they say.
      options.set(DAMAGED, {});
      for (const { id } of this.desk.damaged) put(id, DAMAGED);
    }
    return { items, options };
  }

  /** The server takes no larger files (bytes). */
  limitTo(bytes: number): void {
    if (bytes === this.limit) return;
    this.limit = bytes;
    this.stale = true;
    this.publish();
  }

  /** On sign-out: nothing of this person stays. */
  forget(): void {
    this.clear();
    this.change({ order: null });
  }

  /** Take everything off the table. */
  clear(): void {
    this.reader?.post({ kind: "stop" });
    this.run += 1;
    for (const url of this.desk.pictures.values()) this.deps.dropUrl(url);
    this.files = [];
    this.damaged = [];
    this.papers = [];
    this.groups = new Map();
    this.queued = [];
    this.sources.clear();
    this.asked.clear();
    this.before = { read: 0, known: 0 };
    this.change({ ...EMPTY, order: this.desk.order });
  }

  private readOn(): void {
    this.reader ??= this.deps.openReader((answer) => this.hear(answer));
    this.run += 1;
    this.before = { read: this.desk.read, known: this.desk.known - this.queued.length };
    const portion = this.queued.slice(0, PORTION);
    this.queued = this.queued.slice(PORTION);
    this.reader.post({ kind: "read", run: this.run, sources: portion.map(({ file, name }) => fileSource(file, name)) });
  }

  private hear(answer: Answer): void {
    if (answer.kind === "picture") {
      if (!this.asked.has(answer.series)) return;
      this.note({ pictures: new Map(this.desk.pictures).set(answer.series, this.deps.pictureUrl(answer.picture)) });
      return;
    }
    if (answer.run !== this.run) return;
    if (answer.kind === "done") {
      if (this.queued.length > 0) this.readOn();
      else this.change({ reading: false });
      return;
    }
    const { found, read, known } = answer.progress;
    this.note({ refused: this.taken(found), read: this.before.read + read, known: this.before.known + known + this.queued.length });
  }

  private taken(found: readonly Found[]): readonly RefusedFile[] {
    const refused = [...this.desk.refused];
    for (const each of found) {
      if (each.kind === "refused") {
        refused.push({ name: each.name, why: each.why });
        continue;
      }
      const id = this.nextId++;
      const { name, size } = each.source;
      this.sources.set(id, each.source);
      if (each.kind === "damaged") this.damaged.push({ id, name, size });
      else if (each.kind === "document") this.papers.push(paperOf(id, each.source, each.type));
      else this.files.push({ id, name, size, header: each.header });
      this.stale = true;
    }
    return refused;
  }

  /** What a person did is seen at once. */
  private change(change: Partial<Desk>): void {
    this.desk = { ...this.desk, ...change };
    this.publish();
  }

  /** What the reader found is seen a few times a second. */
  private note(change: Partial<Desk>): void {
    this.desk = { ...this.desk, ...change };
    if (this.publishing) return;
    this.publishing = true;
    this.deps.later(PUBLISH_EVERY_MS, () => {
      this.publishing = false;
      this.publish();
    });
  }

  private publish(): void {
    if (this.stale) {
      this.stale = false;
      const fits = ({ size }: { size: number }) => this.limit === null || size <= this.limit;
      const tooLarge = [...this.files, ...this.damaged, ...this.papers].filter((file) => !fits(file)).map(({ name, size }) => ({ name, size }));
      const patients = grouped(this.files.filter(fits));
      this.groups = new Map(patients.flatMap(({ key, studies }) => studies.map(({ uid }) => [uid, key])));
      this.desk = { ...this.desk, patients, damaged: this.damaged.filter(fits), papers: this.papers.filter(fits), tooLarge };
    }
    this.shown = this.desk;
    if (!this.desk.reading) this.askPictures();
    for (const listener of this.listeners) listener();
  }

  private askPictures(): void {
    for (const { uid, middle } of this.desk.patients.flatMap(({ studies }) => studies).flatMap(({ series }) => series)) {
      const source = this.sources.get(middle);
      if (!source || this.asked.has(uid)) continue;
      this.asked.add(uid);
      this.reader?.post({ kind: "draw", series: uid, source });
    }
  }
}

export function isEmpty(desk: Desk): boolean {
  return !desk.reading && desk.known === 0;
}
