/** Whether Tab reaches what is in a row: only in the one where somebody is (a roving tabindex). */
import { createContext, useContext } from "react";

export const IsCurrentRow = createContext(true);

export const useRowTab = (): 0 | -1 => (useContext(IsCurrentRow) ? 0 : -1);
