import { Component, type ReactNode } from "react";
import { t } from "../i18n";
import { Blank } from "./Blank";

/** The last resort: a fault in one page says so instead of leaving a white screen. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <main id="content" className="page" role="alert" tabIndex={-1}>
        <Blank icon="alert" title={t("app.crash.title")} text={t("app.crash.text")}>
          <button type="button" className="button" onClick={() => window.location.reload()}>
            {t("app.crash.reload")}
          </button>
        </Blank>
      </main>
    );
  }
}
