import { Link } from "react-router-dom";
import { useMay } from "../auth/permissions";
import { t } from "../i18n";
import { Icon } from "./Icon";

interface Props {
  studyInstanceUid: string;
  /** What is viewed, for the accessible name: "CT Thorax of Doe, Jane". */
  what: string;
  primary?: boolean;
  /** -1 where something else takes the focus to it. */
  tabIndex?: 0 | -1;
}

/** The way to a study's images, one press away. Shown to those who may view. */
export function ViewButton(props: Props) {
  return useMay("view") ? <ViewLink {...props} /> : null;
}

/** The same for who may see this study, whatever they may see else. */
export function ViewLink({ studyInstanceUid, what, primary = false, tabIndex = 0 }: Props) {
  return (
    <Link
      tabIndex={tabIndex}
      className={primary ? "button button-primary button-view" : "button button-small button-view"}
      aria-label={t("view.label", { what })}
      to={`/view/${encodeURIComponent(studyInstanceUid)}`}
    >
      <Icon name="eye" />
      {t("view.action")}
    </Link>
  );
}
