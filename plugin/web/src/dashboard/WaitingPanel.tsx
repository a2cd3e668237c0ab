/** What waits for somebody: only what this person has a list of. */
import type { Board } from "../api/dashboard";
import { Fact, Facts } from "../components/Facts";
import type { Column } from "../components/DataList";
import { Instant, OrNone } from "../components/values";
import { t, word } from "../i18n";
import { deliveriesOf, WAITING_LISTS } from "./links";
import { NumberLink } from "./NumberLink";
import { NumberTable } from "./NumberTable";

type Waiting = Board["waiting"];
const NAMES = Object.keys(WAITING_LISTS) as (keyof typeof WAITING_LISTS)[];

export function WaitingPanel({ waiting }: { waiting: Waiting }) {
  return (
    <section className="panel" aria-labelledby="waiting-title">
      <h2 id="waiting-title">{t("dashboard.waiting")}</h2>
      <Facts across>
        {NAMES.map((name) => {
          const count = waiting[name];
          return count === null ? null : (
            <Fact key={name} label={t(`dashboard.waiting.${name}`)}>
              <NumberLink count={count} to={WAITING_LISTS[name]} label={t(`dashboard.waiting.${name}`)} />
            </Fact>
          );
        })}
      </Facts>
      {waiting.outbox && waiting.outbox.length > 0 && (
        <>
          <h3>{t("dashboard.outbox")}</h3>
          <NumberTable label={t("dashboard.outbox")} columns={columns()} rows={waiting.outbox} rowKey={({ name }) => name} />
        </>
      )}
    </section>
  );
}

type Queue = NonNullable<Waiting["outbox"]>[number];
const QUEUED = ["pending", "parked", "dead"] as const;

const columns = (): Column<Queue>[] => [
  {
    key: "name",
    title: t("destinations.name"),
    main: true,
    className: "column-first",
    cell: ({ name, enabled }) => (
      <>
        <bdi>{name}</bdi>
        {!enabled && <span className="second">{t("dashboard.outbox.off")}</span>}
      </>
    ),
  },
  ...QUEUED.map((state): Column<Queue> => ({
    key: state,
    title: word("dashboard.outbox", state),
    className: "column-end",
    cell: (queue) => <NumberLink count={queue[state]} to={deliveriesOf(queue.name, state)} label={`${queue.name}, ${word("dashboard.outbox", state)}`} />,
  })),
  { key: "oldest", title: t("dashboard.outbox.oldest"), cell: ({ oldest_at: at }) => <OrNone>{at && <Instant iso={at} />}</OrNone> },
];
