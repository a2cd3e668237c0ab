/** Asks why images are not to be used, and which. */
import { useState } from "react";
import { REASONS, useReject } from "../api/rejections";
import { SelectField } from "../components/Fields";
import { FormDialog } from "../components/FormDialog";
import { TextField } from "../components/TextField";
import { useSay } from "../components/Toast";
import { t, word } from "../i18n";

interface Props {
  study: string;
  series: string;
  image: string;
  onClose: () => void;
  onDone: () => void;
}

const WHAT = ["image", "series"] as const;

export function RejectDialog({ study, series, image, onClose, onDone }: Props) {
  const [what, setWhat] = useState<(typeof WHAT)[number]>("image");
  const [reason, setReason] = useState<(typeof REASONS)[number]>("quality");
  const [comment, setComment] = useState("");
  const reject = useReject(study);
  const say = useSay();
  const submit = () =>
    reject.mutate(
      { reason, comment, ...(what === "series" ? { series_instance_uid: series } : { sop_instance_uids: [image] }) },
      {
        onSuccess: () => {
          say({ text: t("reject.done") });
          onDone();
        },
      },
    );
  return (
    <FormDialog title={t("reject.title")} action={t("reject.confirm")} busy={reject.isPending} error={reject.error} onSubmit={submit} onClose={onClose}>
      <p>{t("reject.text")}</p>
      <SelectField label={t("reject.what")} value={what} options={WHAT.map((value) => ({ value, label: word("reject.what", value) }))} onChange={(value) => setWhat(WHAT.find((one) => one === value) ?? "image")} />
      <SelectField label={t("reject.reason")} value={reason} options={REASONS.map((value) => ({ value, label: word("reject.reason", value) }))} onChange={(value) => setReason(REASONS.find((one) => one === value) ?? "quality")} />
      <TextField label={t("reject.comment")} value={comment} onChange={setComment} maxLength={255} />
    </FormDialog>
  );
}
