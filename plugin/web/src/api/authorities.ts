/** Who gives patients' numbers, where that is more than one. */
import { useQuery } from "@tanstack/react-query";
import { useApi } from "./context";
import type { AuthorityList } from "./schema";

const NONE: readonly string[] = [];

interface Authorities {
  /** By name; none where all numbers are of one authority. */
  names: readonly string[];
  /** Whether a number says whose it is only with its issuer; also where nobody can tell, because the question failed. */
  several: boolean;
  isKnown: boolean;
}

export function useAuthorities(): Authorities {
  const { ask } = useApi();
  const { data: names = NONE, isError, isPending } = useQuery({
    queryKey: ["authorities"],
    queryFn: async ({ signal }) => (await ask<AuthorityList>("authorities", { signal })).items.map(({ name }) => name),
    staleTime: Infinity,
  });
  return { names, several: names.length > 0 || isError, isKnown: !isPending };
}
