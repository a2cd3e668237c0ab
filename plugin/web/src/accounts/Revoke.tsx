import { useState } from "react";
import type { UseMutationResult } from "@tanstack/react-query";
import { useRevokeServiceKey, useRevokeViewerToken } from "../api/accounts";
import { useSay } from "../components/Toast";
import { t } from "../i18n";
import { FormDialog } from "../components/FormDialog";

export function RevokeKey({ id, name }: { id: string; name: string }) {
  return (
    <Revoke
      id={id}
      revoke={useRevokeServiceKey()}
      label={t("keys.revoke.label", { name })}
      title={t("keys.revoke.title", { name })}
      text={t("keys.revoke.text")}
      done={t("keys.revoke.done", { name })}
    />
  );
}

export function RevokeToken({ id, subject }: { id: string; subject: string }) {
  return (
    <Revoke
      id={id}
      revoke={useRevokeViewerToken()}
      label={t("tokens.revoke.label", { subject })}
      title={t("tokens.revoke.title")}
      text={t("tokens.revoke.text")}
      done={t("tokens.revoke.done")}
    />
  );
}

interface Props {
  id: string;
  revoke: UseMutationResult<void, Error, string>;
  label: string;
  title: string;
  text: string;
  done: string;
}

function Revoke({ id, revoke, label, title, text, done }: Props) {
  const [asking, setAsking] = useState(false);
  const say = useSay();
  const close = () => {
    setAsking(false);
    revoke.reset();
  };
  return (
    <>
      <button type="button" className="button button-small" aria-label={label} onClick={() => setAsking(true)}>
        {t("action.revoke")}
      </button>
      {asking && (
        <FormDialog
          title={title}
          action={t("action.revoke")}
          danger
          busy={revoke.isPending}
          error={revoke.error}
          onClose={close}
          onSubmit={() =>
            revoke.mutate(id, {
              onSuccess: () => {
                say({ text: done });
                close();
              },
            })
          }
        >
          <p>{text}</p>
        </FormDialog>
      )}
    </>
  );
}
