import { useVerification } from "../api/audit";
import type { VerificationAnswer } from "../api/schema";
import { BusyButton } from "../components/BusyButton";
import { Icon } from "../components/Icon";
import { Notice } from "../components/Notice";
import { Problem } from "../components/Problem";
import { t, word } from "../i18n";

/** Whether every event is there and unaltered. */
export function VerifyPanel() {
  const verification = useVerification();
  return (
    <section className="panel" aria-labelledby="verify-title">
      <h2 id="verify-title">{t("audit.verify.title")}</h2>
      <p className="muted">{t("audit.verify.text")}</p>
      <div className="actions">
        <BusyButton busy={verification.isPending} saying={t("audit.verify.busy")} onPress={() => verification.mutate()}>
          <Icon name="shield" />
          {t("audit.verify")}
        </BusyButton>
      </div>
      <div role="status">{verification.data && <Verdict answer={verification.data} />}</div>
      <Problem error={verification.error} />
    </section>
  );
}

function Verdict({ answer }: { answer: VerificationAnswer }) {
  if (answer.ok) {
    return (
      <Notice kind="good" title={t("audit.verify.ok")}>
        <p className="small">{t("audit.verify.ok.text", { events: answer.events, anchors: answer.anchors })}</p>
        {answer.head && <p className="small uid">{t("audit.verify.head", { id: answer.head.id, hash: answer.head.hash })}</p>}
      </Notice>
    );
  }
  return (
    <Notice kind="bad" title={t("audit.verify.broken")}>
      <p className="small">
        {word("audit.verify.reason", answer.reason ?? "altered")}
        {answer.broken_at !== null && ` ${t("audit.verify.at", { id: answer.broken_at })}`}
      </p>
      <p className="small">{t("audit.verify.broken.text")}</p>
    </Notice>
  );
}
