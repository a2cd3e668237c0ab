/** The files of an upload: what went wrong stands open, the rest can be opened. */
import { memo, useState } from "react";
import { Icon, type IconName } from "../components/Icon";
import { formatBytes, known, t } from "../i18n";
import type { FileState, Queue, QueuedFile } from "./queue";
import type { Problem } from "./verdict";

const AT_ONCE = 50;

const looks: Record<FileState, { icon: IconName; className: string }> = {
  waiting: { icon: "minus", className: "muted" },
  sending: { icon: "upload", className: "text-accent" },
  stored: { icon: "check", className: "text-good" },
  duplicate: { icon: "check", className: "text-good" },
  skipped: { icon: "check", className: "text-good" },
  failed: { icon: "cross", className: "text-bad" },
  cancelled: { icon: "minus", className: "muted" },
};

export function FileLists({ queue }: { queue: Queue }) {
  const failed = queue.files.filter((file) => file.state === "failed");
  return (
    <div className="stack">
      {failed.length > 0 && (
        <section aria-labelledby="problems-title" className="stack-small">
          <h2 id="problems-title">{t("files.problems")}</h2>
          <Files files={failed} label={t("files.problems")} />
        </section>
      )}
      <details className="all-files">
        <summary>{t("files.all", { count: queue.files.length })}</summary>
        <Files files={queue.files} label={t("files.all", { count: queue.files.length })} />
      </details>
    </div>
  );
}

function Files({ files, label }: { files: readonly QueuedFile[]; label: string }) {
  const [limit, setLimit] = useState(AT_ONCE);
  const hidden = files.length - limit;
  return (
    <>
      <ul className="files" aria-label={label}>
        {files.slice(0, limit).map((file) => (
          <FileRow key={file.id} file={file} />
        ))}
      </ul>
      {hidden > 0 && (
        <button type="button" className="button button-small" onClick={() => setLimit(limit + 10 * AT_ONCE)}>
          {t("files.more", { count: Math.min(hidden, 10 * AT_ONCE) })}
        </button>
      )}
    </>
  );
}

const FileRow = memo(function FileRow({ file }: { file: QueuedFile }) {
  const { icon, className } = looks[file.state];
  return (
    <li className="file">
      <span className={`file-icon ${className}`}>
        <Icon name={icon} />
      </span>
      <span className="file-name">
        <bdi>{file.name}</bdi>
        {file.problem && <span className="file-problem">{problemText(file.problem)}</span>}
      </span>
      <span className="file-size number muted">{formatBytes(file.size)}</span>
      <span className={`file-state ${className}`}>{t(`file.state.${file.state}`)}</span>
    </li>
  );
});

/** Our words where we have some, the server's otherwise, and never nothing. */
function problemText({ code, message }: Problem): string {
  return known("problem", code) ?? (message || t("problem.other", { code }));
}
