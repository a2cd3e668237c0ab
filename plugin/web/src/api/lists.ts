/** Lists that administrators keep: asked for page by page, and again after each change. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useApi } from "./context";
import { asPage, PAGE_SIZE } from "./queries";

export function useListOf<T>(path: string, offset: number) {
  const { ask } = useApi();
  return useQuery({
    queryKey: [path, { offset }],
    queryFn: async ({ signal }) => asPage<T>(await ask(path, { query: { limit: PAGE_SIZE, offset }, signal })),
    placeholderData: keepPreviousData,
  });
}

/** A change of such a list; it is asked for again. Nothing of it is kept: it may hold a password. */
export function useChange<Asked, Answer>(list: string, change: (ask: ReturnType<typeof useApi>["ask"], asked: Asked) => Promise<Answer>) {
  const { ask } = useApi();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (asked: Asked) => change(ask, asked),
    onSuccess: () => void client.invalidateQueries({ queryKey: [list] }),
    gcTime: 0,
  });
}

export function useLoadAgain(list: string) {
  const client = useQueryClient();
  return () => void client.invalidateQueries({ queryKey: [list] });
}
