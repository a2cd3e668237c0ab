/** What a study holds beside images, in words and curves. */
import { Link, useParams } from "react-router-dom";
import { useStudy } from "../api/studies";
import { useMay } from "../auth/permissions";
import { Icon } from "../components/Icon";
import { NeedsPermission } from "../components/NoPermission";
import { Page } from "../components/Page";
import { PatientLink } from "../components/PatientLink";
import { PersonFacts } from "../components/Person";
import { ofNamed } from "../components/whom";
import { t } from "../i18n";
import { ObjectList } from "../objects/ObjectList";

export function ObjectsPage() {
  const { uid = "" } = useParams();
  const study = useStudy(useMay("read") ? uid : "").data;
  return (
    <NeedsPermission permission="view" title={t("objects.title")}>
      <Page
        key={uid}
        title={t("objects.title")}
        heading={study ? <PatientLink id={study.patient_id} name={study.patient_name} /> : t("objects.title")}
        lead={
          <p className="identity">
            {study && <PersonFacts whom={ofNamed(study)} />}
            <span>{t("objects.lead")}</span>
          </p>
        }
        above={
          <p className="back">
            <Link to={`/studies/${encodeURIComponent(uid)}`}>
              <Icon name="back" />
              {t("objects.study")}
            </Link>
          </p>
        }
      >
        <ObjectList study={uid} />
      </Page>
    </NeedsPermission>
  );
}
