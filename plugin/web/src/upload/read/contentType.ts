/** What a file that is no DICOM is, by its first bytes. Pure. */

const BEGINNINGS: readonly (readonly [type: string, bytes: readonly number[]])[] = [
  ["application/pdf", [0x25, 0x50, 0x44, 0x46, 0x2d]],
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/png", [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
];

/** The media type of a file by its first bytes; null: none that the server takes. */
export function typeOfContent(head: Uint8Array): string | null {
  return BEGINNINGS.find(([, bytes]) => bytes.every((byte, at) => head[at] === byte))?.[0] ?? null;
}
