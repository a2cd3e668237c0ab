/** Whom the files of a study name, the same before they are sent, on their way and after. */
import type { ReactNode } from "react";
import { Person, PersonFacts } from "../components/Person";
import { useNumbers } from "../components/useNumbers";
import { ofFiles } from "../components/whom";
import { t } from "../i18n";
import type { Header } from "./read/header";

export function SaidOf({ header, children }: { header: Header; children?: ReactNode }) {
  return (
    <Person whom={ofFiles(header)}>
      <FileNumber header={header} />
      {children && <> · {children}</>}
    </Person>
  );
}

/** Without the name, for where it stands above already. */
export function SaidFacts({ header }: { header: Header }) {
  return (
    <>
      <PersonFacts whom={ofFiles(header)} /> · <FileNumber header={header} />
    </>
  );
}

/** Not an MRN: nobody has said yet that it is one of ours. */
function FileNumber({ header: { patientId, issuerOfPatientId: issuer, universalIssuerOfPatientId: universal } }: { header: Header }) {
  const numbers = useNumbers();
  const said = t("review.patient.id", { id: patientId || t("value.empty") });
  return <span className="number">{patientId ? numbers.said(said, issuer || universal) : said}</span>;
}
