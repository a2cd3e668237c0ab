/** A wrong side is operated on: whoever changes it says the new one in words. */
import { useState } from "react";
import { Notice } from "../components/Notice";
import { t } from "../i18n";
import { sideWords } from "./values";

export interface Side {
  /** The side is changed, and nobody has said yet that it was checked. */
  isOpen: boolean;
  /** To be put below the fields. */
  question: React.ReactNode;
}

/** `refused`: somebody wanted to go on without saying it. */
export function useSide(before: string, after: string, refused: boolean): Side {
  const [said, setSaid] = useState<string | null>(null);
  const isOpen = before !== after && said !== after;
  const question = before !== after && (
    <Notice kind="bad" title={t("correction.side.title", { before: sideWords(before), after: sideWords(after) })}>
      <p>{t("correction.side.text")}</p>
      <label className="check">
        <input type="checkbox" checked={said === after} onChange={(event) => setSaid(event.target.checked ? after : null)} />
        {after ? t("correction.side.confirm", { side: sideWords(after) }) : t("correction.side.confirm_none")}
      </label>
      {refused && isOpen && (
        <p role="alert" className="small text-bad">
          {t("correction.side.missing")}
        </p>
      )}
    </Notice>
  );
  return { isOpen, question };
}
