/** What a message is, as far as the compiler can check it: its key, its plural forms, the blanks to fill in. */
import type { en } from "./en";

export type MessageKey = keyof typeof en;
export type Message = string | ({ other: string } & Partial<Record<Intl.LDMLPluralRule, string>>);
export type Catalogue = Readonly<Record<MessageKey, Message>>;

type Blanks<S> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | Blanks<Rest> : never;
type BlanksOf<K extends MessageKey> = (typeof en)[K] extends { other: infer S }
  ? Blanks<S> | "count"
  : Blanks<(typeof en)[K]>;
export type Args<K extends MessageKey> = [BlanksOf<K>] extends [never]
  ? []
  : [values: Record<BlanksOf<K>, string | number>];
