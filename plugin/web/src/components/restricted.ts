/** What stands where a restricted patient was refused; the frame of the pages says it, because only that knows whose page it is. */
import { createContext, type ComponentType } from "react";

export const RestrictedContext = createContext<ComponentType | null>(null);
