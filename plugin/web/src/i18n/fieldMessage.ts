/** What the server says is wrong with a field, in the reader's language: the one place for all pages. Pure. */
import { filled, known } from ".";

/**
 * The server's sentences (`ehr_bridge/wrong_values.py` and the validators of its requests), each with the word that the catalogue has for it; what is
 * in brackets with a name is filled in. The first that fits counts.
 */
const RULES: readonly (readonly [RegExp, string])[] = [
  [/^it is required$/, "missing"],
  [/^it is empty$/, "missing"],
  [/^it is not known here; leave it out$/, "unknown"],
  [/^write at most (?<count>\d+) characters?$/, "long"],
  [/^write at least (?<count>\d+) characters?$/, "short"],
  [/^write at most (?<count>\d+) entr(?:y|ies)$/, "many"],
  [/^write at least (?<count>\d+) entr(?:y|ies)$/, "few"],
  [/^write a whole number$/, "whole"],
  [/^write a number(?:, not infinity)?$/, "number"],
  [/^write a smaller number$/, "smaller"],
  [/^write a number above (?<bound>\S+)$/, "above"],
  [/^write (?<bound>\S+) or more$/, "least"],
  [/^write a number below (?<bound>\S+)$/, "below"],
  [/^write (?<bound>\S+) or less$/, "most"],
  [/^write a multiple of (?<bound>\S+)$/, "multiple"],
  [/^write a day as /, "day"],
  [/^the whole day, for example /, "whole_day"],
  [/^(?:write date, time and time zone|give a time zone)/, "moment"],
  [/^write a time of day as /, "time"],
  [/^no calendar has this moment in UTC$/, "no_moment"],
  [/^nobody is born in the future$/, "future"],
  [/^no control characters and no backslash/, "backslash"],
  [/^no (?:control characters|character NUL)/, "control"],
  [/^no \^ and no =/, "caret"],
  [/^no comma/, "comma"],
  [/^the whole name, with \^ between its parts, has at most (?<count>\d+) characters$/, "name_long"],
  [/^no slash at the beginning or end/, "slash"],
  [/^say why: the EHR sent something else$/, "reason"],
  [/^only the EHR says this; leave it out$/, "ehr_only"],
  [/^write true or false$/, "yes_no"],
  [/^write text(?: in UTF-8)?$/, "text"],
  [/^write a list$/, "list"],
  [/^write null$/, "null"],
  [/^write (?:a JSON object|JSON|JSON as text)$/, "json"],
  [/^write an id as an answer gave it/, "id"],
  [/^names in a JSON object are text$/, "json"],
  [/^it contains itself$/, "json"],
  [/^it is not of the form that the documentation tells$/, "form"],
  [/^write (?<expected>.+)$/, "expected"],
];

/** The server's own English where there are no words for it. */
export function fieldMessage(message: string): string {
  for (const [pattern, word] of RULES) {
    const found = pattern.exec(message);
    if (found) return filled(known("wrong", word) ?? message, found.groups ?? {});
  }
  return message;
}
