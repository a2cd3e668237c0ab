import { Link } from "react-router-dom";
import type { DamagedFileAnswer, RestartsAnswer, SystemAnswer } from "../api/schema";
import { useCurrentUser } from "../auth/permissions";
import { Icon } from "../components/Icon";
import { formatInstant, t, word } from "../i18n";
import { JobsToActOn } from "./JobsToActOn";
import { StudyLink } from "./StudyLink";
import { attentionWords, placeToAct } from "./words";

/** What needs somebody, each with what to do next and the way there. */
export function ActPanel({ system }: { system: SystemAnswer }) {
  const { permissions } = useCurrentUser();
  const stuck = system.failed_jobs.filter((job) => job.status === "running");
  const ended = system.failed_jobs.filter((job) => job.status !== "running");
  return (
    <section className="panel" aria-labelledby="act-title">
      <h2 id="act-title">{t("system.act")}</h2>
      <ul className="checks">
        {system.attention.map((each) => {
          const { title, todo } = attentionWords(each);
          const place = placeToAct(each.code, permissions);
          return (
            <li key={each.code}>
              <span className="text-warn">
                <Icon name="alert" />
              </span>
              <div className="stack-small">
                <p>
                  {title}
                  <span className="second">{todo}</span>
                </p>
                {place && (
                  <p className="small">
                    <Link to={place}>{word("system.act.go", each.code)}</Link>
                  </p>
                )}
                {each.code === "restarted" && <LatestRestart restarts={system.restarts} />}
                {each.code === "files_damaged" && <DamagedFiles files={system.fixity.latest} />}
                {each.code === "jobs_failed" && <JobsToActOn jobs={ended} label={t("system.failed_jobs")} />}
                {each.code === "jobs_stuck" && <JobsToActOn jobs={stuck} label={t("system.stuck_jobs")} />}
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function LatestRestart({ restarts: { latest, cause } }: { restarts: RestartsAnswer }) {
  if (latest === null || cause === null) return null;
  return <p className="small">{t("system.restarts.latest", { at: formatInstant(latest), cause })}</p>;
}

function DamagedFiles({ files }: { files: readonly DamagedFileAnswer[] }) {
  return (
    <ul className="stack-small small" aria-label={t("system.damaged_files")}>
      {files.map(({ orthanc_instance_id: id, study_instance_uid: uid, damaged_at: at, file }) => (
        <li key={id}>
          <span className="uid">{file ?? t("system.damaged_files.gone", { id })}</span>
          {` · ${t("system.damaged_files.read", { at: formatInstant(at) })}`}
          <StudyLink uid={uid} />
        </li>
      ))}
    </ul>
  );
}
