import { useOrders } from "../api/queries";
import { Blank } from "../components/Blank";
import { Page } from "../components/Page";
import { QueryList } from "../components/QueryList";
import { useListPlace } from "../components/useListPlace";
import { useNow } from "../components/useNow";
import { namesakes, ofNamed } from "../components/whom";
import { columns } from "../day/columns";
import { ALL, DEFAULTS, isNarrowed, questionOf, SORT } from "../day/filter";
import { OrderFilters } from "../day/OrderFilters";
import { DeskButtons } from "../desk/DeskButtons";
import { t } from "../i18n";

export function OrdersPage() {
  const [place, move] = useListPlace(DEFAULTS, SORT);
  const { q, filters, sort, offset } = place;
  const orders = useOrders(questionOf(place), offset);
  const now = useNow();
  const narrowed = isNarrowed(q, filters);

  return (
    <Page title={t("orders.title")} lead={t("orders.lead")} isWide>
      <DeskButtons />
      <OrderFilters place={place} move={move} />
      <QueryList
        label={t("orders.list")}
        list={orders}
        columns={columns(namesakes((orders.data?.items ?? []).map(ofNamed)), now)}
        rowKey={(order) => String(order.id)}
        found={(count) => t("orders.found", { count })}
        sorting={{ sort, onSort: (to) => move({ sort: to }) }}
        empty={
          <Blank
            title={t(narrowed ? "orders.none.title" : "orders.empty.title")}
            text={t(narrowed ? "orders.none.text" : "orders.empty.text")}
          >
            {narrowed && (
              <button type="button" className="button" onClick={() => move({ q: "", filters: { ...DEFAULTS, status: ALL } })}>
                {t("orders.none.action")}
              </button>
            )}
          </Blank>
        }
        offset={offset}
        onMove={(to) => move({ offset: to })}
      />
    </Page>
  );
}
