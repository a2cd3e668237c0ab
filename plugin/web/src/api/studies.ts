import { useQuery } from "@tanstack/react-query";
import { useServices } from "../services";
import type { Study } from "./types";

export function useStudy(uid: string) {
  const { ask } = useServices();
  return useQuery({
    queryKey: ["studies", "one", uid],
    enabled: uid !== "",
    queryFn: ({ signal }) => ask<Study>(`dicom/studies/${encodeURIComponent(uid)}`, { signal }),
  });
}
