/** What main.tsx builds once for uploads: the files on the table, and what sends them. */
import { createContext, useContext } from "react";
import type { UploadDesk } from "./desk";
import type { Uploader } from "./uploader";

export interface UploadServices {
  desk: UploadDesk;
  uploader: Uploader;
}

export const UploadContext = createContext<UploadServices | null>(null);

export function useUploadServices(): UploadServices {
  const services = useContext(UploadContext);
  if (!services) throw new Error("No upload: wrap the page in UploadContext");
  return services;
}
