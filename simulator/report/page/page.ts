import type { ChartData } from "../chart-data.ts";
import { drawChart } from "./charts.ts";

const data = document.getElementById("charts")?.textContent ?? "{}";
const charts: Readonly<Record<string, ChartData>> = JSON.parse(data);
for (const element of document.querySelectorAll<HTMLElement>("[data-chart]")) {
  const chart = charts[element.dataset["chart"] ?? ""];
  if (chart !== undefined) drawChart(element, chart);
}
