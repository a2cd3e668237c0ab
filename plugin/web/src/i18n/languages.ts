/** The languages there are. English is in the first load, the others come when they are chosen. */
import type { Catalogue } from "./message";

export type LanguageCode = "en" | "de" | "qps";

interface Language {
  /** In its own words. */
  name: string;
  /** Whose dates and numbers go with it. */
  locale: string;
  load: () => Promise<Catalogue>;
  direction: "ltr" | "rtl";
  /** Nobody speaks it: it shows what a translation would break. */
  isForTests?: true;
}

export const DEFAULT_LANGUAGE: LanguageCode = "en";

export const LANGUAGES: Record<LanguageCode, Language> = {
  en: { name: "English", locale: "en-GB", load: async () => (await import("./en")).en, direction: "ltr" },
  de: { name: "Deutsch", locale: "de-DE", load: async () => (await import("./de")).de, direction: "ltr" },
  qps: { name: "Pseudo", locale: "en-GB", load: async () => (await import("./pseudo")).pseudo, direction: "rtl", isForTests: true },
};

/** The first of the wished languages that there is. */
export function chosenLanguage(kept: string | null, wished: readonly string[]): LanguageCode {
  const short = [kept, ...wished].map((tag) => tag?.toLowerCase().split("-")[0]);
  return short.find((code): code is LanguageCode => code !== undefined && Object.hasOwn(LANGUAGES, code)) ?? DEFAULT_LANGUAGE;
}
