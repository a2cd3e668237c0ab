import { Link } from "react-router-dom";
import { Blank } from "../components/Blank";
import { Page } from "../components/Page";
import { t } from "../i18n";

/** In place of a page that is not what the EHR opened this tab for. */
export function NotOfVisit({ to }: { to: string }) {
  return (
    <Page title={t("launch.title")}>
      <Blank icon="person" title={t("visit.other.title")} text={t("visit.other.text")}>
        <Link className="button" to={to}>
          {t("visit.back")}
        </Link>
      </Blank>
    </Page>
  );
}
