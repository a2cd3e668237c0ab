/** The server's opinion about a study, in words for the person who uploaded it. Pure. */
import type { Id } from "../api/types";
import { t } from "../i18n";
import type { KnownLink } from "./known/known";
import type { StudyResult } from "./results";

export type Tone = "good" | "warn" | "bad";

export interface Words {
  tone: Tone;
  title: string;
  text: string;
}

/** `chosenOrder` is the id of the order the person chose for it, if any. */
export function verdictOn(result: StudyResult, chosenOrder: Id | null): Words {
  const { match } = result;
  if (result.stored + result.duplicate === 0) {
    if (result.skipped === 0) return words("bad", "result.match.refused");
    return result.failed > 0 ? words("bad", "result.known.part") : knownWords(result.link);
  }
  switch (match?.kind) {
    case "exact":
      if (!match.order_id) return words(chosenOrder ? "warn" : "good", "result.match.exact.patient");
      if (!chosenOrder) return words("good", "result.match.exact.found");
      if (match.order_id !== chosenOrder) return words("bad", "result.match.exact.other");
      return match.evidence.some((each) => each.agrees === false)
        ? words("warn", "result.match.exact.confirmed")
        : words("good", "result.match.exact.this");
    case "probable":
      return words("warn", "result.match.probable");
    case "ambiguous":
      return words("warn", "result.match.ambiguous");
    case "none":
      return words("warn", "result.match.none");
    default:
      return words("warn", "result.match.missing");
  }
}

/** Nothing of it was sent: where it belongs was decided before. */
function knownWords(link: KnownLink | null): Words {
  if (!link) return words("good", "result.known");
  return link.status === "linked" ? words("good", "result.known.linked") : words("warn", "result.known.open");
}

type Prefix =
  | "result.known"
  | "result.known.part"
  | "result.known.linked"
  | "result.known.open"
  | "result.match.exact.this"
  | "result.match.exact.found"
  | "result.match.exact.confirmed"
  | "result.match.exact.other"
  | "result.match.exact.patient"
  | "result.match.probable"
  | "result.match.ambiguous"
  | "result.match.none"
  | "result.match.missing"
  | "result.match.refused";

function words(tone: Tone, key: Prefix): Words {
  return { tone, title: t(key), text: t(`${key}.text`) };
}
