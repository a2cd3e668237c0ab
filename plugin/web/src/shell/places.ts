/** Where one can go from anywhere: one line per page, shown to those who may use it. */
import type { Counts } from "../api/live";
import type { Permission } from "../api/types";
import type { IconName } from "../components/Icon";
import type { MessageKey } from "../i18n";

export interface Place {
  to: string;
  label: MessageKey;
  icon: IconName;
  /** Any one of these opens the page; none: everybody who is signed in. */
  needs: readonly Permission[];
  /** Only where links can be made for people outside. */
  sharing?: boolean;
  /** How much waits there. */
  count?: keyof Counts;
}

export interface PlaceGroup {
  label: MessageKey;
  places: readonly Place[];
}

export const PLACE_GROUPS: readonly PlaceGroup[] = [
  {
    label: "nav.work",
    places: [
      { to: "/upload", label: "nav.upload", icon: "upload", needs: ["upload"] },
      { to: "/orders", label: "nav.orders", icon: "inbox", needs: ["read"], count: "orders" },
      { to: "/notices", label: "nav.notices", icon: "info", needs: ["read"], count: "notices" },
      { to: "/patients", label: "nav.patients", icon: "person", needs: ["read"] },
      { to: "/studies", label: "nav.studies", icon: "images", needs: ["read"] },
      { to: "/reports", label: "nav.reports", icon: "report", needs: ["read"] },
      { to: "/reading", label: "nav.reading", icon: "edit", needs: ["write_reports"], count: "unread" },
      { to: "/reconciliation", label: "nav.reconciliation", icon: "link", needs: ["reconcile"], count: "reconciliation" },
      { to: "/quarantine", label: "nav.quarantine", icon: "shield", needs: ["reconcile"] },
      { to: "/dashboard", label: "nav.dashboard", icon: "chart", needs: ["read"] },
    ],
  },
  {
    label: "nav.records",
    places: [
      { to: "/uploads", label: "nav.uploads", icon: "history", needs: ["read"] },
      { to: "/deletions", label: "nav.deletions", icon: "trash", needs: ["request_deletion", "approve_deletion"], count: "deletions" },
      { to: "/viewer-links", label: "nav.tokens", icon: "view", needs: ["view", "accounts"] },
      { to: "/restricted", label: "nav.restricted", icon: "lock", needs: ["privacy"] },
      { to: "/shares", label: "nav.shares", icon: "link", needs: ["download", "accounts"], sharing: true },
      { to: "/audit", label: "nav.audit", icon: "shield", needs: ["audit"] },
    ],
  },
  {
    label: "nav.setup",
    places: [
      { to: "/accounts", label: "nav.accounts", icon: "people", needs: ["accounts"] },
      { to: "/service-keys", label: "nav.keys", icon: "lock", needs: ["service_permissions"] },
      { to: "/interfaces", label: "nav.interfaces", icon: "compare", needs: ["interfaces"] },
      { to: "/destinations", label: "nav.destinations", icon: "link", needs: ["interfaces"] },
      { to: "/modalities", label: "nav.modalities", icon: "inbox", needs: ["interfaces"] },
      { to: "/system", label: "nav.system", icon: "system", needs: ["accounts", "audit"] },
    ],
  },
];

/** The groups as this person sees them: without what is closed to them, without empty ones. */
export function placesFor(permissions: readonly Permission[], groups = PLACE_GROUPS, sharing = false): PlaceGroup[] {
  return groups
    .map(({ label, places }) => ({
      label,
      places: places.filter(({ needs, ...only }) => (sharing || !only.sharing) && (needs.length === 0 || needs.some((each) => permissions.includes(each)))),
    }))
    .filter(({ places }) => places.length > 0);
}
