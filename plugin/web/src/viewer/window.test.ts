import { expect, it } from "vitest";
import source from "../../../../ohif-config/app-config.js?raw";

type Dataset = Record<string, { Value: unknown[] }>;

it("leaves out a window without width, and keeps those beside it", async () => {
  const code = /^function dropEmptyWindow[\s\S]*?^}/m.exec(source)?.[0] ?? "";
  const { drop } = (await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(`${code}; export const drop = dropEmptyWindow;`)}`)) as { drop: (dataset: Dataset) => void };
  const left = (widths: unknown[], centers: unknown[], words: unknown[]) => {
    const dataset = { "00281050": { Value: centers }, "00281051": { Value: widths }, "00281055": { Value: words } };
    drop(dataset);
    return Object.values(dataset).map(({ Value }) => Value);
  };
  expect(left([400, 0], [40, 0], ["soft", "none"])).toEqual([[40], [400], ["soft"]]);
  expect(left([0, 1500], [0, -600], ["none", "lung"])).toEqual([[-600], [1500], ["lung"]]);
  expect(left([400, 80], [40, 35], ["soft", "brain"])).toEqual([[40, 35], [400, 80], ["soft", "brain"]]);
  expect(left([400, 80], [40, null], ["soft"])).toEqual([[40], [400], ["soft"]]);
  expect(left([0], [0], ["none"])).toEqual([]);
  expect(left([400], [], [])).toEqual([]);
});
