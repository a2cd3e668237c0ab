/** What a person likes on this computer: language and appearance. Nothing else is ever kept in localStorage. */

export type Theme = "system" | "light" | "dark";
export const THEMES: readonly Theme[] = ["system", "light", "dark"];

const LANGUAGE = "ehr-bridge.language";
const THEME = "ehr-bridge.theme";

export const keptLanguage = (): string | null => read(LANGUAGE);
export const keepLanguage = (code: string): void => write(LANGUAGE, code);

export function keptTheme(): Theme {
  return THEMES.find((theme) => theme === read(THEME)) ?? "system";
}

/** Show a theme from now on, and at the next visit. */
export function chooseTheme(theme: Theme): void {
  write(THEME, theme);
  showTheme(theme);
}

/** tokens.css reads this attribute; without it the system decides. */
export function showTheme(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

function read(key: string): string | null {
  try {
    return window.localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    window.localStorage.setItem(key, value);
  } catch {
    // A browser that keeps nothing asks the system each time.
  }
}
