import { useState } from "react";
import { t, word } from "../i18n";
import type { RefusedFile } from "./desk";

const AT_ONCE = 20;

/** What is not sent, by name, and why: a file that is left out is never left out silently. */
export function RefusedList({ refused }: { refused: readonly RefusedFile[] }) {
  const [limit, setLimit] = useState(AT_ONCE);
  if (refused.length === 0) return null;
  const hidden = refused.length - limit;
  return (
    <section className="stack-small" aria-labelledby="refused-title">
      <h2 id="refused-title">{t("review.refused", { count: refused.length })}</h2>
      <ul className="files" aria-labelledby="refused-title">
        {refused.slice(0, limit).map(({ name, why }, at) => (
          <li key={at} className="file file-plain">
            <bdi className="file-name">{name}</bdi>
            <span className="muted small">{word("refused", why)}</span>
          </li>
        ))}
      </ul>
      {hidden > 0 && (
        <button type="button" className="button button-small" onClick={() => setLimit(limit + 10 * AT_ONCE)}>
          {t("files.more", { count: Math.min(hidden, 10 * AT_ONCE) })}
        </button>
      )}
    </section>
  );
}
