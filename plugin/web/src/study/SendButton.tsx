/** Sends a study to a workstation or an archive, and says how far that is. */
import { useState } from "react";
import { hasEnded } from "../api/jobs";
import { useCancelSending, useLastSending, useReceivers, useSend, type Sending } from "../api/sendings";
import type { Study } from "../api/types";
import { BusyButton } from "../components/BusyButton";
import { ErrorState } from "../components/ErrorState";
import { SelectField } from "../components/Fields";
import { FormDialog } from "../components/FormDialog";
import { Icon } from "../components/Icon";
import { Notice } from "../components/Notice";
import { Problem } from "../components/Problem";
import { known, t } from "../i18n";

export function SendButton({ study }: { study: Study }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="button" onClick={() => setOpen(true)}>
        <Icon name="up" />
        {t("study.send")}
      </button>
      <LastSending study={study} />
      {isOpen && <SendDialog study={study} onClose={() => setOpen(false)} />}
    </>
  );
}

/** How far the last sending is, also where nothing may be sent any more. */
export function LastSending({ study }: { study: Study }) {
  const last = useLastSending(study.study_instance_uid);
  return last.data ? <SendingState sending={last.data} uid={study.study_instance_uid} /> : null;
}

function SendDialog({ study, onClose }: { study: Study; onClose: () => void }) {
  const receivers = useReceivers();
  const send = useSend(study.study_instance_uid);
  const [chosen, setChosen] = useState("");
  const [isTried, setTried] = useState(false);
  const offered = receivers.data ?? [];
  const aeTitle = chosen || (offered.length === 1 ? (offered[0]?.ae_title ?? "") : "");
  const submit = () => {
    setTried(true);
    if (aeTitle) send.mutate(aeTitle, { onSuccess: onClose });
  };
  return (
    <FormDialog title={t("study.send.title")} action={t("study.send.action")} busy={send.isPending} error={send.error} onSubmit={submit} onClose={onClose}>
      {receivers.error && <ErrorState error={receivers.error} onRetry={() => void receivers.refetch()} />}
      {receivers.data?.length === 0 ? (
        <p>{t("study.send.nobody")}</p>
      ) : (
        <SelectField
          label={t("study.send.to")}
          value={aeTitle}
          options={[
            { value: "", label: t("study.send.choose") },
            ...offered.map(({ ae_title, description }) => ({ value: ae_title, label: description ? `${ae_title} – ${description}` : ae_title })),
          ]}
          onChange={setChosen}
          problem={isTried && !aeTitle ? t("study.send.choose") : null}
        />
      )}
      <p className="small muted">{t("study.send.text", { count: study.number_of_instances })}</p>
    </FormDialog>
  );
}

function SendingState({ sending, uid }: { sending: Sending; uid: string }) {
  const cancel = useCancelSending(uid);
  const { ae_title: to, number_sent: done, number_of_instances: count, number_refused: refused, error_code: code } = sending;
  const why = code && (known("problem", code) ?? sending.error_message);
  if (sending.status === "failed" || sending.status === "partial") {
    return (
      <Notice kind={sending.status === "failed" ? "bad" : "warn"} title={t(`study.send.${sending.status}`, { to, done, count })}>
        {refused > 0 && <p>{t("study.send.refused", { count: refused })}</p>}
        {why && <p>{why}</p>}
        {sending.refusal && <p className="small">{t("study.send.said", { said: sending.refusal })}</p>}
      </Notice>
    );
  }
  const label = hasEnded(sending) ? t("study.send.done", { to }) : t("study.send.running", { to });
  return (
    <div className="progress download" role="status">
      <div className="progress-line">
        <strong>{label}</strong>
        <span className="number muted">{t("job.progress", { done, count })}</span>
      </div>
      <progress aria-label={label} className={hasEnded(sending) ? "bar-good" : undefined} max={Math.max(1, count)} value={done} />
      {why && <p className="small text-bad">{why}</p>}
      {!hasEnded(sending) && (
        <p>
          <BusyButton className="button button-small" busy={cancel.isPending} onPress={() => cancel.mutate(sending.id)}>
            {t("study.send.cancel")}
          </BusyButton>
        </p>
      )}
      <Problem error={cancel.error} />
    </div>
  );
}
