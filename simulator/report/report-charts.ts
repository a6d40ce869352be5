import type { RunResult, Series } from "../run-result.ts";
import { type Cdf, mergeCdfs } from "../statistics.ts";
import type { ChartData, ChartLine } from "./chart-data.ts";

/** Runs with the same settings, one a seed. */
export interface RunGroup {
  readonly label: string;
  readonly runs: readonly RunResult[];
}

const POINTS_MAX = 400;
/** The shortest delay that a logarithmic axis shows. */
const DELAY_MIN_MS = 1;

/** The distributions of a report, by name. All seeds of a group together. */
export function distributionCharts(groups: readonly RunGroup[]): Record<string, ChartData> {
  const chart = (
    title: string,
    xLabel: string,
    cdfOf: (run: RunResult) => { readonly cdf: Cdf; readonly count: number },
    isLogX: boolean,
  ): ChartData => ({
    title,
    xLabel,
    isLogX,
    isShare: true,
    isStepped: true,
    lines: groups.map(({ label, runs }) => ({
      label,
      points: thinned(mergeCdfs(runs.map(cdfOf))).map(([x, y]): [number, number] => [
        isLogX ? Math.max(DELAY_MIN_MS, x) : x,
        y,
      ]),
    })),
  });
  return {
    symbolDelay: chart("Delay of symbols", "ms after release", symbolDelays, true),
    blockDelay: chart("Delay of blocks", "ms after release", blockDelays, true),
    peerMiss: chart("Viewers by what they miss", "% of blocks missed", peerMisses, false),
  };
}

const symbolDelays = ({ symbolDelayCdf: cdf, symbolDelayMs: { count } }: RunResult) => ({
  cdf,
  count,
});
const blockDelays = ({ blockDelayCdf: cdf, blockDelayMs: { count } }: RunResult) => ({
  cdf,
  count,
});
const peerMisses = ({ peerMissCdf, peers }: RunResult) => ({
  cdf: peerMissCdf.map(([ratio, share]): [number, number] => [100 * ratio, share]),
  count: peers,
});

/** The time series of a report, by name: means over the seeds of a group. */
export function seriesCharts(groups: readonly RunGroup[]): Record<string, ChartData> {
  const chart = (title: string, name: keyof Series, isShare: boolean): ChartData => ({
    title,
    xLabel: "s",
    isShare,
    cursorGroup: "time",
    lines: groups.map(({ label, runs }) => ({ label, points: meanSeries(runs, name) })),
  });
  return {
    seriesPeers: chart("Viewers", "peers", false),
    seriesMiss: chart("Miss ratio at the deadline", "missRatio", true),
    seriesDelay: chart("Block delay p99, ms", "delayP99Ms", false),
    seriesOffload: chart("Offload", "offload", true),
    seriesUplink: chart("Uplink use", "uplinkUse", true),
  };
}

function meanSeries(runs: readonly RunResult[], name: keyof Series): ChartLine["points"] {
  const longest = runs.reduce<readonly number[]>(
    (times, { series }) => (series.tS.length > times.length ? series.tS : times),
    [],
  );
  return longest.map((tS, index) => {
    const values = runs
      .map(({ series }) => series[name][index])
      .filter((value) => value !== undefined && Number.isFinite(value))
      .map(Number);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return [tS, values.length === 0 ? null : mean];
  });
}

/** Few enough points to draw; the first and the last one stay. */
function thinned(cdf: Cdf): Cdf {
  const step = Math.max(1, Math.ceil(cdf.length / POINTS_MAX));
  return cdf.filter((_, index) => index % step === 0 || index === cdf.length - 1);
}
