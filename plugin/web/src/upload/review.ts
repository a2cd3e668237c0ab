/** What the server's answers about one study mean before it is sent: where it goes, and what a person is asked. Pure. */
import type { Prediction } from "../api/match";
import type { Evidence } from "../api/types";
import { contradictions } from "../components/comparison";
import { targetOf, type Choice, type Link } from "./choice";

export type State =
  | "asking"
  /** The server says nothing; it decides on arrival. */
  | "unknown"
  /** The server would not take the files. */
  | "refused"
  /** The study is here and linked; these images name somebody else, and would be kept apart. */
  | "apart"
  /** The study is here and linked, and these images get its link. */
  | "joins"
  /** The study is here, and waits for a person. */
  | "waits"
  | "chosen"
  | "exact"
  | "probable"
  | "ambiguous"
  | "none";

export interface Reviewed {
  state: State;
  tone: "good" | "warn" | "bad" | "plain";
  /** The answer that is shown: of several, the one that most is said against. */
  shown: Prediction | null;
  /** What is really in doubt. */
  doubts: readonly Evidence[];
  /** What a person has to look at before the study is sent, as a word that changes with it; "" for nothing. */
  question: string;
}

type Answers = readonly (Prediction | null | undefined)[];

/** `answers` are to the questions of one study (`questionsOf`). */
export function reviewed(link: Link, answers: Answers): Reviewed {
  if (answers.some((each) => each === undefined)) return plain("asking");
  const known = answers.filter((each) => each !== null && each !== undefined);
  if (known.length < answers.length || known.length === 0) {
    // Whom a person chose and nobody could compare, the person compares.
    return link.kind === "automatic" ? plain("unknown") : { ...plain("unknown"), tone: "warn", question: "not compared" };
  }
  const shown = worst(known);
  const state = stateOf(link, shown);
  const doubts = isSettled(state) ? known.flatMap(({ evidence }) => contradictions(evidence)) : [];
  const question = state === "apart" ? "apart" : doubts.map(({ field, detail }) => `${field}: ${detail}`).join("\n");
  return { state, tone: toneOf(state, shown, doubts), shown, doubts: unique(doubts), question };
}

/** Whether the images get somebody's identity without any further question of the server's. */
export function isSettled(state: State): boolean {
  return state === "chosen" || state === "joins" || state === "exact";
}

/** The one patient whom the server takes for several studies without being certain of all; null where there is none. */
export function commonPatient(reviews: readonly (Reviewed | undefined)[]): string | null {
  const [first] = reviews;
  const id = first?.shown?.patient_id ?? null;
  const likely = (each: Reviewed | undefined) => each !== undefined && (each.state === "probable" || each.state === "exact") && each.shown?.patient_id === id;
  return id !== null && reviews.every(likely) && reviews.some((each) => each?.state === "probable") ? id : null;
}

/** Whether nothing speaks against it. */
export function fits({ state, doubts }: Reviewed): boolean {
  return doubts.length === 0 && state !== "refused" && state !== "apart";
}

/** Whether one answer for all studies of a patient answers for this one; where it names another patient here, none does. */
export function isAskedTogether({ state, doubts, question }: Reviewed): boolean {
  return question !== "" && state !== "apart" && !doubts.some(namesAnother);
}

/** Numbers that each hospital gives itself: on a disc from outside they are others, whosever the images are. */
const NUMBERS = ["PatientID", "AccessionNumber", "ScheduledProcedureStepID", "RequestedProcedureID"];

/** Numbers that are ours, and another patient's: no other hospital's. */
const OF_ANOTHER = ["order_of_another", "id_of_another"];

function namesAnother({ reasons = [] }: Evidence): boolean {
  return reasons.some((reason) => OF_ANOTHER.includes(reason));
}

/** Whether nothing speaks against it but numbers of another hospital; a number that is nearly ours is a relative's. */
export function mayFit(reviewed: Reviewed): boolean {
  return fits({ ...reviewed, doubts: reviewed.doubts.filter((doubt) => !NUMBERS.includes(doubt.field) || doubt.grade !== "other" || namesAnother(doubt)) });
}

/**
 * Of the studies that were chosen for something together, those that do not fit it; none while one of them is being
 * asked about. A study that was chosen alone is asked about instead. Where a person decided about the patient whom they
 * name, other numbers are asked about once for all of them.
 */
export function othersThanFit(reviews: ReadonlyMap<string, Reviewed>, choiceOf: (uid: string) => Choice, isDecidedFor: (uid: string) => boolean): string[] {
  const together = new Map<string, string[]>();
  for (const uid of reviews.keys()) {
    const { decided, link } = choiceOf(uid);
    if (decided || link.kind === "automatic") continue;
    together.set(targetOf(link), [...(together.get(targetOf(link)) ?? []), uid]);
  }
  return [...together.values()].flatMap((uids) => {
    if (uids.length < 2 || uids.some((uid) => reviews.get(uid)!.state === "asking")) return [];
    const isFit = (uid: string) => (isDecidedFor(uid) ? mayFit : fits)(reviews.get(uid)!);
    return uids.filter((uid) => !isFit(uid) && choiceOf(uid).include);
  });
}

function stateOf(link: Link, { refused, study, automatic, kind }: Prediction): State {
  if (link.kind === "automatic" && study?.contradicts) return "apart";
  if (refused) return "refused";
  if (link.kind !== "automatic") return "chosen";
  if (study) return automatic ? "joins" : "waits";
  if (kind === "exact") return automatic ? "exact" : "probable";
  if (automatic) return "exact";
  if (kind === "probable") return "probable";
  return kind === "ambiguous" ? "ambiguous" : "none";
}

function toneOf(state: State, { evidence }: Prediction, doubts: readonly Evidence[]): Reviewed["tone"] {
  if (state === "refused" || state === "apart" || doubts.length > 0) return "bad";
  if (!isSettled(state)) return "warn";
  return evidence.some(({ grade }) => grade === "slip") ? "warn" : "good";
}

function worst(known: readonly Prediction[]): Prediction {
  const weight = (each: Prediction) => (each.refused ? 1000 : 0) + (each.study?.contradicts ? 500 : 0) + contradictions(each.evidence).length;
  return known.reduce((one, other) => (weight(other) > weight(one) ? other : one));
}

export function unique(doubts: readonly Evidence[]): Evidence[] {
  return doubts.filter((each, at) => doubts.findIndex(({ field, detail }) => field === each.field && detail === each.detail) === at);
}

function plain(state: "asking" | "unknown"): Reviewed {
  return { state, tone: "plain", shown: null, doubts: [], question: "" };
}
