/** Templates of reports and one's own macros: imported, looked at, removed. */
import { useRef, useState } from "react";
import { useDeleteMacro, useDeleteTemplate, useMacros, usePutTemplate, useTemplates, type Macro, type Template } from "../api/reports";
import { Blank } from "../components/Blank";
import { ListSkeleton } from "../components/DataList";
import { ErrorState } from "../components/ErrorState";
import { Icon } from "../components/Icon";
import { NeedsPermission } from "../components/NoPermission";
import { Page } from "../components/Page";
import { Problem } from "../components/Problem";
import { useSay } from "../components/Toast";
import { t } from "../i18n";
import { MacroDialog } from "../reporting/MacroDialog";
import { nameOf, templateOf, TemplateFault } from "../reporting/template";

export function TemplatesPage() {
  return (
    <NeedsPermission permission="write_reports" title={t("templates.title")}>
      <Page title={t("templates.title")} lead={t("templates.lead")}>
        <section className="stack-small" aria-labelledby="templates-title">
          <h2 id="templates-title">{t("templates.list")}</h2>
          <Import />
          <Templates />
        </section>
        <section className="stack-small" aria-labelledby="macros-title">
          <h2 id="macros-title">{t("report.macros")}</h2>
          <p className="muted">{t("report.macros.text")}</p>
          <Macros />
        </section>
      </Page>
    </NeedsPermission>
  );
}

/** A file, JSON or MRRT, becomes a template under its own name. */
function Import() {
  const put = usePutTemplate();
  const say = useSay();
  const chooser = useRef<HTMLInputElement>(null);
  const [fault, setFault] = useState(false);
  const take = async (file: File) => {
    setFault(false);
    try {
      const text = await file.text();
      const name = nameOf(file.name);
      await put.mutateAsync({ name, body: templateOf(text) });
      say({ text: t("templates.imported", { name }) });
    } catch (error) {
      if (error instanceof TemplateFault) setFault(true);
    }
  };
  return (
    <>
      <div className="actions">
        <button type="button" className="button" aria-disabled={put.isPending} onClick={() => chooser.current?.click()}>
          <Icon name="upload" />
          {t("templates.import")}
        </button>
        <input
          ref={chooser}
          type="file"
          hidden
          accept=".json,.html,.htm,application/json,text/html"
          aria-label={t("templates.import")}
          onChange={(event) => {
            const [file] = event.target.files ?? [];
            event.target.value = "";
            if (file) void take(file);
          }}
        />
      </div>
      <div role="alert">{fault && <p className="text-bad">{t("templates.not_readable")}</p>}</div>
      {put.error && <Problem error={put.error} />}
    </>
  );
}

function Templates() {
  const templates = useTemplates(true);
  const remove = useDeleteTemplate();
  if (templates.error) return <ErrorState error={templates.error} onRetry={() => void templates.refetch()} />;
  if (!templates.data) return <ListSkeleton label={t("app.loading")} rows={3} />;
  return (
    <>
      {remove.error && <Problem error={remove.error} />}
      <ul className="plain-list panel">
        {templates.data.map((one) => (
          <li key={one.name}>
            <details className="version">
              <summary>
                <strong>{one.title}</strong> <span className="muted small">{[one.name, one.modalities.join(", "), one.body_part, one.language].filter(Boolean).join(" · ")}</span>{" "}
                <span className="badge badge-plain">{t(one.source === "shipped" ? "templates.shipped" : "templates.own")}</span>
              </summary>
              <Preview template={one} />
              {one.source !== "shipped" && (
                <button type="button" className="button button-small button-danger" aria-label={t("templates.remove.label", { name: one.title })} onClick={() => remove.mutate(one.name)}>
                  {t("templates.remove")}
                </button>
              )}
            </details>
          </li>
        ))}
      </ul>
    </>
  );
}

/** The sections as a report begins with them. */
function Preview({ template }: { template: Template }) {
  return (
    <div className="report-text" lang={template.language}>
      {template.sections.map(({ code, title, text, required }) => (
        <section key={code}>
          <h3>
            {title} {required && <span className="muted small">{t("report.required")}</span>}
          </h3>
          <p>{text || t("value.empty")}</p>
        </section>
      ))}
    </div>
  );
}

function Macros() {
  const macros = useMacros(true);
  const remove = useDeleteMacro();
  const [edited, setEdited] = useState<Macro | "new" | null>(null);
  if (macros.error) return <ErrorState error={macros.error} onRetry={() => void macros.refetch()} />;
  if (!macros.data) return <ListSkeleton label={t("app.loading")} rows={2} />;
  return (
    <>
      <div className="actions">
        <button type="button" className="button" onClick={() => setEdited("new")}>
          <Icon name="plus" />
          {t("macros.new")}
        </button>
      </div>
      {remove.error && <Problem error={remove.error} />}
      {macros.data.length === 0 ? (
        <Blank icon="report" title={t("report.macros.none")} text={t("macros.none.text")} />
      ) : (
        <ul className="plain-list panel">
          {macros.data.map((one) => (
            <li key={one.name} className="plain-row">
              <span>
                <strong>.{one.name}</strong>
                <span className="second small macro-text">{one.text}</span>
              </span>
              <span className="actions">
                <button type="button" className="button button-small" aria-label={t("macros.change.label", { name: one.name })} onClick={() => setEdited(one)}>
                  {t("macros.change")}
                </button>
                <button type="button" className="button button-small button-danger" aria-label={t("templates.remove.label", { name: one.name })} onClick={() => remove.mutate(one.name)}>
                  {t("templates.remove")}
                </button>
              </span>
            </li>
          ))}
        </ul>
      )}
      {edited && <MacroDialog macro={edited === "new" ? null : edited} onClose={() => setEdited(null)} />}
    </>
  );
}
