/** Over a page that is locked: nothing of it can be read, nothing of it is lost. */
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import type { Locked } from "../api/session";
import type { Me } from "../api/types";
import { Dialog } from "../components/Dialog";
import { t } from "../i18n";
import { useUploading } from "../upload/useUpload";
import { SignInForm } from "./SignInForm";
import { useCoveredTitle } from "./useCoveredTitle";
import { useLeave } from "./useSignOut";

export function LockedCover({ state }: { state: Locked }) {
  const { username, launched, held, next } = state;
  const client = useQueryClient();
  const leave = useLeave();
  const uploading = useUploading();
  const title = next ? t("lock.other.title", { name: next.username }) : t("lock.title");
  useCoveredTitle(t("app.title", { page: t("lock.title") }));
  useEffect(() => {
    if (document.fullscreenElement) void document.exitFullscreen().catch(() => {});
  }, []);
  // Who comes from the EHR may have no password here; the server has said so before.
  const hasPassword = !launched || (held !== null && client.getQueryData<Me>(["me"])?.has_password === true);
  return (
    <Dialog title={title}>
      {next ? (
        <p>{t("lock.other.text", { name: username, other: next.username })}</p>
      ) : (
        <p className="muted">{t(hasPassword ? "lock.text" : "lock.launched", { name: username })}</p>
      )}
      {next && (
        <button
          type="button"
          className="button button-primary"
          onClick={() => window.location.assign(import.meta.env.BASE_URL)}
        >
          {t("lock.other.go_on", { name: next.username })}
        </button>
      )}
      {hasPassword && <SignInForm key={username} fixedUsername={username} proves={launched} action={next ? t("lock.other.back", { name: username }) : t("lock.unlock")} />}
      {!next && (
        <>
          <button type="button" className="button" onClick={leave}>
            {t("lock.somebody_else")}
          </button>
          <p className="small muted">{t(uploading ? "lock.somebody_else.uploading" : "lock.somebody_else.hint", { name: username })}</p>
        </>
      )}
    </Dialog>
  );
}
