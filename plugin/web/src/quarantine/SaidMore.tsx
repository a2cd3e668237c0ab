import { Day, OrNone } from "../components/values";
import { useNumbers } from "../components/useNumbers";
import { isoDate } from "../components/whom";
import { t } from "../i18n";

/** What a file says beside the person: the Patient ID, and which study it is of. */
export function SaidMore({ said }: { said: Readonly<Record<string, string>> }) {
  const numbers = useNumbers();
  const what = [said.Modality, said.StudyDescription].filter(Boolean).join(" · ");
  return (
    <>
      {said.PatientID && <span className="second">{numbers.said(t("quarantine.said.id", { id: said.PatientID }), said.IssuerOfPatientID)}</span>}
      <span className="second">
        <OrNone>{what}</OrNone> · <Day iso={isoDate(said.StudyDate ?? "")} />
      </span>
    </>
  );
}
