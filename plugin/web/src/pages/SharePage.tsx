/** What somebody outside sees of the link that they were given: a button, perhaps a PIN, then images and reports. */
import { useState } from "react";
import { Brand } from "../components/Brand";
import { BusyButton } from "../components/BusyButton";
import { useOnce } from "../components/useOnce";
import { Icon } from "../components/Icon";
import { Problem } from "../components/Problem";
import { TextField } from "../components/TextField";
import { modalitiesOf } from "../components/values";
import type { OpenedShare } from "../api/shares";
import { formatDay, formatInstant, t } from "../i18n";
import { takeSecret } from "../outside/secret";
import { SharedReport } from "../outside/SharedReport";
import { useOpened } from "../outside/useOpened";
import { openedBy } from "../viewer/link";

export function SharePage() {
  const [secret] = useState(() => takeSecret());
  const { door, busy, open } = useOpened(secret);
  return (
    <main id="content" className="sign-in">
      <title>{t("app.title", { page: t("outside.title") })}</title>
      <div className="sign-in-card">
        <Brand />
        <h1>{t("outside.title")}</h1>
        {door.kind === "open" && <Opened opened={door.opened} />}
        {door.kind === "shut" && <Shut asksPin={door.asksPin} error={door.error} busy={busy} onOpen={(pin) => void open(pin)} />}
        {door.kind === "over" && (
          <div role="status">
            <p>{t("outside.over")}</p>
            <p className="muted">{t("outside.over.what")}</p>
          </div>
        )}
      </div>
    </main>
  );
}

interface ShutProps {
  asksPin: boolean;
  error: Error | null;
  busy: boolean;
  onOpen: (pin: string | null) => void;
}

function Shut({ asksPin, error, busy, onOpen }: ShutProps) {
  const [pin, setPin] = useState("");
  const [isTried, setTried] = useState(false);
  const once = useOnce(busy);
  const submit = () => {
    setTried(asksPin && !pin.trim());
    if (!asksPin || pin.trim()) onOpen(asksPin ? pin.trim() : null);
  };
  return (
    <form
      className="stack"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        once(submit);
      }}
    >
      <p>{t(asksPin ? "outside.pin.lead" : "outside.lead")}</p>
      {asksPin && <TextField label={t("outside.pin")} value={pin} onChange={setPin} maxLength={12} problem={isTried ? t("outside.pin.missing") : null} />}
      <Problem error={error} />
      <BusyButton className="button button-primary outside-action" busy={busy}>
        {t("outside.open")}
      </BusyButton>
    </form>
  );
}

function Opened({ opened }: { opened: OpenedShare }) {
  const { study_date: day, modalities, study_description: text, reports, open_until: until } = opened;
  const link = openedBy({ url: opened.url, token: opened.token, expires_at: opened.expires_at, studies: [opened.study_instance_uid] }, window.location.origin);
  const address = link?.own ? link.address.replace(/#.*$/, `#token=${opened.token}`) : link?.address;
  return (
    <div className="stack" role="status">
      <p>{[day && formatDay(day), modalitiesOf(modalities), text].filter(Boolean).join(" · ")}</p>
      {address && (
        <a className="button button-primary outside-action" href={address} target="_blank" rel="noopener noreferrer">
          <Icon name="images" />
          {t("outside.images")}
        </a>
      )}
      {reports.length === 0 ? (
        <p className="muted">{t("outside.no_report")}</p>
      ) : (
        <ul className="outside-reports">
          {reports.map((report) => (
            <SharedReport key={report.report_id} report={report} token={opened.token} />
          ))}
        </ul>
      )}
      <p className="small muted">{t("outside.until", { when: formatInstant(until) })}</p>
    </div>
  );
}
