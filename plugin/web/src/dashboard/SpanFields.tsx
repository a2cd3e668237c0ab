/** What narrows the numbers of the dashboard and the lists behind them: the same fields on each of their pages. */
import { SelectField } from "../components/Fields";
import { t, word } from "../i18n";
import { PRIORITIES, SPANS } from "./words";

interface Props {
  value: string;
  onChange: (value: string) => void;
}

export function SpanField({ value, onChange }: Props) {
  const options = SPANS.map((days) => ({ value: days, label: t("dashboard.span.days", { count: Number(days) }) }));
  return <SelectField label={t("dashboard.span")} value={value} options={options} onChange={onChange} />;
}

export function PriorityField({ value, onChange }: Props) {
  const options = PRIORITIES.map((priority) => ({ value: priority, label: word("order.priority", priority.toLowerCase()) }));
  return <SelectField label={t("order.priority")} value={value} options={[{ value: "", label: t("orders.priority.all") }, ...options]} onChange={onChange} />;
}
