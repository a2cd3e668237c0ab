/** Every word the page shows, in German. The compiler sees that none is missing. */
import type { Catalogue } from "../message";
import { accounts } from "./accounts";
import { app } from "./app";
import { audit } from "./audit";
import { auditDetail } from "./auditDetail";
import { auth } from "./auth";
import { away } from "./away";
import { backups } from "./backups";
import { chart } from "./chart";
import { common } from "./common";
import { dashboard } from "./dashboard";
import { corrections } from "./corrections";
import { day } from "./day";
import { deletions } from "./deletions";
import { desk } from "./desk";
import { destinations } from "./destinations";
import { interfaces } from "./interfaces";
import { lock } from "./lock";
import { made } from "./made";
import { nodes } from "./nodes";
import { notices } from "./notices";
import { objects } from "./objects";
import { orders } from "./orders";
import { papers } from "./papers";
import { performed } from "./performed";
import { privacy } from "./privacy";
import { quarantine } from "./quarantine";
import { reasons } from "./reasons";
import { reconciliation } from "./reconciliation";
import { reports } from "./reports";
import { retention } from "./retention";
import { review } from "./review";
import { sharing } from "./sharing";
import { studies } from "./studies";
import { study } from "./study";
import { system } from "./system";
import { upload } from "./upload";
import { uploads } from "./uploads";
import { values } from "./values";
import { viewer } from "./viewer";
import { workdesk } from "./workdesk";
import { wrong } from "./wrong";

export const de: Catalogue = {
  ...accounts,
  ...app,
  ...audit,
  ...auditDetail,
  ...auth,
  ...away,
  ...chart,
  ...backups,
  ...common,
  ...dashboard,
  ...corrections,
  ...day,
  ...deletions,
  ...retention,
  ...desk,
  ...destinations,
  ...interfaces,
  ...lock,
  ...made,
  ...nodes,
  ...notices,
  ...objects,
  ...orders,
  ...papers,
  ...performed,
  ...privacy,
  ...quarantine,
  ...reasons,
  ...reconciliation,
  ...reports,
  ...review,
  ...sharing,
  ...studies,
  ...study,
  ...system,
  ...upload,
  ...uploads,
  ...values,
  ...viewer,
  ...workdesk,
  ...wrong,
};
