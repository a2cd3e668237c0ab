/** Says before anybody reads them that images may be of somebody else. */
import { Link } from "react-router-dom";
import { useMay } from "../auth/permissions";
import { Notice } from "../components/Notice";
import { t } from "../i18n";
import { deskOf } from "../study/deskAddress";

export function Doubt({ studyUid }: { studyUid: string }) {
  const mayDecide = useMay("reconcile");
  return (
    <div className="viewer-doubt" role="alert">
      <Notice kind="warn" title={t("viewer.doubt.title")}>
        <p>{t("viewer.doubt")}</p>
        {mayDecide ? (
          <p>
            <Link to={deskOf(studyUid)}>{t("viewer.doubt.decide")}</Link>
          </p>
        ) : (
          <p>{t("viewer.doubt.ask")}</p>
        )}
      </Notice>
    </div>
  );
}
