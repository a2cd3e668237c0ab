/**
 * Every word the page shows, in English: one file per area. A translation has the same keys (i18n/de).
 *
 * `{name}` is filled in; a message with `one`/`other` is chosen by `{count}`.
 */
import { app } from "./app";
import { auth } from "./auth";
import { orders } from "./orders";
import { studies } from "./studies";
import { upload } from "./upload";
import { values } from "./values";
import { viewer } from "./viewer";
import { accounts } from "./accounts";
import { audit } from "./audit";
import { common } from "./common";
import { deletions } from "./deletions";
import { study } from "./study";
import { system } from "./system";
import { uploads } from "./uploads";
import { reconciliation } from "./reconciliation";

export const en = { ...app, ...auth, ...orders, ...studies, ...upload, ...values, ...viewer, ...accounts, ...audit, ...common, ...deletions, ...study, ...system, ...uploads, ...reconciliation } as const;
