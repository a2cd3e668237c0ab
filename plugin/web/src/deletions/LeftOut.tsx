import { Link } from "react-router-dom";
import type { Done } from "../api/retention";
import { Notice } from "../components/Notice";
import { t, word } from "../i18n";

/** The studies that a batch left as they are, each by its name and with its reason. */
export function LeftOut({ done }: { done: Done | undefined }) {
  if (!done || done.left_out.length === 0) return null;
  return (
    <Notice kind="warn" title={t("left_out.title", { count: done.left_out.length })}>
      <ul>
        {done.left_out.map((each) => (
          <li key={each.study_instance_uid}>
            <Link to={`/studies/${encodeURIComponent(each.study_instance_uid)}`}>
              <bdi>{each.study_instance_uid}</bdi>
            </Link>
            : {word("left_out", each.code)}
          </li>
        ))}
      </ul>
    </Notice>
  );
}
