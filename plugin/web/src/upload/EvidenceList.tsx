import type { Evidence } from "../api/types";
import { Icon, type IconName } from "../components/Icon";
import { t, word } from "../i18n";
import { snake } from "../i18n/fieldName";
import { reasonOf } from "../i18n/reason";

/** Each thing that was compared, whether it agrees, and the server's words for it. */
export function EvidenceList({ evidence }: { evidence: readonly Evidence[] }) {
  if (evidence.length === 0) return <p className="muted">{t("evidence.none")}</p>;
  return (
    <ul className="evidence">
      {evidence.map((each, at) => {
        const { icon, className, label } = look(each);
        return (
          <li key={at}>
            <span className={className}>
              <Icon name={icon} />
            </span>
            <span>
              <strong>{word("field", snake(each.field))}</strong> <span className={className}>{label}</span>
              {reasonOf(each) && <span className="evidence-detail">{reasonOf(each)}</span>}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function look({ agrees, grade }: Evidence): { icon: IconName; className: string; label: string } {
  if (agrees === false) return { icon: "cross", className: "text-bad", label: t("evidence.differs") };
  switch (grade) {
    case "form":
      return { icon: "check", className: "muted", label: t("evidence.form") };
    case "slip":
      return { icon: "alert", className: "text-warn", label: t("evidence.slip") };
    case "silent":
      return { icon: "minus", className: "muted", label: t("evidence.unknown") };
    default:
      return { icon: "check", className: "text-good", label: t("evidence.agrees") };
  }
}
