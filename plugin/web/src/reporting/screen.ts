/**
 * A second window for the images, in step with the report: which study it is to show goes through a BroadcastChannel,
 * which only windows of this origin hear. No names and no text of a report, only Study Instance UIDs.
 */
import { isRecord } from "../api/errors";

export const WINDOW_NAME = "ehr-bridge-images";

type Said = { say: "show"; study: string; by: string } | { say: "here" | "gone" | "ask"; by: string };

/** The part of BroadcastChannel that is used. */
export type Channel = Pick<BroadcastChannel, "postMessage" | "close"> & { onmessage: ((event: MessageEvent) => void) | null };

export const openChannel = (): Channel => new BroadcastChannel("ehr-bridge.images");

/** The report's side: says which study is read, and hears whether a window shows it. `user`: others are not listened to. */
export class Leading {
  private study: string | null = null;

  constructor(
    private readonly channel: Channel,
    private readonly user: string,
    private readonly onWindow: (isThere: boolean) => void,
  ) {
    channel.onmessage = (event) => {
      const said = read(event.data, user);
      if (said?.say === "gone") this.onWindow(false);
      if (said?.say !== "here") return;
      this.onWindow(true);
      this.tell();
    };
    this.post({ say: "ask", by: user });
  }

  show(study: string | null): void {
    this.study = study;
    this.tell();
  }

  close(): void {
    this.channel.close();
  }

  private tell(): void {
    if (this.study) this.post({ say: "show", study: this.study, by: this.user });
  }

  private post(said: Said): void {
    this.channel.postMessage(said);
  }
}

/** The window's side: shows what is read. */
export class Following {
  constructor(
    private readonly channel: Channel,
    private readonly user: string,
    onShow: (study: string) => void,
  ) {
    channel.onmessage = (event) => {
      const said = read(event.data, user);
      if (said?.say === "show") onShow(said.study);
      if (said?.say === "ask") this.say("here");
    };
    this.say("here");
  }

  /** The window is closed. */
  close(): void {
    this.say("gone");
    this.channel.close();
  }

  private say(say: "here" | "gone"): void {
    this.channel.postMessage({ say, by: this.user } satisfies Said);
  }
}

/** What another window said, if it is one of ours and of the same person. */
function read(data: unknown, user: string): Said | null {
  if (!isRecord(data) || data.by !== user) return null;
  if (data.say === "show") return typeof data.study === "string" && /^[0-9.]{1,64}$/.test(data.study) ? { say: "show", study: data.study, by: user } : null;
  return data.say === "here" || data.say === "gone" || data.say === "ask" ? { say: data.say, by: user } : null;
}
