/** The languages there are. English is in the first load, the others come when they are chosen. */
import type { Catalogue } from "./message";

export type LanguageCode = "en" | "de";

interface Language {
  /** In its own words. */
  name: string;
  /** Whose dates and numbers go with it. */
  locale: string;
  load: () => Promise<Catalogue>;
}

export const DEFAULT_LANGUAGE: LanguageCode = "en";

export const LANGUAGES: Record<LanguageCode, Language> = {
  en: { name: "English", locale: "en-GB", load: async () => (await import("./en")).en },
  de: { name: "Deutsch", locale: "de-DE", load: async () => (await import("./de")).de },
};

/** The first of the wished languages that there is. */
export function chosenLanguage(kept: string | null, wished: readonly string[]): LanguageCode {
  const short = [kept, ...wished].map((tag) => tag?.toLowerCase().split("-")[0]);
  return short.find((code): code is LanguageCode => code !== undefined && Object.hasOwn(LANGUAGES, code)) ?? DEFAULT_LANGUAGE;
}
