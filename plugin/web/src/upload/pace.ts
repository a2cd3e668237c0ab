/** How long the rest will take, from what was sent lately. Pure but for what it remembers. */

const WINDOW_MS = 15_000;
const TOO_EARLY_MS = 3_000;

export class Pace {
  private samples: { at: number; sent: number }[] = [];

  /** Bytes sent in total, now. Going back (a retry) or a wait begins anew. */
  note(at: number, sent: number): void {
    const last = this.samples.at(-1);
    if (last && sent < last.sent) this.samples = [];
    this.samples.push({ at, sent });
    while (this.samples.length > 2 && at - this.samples[0]!.at > WINDOW_MS) this.samples.shift();
  }

  reset(): void {
    this.samples = [];
  }

  /** Seconds for `rest` bytes; null while nobody can say. */
  secondsFor(rest: number): number | null {
    const first = this.samples[0];
    const last = this.samples.at(-1);
    if (!first || !last || last.at - first.at < TOO_EARLY_MS || last.sent === first.sent) return null;
    return Math.ceil((rest * (last.at - first.at)) / (last.sent - first.sent) / 1000);
  }
}
