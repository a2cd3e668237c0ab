import { useState } from "react";
import { Link } from "react-router-dom";
import { useDecideLink, useReconciliation } from "../api/reconciliation";
import { useRefreshStudy } from "../api/study";
import type { Study } from "../api/types";
import { useMay } from "../auth/permissions";
import { AskedStudy } from "./AskedStudy";
import { JobProgress } from "../components/JobProgress";
import { ReasonDialog } from "../components/ReasonDialog";
import { t, word } from "../i18n";
import { deskOf } from "./deskAddress";

/** Whose the study is, and the ways to change that. */
export function LinkPanel({ study }: { study: Study }) {
  const uid = study.study_instance_uid;
  const may = useMay("reconcile");
  const item = useReconciliation(uid, may);
  const unlink = useDecideLink(uid);
  const refresh = useRefreshStudy(uid);
  // The version the person looked at when they began; null while nobody asks.
  const [expected, setExpected] = useState<string | null>(null);
  const [started, setStarted] = useState<string | null>(null);
  if (!may) return null;
  const isLinked = study.link_status === "linked";
  const close = () => {
    setExpected(null);
    unlink.reset();
  };
  return (
    <section className="panel" aria-labelledby="link-title">
      <h2 id="link-title">{t("column.link")}</h2>
      <p className="muted">{word("reconciliation.why.text", item.data?.why ?? study.link_status)}</p>
      {started && <JobProgress key={started} jobId={started} onEnd={refresh} />}
      <div className="actions">
        <Link className="button" to={deskOf(uid)}>
          {t(isLinked ? "study.link.change" : "study.link.find")}
        </Link>
        {isLinked && item.data && (
          <button type="button" className="button" onClick={() => setExpected(item.data.version)}>
            {t("study.unlink")}
          </button>
        )}
      </div>
      {expected && (
        <ReasonDialog
          title={t("study.unlink.title")}
          action={t("study.unlink")}
          maxLength={500}
          busy={unlink.isPending}
          error={unlink.error}
          onClose={close}
          onConfirm={(reason) =>
            unlink.mutate(
              { verdict: { kind: "unlink" }, reason, expected },
              {
                onSuccess: (job) => {
                  setStarted(job.id);
                  close();
                },
              },
            )
          }
        >
          <AskedStudy study={study} />
          <p>{t("study.unlink.text")}</p>
        </ReasonDialog>
      )}
    </section>
  );
}
