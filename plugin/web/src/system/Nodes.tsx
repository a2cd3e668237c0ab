/** Which servers serve this archive, and how each is. */
import type { NodeAnswer } from "../api/schema";
import { Fact, Facts } from "../components/Facts";
import { formatInstant, formatNumber, t, word } from "../i18n";

const TOLERANCE_SECONDS = 2;

export function NodesPanel({ nodes }: { nodes: readonly NodeAnswer[] }) {
  if (nodes.length === 0) return null;
  return (
    <section className="panel" aria-labelledby="nodes-title">
      <h2 id="nodes-title">{t("system.nodes")}</h2>
      <p className="small">{t("system.nodes.lead")}</p>
      <Facts>
        {nodes.map((node) => (
          <Fact key={node.name} label={<bdi>{node.name}</bdi>}>
            <span className={node.state === "lost" ? "text-bad" : undefined}>{word("system.node.state", node.state)}</span>
            {node.is_this && <> · {t("system.node.this")}</>}
            <span className="second">
              {t("system.node.seen", { version: node.version, at: formatInstant(node.last_seen_at) })}
            </span>
            {Math.abs(node.clock_ahead_seconds) > TOLERANCE_SECONDS && (
              <span className="second text-bad">{clockWords(node.clock_ahead_seconds)}</span>
            )}
            {node.has_other_secret && <span className="second text-bad">{t("system.node.other_secret")}</span>}
            {node.has_other_folder && <span className="second text-bad">{t("system.node.other_folder")}</span>}
          </Fact>
        ))}
      </Facts>
    </section>
  );
}

function clockWords(ahead: number): string {
  const seconds = formatNumber(Math.round(Math.abs(ahead)));
  return t(ahead > 0 ? "system.node.ahead" : "system.node.behind", { seconds });
}
