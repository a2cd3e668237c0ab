import type { ReactNode, Ref } from "react";
import type { Evidence } from "../api/types";
import { word } from "../i18n";
import { snake } from "../i18n/fieldName";
import { reasonOf } from "../i18n/reason";
import { Notice } from "./Notice";

interface Props {
  title: string;
  /** What is really in doubt. */
  doubts: readonly Evidence[];
  children: ReactNode;
  /** What the person says with the tick. */
  confirm: string;
  confirmed: boolean;
  onConfirm: (confirmed: boolean) => void;
  box?: Ref<HTMLInputElement>;
}

/** What is really in doubt, by name, and the person's word that it was looked at. */
export function Doubts({ title, doubts, children, confirm, confirmed, onConfirm, box }: Props) {
  return (
    <Notice kind="bad" title={title}>
      {doubts.length > 0 && (
        <ul className="doubts" aria-label={title}>
          {doubts.map((doubt) => (
            <li key={`${doubt.field} ${doubt.detail}`}>
              <strong>{word("field", snake(doubt.field))}</strong>: {reasonOf(doubt)}
            </li>
          ))}
        </ul>
      )}
      {children}
      <label className="check">
        <input ref={box} type="checkbox" checked={confirmed} onChange={(event) => onConfirm(event.target.checked)} />
        {confirm}
      </label>
    </Notice>
  );
}
