import { useQuery } from "@tanstack/react-query";
import { useApi } from "./context";
import type { Study } from "./types";

export function useStudy(uid: string) {
  const { ask } = useApi();
  return useQuery({
    queryKey: ["studies", "one", uid],
    enabled: uid !== "",
    queryFn: ({ signal }) => ask<Study>(`dicom/studies/${encodeURIComponent(uid)}`, { signal }),
  });
}
