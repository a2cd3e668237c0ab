/** Labels as they come out of the printer: who it is in words, and one number in bars. */
import { useEffect, useState } from "react";
import type { Label, LabelKind } from "../api/printing";
import { formatDay, formatInstant, t, word } from "../i18n";
import { personName } from "../i18n/person";
import { codeOf, pageRule, repeated, SIZES, type SizeName } from "./sheet";

interface Props {
  labels: readonly Label[];
  kind: LabelKind;
  size: SizeName;
  copies: number;
  onDrawn: () => void;
}

export function Labels({ labels, kind, size, copies, onDrawn }: Props) {
  const [bars, setBars] = useState<ReadonlyMap<string, string> | null>(null);
  useEffect(() => {
    let isWanted = true;
    void drawn(labels.map((label) => codeOf(label, kind))).then((found) => isWanted && setBars(found));
    return () => {
      isWanted = false;
    };
  }, [labels, kind]);
  // A sheet made by script: the security policy of our pages takes no rules written into them.
  useEffect(() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(pageRule(SIZES[size]));
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    return () => {
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
    };
  }, [size]);
  useEffect(() => {
    if (bars) onDrawn();
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [bars]);
  if (!bars) return null;
  const { width, height, ...rest } = SIZES[size];
  return (
    <div className={"grid" in rest ? "labels labels-sheet" : "labels"}>
      {repeated(labels, copies).map((label, at) => (
        <div key={at} className="label" style={{ width: `${width}mm`, height: `${height}mm` }}>
          <p className="label-name">{personName(label.patient_name) || t("patient.unknown")}</p>
          <p>
            {label.patient_birth_date ? formatDay(label.patient_birth_date) : t("labels.no_birth_date")} · {word("sex", label.patient_sex)} · {label.mrn}
            {label.issuer && ` (${label.issuer})`}
          </p>
          {label.order && kind !== "patient" && (
            <p>
              {label.order.accession_number} · {label.order.modality} · {label.order.description}
              {kind === "order" && label.order.scheduled_at && ` · ${formatInstant(label.order.scheduled_at)}`}
            </p>
          )}
          {/* Made here from a number alone; React would escape an SVG that is text. */}
          <div className="label-bars" dangerouslySetInnerHTML={{ __html: bars.get(codeOf(label, kind)) ?? "" }} />
          <p className="label-code">{codeOf(label, kind)}</p>
        </div>
      ))}
    </div>
  );
}

/** Code 128 of each text as SVG; the library comes when labels are printed, and not before. */
async function drawn(texts: readonly string[]): Promise<Map<string, string>> {
  const { code128, drawingSVG } = await import("bwip-js");
  return new Map([...new Set(texts)].filter(Boolean).map((text) => [text, code128({ bcid: "code128", text, height: 8, includetext: false }, drawingSVG())]));
}
