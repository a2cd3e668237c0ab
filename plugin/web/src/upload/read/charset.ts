/**
 * DICOM text (PS3.5 section 6.1) as people read it, as far as the browser's decoders go. Pure.
 *
 * Only for showing a file before it is sent: the server reads the stored text for itself. Where a set is not known
 * the bytes are read as Latin-1, so that something is seen.
 */

const DECODERS: Record<string, string> = {
  "ISO_IR 100": "latin1",
  "ISO_IR 101": "iso-8859-2",
  "ISO_IR 109": "iso-8859-3",
  "ISO_IR 110": "iso-8859-4",
  "ISO_IR 144": "iso-8859-5",
  "ISO_IR 127": "iso-8859-6",
  "ISO_IR 126": "iso-8859-7",
  "ISO_IR 138": "iso-8859-8",
  "ISO_IR 148": "windows-1254",
  "ISO_IR 203": "iso-8859-15",
  "ISO_IR 13": "shift_jis",
  "ISO_IR 166": "windows-874",
  "ISO_IR 192": "utf-8",
  GB18030: "gb18030",
  GBK: "gbk",
};

/** Sets that are switched to by an escape sequence inside the text; what decodes such a text as a whole. */
const SWITCHED: [RegExp, string, RegExp | null][] = [
  [/ISO 2022 IR (87|159|13)\b/, "iso-2022-jp", null],
  [/ISO 2022 IR 149\b/, "euc-kr", /\x1b\$\)C/g],
  [/ISO 2022 IR 58\b/, "gb2312", /\x1b\$\)A/g],
];

/** `bytes` under the value of Specific Character Set (0008,0005), padding removed. */
export function decodeText(bytes: Uint8Array, declared: string): string {
  return decode(bytes, declared).replace(/[\0\s]+$/, "").trimStart();
}

function decode(bytes: Uint8Array, declared: string): string {
  for (const [set, label, escapes] of SWITCHED) {
    if (!set.test(declared)) continue;
    const plain = escapes ? withoutEscapes(bytes, escapes) : bytes;
    return new TextDecoder(label).decode(plain);
  }
  const first = declared.split("\\")[0]!.trim().replace(/^ISO 2022 IR /, "ISO_IR ");
  return new TextDecoder(DECODERS[first] ?? "latin1").decode(bytes);
}

function withoutEscapes(bytes: Uint8Array, escapes: RegExp): Uint8Array {
  const raw = String.fromCharCode(...bytes).replace(escapes, "");
  return Uint8Array.from(raw, (each) => each.charCodeAt(0));
}
