import type { ComponentProps, ReactNode } from "react";
import { t } from "../i18n";
import { useOnce } from "./useOnce";

interface Props extends Omit<ComponentProps<"button">, "onClick" | "type"> {
  busy: boolean;
  /** What it says meanwhile, in place of "Please wait…". */
  saying?: ReactNode;
  /** Without it, the button sends its form. */
  onPress?: () => void;
}

/** A button whose work takes a while: it says so, keeps the focus, and cannot be pressed twice. */
export function BusyButton({ busy, saying, onPress, className = "button", children, ...rest }: Props) {
  const once = useOnce(busy);
  return (
    <button {...rest} type={onPress ? "button" : "submit"} className={className} aria-disabled={busy} onClick={onPress && (() => once(onPress))}>
      {busy ? (saying ?? t("action.busy")) : children}
    </button>
  );
}
