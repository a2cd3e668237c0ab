/** What the EHR opened this page for; null when it did not. */
import { createContext } from "react";
import type { Target } from "./launched";

export const LaunchContext = createContext<Target | null>(null);
