import { Icon } from "../components/Icon";
import { known, t, word } from "../i18n";

/** Each part; what to do stands beside what does not work. */
export function Checks({ checks }: { checks: Readonly<Record<string, string>> }) {
  return (
    <section className="panel" aria-labelledby="checks-title">
      <h2 id="checks-title">{t("system.checks")}</h2>
      <ul className="checks">
        {Object.entries(checks).map(([name, state]) => (
          <li key={name}>
            <span className={state === "ok" ? "text-good" : "text-bad"}>
              <Icon name={state === "ok" ? "check" : "alert"} />
            </span>
            <span>
              {word("system.check", name)} <span className={state === "ok" ? "muted" : "text-bad"}>{word("system.state", state)}</span>
              {state !== "ok" && <span className="second">{known("system.todo", name) ?? t("system.todo.other")}</span>}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
