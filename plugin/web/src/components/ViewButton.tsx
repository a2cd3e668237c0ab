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

/** The way to a study's images, one press away. Shown to those who may view. */
export function ViewButton(props: Props) {
  return useMay("view") ? <ViewLink {...props} /> : null;
}

/** The same for who may see this study, whatever they may see else. */
export function ViewLink({ studyInstanceUid, what, primary = false }: Props) {
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
