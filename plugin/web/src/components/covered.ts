import { createContext, useContext } from "react";

/** Whether the page is covered, because it is locked or its session has ended: nothing of it may come above the cover. */
export const CoveredContext = createContext(false);

export const useIsCovered = (): boolean => useContext(CoveredContext);
