/** A report while it is written: its sections, what the server has of them, and what can be done, all by keyboard. */
import { useEffect, useRef, useState, type ReactNode } from "react";
import { usePreliminary, type Draft, type Macro, type Report, type Tagged } from "../api/reports";
import { useMay } from "../auth/permissions";
import { Icon } from "../components/Icon";
import { Notice } from "../components/Notice";
import { Problem } from "../components/Problem";
import { useSay } from "../components/Toast";
import { t } from "../i18n";
import { ConflictDialog } from "./ConflictDialog";
import { CriticalDialog } from "./CriticalDialog";
import { DiscardDialog } from "./DiscardDialog";
import { KeysDialog } from "./KeysDialog";
import { meaningOf, type Act } from "./keys";
import { inserted } from "./macros";
import { MacrosDialog } from "./MacrosDialog";
import { BeforeDialog, Prior, usePriors } from "./Prior";
import { SaveState } from "./SaveState";
import { SectionField } from "./SectionField";
import { SignDialog } from "./SignDialog";
import { useAutosave } from "./useAutosave";

interface Props {
  first: Tagged;
  /** Codes of the sections that must say something before it is signed. */
  required: ReadonlySet<string>;
  macros: readonly Macro[];
  hasNext: boolean;
  /** The images have the focus or lose it. */
  onImages: () => void;
  onSigned: (report: Report, goOn: boolean) => void;
  /** Stands between the sections and the buttons. */
  children?: ReactNode;
}

type Asking = "sign" | "critical" | "keys" | "macros" | "before" | "discard" | null;

export function Editor({ first, required, macros, hasNext, onImages, onSigned, children }: Props) {
  const { id, patient_id: patientId } = first.report;
  const { autosave, draft, saving, savedAt } = useAutosave(first);
  const [asking, setAsking] = useState<Asking>(null);
  const [missing, setMissing] = useState<ReadonlySet<number>>(new Set());
  const [prior, setPrior] = useState("");
  const priors = usePriors(patientId, id);
  const chosen = prior || priors[0]?.id || "";
  const preliminary = usePreliminary(id);
  const maySign = useMay("sign_reports");
  const say = useSay();
  const fields = useRef<(HTMLTextAreaElement | null)[]>([]);
  const at = useRef(0);
  const isNew = first.report.draft?.kind === "new";

  const focus = (section: number) => fields.current[Math.max(0, Math.min(section, draft.sections.length - 1))]?.focus();
  const write = (section: number, text: string) => autosave.edit((before) => withText(before, section, text));
  const put = (what: string) => {
    const field = fields.current[at.current];
    const { text, caret } = inserted({ text: draft.sections[at.current]?.text ?? "", caret: field?.selectionStart ?? 0 }, what);
    write(at.current, text);
    setAsking(null);
    requestAnimationFrame(() => {
      field?.focus();
      field?.setSelectionRange(caret, caret);
    });
  };
  const ask = async (what: "sign" | "preliminary") => {
    const empty = draft.sections.flatMap(({ code, text }, section) => (what === "sign" && required.has(code) && !text.trim() ? [section] : []));
    setMissing(new Set(empty));
    if (empty.length > 0) return focus(empty[0]!);
    if (!(await autosave.flush())) return;
    if (what === "sign") return setAsking("sign");
    preliminary.mutate(autosave.tag(), {
      onSuccess: ({ tag }) => {
        autosave.adopt(tag);
        say({ text: t("report.preliminary.done") });
      },
    });
  };
  const act = (what: Act) => {
    if (what === "next-section" || what === "previous-section") return focus(at.current + (what === "next-section" ? 1 : -1));
    if (what === "save") return void autosave.flush();
    if (what === "images") return onImages();
    if (what === "preliminary") return void (isNew && ask("preliminary"));
    if (what === "sign") return void (maySign && ask("sign"));
    if (what === "before" && !chosen) return;
    setAsking(what);
  };

  const latest = useRef({ act, isFree: asking === null && saving.kind !== "conflict" });
  useEffect(() => {
    latest.current = { act, isFree: asking === null && saving.kind !== "conflict" };
  });
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const what = meaningOf(event);
      if (!what) return;
      event.preventDefault();
      if (latest.current.isFree && !event.repeat) latest.current.act(what);
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, []);
  useEffect(() => {
    const empty = first.report.draft?.sections.findIndex(({ text }) => !text.trim()) ?? 0;
    fields.current[Math.max(0, empty)]?.focus({ preventScroll: true });
    // Only when the report is opened.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  return (
    <section className="editor" aria-label={t("report.editor")}>
      <div className="editor-head">
        <SaveState saving={saving} savedAt={savedAt} />
        <button type="button" className="button button-small keys" onClick={() => setAsking("keys")}>
          {t("report.keys")} <kbd>F1</kbd>
        </button>
      </div>
      {!isNew && first.report.draft && (
        <Notice kind="info">
          <p>{t(`report.kind.${first.report.draft.kind as "amended" | "corrected" | "appended"}`, { reason: first.report.draft.reason ?? "" })}</p>
        </Notice>
      )}
      {saving.kind === "refused" && <Problem error={saving.error} />}
      {draft.critical && (
        <Notice kind="bad" title={t(`report.critical.${draft.critical.level}`)}>
          {draft.critical.note && <p>{draft.critical.note}</p>}
        </Notice>
      )}
      {draft.sections.map((section, index) => (
        <SectionField
          key={index}
          ref={(field) => {
            fields.current[index] = field;
          }}
          section={section}
          isRequired={required.has(section.code)}
          isMissing={missing.has(index) && !section.text.trim()}
          macros={macros}
          onChange={(text) => write(index, text)}
          onFocus={() => (at.current = index)}
        />
      ))}
      {children}
      {preliminary.error && <Problem error={preliminary.error} />}
      <div className="actions editor-actions">
        {maySign && (
          <button type="button" className="button button-primary" onClick={() => act("sign")}>
            <Icon name="check" />
            {t("report.sign")}
          </button>
        )}
        {isNew && (
          <button type="button" className="button" onClick={() => act("preliminary")}>
            {t("report.preliminary")}
          </button>
        )}
        <button type="button" className="button" onClick={() => act("critical")}>
          {t("report.critical")}
        </button>
        {chosen && (
          <button type="button" className="button" onClick={() => act("before")}>
            {t("report.before")}
          </button>
        )}
        {macros.length > 0 && (
          <button type="button" className="button" onClick={() => act("macros")}>
            {t("report.macros")}
          </button>
        )}
        <button type="button" className="button button-danger" onClick={() => setAsking("discard")}>
          {t("report.discard")}
        </button>
      </div>
      {chosen && <Prior priors={priors} chosen={chosen} onChoose={setPrior} />}
      {saving.kind === "conflict" && <ConflictDialog mine={draft} theirs={saving.theirs} onResolve={(both) => void autosave.resolve(both)} />}
      {asking === "sign" && <SignDialog id={id} hasNext={hasNext} onSigned={onSigned} onClose={() => setAsking(null)} />}
      {asking === "critical" && <CriticalDialog critical={draft.critical} onChange={(critical) => autosave.edit((before) => ({ ...before, critical }))} onClose={() => setAsking(null)} />}
      {asking === "keys" && <KeysDialog onClose={() => setAsking(null)} />}
      {asking === "macros" && <MacrosDialog macros={macros} onTake={put} onClose={() => setAsking(null)} />}
      {asking === "before" && draft.sections[at.current] && (
        <BeforeDialog section={draft.sections[at.current]!} prior={chosen} onTake={put} onClose={() => setAsking(null)} />
      )}
      {asking === "discard" && <DiscardDialog id={id} onClose={() => setAsking(null)} />}
    </section>
  );
}

function withText(draft: Draft, at: number, text: string): Draft {
  return { ...draft, sections: draft.sections.map((section, index) => (index === at ? { ...section, text } : section)) };
}
