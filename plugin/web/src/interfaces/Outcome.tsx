import type { Message } from "../api/interfaces";
import { known, word } from "../i18n";

const BADGES: Readonly<Record<Message["state"], string>> = {
  applied: "badge badge-good",
  ignored: "badge badge-plain",
  refused: "badge badge-bad",
};

interface Props {
  of: Pick<Message, "state" | "code" | "place" | "reason">;
  /** It was only tried. */
  isTrial?: boolean;
}

/** What became of a message or would become of it, and why. */
export function Outcome({ of: { state, code, place, reason }, isTrial = false }: Props) {
  return (
    <>
      <span className={BADGES[state]}>{word(isTrial ? "interfaces.trial.state" : "interfaces.state", state)}</span>
      {reason && (
        <span className="second">
          {[code, place, known("interfaces.code", code ?? "")].filter(Boolean).join(" · ")}
          {/* What the sender was told, in its language. */}
          <span className="second" lang="en">
            {reason}
          </span>
        </span>
      )}
    </>
  );
}
