/** Under which view the list is shown, its columns, and saving it. */
import { useId, useState } from "react";
import { useChoice, useChoose, useSaveView, useViews, type OrderView } from "../api/day";
import { useMay } from "../auth/permissions";
import { BusyButton } from "../components/BusyButton";
import { FormDialog } from "../components/FormDialog";
import { ShortcutsButton } from "../components/Shortcuts";
import { TextField } from "../components/TextField";
import { useSay } from "../components/Toast";
import type { ListPlace, Move } from "../components/useListPlace";
import { t } from "../i18n";
import { ColumnsDialog } from "./ColumnsDialog";
import { DEFAULTS, SORT, type DayFilters } from "./filter";
import { columnsOf, type ColumnName } from "./layout";
import { bodyOf, isChanged, PLAIN, placeOfView } from "./views";

interface Props {
  place: ListPlace<keyof DayFilters>;
  move: Move<keyof DayFilters>;
  columns: readonly ColumnName[];
}

export function ViewBar({ place, move, columns }: Props) {
  const { views } = useViews();
  const choice = useChoice();
  const choose = useChoose();
  const [asking, setAsking] = useState<"save" | "columns" | null>(null);
  const id = useId();
  const view = views.find((each) => each.id === place.filters.view);
  const own = views.filter(({ is_mine }) => is_mine);
  const shared = views.filter(({ is_mine }) => !is_mine);
  const go = (to: string) => {
    const next = views.find((each) => each.id === to);
    move({ offset: 0, ...(next ? placeOfView(next) : { filters: { ...DEFAULTS, view: choice?.view_id ? PLAIN : "" }, sort: SORT }) });
  };
  const setColumns = (names: readonly ColumnName[] | null) => {
    if (view) move({ filters: { columns: (names ?? []).join(",") } });
    else choose.mutate({ view_id: choice?.view_id ?? null, columns: names && [...names] }, { onSuccess: () => move({ filters: { columns: "" } }) });
    setAsking(null);
  };
  return (
    <div className="view-bar">
      <div className="field">
        <label htmlFor={id}>{t("views.view")}</label>
        <select id={id} value={view?.id ?? ""} onChange={(event) => go(event.target.value)}>
          <option value="">{t("views.plain")}</option>
          <Group label={t("views.own")} views={own} />
          <Group label={t("views.shared")} views={shared} />
        </select>
      </div>
      {view && isChanged(view, place) && <span className="badge badge-plain">{t("views.changed")}</span>}
      <button type="button" className="button button-small" onClick={() => setAsking("save")}>
        {t("views.save")}
      </button>
      <button type="button" className="button button-small" onClick={() => setAsking("columns")}>
        {t("views.columns")}
      </button>
      <ShortcutsButton />
      {asking === "columns" && <ColumnsDialog columns={columns} onChosen={setColumns} onClose={() => setAsking(null)} />}
      {asking === "save" && <SaveDialog view={view} place={place} onGo={go} onSaved={(saved) => move({ offset: 0, ...placeOfView(saved) })} onClose={() => setAsking(null)} />}
    </div>
  );
}

function Group({ label, views }: { label: string; views: readonly OrderView[] }) {
  if (views.length === 0) return null;
  return (
    <optgroup label={label}>
      {views.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </optgroup>
  );
}

interface SaveProps {
  view: OrderView | undefined;
  place: ListPlace<keyof DayFilters>;
  onGo: (view: string) => void;
  onSaved: (view: OrderView) => void;
  onClose: () => void;
}

/** Saves what is shown: over the view one is in, or as a new one. Says whether the list opens with it. */
function SaveDialog({ view, place, onGo, onSaved, onClose }: SaveProps) {
  const mayShare = useMay("accounts");
  const mayChange = Boolean(view && (view.is_mine || mayShare));
  const choice = useChoice();
  const choose = useChoose();
  const save = useSaveView();
  const say = useSay();
  const [name, setName] = useState(mayChange ? (view?.name ?? "") : "");
  const [isShared, setShared] = useState(Boolean(mayShare && view?.is_shared));
  const [isFirst, setFirst] = useState(Boolean(view && choice?.view_id === view.id));
  const [isMissing, setMissing] = useState(false);
  const isOver = mayChange && name.trim() === view?.name;
  const submit = () => {
    setMissing(!name.trim());
    if (!name.trim()) return;
    const body = bodyOf({ ...place, filters: { ...place.filters, columns: (columnsOf(place.filters.columns) ?? choice?.columns ?? []).join(",") } }, name.trim(), isShared);
    save.mutate(
      { id: isOver ? (view?.id ?? null) : null, body },
      {
        onSuccess: (saved) => {
          if (!saved) return;
          onSaved(saved);
          const done = () => {
            say({ text: t("views.saved", { name: saved.name }) });
            onClose();
          };
          const wasFirst = choice?.view_id === saved.id;
          if (isFirst === wasFirst) done();
          else choose.mutate({ view_id: isFirst ? saved.id : null, columns: choice?.columns ?? null }, { onSuccess: done });
        },
      },
    );
  };
  const remove = () =>
    save.mutate(
      { id: view?.id ?? null, body: null },
      {
        onSuccess: () => {
          say({ text: t("views.removed") });
          onGo("");
          onClose();
        },
      },
    );
  return (
    <FormDialog title={t("views.save.title")} action={t(isOver ? "views.save.over" : "views.save.new")} busy={save.isPending || choose.isPending} error={save.error ?? choose.error} onSubmit={submit} onClose={onClose}>
      <p className="muted small">{t("views.save.text")}</p>
      <TextField label={t("views.name")} value={name} onChange={setName} maxLength={64} problem={isMissing ? t("views.name.missing") : null} />
      <Tick label={t("views.first")} value={isFirst} onChange={setFirst} />
      {mayShare && <Tick label={t("views.share")} value={isShared} onChange={setShared} />}
      {mayChange && (
        <BusyButton className="button button-danger button-small" busy={save.isPending} onPress={remove}>
          {t("views.remove", { name: view?.name ?? "" })}
        </BusyButton>
      )}
    </FormDialog>
  );
}

function Tick({ label, value, onChange }: { label: string; value: boolean; onChange: (value: boolean) => void }) {
  return (
    <label className="check">
      <input type="checkbox" checked={value} onChange={(event) => onChange(event.target.checked)} />
      {label}
    </label>
  );
}
