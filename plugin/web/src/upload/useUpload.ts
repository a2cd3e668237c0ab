import { useEffect, useSyncExternalStore } from "react";
import { useUploadServices } from "./context";
import { isEmpty, type Desk } from "./desk";
import type { Queue } from "./queue";

export function useQueue(): Queue {
  const { uploader } = useUploadServices();
  return useSyncExternalStore(uploader.subscribe, uploader.snapshot);
}

export function useDesk(): Desk {
  const { desk } = useUploadServices();
  return useSyncExternalStore(desk.subscribe, desk.snapshot);
}

export function useUploading(): boolean {
  const { uploader } = useUploadServices();
  return useSyncExternalStore(uploader.subscribe, uploader.isActive);
}

/** Ask before the tab is closed while files are on their way, or chosen and not sent. */
export function useLeaveWarning(): void {
  const { desk, uploader } = useUploadServices();
  const uploading = useUploading();
  const begun = useSyncExternalStore(uploader.subscribe, () => uploader.snapshot().files.length > 0);
  const chosen = useSyncExternalStore(desk.subscribe, () => !isEmpty(desk.snapshot()));
  const warned = uploading || (chosen && !begun);
  useEffect(() => {
    if (!warned) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [warned]);
}
