import { t } from "../i18n";
import { fieldName } from "../i18n/fieldName";
import { asRead } from "./asRead";
import { Value } from "./Value";

interface Change {
  tag: string;
  before: string;
  after: string;
  /** Both say something and do not agree; marked in words too. */
  conflict?: boolean;
}

interface Props {
  changes: readonly Change[];
  /** Without one the table has a name for screen readers only. */
  caption?: string;
  /** Over the new values, where these are not there yet. */
  after?: string;
}

/** Before and after, value by value: names and days as people read them, as long as that shows what differs. */
export function ChangeTable({ changes, caption, after }: Props) {
  return (
    <table className="coerced">
      <caption className={caption ? undefined : "visually-hidden"}>{caption ?? t("changes.title")}</caption>
      <thead>
        <tr>
          <th scope="col">{t("study.tags.field")}</th>
          <th scope="col">{t("changes.before")}</th>
          <th scope="col">{after ?? t("changes.after")}</th>
        </tr>
      </thead>
      <tbody>
        {changes.map(({ tag, before, after, conflict }, at) => {
          const [readBefore, readAfter] = asRead(tag, [before, after]);
          return (
            <tr key={at} className={conflict ? "differs" : undefined}>
              <th scope="row">{fieldName(tag)}</th>
              <td>
                <Value text={before} read={readBefore} />
                {conflict && <span className="badge badge-bad">{t("evidence.differs")}</span>}
              </td>
              <td>
                <Value text={after} read={readAfter} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
