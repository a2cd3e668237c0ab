/** A PDF or picture in its place on the page. */
import { useEffect, useState } from "react";
import { t } from "../i18n";

/** `type` is what it is shown as: never what it may say of itself. */
export function Sheet({ content, type, title }: { content: Blob; type: string; title: string }) {
  const address = useAddress(content, type);
  if (!address) return <div className="sheet" />;
  if (type === "application/pdf") return <iframe className="sheet" src={`${address}#toolbar=0&navpanes=0&view=FitH`} title={t("document.shown", { title })} />;
  return <img className="sheet sheet-picture" src={address} alt={t("document.shown", { title })} />;
}

/** An address for a blob, given back when nobody shows it any more. */
function useAddress(content: Blob, type: string): string | null {
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([content], { type }));
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [content, type]);
  return address;
}
