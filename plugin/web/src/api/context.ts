/** What main.tsx builds once for everything that asks the server; nothing is created at import time. */
import { createContext, useContext } from "react";
import type { Ask } from "./client";
import type { Session } from "./session";

export interface Api {
  ask: Ask;
  session: Session;
}

export const ApiContext = createContext<Api | null>(null);

export function useApi(): Api {
  const api = useContext(ApiContext);
  if (!api) throw new Error("No API: wrap the page in ApiContext");
  return api;
}
