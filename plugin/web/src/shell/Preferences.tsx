import { useId, useState } from "react";
import { currentLanguage, setLanguage, t } from "../i18n";
import { LANGUAGES, type LanguageCode } from "../i18n/languages";
import { chooseTheme, keepLanguage, keptTheme, THEMES, type Theme } from "../preferences";

const OFFERED = Object.entries(LANGUAGES).filter(([, { isForTests }]) => !isForTests);

export function Preferences() {
  const [theme, setTheme] = useState(keptTheme);
  const themeId = useId();
  const languageId = useId();
  return (
    <div className="preferences">
      <label className="visually-hidden" htmlFor={themeId}>
        {t("theme.label")}
      </label>
      <select
        id={themeId}
        value={theme}
        onChange={(event) => {
          const chosen = event.target.value as Theme;
          setTheme(chosen);
          chooseTheme(chosen);
        }}
      >
        {THEMES.map((each) => (
          <option key={each} value={each}>
            {t(`theme.${each}`)}
          </option>
        ))}
      </select>
      <label className="visually-hidden" htmlFor={languageId}>
        {t("language.label")}
      </label>
      <select
        id={languageId}
        value={currentLanguage()}
        onChange={(event) => {
          const code = event.target.value as LanguageCode;
          keepLanguage(code);
          void setLanguage(code);
        }}
      >
        {OFFERED.map(([code, { name }]) => (
          <option key={code} value={code} lang={code}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}
