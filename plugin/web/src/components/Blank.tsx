import type { ReactNode } from "react";
import { Icon, type IconName } from "./Icon";

interface Props {
  icon?: IconName;
  title: string;
  text: ReactNode;
  /** What to do next. */
  children?: ReactNode;
}

/** Where something is expected and there is nothing: says why, and what to do next. */
export function Blank({ icon = "inbox", title, text, children }: Props) {
  return (
    <div className="blank">
      <Icon name={icon} />
      <p className="blank-title">{title}</p>
      <p className="muted">{text}</p>
      {children}
    </div>
  );
}
