import type { Line } from "./content";

/** A structured report's content: a heading with what stands below it, or a line with its value. */
export function ContentTree({ lines }: { lines: readonly Line[] }) {
  return (
    <ul className="content-tree">
      {lines.map((line, at) => (
        // The document is shown as it is: nothing moves.
        <li key={at}>
          {line.name && <span className={line.value ? "content-name" : "content-heading"}>{line.name}</span>}
          {line.value && <bdi className="content-value">{line.value}</bdi>}
          {line.children.length > 0 && <ContentTree lines={line.children} />}
        </li>
      ))}
    </ul>
  );
}
