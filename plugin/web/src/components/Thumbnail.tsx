import { useEffect, useRef, useState } from "react";
import { useThumbnail } from "../api/study";
import { useMay } from "../auth/permissions";
import { Icon } from "./Icon";

/**
 * A study's small picture, asked for when it comes into sight; its place is kept free while there is none.
 *
 * It is decoration: what the study is stands in words beside it.
 */
export function Thumbnail({ uid, large = false }: { uid: string; large?: boolean }) {
  const may = useMay("view");
  const [place, isSeen] = useSeen();
  const picture = useThumbnail(uid, may && isSeen);
  const address = useObjectUrl(picture.data);
  return (
    <span ref={place} className={large ? "thumbnail thumbnail-large" : "thumbnail"}>
      {address ? <img src={address} alt="" /> : <Icon name="images" />}
    </span>
  );
}

/** Whether what the reference is set on has been in sight. */
export function useSeen<Shown extends Element = HTMLSpanElement>() {
  const place = useRef<Shown>(null);
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    if (!place.current || isSeen) return;
    const watch = new IntersectionObserver((entries) => {
      if (entries.some((entry) => entry.isIntersecting)) setSeen(true);
    });
    watch.observe(place.current);
    return () => watch.disconnect();
  }, [isSeen]);
  return [place, isSeen] as const;
}

/** An address for a blob, given back when nobody shows it any more. */
export function useObjectUrl(blob: Blob | undefined): string | null {
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    if (!blob) return;
    const made = URL.createObjectURL(blob);
    setAddress(made);
    return () => {
      URL.revokeObjectURL(made);
      setAddress(null);
    };
  }, [blob]);
  return address;
}
