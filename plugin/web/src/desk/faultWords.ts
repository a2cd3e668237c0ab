/** What is wrong with a field, in words: by the page's own check, or else by the server's. */
import { t } from "../i18n";
import { saidOf, type Fault } from "./typed";

export function faultText(fault: Fault | undefined, error: Error | null, field: string): string | null {
  return fault ? t(`desk.fault.${fault}`) : saidOf(error, field);
}
