/** PDFs and pictures that were found among the files: documents, if somebody says whose. Pure. */
import type { DocumentKind, Owner } from "../api/chart";
import { kindOf, titleOf } from "../documents/files";
import { word } from "../i18n";
import { today } from "../i18n/age";
import { targetOf, type Link } from "./choice";
import type { SendOptions } from "./known/known";
import type { Source } from "./read/source";

/** Order or patient; "automatic" for nobody. */
export interface Paper {
  id: number;
  name: string;
  size: number;
  /** Media type. */
  type: string;
  /** In the queue. */
  group: string;
  owner: Link;
  /** The owner was searched for, not taken from those chosen for images. */
  isPicked: boolean;
  /** Nobody chose the owner for images: the server is certain of them. */
  isByServer: boolean;
  kind: DocumentKind;
  title: string;
  /** An ISO date; "" for today. */
  dated: string;
}

const GROUP = "document ";

export function paperOf(id: number, { name, size }: Source, type: string): Paper {
  const title = titleOf(name.split("/").pop() ?? "");
  return { id, name, size, type, group: `${GROUP}${id}`, owner: { kind: "automatic" }, isPicked: false, isByServer: false, kind: kindOf(type), title, dated: today() };
}

/** Whether a group of the queue is a document; a study's group is its UID. */
export function isPaperGroup(group: string): boolean {
  return group.startsWith(GROUP);
}

export function isAttached({ owner }: Paper): boolean {
  return owner.kind !== "automatic";
}

export function optionsOfPaper({ owner, type, kind, title, dated }: Paper): SendOptions {
  return { document: { owner: ownerOf(owner), type, kind, title: title.trim() || word("document.kind", kind), dated } };
}

/** To whom documents can be attached: whoever was chosen for images, each once. */
export function ownersOf(links: readonly Link[]): Link[] {
  const owners = new Map<string, Link>();
  for (const link of links) {
    if (link.kind !== "automatic" && !owners.has(targetOf(link))) owners.set(targetOf(link), link);
  }
  return [...owners.values()];
}

export const KINDS_OF_FILE = ["pdf", "picture"] as const;
export type KindOfFile = (typeof KINDS_OF_FILE)[number];

/** Those of this kind that are attached to nobody yet. */
export function nobodys(papers: readonly Paper[], kind: KindOfFile): Paper[] {
  return papers.filter((paper) => !isAttached(paper) && (paper.type === "application/pdf") === (kind === "pdf"));
}

/** PDFs first: pictures of a disc are mostly its viewer's. */
export function inOrder(papers: readonly Paper[]): Paper[] {
  const rank = ({ type }: Paper) => (type === "application/pdf" ? 0 : 1);
  return [...papers].sort((one, other) => rank(one) - rank(other));
}

function ownerOf(link: Link): Owner {
  if (link.kind === "order") return { order: link.order.id, patient: link.patient?.id ?? link.order.patient_id };
  return { patient: link.kind === "patient" ? link.patient.id : "" };
}
