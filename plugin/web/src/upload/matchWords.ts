/** The server's opinion about a study, in words for the person who uploaded it. Pure. */
import type { Id, Match } from "../api/types";
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
      return linkedWords(match, chosenOrder);
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

/** Linked: calm only where nothing in the files names somebody else. */
function linkedWords({ order_id, order_ids, evidence }: Match, chosenOrder: Id | null): Words {
  const has = (name: string) => evidence.some(({ field, agrees }) => field === name && agrees === true);
  if (chosenOrder && order_id && !(order_ids ?? [order_id]).includes(chosenOrder)) return words("bad", "result.match.exact.other");
  if (evidence.some(({ agrees }) => agrees === false)) {
    return words("warn", has("confirmation") ? "result.match.exact.confirmed" : has("study") ? "result.match.exact.joined" : "result.match.exact.doubted");
  }
  if (!order_id) return words(chosenOrder ? "warn" : "good", "result.match.exact.patient");
  return words("good", chosenOrder ? "result.match.exact.this" : "result.match.exact.found");
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
  | "result.match.exact.joined"
  | "result.match.exact.doubted"
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
