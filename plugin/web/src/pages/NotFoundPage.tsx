import { Link } from "react-router-dom";
import { Blank } from "../components/Blank";
import { Page } from "../components/Page";
import { t } from "../i18n";

export function NotFoundPage() {
  return (
    <Page title={t("app.not_found.title")}>
      <Blank icon="question" title={t("app.not_found.title")} text={t("app.not_found.text")}>
        <Link className="button" to="/orders">
          {t("app.not_found.action")}
        </Link>
      </Blank>
    </Page>
  );
}
