/** Asks whether a number is still the same person's after a correction of name and birth date or sex. */
import { useState } from "react";
import { useAnswerChange, useChange, type Answer, type Change } from "../api/changes";
import { useMay } from "../auth/permissions";
import { ChangeTable } from "../components/ChangeTable";
import { Notice } from "../components/Notice";
import { ReasonDialog } from "../components/ReasonDialog";
import { useSay } from "../components/Toast";
import { NAME_PARTS } from "../components/whom";
import { formatDay, t, word } from "../i18n";

export function UsedAgain({ changeId }: { changeId: string }) {
  const change = useChange(changeId);
  const [asked, setAsked] = useState<Answer | null>(null);
  const mayDecide = useMay("reconcile");
  if (change.data?.decision !== "pending") return null;
  return (
    <>
      <Notice kind="warn" title={t("used_again.title")}>
        <p>{t("used_again.text", { count: change.data.number_of_studies })}</p>
        <ChangeTable caption={t("used_again.changes")} changes={rowsOf(change.data)} />
        {mayDecide ? (
          <p className="actions">
            <button type="button" className="button button-small" onClick={() => setAsked("agree")}>
              {t("used_again.agree")}
            </button>
            <button type="button" className="button button-small" onClick={() => setAsked("refuse")}>
              {t("used_again.refuse")}
            </button>
          </p>
        ) : (
          <p>{t("used_again.ask")}</p>
        )}
      </Notice>
      {asked && <Decide change={change.data} answer={asked} onClose={() => setAsked(null)} />}
    </>
  );
}

function Decide({ change, answer, onClose }: { change: Change; answer: Answer; onClose: () => void }) {
  const decide = useAnswerChange(change.id);
  const say = useSay();
  const done = () => {
    say({ text: t(`used_again.${answer}.done`) });
    onClose();
  };
  return (
    <ReasonDialog
      title={t(`used_again.${answer}.title`)}
      action={t(`used_again.${answer}`)}
      danger={answer === "refuse"}
      maxLength={500}
      busy={decide.isPending}
      error={decide.error}
      onClose={onClose}
      onConfirm={(reason) => decide.mutate({ answer, reason }, { onSuccess: done })}
    >
      <ChangeTable caption={t("used_again.changes")} changes={rowsOf(change)} />
      <p>{t(`used_again.${answer}.text`)}</p>
    </ReasonDialog>
  );
}

const SHOWN = [...NAME_PARTS, "birth_date", "sex"];

function rowsOf({ before, after }: Change) {
  return SHOWN.filter((field) => field in after).map((field) => ({ tag: field, before: said(field, before[field]), after: said(field, after[field]) }));
}

function said(field: string, value: unknown): string {
  if (typeof value !== "string") return "";
  if (field === "birth_date") return formatDay(value);
  return field === "sex" ? word("sex", value) : value;
}
