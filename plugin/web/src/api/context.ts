/** What main.tsx builds once and the pages are handed; nothing is created at import time. */
import { createContext, useContext } from "react";
import type { Ask } from "./api/client";
import type { Session } from "./auth/session";
import type { Target } from "./launch/launched";
import type { UploadDesk } from "./upload/desk";
import type { Uploader } from "./upload/uploader";

export interface Services {
  ask: Ask;
  session: Session;
  /** What the EHR opened this page for, when it did. */
  launched: Target | null;
  desk: UploadDesk;
  uploader: Uploader;
}

export const ServicesContext = createContext<Services | null>(null);

export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (!services) throw new Error("No services: wrap the page in ServicesContext");
  return services;
}
