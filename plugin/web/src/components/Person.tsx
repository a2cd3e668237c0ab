/** Who it is: name, birth date with age, sex and MRN, the same wherever a person is chosen or named. */
import type { ReactNode } from "react";
import { formatDay, t, word } from "../i18n";
import { ageOn, today } from "../i18n/age";
import { Mrn, PersonName } from "./values";
import type { Whom } from "./whom";

interface Props {
  whom: Whom;
  /** Somebody else in the list has this name. */
  isNamesake?: boolean;
  /** In the place of the plain name, for example a link. */
  name?: ReactNode;
  /** What else is said, after the facts. */
  children?: ReactNode;
}

export function Person({ whom, isNamesake = false, name, children }: Props) {
  return (
    <span className={isNamesake ? "person person-namesake" : "person"}>
      <span className="person-name">
        {name ?? <PersonName name={whom.name} />}
        {isNamesake && <span className="badge badge-warn">{t("person.namesake")}</span>}
      </span>
      <PersonFacts whom={whom} />
      {children && <span className="person-more">{children}</span>}
    </span>
  );
}

/** Without the name, for where it stands above already. */
export function PersonFacts({ whom: { birthDate, sex, mrn, issuer } }: { whom: Whom }) {
  return (
    <span className="person-facts number">
      <span className="person-born">{birthDate ? bornText(birthDate) : t("person.born.unknown")}</span>
      <span>{sex === "unknown" ? t("person.sex.unknown") : word("sex", sex)}</span>
      {mrn && <Mrn mrn={mrn} issuer={issuer} />}
    </span>
  );
}

/** "14 Mar 1961 (65 years)" */
export function bornText(birthDate: string): string {
  const age = ageOn(birthDate, today());
  if (!age) return formatDay(birthDate);
  return t("person.born", { date: formatDay(birthDate), age: t(`person.age.${age.unit}`, { count: age.count }) });
}
