import { useEffect, useSyncExternalStore } from "react";
import { useServices } from "../services";
import { isActive, type Queue } from "./queue";
import type { Uploader, UploadTarget } from "./uploader";

export function useUploader(target: UploadTarget): Uploader {
  return useServices().uploads.for(target);
}

export function useQueue(uploader: Uploader): Queue {
  return useSyncExternalStore(uploader.subscribe, uploader.snapshot);
}

export function useRunningUploads(): readonly Uploader[] {
  const { uploads } = useServices();
  return useSyncExternalStore(uploads.subscribe, uploads.running);
}

/** Ask before the tab is closed while files are on their way. */
export function useLeaveWarning(): void {
  const running = useRunningUploads().some((uploader) => isActive(uploader.snapshot()));
  useEffect(() => {
    if (!running) return;
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, [running]);
}
