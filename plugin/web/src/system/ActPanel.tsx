import { Link } from "react-router-dom";
import type { FailedJobAnswer, SystemAnswer } from "../api/schema";
import { useCurrentUser, useMay } from "../auth/permissions";
import { Icon } from "../components/Icon";
import { Instant } from "../components/values";
import { known, t, word } from "../i18n";
import { attentionWords, placeToAct } from "./words";

/** What needs somebody, each with what to do next and the way there. */
export function ActPanel({ system }: { system: SystemAnswer }) {
  const { permissions } = useCurrentUser();
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
                {each.code === "jobs_failed" && <FailedJobs jobs={system.failed_jobs} />}
              </div>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

function FailedJobs({ jobs }: { jobs: readonly FailedJobAnswer[] }) {
  const mayRead = useMay("read");
  return (
    <ul className="stack-small small" aria-label={t("system.failed_jobs")}>
      {jobs.map(({ id, study_instance_uid: uid, kind, status, error_code: code, finished_at: at }) => (
        <li key={id}>
          {word("system.job", kind)}: {word("job.status", status)} · <Instant iso={at} />
          {code && ` · ${known("problem", code) ?? code}`}
          <span className="second">
            {mayRead ? (
              <Link className="uid" to={`/studies/${encodeURIComponent(uid)}`}>
                {uid}
              </Link>
            ) : (
              <span className="uid">{uid}</span>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}
