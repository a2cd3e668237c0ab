import { useId, useState } from "react";
import { useChangeDestination, useLoadDestinations, useRegisterDestination, type Destination, type DestinationBody, type EventType, type Made } from "../api/destinations";
import { SelectField } from "../components/Fields";
import { FormDialog } from "../components/FormDialog";
import { TextArea } from "../components/TextArea";
import { TextField } from "../components/TextField";
import { t, word } from "../i18n";
import { EVENTS, KINDS, NEW, networksOf, problemsOf, typedOf, type Kind, type Typed } from "./typed";

interface Props {
  destination: Destination | null;
  onDone: (made: Made) => void;
  onClose: () => void;
}

/** A new destination, or what is registered of one. */
export function DestinationDialog({ destination, onDone, onClose }: Props) {
  const register = useRegisterDestination();
  const change = useChangeDestination();
  const load = useLoadDestinations();
  const [kind, setKind] = useState<Kind>(destination?.kind ?? "webhook");
  const [typed, setTyped] = useState<Typed>(() => (destination ? typedOf(destination) : NEW));
  const [events, setEvents] = useState<readonly EventType[]>(destination?.events ?? []);
  const [flags, setFlags] = useState({ tls: destination?.tls ?? false, block: destination?.policy === "block", ehr: destination?.is_ehr ?? false, enabled: destination?.enabled ?? true });
  const [isTried, setTried] = useState(false);
  const problems = isTried ? problemsOf(kind, typed) : {};
  const chosen = EVENTS[kind].filter((each) => events.includes(each));
  const set = (field: keyof Typed) => (value: string) => setTyped({ ...typed, [field]: value });
  const flag = (name: keyof typeof flags) => ({ label: t(`destinations.${name}`), checked: flags[name], onChange: (is: boolean) => setFlags({ ...flags, [name]: is }) });
  const error = destination ? change.error : register.error;
  const isHl7 = kind === "hl7";
  const isEncrypted = isHl7 ? flags.tls : /^https:/i.test(typed.url.trim());
  const become = (value: string) => {
    const next = KINDS.find((each) => each === value) ?? "webhook";
    setKind(next);
    setFlags({ ...flags, block: next !== "webhook", ehr: next !== "webhook" });
  };
  const submit = () => {
    setTried(true);
    if (Object.keys(problemsOf(kind, typed)).length > 0 || chosen.length === 0) return;
    const body: DestinationBody = {
      kind,
      events: chosen,
      policy: flags.block ? "block" : "skip",
      allow_networks: networksOf(typed.networks),
      is_ehr: flags.ehr,
      enabled: flags.enabled,
      description: typed.description.trim() || null,
      url: isHl7 ? null : typed.url.trim(),
      host: isHl7 ? typed.host.trim() : null,
      port: isHl7 ? Number(typed.port) : null,
      tls: isHl7 && flags.tls,
      charset: destination?.charset ?? null,
      order_message: destination?.order_message === "OMG" ? "OMG" : null,
      reports_from: typed.sender.trim() || null,
      ca_certificates: isEncrypted ? typed.authorities.trim() || null : null,
      token: kind === "fhir" ? typed.token.trim() || null : null,
    };
    if (destination) change.mutate({ seen: destination, body }, { onSuccess: onDone });
    else register.mutate({ name: typed.name.trim(), body }, { onSuccess: onDone });
  };
  return (
    <FormDialog
      title={destination ? t("destinations.change.title", { name: destination.name }) : t("destinations.new")}
      action={t("action.save")}
      wide
      busy={change.isPending || register.isPending}
      error={error}
      onLoadAgain={load}
      onSubmit={submit}
      onClose={onClose}
    >
      {!destination && (
        <>
          <SelectField label={t("destinations.kind")} value={kind} options={KINDS.map((value) => ({ value, label: word("destinations.kind", value) }))} onChange={become} />
          <TextField label={t("destinations.name")} value={typed.name} onChange={set("name")} hint={t("destinations.name.hint")} problem={problems.name ? t("destinations.name.problem") : null} />
        </>
      )}
      {isHl7 ? (
        <>
          <TextField label={t("destinations.host")} value={typed.host} onChange={set("host")} maxLength={255} problem={problems.host ? t("modalities.host.problem") : null} />
          <TextField label={t("modalities.port")} value={typed.port} onChange={set("port")} maxLength={5} problem={problems.port ? t("modalities.port.problem") : null} />
          <Box {...flag("tls")} />
        </>
      ) : (
        <TextField label={t("destinations.url")} value={typed.url} onChange={set("url")} maxLength={500} problem={problems.url ? t("destinations.url.problem") : null} />
      )}
      {kind === "fhir" && <TextField label={t("destinations.token")} type="password" value={typed.token} onChange={set("token")} maxLength={4096} hint={t(destination?.has_secret ? "destinations.token.kept" : "destinations.token.hint")} />}
      <TextField label={t("destinations.networks")} value={typed.networks} onChange={set("networks")} maxLength={1000} hint={t("destinations.networks.hint")} />
      {isEncrypted && <TextArea label={t("destinations.authorities")} value={typed.authorities} onChange={set("authorities")} maxLength={65536} hint={t("destinations.authorities.hint")} />}
      <fieldset className="boxes">
        <legend>{t("destinations.events")}</legend>
        {EVENTS[kind].map((each) => (
          <Box
            key={each}
            label={word("destinations.event", each)}
            checked={events.includes(each)}
            onChange={(is) => setEvents(is ? [...events, each] : events.filter((one) => one !== each))}
          />
        ))}
        {isTried && chosen.length === 0 && <p className="small text-bad">{t("destinations.events.problem")}</p>}
      </fieldset>
      <TextField label={t("destinations.sender")} value={typed.sender} onChange={set("sender")} maxLength={255} hint={t("destinations.sender.hint")} />
      <Box {...flag("block")} />
      <Box {...flag("ehr")} />
      <Box {...flag("enabled")} />
      <TextField label={t("modalities.description")} value={typed.description} onChange={set("description")} maxLength={255} />
    </FormDialog>
  );
}

function Box({ label, checked, onChange }: { label: string; checked: boolean; onChange: (is: boolean) => void }) {
  const id = useId();
  return (
    <label htmlFor={id} className="box">
      <input id={id} type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} />
      <span>{label}</span>
    </label>
  );
}
