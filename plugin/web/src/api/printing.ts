/** Labels, and telling the audit trail what is printed. */
import { useMutation } from "@tanstack/react-query";
import { useApi } from "./context";
import type { LabelAnswer, LabelList, LabelsBody } from "./schema";

export type Label = LabelAnswer;
export type LabelKind = LabelsBody["kind"];

/** The labels as they are now; they are in the audit trail from here on. Not kept: they are printed, and gone. */
export function useLabels() {
  const { ask } = useApi();
  return useMutation({
    mutationFn: (body: LabelsBody) => ask<LabelList>("labels", { method: "POST", body }),
    gcTime: 0,
  });
}
