import type { ReactNode } from "react";

export function Facts({ across = false, children }: { across?: boolean; children: ReactNode }) {
  return <dl className={across ? "facts facts-across" : "facts"}>{children}</dl>;
}

export function Fact({ label, children }: { label: ReactNode; children: ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
