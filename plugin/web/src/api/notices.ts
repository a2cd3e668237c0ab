/** What others have done that concerns whoever is signed in. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useApi } from "./context";
import type * as schema from "./schema";

export type NoticeOf = schema.NoticeAnswer;

export function useNotices() {
  const { ask } = useApi();
  return useQuery({ queryKey: ["notices"], queryFn: ({ signal }) => ask<schema.NoticeList>("notices", { signal }) });
}

/** Until that moment all are seen. Those on the page stay marked as new while it is open. */
export function useNoticesSeen() {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation<unknown, Error, string>({
    mutationFn: (until) => ask("notices/seen", { method: "POST", body: { until } }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["counts"] }),
    gcTime: 0,
  });
}
