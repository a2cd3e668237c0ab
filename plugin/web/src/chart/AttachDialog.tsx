/** One file on its way to become a document: seen before it is sent, with what it is. */
import { useState } from "react";
import { useAttach, type DocumentKind, type Owner } from "../api/chart";
import { DateField } from "../components/DateField";
import { SelectField } from "../components/Fields";
import { FormDialog } from "../components/FormDialog";
import { TextField } from "../components/TextField";
import { useSay } from "../components/Toast";
import { formatBytes, t, word } from "../i18n";
import { today } from "../i18n/age";
import { kindOf, KINDS, titleOf } from "../documents/files";
import { Sheet } from "../documents/Sheet";

interface Props {
  owner: Owner;
  file: File;
  type: string;
  onDone: () => void;
  onClose: () => void;
}

export function AttachDialog({ owner, file, type, onDone, onClose }: Props) {
  const { attach, sent } = useAttach(owner);
  const say = useSay();
  const [kind, setKind] = useState<DocumentKind>(kindOf(type));
  const [title, setTitle] = useState(titleOf(file.name));
  const [dated, setDated] = useState(today());
  const submit = () =>
    attach.mutate(
      { file, type, kind, title: title || word("document.kind", kind), dated },
      {
        onSuccess: () => {
          say({ text: t("document.attached") });
          onDone();
        },
      },
    );
  return (
    <FormDialog wide title={t("document.attach.title")} action={t("document.attach")} busy={attach.isPending} error={attach.error} onSubmit={submit} onClose={onClose}>
      <div className="attach">
        <div className="attach-preview">
          <Sheet content={file} type={type} title={file.name} />
          <p className="small muted number">
            <bdi>{file.name}</bdi> · {formatBytes(file.size)}
          </p>
        </div>
        <div className="stack">
          <SelectField label={t("document.kind")} value={kind} options={KINDS.map((each) => ({ value: each, label: word("document.kind", each) }))} onChange={(value) => setKind(value as DocumentKind)} />
          <TextField label={t("document.title")} value={title} onChange={setTitle} hint={t("document.title.hint", { kind: word("document.kind", kind) })} />
          <DateField label={t("document.dated")} value={dated} onChange={setDated} />
          <p className="small muted">{t(type === "application/pdf" ? "document.pdf.note" : "document.picture.note")}</p>
        </div>
      </div>
      {attach.isPending && (
        <p>
          <progress value={sent} max={1} aria-label={t("document.sending")} />
        </p>
      )}
    </FormDialog>
  );
}
