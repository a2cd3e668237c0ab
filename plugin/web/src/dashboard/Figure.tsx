/** A plot that is loaded when it is shown: its library is larger than any page. */
import { lazy, Suspense } from "react";
import type { Bars } from "./Plot";

const Plot = lazy(() => import("./Plot"));

interface Props {
  bars: readonly Bars[];
  first: string;
  second: string;
  unit: string;
  label: string;
  nameWidth?: number;
}

/** Nothing where there is nothing to compare. */
export function Figure(props: Props) {
  if (props.bars.length === 0) return null;
  return (
    <figure className="plot-figure" aria-label={props.label}>
      <Suspense fallback={<div className="plot-waiting" />}>
        <Plot {...props} />
      </Suspense>
    </figure>
  );
}
