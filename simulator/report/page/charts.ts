import uPlot from "uplot";
import type { ChartData } from "../chart-data.ts";

const HEIGHT_PX = 240;
const COLOURS_MAX = 8;

/** Draws a chart into an element, as wide as that, and again when its width or the colour scheme changes. */
export function drawChart(element: HTMLElement, chart: ChartData): void {
  const data = uPlot.join(
    chart.lines.map(({ points }) => [points.map(([x]) => x), points.map(([, y]) => y)]),
  );
  let plot: uPlot | undefined;
  const draw = () => {
    plot?.destroy();
    plot = new uPlot(options(element, chart), data, element);
  };
  draw();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new ResizeObserver(() => {
    plot?.setSize({ width: element.clientWidth, height: HEIGHT_PX });
  }).observe(element);
}

function options(element: HTMLElement, chart: ChartData): uPlot.Options {
  const style = getComputedStyle(element);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const axis = {
    stroke: colour("muted"),
    grid: { stroke: colour("grid"), width: 1 },
    ticks: { stroke: colour("grid"), width: 1, size: 4 },
    font: "12px system-ui, sans-serif",
    labelFont: "12px system-ui, sans-serif",
    labelSize: 18,
  };
  const yText = chart.isShare ? percent : compact;
  return {
    width: element.clientWidth,
    height: HEIGHT_PX,
    ...(chart.cursorGroup === undefined
      ? {}
      : { cursor: { sync: { key: chart.cursorGroup, setSeries: false } } }),
    scales: {
      x: chart.isLogX ? { time: false, distr: 3, log: 10 } : { time: false },
      y: { range: (_plot, min, max) => yRange(chart, min, max) },
    },
    axes: [
      {
        ...axis,
        size: 32,
        label: chart.xLabel,
        values: (_plot, ticks) => ticks.map((tick) => (tick === null ? "" : compact(tick))),
      },
      { ...axis, size: 56, values: (_plot, ticks) => ticks.map(yText) },
    ],
    series: [
      { label: chart.xLabel, value: (_plot, x) => (x === null ? "–" : compact(x)) },
      ...chart.lines.map(({ label }, index) => ({
        label,
        stroke: colour(`line-${(index % COLOURS_MAX) + 1}`),
        width: 2,
        spanGaps: true,
        points: { show: false },
        value: (_plot: uPlot, y: number | null) => (y === null ? "–" : yText(y)),
        ...(chart.isStepped && uPlot.paths.stepped !== undefined
          ? { paths: uPlot.paths.stepped({ align: 1 }) }
          : {}),
      })),
    ],
  };
}

/** From 0 to a little above the highest value; for shares that are all high, what is missing to 1. */
function yRange(chart: ChartData, min: number | null, max: number | null): [number, number] {
  if (min === null || max === null || max <= 0) return [0, chart.isShare ? 0.01 : 1];
  if (!chart.isShare || max < 0.6) return [0, 1.1 * max];
  return min > 0.7 ? [1 - 1.25 * Math.max(0.01, 1 - min), 1] : [0, 1];
}

function percent(share: number): string {
  return `${compact(100 * share)} %`;
}

function compact(value: number): string {
  if (Math.abs(value) >= 10_000) return `${Number((value / 1000).toPrecision(3))}k`;
  return String(Number(value.toPrecision(3)));
}
