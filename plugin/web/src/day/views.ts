/** Between a saved view and what stands in the address. Pure. */
import type { OrderView, ViewBody } from "../api/day";
import type { ListPlace } from "../components/useListPlace";
import { ALL, DAYS, DEFAULTS, SORT, type DayFilters } from "./filter";
import { columnsOf } from "./layout";

type Place = Pick<ListPlace<keyof DayFilters>, "filters" | "sort">;
type Filters = NonNullable<ViewBody["filters"]>;

/** In the address, for the list without a view where another one would open. */
export const PLAIN = "plain";

/** Everything that a view says; what it does not say narrows nothing. */
export function placeOfView(view: OrderView): Place {
  const said = view.filters;
  return {
    sort: view.sort ?? SORT,
    filters: {
      ...DEFAULTS,
      view: view.id,
      columns: (view.columns ?? []).join(","),
      status: said.status ?? ALL,
      day: said.day ?? ALL,
      from: said.from ?? "",
      to: said.to ?? "",
      modality: said.modality ?? "",
      station: said.station_ae_title ?? "",
      part: said.body_part ?? "",
      priority: said.priority ?? "",
      report: said.report ?? "",
      assigned: said.assigned_to ?? "",
    },
  };
}

export function bodyOf({ filters, sort }: Place, name: string, isShared: boolean): ViewBody {
  const said: Partial<Record<keyof Filters, string>> = {
    status: filters.status === ALL ? "" : filters.status,
    from: filters.day === "chosen" ? filters.from : "",
    to: filters.day === "chosen" ? filters.to : "",
    modality: filters.modality,
    station_ae_title: filters.station,
    body_part: filters.part,
    priority: filters.priority,
    report: filters.report,
    assigned_to: filters.assigned,
  };
  const day = DAYS.find((each) => each === filters.day) ?? ALL;
  const narrowing = Object.fromEntries(Object.entries(said).filter(([, value]) => value)) as Omit<Filters, "day">;
  const columns = columnsOf(filters.columns);
  return { name, filters: { ...narrowing, day }, sort, columns: columns && [...columns], is_shared: isShared };
}

/** Whether somebody has changed what the view says. */
export function isChanged(view: OrderView, { filters, sort }: Place): boolean {
  const saved = placeOfView(view);
  const same = (Object.keys(DEFAULTS) as (keyof DayFilters)[]).every((name) => name === "view" || saved.filters[name] === filters[name]);
  return !same || saved.sort !== sort;
}
