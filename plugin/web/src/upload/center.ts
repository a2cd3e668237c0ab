/** All uploads of this tab, one uploader per order, so that they go on while the user looks elsewhere. */
import { isActive } from "./queue";
import { Uploader, type Deps, type UploadTarget } from "./uploader";

export class UploadCenter {
  private readonly byOrder = new Map<string, Uploader>();
  private readonly listeners = new Set<() => void>();
  private active: readonly Uploader[] = [];
  private readonly finishedListeners = new Set<(target: UploadTarget) => void>();

  constructor(private readonly deps: Deps) {
    deps.session.subscribe(() => {
      for (const uploader of this.byOrder.values()) uploader.resume();
    });
  }

  for(target: UploadTarget): Uploader {
    let uploader = this.byOrder.get(target.orderId);
    if (!uploader) {
      uploader = new Uploader(target, this.deps, (done) => {
        for (const listener of this.finishedListeners) listener(done);
      });
      uploader.subscribe(() => this.refresh());
      this.byOrder.set(target.orderId, uploader);
    }
    return uploader;
  }

  /** The uploaders with work left; the same array until that changes. */
  running = (): readonly Uploader[] => this.active;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  onFinished(listener: (target: UploadTarget) => void): () => void {
    this.finishedListeners.add(listener);
    return () => this.finishedListeners.delete(listener);
  }

  /** On sign-out: stop everything and forget the files. */
  forgetAll(): void {
    for (const uploader of this.byOrder.values()) uploader.cancel();
    this.byOrder.clear();
    this.refresh();
  }

  private refresh(): void {
    const active = [...this.byOrder.values()].filter((uploader) => isActive(uploader.snapshot()));
    if (active.length === this.active.length && active.every((each, at) => each === this.active[at])) return;
    this.active = active;
    for (const listener of this.listeners) listener();
  }
}
