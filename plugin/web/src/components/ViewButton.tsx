/** The way to a study's images, one press away. Shown to those who may view. */
import { Link } from "react-router-dom";
import { useMay } from "../auth/permissions";
import { t } from "../i18n";
import { Icon } from "./Icon";

interface Props {
  studyInstanceUid: string;
  /** What is viewed, for the accessible name: "CT Thorax of Doe, Jane". */
  what: string;
  primary?: boolean;
}

export function ViewButton({ studyInstanceUid, what, primary = false }: Props) {
  if (!useMay("view")) return null;
  return (
    <Link
      className={primary ? "button button-primary button-view" : "button button-small button-view"}
      aria-label={t("view.label", { what })}
      to={`/view/${encodeURIComponent(studyInstanceUid)}`}
    >
      <Icon name="eye" />
      {t("view.action")}
    </Link>
  );
}
