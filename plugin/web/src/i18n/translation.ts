/** What a translation must hold: every message, with a plural where English has one. */
import type { Message } from "./message";

export type Translation<English> = {
  readonly [Key in keyof English]: English[Key] extends string ? string : Exclude<Message, string>;
};
