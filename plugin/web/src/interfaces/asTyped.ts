/** A message that somebody has pasted, as it is sent: with the ends of segments that HL7 wants, and in UTF-8. Pure. */

/** MSH-18: the name of the character set. */
const CHARSET = 17;
const UTF8 = "UNICODE UTF-8";

/** The page sends UTF-8 whatever the message was written in, so MSH-18 must say that. */
export function asTyped(text: string): string {
  const [header = "", ...others] = text.trim().split(/\r\n|\r|\n/);
  const fields = header.split(header.charAt(3) || "|");
  if (fields[CHARSET]) fields[CHARSET] = UTF8;
  return [fields.join(header.charAt(3) || "|"), ...others.filter((line) => line !== "")].join("\r") + "\r";
}

/** Whether it can be a message at all. */
export const isMessage = (text: string): boolean => /^MSH\S/.test(text.trim());
