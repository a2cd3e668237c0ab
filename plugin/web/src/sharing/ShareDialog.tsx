/** How a study is shared: for how long, with which PIN, how often. Then, once, what to hand on. */
import { useState } from "react";
import { useCreateShare, type MadeShare } from "../api/shares";
import type { Study } from "../api/types";
import { SelectField } from "../components/Fields";
import { FormDialog } from "../components/FormDialog";
import { TextField } from "../components/TextField";
import { formatInstant, formatNumber, t } from "../i18n";
import { MadeDialog } from "./MadeDialog";
import { newPin } from "./pin";

const DAY = 86_400;
const DAYS = [1, 3, 7, 14, 30, 90];
const USES = [1, 3, 5, 10, 20];

export function ShareDialog({ study, onClose }: { study: Study; onClose: () => void }) {
  const create = useCreateShare();
  const [days, setDays] = useState("7");
  const [uses, setUses] = useState("5");
  const [hasPin, setHasPin] = useState(true);
  const [pin, setPin] = useState(() => newPin());
  const [isTried, setTried] = useState(false);
  const [opened] = useState(Date.now);
  const [made, setMade] = useState<MadeShare | null>(null);
  if (made) return <MadeDialog made={made} pin={hasPin ? pin : null} onClose={onClose} />;
  const isPin = /^[0-9]{4,12}$/.test(pin);
  const submit = () => {
    setTried(true);
    if (hasPin && !isPin) return;
    const body = {
      study_instance_uid: study.study_instance_uid,
      ttl_seconds: Number(days) * DAY,
      pin: hasPin ? pin : null,
      max_uses: uses ? Number(uses) : null,
    };
    create.mutate(body, { onSuccess: setMade });
  };
  return (
    <FormDialog title={t("sharing.title")} action={t("sharing.make")} busy={create.isPending} error={create.error} onSubmit={submit} onClose={onClose}>
      <p className="muted">{t("sharing.text")}</p>
      <SelectField
        label={t("sharing.until")}
        value={days}
        options={DAYS.map((count) => ({
          value: String(count),
          label: t("sharing.until.days", { count, until: formatInstant(new Date(opened + count * DAY * 1000).toISOString()) }),
        }))}
        onChange={setDays}
      />
      <SelectField
        label={t("sharing.uses")}
        value={uses}
        options={[...USES.map((count) => ({ value: String(count), label: t("sharing.uses.times", { count }) })), { value: "", label: t("sharing.uses.any") }]}
        onChange={setUses}
      />
      <label className="check">
        <input type="checkbox" checked={hasPin} onChange={(event) => setHasPin(event.target.checked)} />
        <span>{t("sharing.pin.ask")}</span>
      </label>
      {hasPin ? (
        <TextField
          label={t("sharing.pin")}
          value={pin}
          onChange={setPin}
          maxLength={12}
          hint={t("sharing.pin.hint", { wrong: formatNumber(5) })}
          problem={isTried && !isPin ? t("sharing.pin.wrong") : null}
        />
      ) : (
        <p className="small text-bad">{t("sharing.pin.none")}</p>
      )}
    </FormDialog>
  );
}
