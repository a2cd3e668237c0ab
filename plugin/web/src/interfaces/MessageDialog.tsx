import { useMessage, useReplay, type WholeMessage } from "../api/interfaces";
import { BusyButton } from "../components/BusyButton";
import { ListSkeleton } from "../components/DataList";
import { Dialog } from "../components/Dialog";
import { ErrorState } from "../components/ErrorState";
import { Fact, Facts } from "../components/Facts";
import { Problem } from "../components/Problem";
import { useSay } from "../components/Toast";
import { Instant, OrNone } from "../components/values";
import { t, word } from "../i18n";
import { Changes, Verbatim } from "./Changes";
import { Outcome } from "./Outcome";

interface Props {
  id: string;
  number: string;
  onClose: () => void;
}

/** One message: as it came, as it was read, what it changed, the answer; and applying it again. */
export function MessageDialog({ id, number, onClose }: Props) {
  const message = useMessage(id);
  return (
    <Dialog title={t("interfaces.message.title", { number })} wide onClose={onClose}>
      {message.data ? (
        <Shown message={message.data} />
      ) : message.error ? (
        <ErrorState error={message.error} onRetry={() => void message.refetch()} />
      ) : (
        <ListSkeleton label={t("app.loading")} />
      )}
      <div className="actions actions-end">
        <button type="button" className="button" onClick={onClose}>
          {t("interfaces.close")}
        </button>
      </div>
    </Dialog>
  );
}

function Shown({ message }: { message: WholeMessage }) {
  return (
    <>
      <p>
        <Outcome of={message} />
      </p>
      <Facts across>
        <Fact label={t("interfaces.column.sender")}>
          <bdi>{message.sent_by}</bdi>, <Instant iso={message.received_at} />
        </Fact>
        <Fact label={t("interfaces.message.address")}>
          <OrNone>{message.address}</OrNone>
        </Fact>
        <Fact label={t("interfaces.message.charset")}>{charsetWords(message)}</Fact>
      </Facts>
      <h3>{t("interfaces.message.changes")}</h3>
      <Changes changes={message.changes} areDone />
      <h3>{t("interfaces.message.text")}</h3>
      <Verbatim label={t("interfaces.message.text")} text={message.message} />
      <h3>{t("interfaces.message.reading")}</h3>
      {message.reading ? (
        <Verbatim label={t("interfaces.message.reading")} text={JSON.stringify(message.reading, null, 2)} />
      ) : (
        <p className="muted">{t("interfaces.message.unread")}</p>
      )}
      <h3>{t("interfaces.message.ack")}</h3>
      <Verbatim label={t("interfaces.message.ack")} text={message.ack} />
      <Replay id={message.id} />
    </>
  );
}

function Replay({ id }: { id: string }) {
  const replay = useReplay();
  const say = useSay();
  const apply = () => replay.mutate(id, { onSuccess: ({ state }) => say({ text: word("interfaces.replay.done", state), bad: state === "refused" }) });
  return (
    <>
      <Problem error={replay.error} />
      <p>
        <BusyButton busy={replay.isPending} onPress={apply}>
          {t("interfaces.replay")}
        </BusyButton>
        <span className="second">{t("interfaces.replay.hint")}</span>
      </p>
    </>
  );
}

function charsetWords({ charset, charset_from: from }: WholeMessage): string {
  if (!charset || !from) return t("interfaces.charset.unknown");
  return t(`interfaces.charset.${from}`, { charset });
}
