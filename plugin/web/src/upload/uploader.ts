/**
 * Drives the queue of one order: starts what may start, tells what happened, lets the page know.
 *
 * The decisions are in queue.ts and verdict.ts; here are the network, the clock and the files.
 */
import type { Session } from "../auth/session";
import * as q from "./queue";
import type { Send } from "./transport";
import { judge, type Reply } from "./verdict";

export interface Deps {
  send: Send;
  session: Session;
  newId: () => string;
  now: () => number;
  /** Call later; answers how to call it off. */
  later: (ms: number, call: () => void) => () => void;
}

/** What an upload is for, as far as the page shows it while the user is elsewhere. */
export interface UploadTarget {
  orderId: string;
  accessionNumber: string;
}

/** Progress arrives far more often than anybody can read it. */
const PUBLISH_EVERY_MS = 100;

export class Uploader {
  private queue: q.Queue;
  private shown: q.Queue;
  private nextId = 1;
  private publishing = false;
  private callOffWake: (() => void) | null = null;
  private readonly files = new Map<number, File>();
  private readonly running = new Map<number, AbortController>();
  private readonly listeners = new Set<() => void>();

  constructor(
    readonly target: UploadTarget,
    private readonly deps: Deps,
    private readonly onFinished: (target: UploadTarget) => void = () => {},
  ) {
    this.queue = this.shown = q.emptyQueue(deps.newId());
  }

  snapshot = (): q.Queue => this.shown;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Joins the upload that is running, or begins a new one with an id of its own. */
  add(files: readonly { file: File; name: string }[]): void {
    if (files.length === 0) return;
    if (!q.isActive(this.queue)) this.reset();
    const fresh = files.map(({ file, name }) => ({ id: this.nextId++, file, name, size: file.size }));
    for (const { id, file } of fresh) this.files.set(id, file);
    this.queue = q.added(this.queue, fresh);
    this.step();
  }

  retry(): void {
    this.queue = q.retried(this.queue);
    this.step();
  }

  cancel(): void {
    if (!q.isActive(this.queue)) return;
    this.queue = q.cancelled(this.queue);
    for (const controller of this.running.values()) controller.abort();
    this.running.clear();
    this.step();
    this.onFinished(this.target);
  }

  /** Forget a finished upload. */
  clear(): void {
    if (q.isActive(this.queue)) return;
    this.reset();
    this.step();
  }

  /** Go on after the user has signed in again. */
  resume(): void {
    if (!this.queue.needsSignIn || !this.deps.session.token()) return;
    this.queue = q.signedInAgain(this.queue);
    this.step();
  }

  private reset(): void {
    this.files.clear();
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
    if (plan.wakeAt !== null) this.callOffWake = this.deps.later(plan.wakeAt - now, () => this.step());
    this.publish();
  }

  private async run(id: number, token: string): Promise<void> {
    const file = this.files.get(id);
    if (!file) return;
    this.queue = q.started(this.queue, id);
    const controller = new AbortController();
    this.running.set(id, controller);
    const reply = await this.deps.send({
      file,
      uploadId: this.queue.uploadId,
      orderId: this.target.orderId,
      token,
      signal: controller.signal,
      onProgress: (sent) => {
        if (controller.signal.aborted) return;
        this.queue = q.progressed(this.queue, id, sent);
        this.publish();
      },
    });
    if (controller.signal.aborted) return;
    this.running.delete(id);
    if (reply.kind === "answer" && reply.status === 401) this.deps.session.end(token);
    this.settle(id, reply);
  }

  private settle(id: number, reply: Reply): void {
    const now = this.deps.now();
    const attempts = this.queue.files.find((file) => file.id === id)?.attempts ?? 1;
    this.queue = q.settled(this.queue, id, judge(reply, attempts, now), now);
    this.step();
    // A 401 to an older token must not hold the queue when the session is already good again.
    this.resume();
    if (!q.isActive(this.queue)) this.onFinished(this.target);
  }

  private publish(): void {
    if (this.publishing) return;
    this.publishing = true;
    this.deps.later(q.isActive(this.queue) ? PUBLISH_EVERY_MS : 0, () => {
      this.publishing = false;
      if (this.shown === this.queue) return;
      this.shown = this.queue;
      for (const listener of this.listeners) listener();
    });
  }
}
