/** Prints labels: asks which and how many, has the server say what stands on them, and hands them to the printer. */
import { useEffect, useState } from "react";
import { createPortal } from "react-dom";
import { useLabels, type Label, type LabelKind } from "../api/printing";
import { SelectField } from "../components/Fields";
import { FormDialog } from "../components/FormDialog";
import { t, word } from "../i18n";
import { Labels } from "./Labels";
import { SIZES, type SizeName } from "./sheet";

const COPIES = ["1", "2", "3", "4", "6", "8", "12", "24"];

interface Props {
  /** One of both. */
  orderId?: string;
  patientId?: string;
  onClose: () => void;
}

export function LabelDialog({ orderId, patientId, onClose }: Props) {
  const kinds: readonly LabelKind[] = orderId ? ["order", "specimen", "patient"] : ["patient"];
  const [kind, setKind] = useState<LabelKind>(kinds[0] ?? "patient");
  const [size, setSize] = useState<SizeName>("62x29");
  const [copies, setCopies] = useState("1");
  const [printed, setPrinted] = useState<readonly Label[] | null>(null);
  const labels = useLabels();
  const submit = () =>
    labels.mutate(
      { kind, copies: Number(copies), order_ids: orderId ? [orderId] : null, patient_id: orderId ? null : (patientId ?? "") },
      { onSuccess: ({ items }) => setPrinted(items) },
    );
  return (
    <>
      <FormDialog title={t("labels.title")} action={t("labels.print")} busy={labels.isPending} error={labels.error} onSubmit={submit} onClose={onClose}>
        <SelectField label={t("labels.kind")} value={kind} options={kinds.map((value) => ({ value, label: word("labels.kind", value) }))} onChange={(value) => setKind(value as LabelKind)} />
        <SelectField
          label={t("labels.size")}
          value={size}
          options={Object.keys(SIZES).map((value) => ({ value, label: word("labels.size", value) }))}
          onChange={(value) => setSize(value as SizeName)}
        />
        <SelectField label={t("labels.copies")} value={copies} options={COPIES.map((value) => ({ value, label: value }))} onChange={setCopies} />
        <p className="small muted">{t("labels.check")}</p>
      </FormDialog>
      {printed && <Printed labels={printed} kind={kind} size={size} copies={Number(copies)} onDone={onClose} />}
    </>
  );
}

/** Beside the page, and in its place while it is printed. */
function Printed({ onDone, ...of }: { labels: readonly Label[]; kind: LabelKind; size: SizeName; copies: number; onDone: () => void }) {
  const [isDrawn, setDrawn] = useState(false);
  useEffect(() => {
    if (!isDrawn) return;
    document.body.dataset.printing = "labels";
    window.print();
    delete document.body.dataset.printing;
    onDone();
    // Once, when every bar code stands there.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [isDrawn]);
  return createPortal(<Labels {...of} onDrawn={() => setDrawn(true)} />, document.body);
}
