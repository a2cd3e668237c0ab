/** An order where there is little room: six of them on a phone. */
import type { OrderRow } from "../api/types";
import { PersonFacts } from "../components/Person";
import { Instant, OrderStatus, PriorityFlag } from "../components/values";
import { ofNamed } from "../components/whom";
import { t } from "../i18n";
import { Act, OrderLink, PatientLink, ReportOf, Waits } from "./columns";
import { modalityBeside } from "./orderWords";

export function OrderCard({ order, isNamesake, now }: { order: OrderRow; isNamesake: boolean; now: number }) {
  return (
    <div className="card day-card">
      <div className={isNamesake ? "day-card-who person person-namesake" : "day-card-who person"}>
        <span className="day-card-top">
          <span className="person-name">
            <PatientLink order={order} />
            {isNamesake && <span className="badge badge-warn">{t("person.namesake")}</span>}
          </span>
          <span className="day-card-state">
            <PriorityFlag priority={order.priority} />
            <OrderStatus status={order.status} />
          </span>
        </span>
        <PersonFacts whom={ofNamed(order)} />
      </div>
      <div className="day-card-what">
        {modalityBeside(order) && <span className="number">{modalityBeside(order)} </span>}
        <OrderLink order={order} />
        {order.description && <span className="second number"> {order.accession_number}</span>}
      </div>
      <div className="day-card-how">
        <Instant iso={order.scheduled_at} />
        {order.report && <ReportOf order={order} />}
        {order.assigned_name && <span className="second">{order.assigned_name}</span>}
        <Waits order={order} now={now} />
      </div>
      <div className="day-card-act">
        <Act order={order} />
      </div>
    </div>
  );
}
