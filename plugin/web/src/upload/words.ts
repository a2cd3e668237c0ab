/** Small things the upload pages say. Pure. */

/** DICOM's 20260131 as 2026-01-31; anything else as it is. */
export function isoDay(value: string): string {
  const found = /^(\d{4})(\d{2})(\d{2})$/.exec(value);
  return found ? `${found[1]}-${found[2]}-${found[3]}` : value;
}
