/** Rejected images of a study: by whom and why, the way back, and what other systems have rejected. */
import { useState } from "react";
import { useDecideRejection, useRejections, type Rejection } from "../api/rejections";
import { useMay } from "../auth/permissions";
import { Problem } from "../components/Problem";
import { ReasonDialog } from "../components/ReasonDialog";
import { useSay } from "../components/Toast";
import { Instant } from "../components/values";
import { t, word } from "../i18n";
import { RejectedLook } from "./RejectedLook";

/** Nothing where there are none. */
export function RejectedPanel({ study }: { study: string }) {
  const rejections = useRejections(study);
  if (!rejections.data?.length) return null;
  return (
    <section className="panel" aria-labelledby="rejected-title">
      <h2 id="rejected-title">{t("rejected.title")}</h2>
      <ul className="stack rejected">
        {rejections.data.map((each) => (
          <li key={each.id}>
            <One study={study} rejection={each} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function One({ study, rejection }: { study: string; rejection: Rejection }) {
  const may = useMay("modify_tags");
  const maySee = useMay("view");
  const decide = useDecideRejection(study);
  const say = useSay();
  const [asking, setAsking] = useState(false);
  const [isLooking, setLooking] = useState(false);
  const act = (verb: "undo" | "agree" | "refuse", done: string, reason?: string) =>
    decide.mutate(
      { id: rejection.id, verb, ...(reason ? { reason } : {}) },
      {
        onSuccess: () => {
          say({ text: done });
          setAsking(false);
        },
      },
    );
  return (
    <>
      <p>
        <span className={`badge badge-${rejection.status === "rejected" ? "bad" : rejection.status === "proposed" ? "warn" : "plain"}`}>{word("rejected.status", rejection.status)}</span>{" "}
        {t("count.images", { count: rejection.number_of_images })} · {word("reject.reason", rejection.reason)}
        {rejection.comment && (
          <>
            {" "}
            · <bdi>{rejection.comment}</bdi>
          </>
        )}
      </p>
      <p className="small muted">
        <bdi>{rejection.requested_by}</bdi>, <Instant iso={rejection.requested_at} />
        {rejection.decided_by && (
          <>
            {" · "}
            <bdi>{rejection.decided_by}</bdi>, <Instant iso={rejection.decided_at} />
          </>
        )}
        {rejection.decision_reason && (
          <>
            {" · "}
            <bdi>{rejection.decision_reason}</bdi>
          </>
        )}
      </p>
      {rejection.is_under_way && (
        <p className="small" role="status">
          {t("rejected.busy")}
        </p>
      )}
      {!asking && <Problem error={decide.error} />}
      {may && (
        <div className="actions">
          {maySee && rejection.images.some(({ is_put_aside: isKept }) => isKept) && (
            <button type="button" className="button button-small" onClick={() => setLooking(true)}>
              {t("rejected.look")}
            </button>
          )}
          {rejection.status === "rejected" && (
            <button type="button" className="button button-small" onClick={() => setAsking(true)}>
              {t("rejected.undo")}
            </button>
          )}
          {rejection.status === "proposed" && (
            <>
              <button type="button" className="button button-small" aria-disabled={decide.isPending} onClick={() => act("agree", t("rejected.confirmed"))}>
                {t("rejected.confirm")}
              </button>
              <button type="button" className="button button-small" aria-disabled={decide.isPending} onClick={() => act("refuse", t("rejected.declined"))}>
                {t("rejected.decline")}
              </button>
            </>
          )}
        </div>
      )}
      {isLooking && <RejectedLook rejection={rejection} onClose={() => setLooking(false)} />}
      {asking && (
        <ReasonDialog
          title={t("rejected.undo.title")}
          action={t("rejected.undo")}
          busy={decide.isPending}
          error={decide.error}
          onClose={() => {
            setAsking(false);
            decide.reset();
          }}
          onConfirm={(reason) => act("undo", t("rejected.undone"), reason)}
        >
          <p>{t("rejected.undo.text")}</p>
        </ReasonDialog>
      )}
    </>
  );
}
