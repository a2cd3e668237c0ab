import { usePeople } from "../api/day";
import { useCurrentUser } from "../auth/permissions";
import { SelectField } from "../components/Fields";
import { t } from "../i18n";
import { mayPlan } from "./assigning";

/** Narrows the list to what one person does; "" is everybody. Who may not know the people has oneself and nobody. */
export function AssignedField({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const me = useCurrentUser();
  const people = usePeople(mayPlan(me.permissions));
  const others = people.filter(({ subject }) => subject !== me.subject);
  const isKnown = ["", "me", "nobody"].includes(value) || others.some(({ subject }) => subject === value);
  return (
    <SelectField
      label={t("assign.column")}
      value={value}
      options={[
        { value: "", label: t("assign.all") },
        { value: "me", label: t("assign.me") },
        { value: "nobody", label: t("assign.free") },
        ...others.map(({ subject, name }) => ({ value: subject, label: name })),
        ...(isKnown ? [] : [{ value, label: value }]),
      ]}
      onChange={onChange}
    />
  );
}
