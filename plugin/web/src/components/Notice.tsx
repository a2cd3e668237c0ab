import type { ReactNode } from "react";
import { Icon, type IconName } from "./Icon";

type Kind = "info" | "good" | "warn" | "bad";

const icons: Record<Kind, IconName> = { info: "info", good: "check", warn: "alert", bad: "alert" };

/** A coloured remark; its kind is said by icon and words as well as by colour. */
export function Notice({ kind, title, children }: { kind: Kind; title?: string; children?: ReactNode }) {
  return (
    <div className={`notice notice-${kind}`}>
      <Icon name={icons[kind]} />
      <div>
        {title && <p className="notice-title">{title}</p>}
        {children}
      </div>
    </div>
  );
}
