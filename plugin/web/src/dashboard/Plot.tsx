/** Bars for a few groups with two numbers each. The table beside it says the same; this is for the eye. Loaded late. */
import { Bar, BarChart, CartesianGrid, Legend, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import { formatNumber } from "../i18n";

export interface Bars {
  name: string;
  first: number;
  second: number;
}

interface Props {
  bars: readonly Bars[];
  first: string;
  second: string;
  /** "hours": beside the axis. */
  unit: string;
  /** What it shows, for those who reach it by keyboard. */
  label: string;
  /** Room for the names of groups, in pixels. */
  nameWidth?: number;
}

const ROW = 56;
const REST = 88;

export default function Plot({ bars, first, second, unit, label, nameWidth = 88 }: Props) {
  const shown = (value: unknown) => `${formatNumber(Math.round(Number(value) * 10) / 10)} ${unit}`;
  return (
    <div className="plot">
      <ResponsiveContainer width="100%" height={bars.length * ROW + REST}>
        <BarChart layout="vertical" data={[...bars]} barGap={2} margin={{ top: 4, right: 24, bottom: 16, left: 0 }} accessibilityLayer title={label}>
          <CartesianGrid horizontal={false} stroke="var(--line)" />
          <XAxis
            type="number"
            tickFormatter={(value: number) => formatNumber(value)}
            stroke="var(--edge)"
            tick={{ fill: "var(--ink-soft)", fontSize: 12 }}
            label={{ value: unit, position: "insideBottom", offset: -8, fill: "var(--ink-soft)", fontSize: 12 }}
          />
          <YAxis type="category" dataKey="name" width={nameWidth} stroke="var(--edge)" tick={{ fill: "var(--ink)", fontSize: 13 }} />
          <Tooltip
            formatter={shown}
            cursor={{ fill: "var(--sunken)" }}
            isAnimationActive={false}
            contentStyle={{ background: "var(--surface)", border: "1px solid var(--edge)", borderRadius: "0.5rem", color: "var(--ink)" }}
            itemStyle={{ color: "var(--ink)" }}
          />
          <Legend itemSorter="dataKey" verticalAlign="top" align="left" height={28} formatter={(name: string) => <span className="plot-name">{name}</span>} />
          <Bar dataKey="first" name={first} fill="var(--plot-first)" isAnimationActive={false} barSize={16} />
          <Bar dataKey="second" name={second} fill="var(--plot-second)" isAnimationActive={false} barSize={16} />
        </BarChart>
      </ResponsiveContainer>
    </div>
  );
}
