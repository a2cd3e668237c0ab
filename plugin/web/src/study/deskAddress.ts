/** Where one decides whose a study is: the reconciliation page with the study open (its filter `study`). Pure. */
export function deskOf(studyUid: string): string {
  return `/reconciliation?study=${encodeURIComponent(studyUid)}`;
}
