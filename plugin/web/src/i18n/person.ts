/** DICOM person names (PS3.5 section 6.2) as people write them. Pure. */

/**
 * `DOE^JANE^M=ドウ` -> `DOE, JANE M (ドウ)`.
 *
 * Components are family, given, middle, prefix, suffix; groups are alphabetic, ideographic,
 * phonetic. The spelling is kept: changing case could hide a difference. A name without `^`
 * is shown as it is.
 */
export function personName(name: string | null | undefined): string {
  const [alphabetic = "", ideographic = ""] = (name ?? "").split("=").map(group);
  if (!alphabetic) return ideographic;
  return ideographic && ideographic !== alphabetic ? `${alphabetic} (${ideographic})` : alphabetic;
}

function group(text: string): string {
  const [family = "", given = "", middle = "", prefix = "", suffix = ""] = text.split("^").map((part) => part.trim());
  const rest = [prefix, given, middle].filter(Boolean).join(" ");
  return [family, rest, suffix].filter(Boolean).join(", ");
}
