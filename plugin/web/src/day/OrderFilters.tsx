/** What narrows the list of orders. */
import { useCallback } from "react";
import { DateField } from "../components/DateField";
import { SearchField, SelectField } from "../components/Fields";
import { Filters } from "../components/Filters";
import { PausedField } from "../components/PausedField";
import type { ListPlace, Move } from "../components/useListPlace";
import { t, word } from "../i18n";
import { AssignedField } from "./AssignedField";
import { ModalityField } from "../study/ModalityField";
import { ALL, DAYS, foldingOf, PRIORITIES, REPORTS, STATES, WAITING, type DayFilters } from "./filter";

interface Props {
  place: Pick<ListPlace<keyof DayFilters>, "q" | "filters">;
  move: Move<keyof DayFilters>;
}

export function OrderFilters({ place: { q, filters }, move }: Props) {
  const search = useCallback((text: string) => move({ q: text }), [move]);
  const station = useCallback((value: string) => move({ filters: { station: value } }), [move]);
  const part = useCallback((value: string) => move({ filters: { part: value } }), [move]);
  return (
    <Filters
      label={t("orders.filters")}
      asked={foldingOf(filters)}
      folding={
        <>
          {filters.day === "chosen" && (
            <div className="field-pair">
              <DateField label={t("studies.from")} value={filters.from} onChange={(value) => move({ filters: { from: value } })} />
              <DateField label={t("studies.to")} value={filters.to} onChange={(value) => move({ filters: { to: value } })} />
            </div>
          )}
          <ModalityField value={filters.modality} onChange={(value) => move({ filters: { modality: value } })} />
          <PausedField label={t("orders.station")} value={filters.station} onChange={station} />
          <PausedField label={t("order.body_part")} value={filters.part} onChange={part} />
          <SelectField
            label={t("order.priority")}
            value={filters.priority}
            options={[{ value: "", label: t("orders.priority.all") }, ...PRIORITIES.map((value) => ({ value, label: t(`orders.priority.${value}`) }))]}
            onChange={(value) => move({ filters: { priority: value } })}
          />
          <SelectField
            label={t("order.report")}
            value={filters.report}
            options={[{ value: "", label: t("orders.report.all") }, ...REPORTS.map((value) => ({ value, label: t(`orders.report.${value}`) }))]}
            onChange={(value) => move({ filters: { report: value } })}
          />
          <AssignedField value={filters.assigned} onChange={(value) => move({ filters: { assigned: value } })} />
        </>
      }
    >
      <SearchField label={t("orders.search")} hint={t("orders.search.hint")} value={q} onChange={search} />
      <SelectField
        label={t("orders.status")}
        value={filters.status}
        options={[
          { value: WAITING, label: t("orders.status.waiting") },
          { value: ALL, label: t("orders.status.all") },
          ...STATES.map((value) => ({ value, label: word("order.status", value) })),
        ]}
        onChange={(value) => move({ filters: { status: value } })}
      />
      <SelectField
        label={t("orders.day")}
        value={filters.day}
        options={DAYS.map((value) => ({ value, label: t(`orders.day.${value}`) }))}
        onChange={(value) => move({ filters: { day: value } })}
      />
    </Filters>
  );
}
