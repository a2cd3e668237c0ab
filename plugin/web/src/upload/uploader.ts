/**
 * Drives the upload queue of this tab: starts what may start, tells what happened, lets the page know.
 *
 * The decisions are in queue.ts and verdict.ts; here are the network, the clock and the files.
 */
import type { Session } from "../api/session";
import { announced, lookedUp, toLookUp, unasked } from "./asking";
import { isAskedFor, isSkippable, type KnownFile, type SendOptions } from "./known/known";
import type { LookedUp, LookUp } from "./known/lookUp";
import { Pace } from "./pace";
import * as q from "./queue";
import { contentOf, type Source } from "./read/source";
import type { Send } from "./transport";
import { judge, type Reply } from "./verdict";

export interface Deps {
  send: Send;
  /** Which files the server has already; null where nobody can say. */
  lookUp: LookUp | null;
  session: Session;
  newId: () => string;
  now: () => number;
  /** Call later; answers how to call it off. */
  later: (ms: number, call: () => void) => () => void;
}

export interface Item {
  source: Source;
  /** The study it belongs to; its options are looked up by this. */
  group: string;
}

/** After so many look-ups in a row that failed nothing more is asked. */
const LOOK_UP_ATTEMPTS = 2;
/** Progress arrives far more often than anybody can read it. */
const PUBLISH_EVERY_MS = 100;

export class Uploader {
  private queue: q.Queue;
  private shown: q.Queue;
  private publishing = false;
  private callOffWake: (() => void) | null = null;
  private options: ReadonlyMap<string, SendOptions> = new Map();
  /** Ends the look-up that is going on. */
  private lookingUp: AbortController | null = null;
  private lookUpFailures = 0;
  private readonly pace = new Pace();
  private readonly sources = new Map<number, Source>();
  /** What the server compares with the bytes that it gets. */
  private readonly digests = new Map<number, string | null>();
  private readonly running = new Map<number, AbortController>();
  private readonly listeners = new Set<() => void>();
  private readonly finishedListeners = new Set<() => void>();

  constructor(private readonly deps: Deps) {
    this.queue = this.shown = q.emptyQueue(deps.newId());
    deps.session.subscribe(() => this.signedIn());
  }

  snapshot = (): q.Queue => this.shown;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  isActive = (): boolean => q.isActive(this.shown);

  /** Called whenever an upload has ended or was cancelled. */
  onFinished(listener: () => void): () => void {
    this.finishedListeners.add(listener);
    return () => this.finishedListeners.delete(listener);
  }

  /** Send these, as one upload with an id of its own. Nothing happens while another one runs. */
  begin(items: readonly Item[], options: ReadonlyMap<string, SendOptions>): void {
    if (items.length === 0 || q.isActive(this.queue)) return;
    this.reset();
    this.options = options;
    const asks = (group: string) => this.deps.lookUp !== null && isAskedFor(options.get(group) ?? {});
    const files = items.map(({ source, group }, at) => ({
      id: at + 1,
      name: source.name,
      size: source.size,
      group,
      asks: asks(group),
    }));
    items.forEach(({ source }, at) => this.sources.set(at + 1, source));
    this.queue = q.added(this.queue, files);
    this.step();
  }

  pause(): void {
    this.queue = q.paused(this.queue);
    this.step();
  }

  /** Go on: after a pause, or at once instead of waiting for a server or a connection. */
  resume(): void {
    this.pace.reset();
    this.queue = q.unpaused(this.queue);
    this.step();
  }

  /** The browser says that the network is back. */
  online(): void {
    if (this.queue.offline && !this.queue.paused) this.resume();
  }

  retry(): void {
    this.queue = q.retried(this.queue);
    this.step();
  }

  /** Send also what the server has already. */
  sendAnyway(): void {
    this.queue = q.sentAnyway(this.queue);
    this.step();
  }

  cancel(): void {
    if (!q.isActive(this.queue)) return;
    this.endLookUp();
    this.queue = q.cancelled(this.queue);
    for (const controller of this.running.values()) controller.abort();
    this.running.clear();
    this.step();
    this.tellFinished();
  }

  /** Forget a finished upload. */
  clear(): void {
    if (q.isActive(this.queue)) return;
    this.reset();
    this.step();
  }

  /** On sign-out: stop everything and forget the files. */
  forget(): void {
    this.cancel();
    this.clear();
  }

  secondsLeft(): number | null {
    const { bytes, sent } = q.totals(this.shown);
    return this.pace.secondsFor(bytes - sent);
  }

  private signedIn(): void {
    if (!this.queue.needsSignIn || !this.deps.session.token()) return;
    this.queue = q.signedInAgain(this.queue);
    this.step();
  }

  private reset(): void {
    this.endLookUp();
    this.lookUpFailures = 0;
    this.sources.clear();
    this.digests.clear();
    this.pace.reset();
    this.queue = q.emptyQueue(this.deps.newId());
  }

  private step(): void {
    this.callOffWake?.();
    this.callOffWake = null;
    const now = this.deps.now();
    const token = this.deps.session.token();
    if (!token && q.isActive(this.queue)) this.queue = q.sessionEnded(this.queue);
    const plan = q.planned(this.queue, now);
    if (token) for (const id of plan.start) void this.run(id, token);
    if (token && !this.lookingUp) void this.askForMore(toLookUp(this.queue));
    if (plan.wakeAt !== null) this.callOffWake = this.deps.later(plan.wakeAt - now, () => this.step());
    this.publish();
  }

  /** Learn of some files whether the server has them. Whatever goes wrong, they are sent. */
  private async askForMore(ids: readonly number[]): Promise<void> {
    const { lookUp } = this.deps;
    if (!lookUp || ids.length === 0) return;
    const ending = (this.lookingUp = new AbortController());
    let known = new Map<number, KnownFile>();
    try {
      const answers = await lookUp(ids.map((id) => this.sources.get(id)!), ending.signal);
      known = this.skippable(ids, answers);
      ids.forEach((id, at) => this.digests.set(id, answers[at]?.sha256 ?? null));
      this.lookUpFailures = 0;
    } catch {
      if (!ending.signal.aborted) this.lookUpFailures += 1;
    }
    if (ending.signal.aborted) return;
    this.lookingUp = null;
    this.queue = lookedUp(this.queue, ids, known);
    if (this.lookUpFailures >= LOOK_UP_ATTEMPTS) this.queue = unasked(this.queue);
    this.step();
    if (!q.isActive(this.queue)) this.tellFinished();
  }

  private skippable(ids: readonly number[], answers: readonly LookedUp[]): Map<number, KnownFile> {
    const groups = new Map(this.queue.files.map(({ id, group }) => [id, group]));
    const known = new Map<number, KnownFile>();
    ids.forEach((id, at) => {
      const file = answers[at]?.known;
      if (file && isSkippable(file, this.options.get(groups.get(id) ?? "") ?? {})) known.set(id, file);
    });
    return known;
  }

  private endLookUp(): void {
    this.lookingUp?.abort();
    this.lookingUp = null;
  }

  private async run(id: number, token: string): Promise<void> {
    const source = this.sources.get(id);
    const file = this.queue.files.find((each) => each.id === id);
    if (!source || !file) return;
    this.queue = q.started(this.queue, id);
    const controller = new AbortController();
    this.running.set(id, controller);
    const reply = await this.send(source, file, token, controller.signal);
    if (controller.signal.aborted) return;
    this.running.delete(id);
    if (reply.kind === "answer" && reply.status === 401) this.deps.session.end(token);
    this.settle(id, reply);
  }

  private async send(source: Source, file: q.QueuedFile, token: string, signal: AbortSignal): Promise<Reply> {
    let content: Blob;
    try {
      content = await contentOf(source);
    } catch {
      return { kind: "unreadable" };
    }
    if (signal.aborted) return { kind: "aborted" };
    return this.deps.send({
      content,
      name: source.name,
      uploadId: this.queue.uploadId,
      total: announced(this.queue),
      sha256: this.digests.get(file.id) ?? null,
      options: this.options.get(file.group) ?? {},
      token,
      signal,
      onProgress: (sent) => {
        if (signal.aborted) return;
        this.queue = q.progressed(this.queue, file.id, sent);
        this.publish();
      },
    });
  }

  private settle(id: number, reply: Reply): void {
    const now = this.deps.now();
    // A file that was refused may have changed since it was hashed; tried again, it is taken as it is then.
    if (reply.kind === "answer" && reply.status === 422) this.digests.delete(id);
    const attempts = this.queue.files.find((file) => file.id === id)?.attempts ?? 1;
    this.queue = q.settled(this.queue, id, judge(reply, attempts, now), now);
    this.step();
    // A 401 to an older token must not hold the queue when the session is already good again.
    this.signedIn();
    if (!q.isActive(this.queue)) this.tellFinished();
  }

  private tellFinished(): void {
    for (const listener of this.finishedListeners) listener();
  }

  private publish(): void {
    if (this.publishing) return;
    this.publishing = true;
    this.deps.later(q.isActive(this.queue) ? PUBLISH_EVERY_MS : 0, () => {
      this.publishing = false;
      if (this.shown === this.queue) return;
      this.shown = this.queue;
      const { sent, skippedBytes } = q.totals(this.queue);
      this.pace.note(this.deps.now(), sent - skippedBytes);
      for (const listener of this.listeners) listener();
    });
  }
}
