/** The lines of a timeline: as many are drawn as can be seen, whatever their number. */
import { useWindowVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef } from "react";
import type { Entry } from "../api/chart";
import { useTop } from "../components/useTop";
import { keyOf, linesOf, type Line } from "./timeline";
import { TimelineRow } from "./TimelineRow";

/** Up to here every line is drawn: the browser finds and prints them all. */
const ALL_DRAWN = 100;
const AROUND = 12;
const LINE_PX = 80;

interface Props {
  entries: readonly Entry[];
  /** Of all pages. */
  total: number;
  onOpen: (documentId: string) => void;
}

interface Year {
  year: string;
  lines: { index: number; line: Line }[];
}

export function TimelineRows({ entries, total, onOpen }: Props) {
  const lines = useMemo(() => linesOf(entries), [entries]);
  const frame = useRef<HTMLDivElement>(null);
  const top = useTop(frame);
  const virtual = useWindowVirtualizer({
    count: lines.length,
    estimateSize: () => LINE_PX,
    overscan: lines.length <= ALL_DRAWN ? ALL_DRAWN : AROUND,
    scrollMargin: top,
    // Where nothing is laid out (a test) a line is as high as it is taken to be.
    measureElement: (element) => element.getBoundingClientRect().height || LINE_PX,
  });
  const items = virtual.getVirtualItems();
  const before = (items[0]?.start ?? top) - top;
  const after = Math.max(0, virtual.getTotalSize() - ((items.at(-1)?.end ?? top) - top));
  const years: Year[] = [];
  for (const { index } of items) {
    const line = lines[index];
    if (!line) continue;
    if (years.at(-1)?.year !== line.year) years.push({ year: line.year, lines: [] });
    years.at(-1)?.lines.push({ index, line });
  }
  return (
    <div ref={frame} style={{ paddingTop: before, paddingBottom: after }}>
      {years.map(({ year, lines: of }) => {
        const [first] = of;
        const heading = first?.line.entry === null ? first : undefined;
        return (
          <section key={year} aria-label={year}>
            {heading && (
              <h3 ref={virtual.measureElement} data-index={heading.index} className="timeline-year number">
                {year}
              </h3>
            )}
            <ol className="plain-list timeline">
              {of.map(({ index, line: { entry, position } }) =>
                entry === null ? null : (
                  <TimelineRow key={keyOf(entry)} entry={entry} line={index} position={position} total={total} element={virtual.measureElement} onOpen={onOpen} />
                ),
              )}
            </ol>
          </section>
        );
      })}
    </div>
  );
}
