import { t } from "../i18n";

export function Brand() {
  return (
    <span className="brand">
      <svg className="brand-mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
        <rect width="32" height="32" rx="8" />
        <path d="M6 21c0-7 4-11 10-11s10 4 10 11M4 21h24M12 21v-9.8M20 21v-9.8" />
      </svg>
      <span>{t("app.name")}</span>
    </span>
  );
}
