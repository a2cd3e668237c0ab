/** What main.tsx builds once for all tabs of this browser: whether somebody works, and how the tabs tell each other. */
import { createContext } from "react";
import type { Idle } from "./idle";
import type { Tabs } from "./tabs";

export interface Desk {
  idle: Idle;
  tabs: Tabs;
}

/** Null in tests of single pages. */
export const DeskContext = createContext<Desk | null>(null);
