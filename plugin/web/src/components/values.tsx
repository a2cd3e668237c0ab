/** Small values, each shown the same way everywhere. */
import type { ReactNode } from "react";
import { formatDay, formatInstant, t, word } from "../i18n";
import { personName } from "../i18n/person";
import { useNumbers } from "./useNumbers";

/** "–" that a screen reader reads as "not known". */
export function None() {
  return (
    <span className="muted">
      <span aria-hidden="true">{t("value.none")}</span>
      <span className="visually-hidden">{t("value.none.label")}</span>
    </span>
  );
}

export function OrNone({ children }: { children: ReactNode }) {
  return children === null || children === undefined || children === "" ? <None /> : <>{children}</>;
}

/** A name in its own direction of writing. */
export function PersonName({ name }: { name: string | null | undefined }) {
  return <bdi>{personName(name) || t("patient.unknown")}</bdi>;
}

export function Instant({ iso }: { iso: string | null | undefined }) {
  return iso ? <time dateTime={iso}>{formatInstant(iso)}</time> : <None />;
}

export function Day({ iso }: { iso: string | null | undefined }) {
  return iso ? <time dateTime={iso}>{formatDay(iso)}</time> : <None />;
}

export function Mrn({ mrn, issuer }: { mrn: string | null; issuer: string | null }) {
  const numbers = useNumbers();
  return mrn ? <span className="number">{numbers.mrn({ mrn, issuer })}</span> : <None />;
}

const orderTones: Record<string, string> = {
  in_progress: "accent",
  arrived: "accent",
  completed: "good",
  reported: "good",
  cancelled: "bad",
};

export function OrderStatus({ status }: { status: string }) {
  return <span className={`badge badge-${orderTones[status] ?? "plain"}`}>{word("order.status", status)}</span>;
}

const linkTones: Record<string, string> = { linked: "good", ambiguous: "warn" };

export function LinkStatus({ status }: { status: string | null | undefined }) {
  if (!status) return <None />;
  return <span className={`badge badge-${linkTones[status] ?? "plain"}`}>{word("study.link", status)}</span>;
}

/** Only what stands out: a routine order says nothing. */
export function PriorityFlag({ priority }: { priority: string | null | undefined }) {
  const plain = (priority ?? "").toLowerCase();
  if (!plain || plain === "routine") return null;
  return <span className="badge badge-warn">{word("order.priority", plain)}</span>;
}

export function modalitiesOf(modalities: string[] | string | null | undefined): string {
  return Array.isArray(modalities) ? modalities.join(", ") : (modalities ?? "").replaceAll("\\", ", ");
}
