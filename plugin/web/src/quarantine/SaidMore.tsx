import { Day, OrNone } from "../components/values";
import { isoDate } from "../components/whom";
import { t } from "../i18n";

/** What a file says beside the person: the Patient ID, and which study it is of. */
export function SaidMore({ said }: { said: Readonly<Record<string, string>> }) {
  const what = [said.Modality, said.StudyDescription].filter(Boolean).join(" · ");
  return (
    <>
      {said.PatientID && <span className="second">{t("quarantine.said.id", { id: said.PatientID })}</span>}
      <span className="second">
        <OrNone>{what}</OrNone> · <Day iso={isoDate(said.StudyDate ?? "")} />
      </span>
    </>
  );
}
