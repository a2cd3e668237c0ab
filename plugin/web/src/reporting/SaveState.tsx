import { useEffect, useState } from "react";
import { describe } from "../components/ErrorState";
import { Icon } from "../components/Icon";
import { formatInstant, t } from "../i18n";
import type { Saving } from "./autosave";

/** What the server has of what is written. Read aloud only when something is wrong or well again. */
export function SaveState({ saving, savedAt }: { saving: Saving; savedAt: string }) {
  const isWrong = saving.kind === "failed" || saving.kind === "refused" || saving.kind === "conflict";
  const [wasWrong, setWasWrong] = useState(false);
  useEffect(() => {
    if (isWrong) setWasWrong(true);
  }, [isWrong]);
  const said = saidOf(saving, savedAt);
  return (
    <span className={isWrong ? "save-state text-bad" : "save-state muted"}>
      <Icon name={isWrong ? "alert" : saving.kind === "saved" ? "check" : "edit"} />
      <span>{said}</span>
      <span role="status" className="visually-hidden">
        {isWrong || (wasWrong && saving.kind === "saved") ? said : ""}
      </span>
    </span>
  );
}

function saidOf(saving: Saving, savedAt: string): string {
  switch (saving.kind) {
    case "saved":
      return t("report.saved", { when: formatInstant(savedAt) });
    case "failed":
      return t("report.save.failed", { why: describe(saving.error).title });
    case "conflict":
      return t("report.save.conflict");
    case "refused":
      return t("report.save.refused");
    default:
      return t("report.saving");
  }
}
