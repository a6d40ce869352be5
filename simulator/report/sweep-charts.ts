import type { ChartData } from "./chart-data.ts";
import { MEASURES, type MeasureName, measured } from "./measures.ts";
import type { RunGroup } from "./report-charts.ts";

/** The runs of one combination of a sweep. */
export interface SweptGroup extends RunGroup {
  /** The value of the first key. */
  readonly x: number;
  /** What the other keys had: one line each. */
  readonly line: string;
}

const SWEPT: readonly MeasureName[] = [
  "missD4",
  "symbolP99",
  "blockP99",
  "offload",
  "surplus",
  "control",
];

/** What a numeric key does to the main measures, by name of the measure. */
export function sweepCharts(key: string, groups: readonly SweptGroup[]): Record<string, ChartData> {
  const lines = [...new Set(groups.map(({ line }) => line))];
  const charts = SWEPT.map((name): [string, ChartData] => {
    const { name: title, unit } = MEASURES[name];
    return [
      `sweep${name}`,
      {
        title: unit === "share" ? title : `${title}, ${unit}`,
        xLabel: key,
        isShare: unit === "share",
        lines: lines.map((line) => ({
          label: line === "" ? title : line,
          points: groups
            .filter((group) => group.line === line)
            .map(({ x, runs }): [number, number] => [x, measured(runs, name).mean])
            .sort(([a], [b]) => a - b),
        })),
      },
    ];
  });
  return Object.fromEntries(charts);
}
