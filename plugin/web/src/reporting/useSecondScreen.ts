import { useEffect, useRef, useState } from "react";
import { useNavigate } from "react-router-dom";
import { useCurrentUser } from "../auth/permissions";
import { Following, Leading, openChannel, WINDOW_NAME } from "./screen";

/** The report's side of the window for the images: whether it is open, and how to open it. */
export function useSecondScreen(study: string | null) {
  const { subject } = useCurrentUser();
  const [isOpen, setOpen] = useState(false);
  const leading = useRef<Leading | null>(null);
  useEffect(() => {
    const made = new Leading(openChannel(), subject, setOpen);
    leading.current = made;
    return () => {
      leading.current = null;
      made.close();
    };
  }, [subject]);
  useEffect(() => leading.current?.show(study), [study, subject]);
  const open = () => {
    if (!study) return;
    // With an opener: the window starts with this tab's session, and the same window is found again by its name.
    const base = import.meta.env.BASE_URL;
    const other = window.open(`${base}view/${encodeURIComponent(study)}?screen=2`, WINDOW_NAME, "popup,width=1280,height=960");
    other?.focus();
  };
  return { isOpen, open };
}

/** The window's side: goes to each study that is read. */
export function useFollowing(isSecond: boolean) {
  const { subject } = useCurrentUser();
  const navigate = useNavigate();
  const go = useRef(navigate);
  useEffect(() => {
    go.current = navigate;
  });
  useEffect(() => {
    if (!isSecond) return;
    const following = new Following(openChannel(), subject, (study) => {
      const path = `/view/${encodeURIComponent(study)}`;
      if (!window.location.pathname.endsWith(path)) void go.current(`${path}?screen=2`, { replace: true });
    });
    const leave = () => following.close();
    window.addEventListener("pagehide", leave);
    return () => {
      window.removeEventListener("pagehide", leave);
      following.close();
    };
  }, [isSecond, subject]);
}
