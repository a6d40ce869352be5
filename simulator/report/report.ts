import type { ByteCounts, RunResult } from "../run-result.ts";
import { estimate } from "../statistics.ts";
import { boundRows } from "./bound-rows.ts";
import type { ChartData } from "./chart-data.ts";
import { type Html, html, jsonElement } from "./html.ts";
import { MEASURE_NAMES, MEASURES, type MeasureName, measured } from "./measures.ts";
import { estimateText, numberText } from "./number-text.ts";
import { distributionCharts, type RunGroup, seriesCharts } from "./report-charts.ts";
import { topologySvg } from "./topology.ts";

/** What a report tells. */
export interface ReportContent {
  readonly title: string;
  /** The command that makes the same runs again. */
  readonly command: string;
  /** One group, or several to compare. */
  readonly groups: readonly RunGroup[];
  /** Charts before all others: what a sweep found. */
  readonly charts?: Readonly<Record<string, ChartData>>;
}

/** What a page is made of. */
export interface Report extends ReportContent {
  /** The version of the code, if it is known. */
  readonly commit: string | undefined;
  /** What `bundle.js` made. */
  readonly script: string;
  readonly style: string;
}

const TILES: readonly MeasureName[] = ["missD4", "symbolP99", "blockP99", "offload", "surplus"];

/** A page that needs nothing else: figures against bounds, distributions, time series, the mesh, all settings. */
export function reportPage(report: Report): string {
  const { title, groups, command, commit, script, style, charts = {} } = report;
  const distributions = distributionCharts(groups);
  const series = seriesCharts(groups);
  const page = html`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Starling simulator</title>
<style>${{ html: style }}</style>
<h1>${title}</h1>
<p>${groups.map(groupLine)}</p>
<p><code>${command}</code>${commit === undefined ? "" : html` at <code>${commit}</code>`}</p>
${groups.length === 1 ? tiles(groups) : ""}
${Object.keys(charts).length === 0 ? "" : html`<h2>Sweep</h2><div class="charts">${figures(charts)}</div>`}
<h2>Figures</h2>
${measureTable(groups)}
${groups.map(boundTable)}
<h2>Distributions</h2>
<div class="charts">${figures(distributions)}</div>
<h2>Over time</h2>
<div class="charts">${figures(series)}</div>
<h2>The mesh at the end</h2>
<p>Seeds in the middle; each ring is one hop more. The larger a dot, the more it can send.</p>
<div class="charts">${groups.map(topologyFigure)}</div>
<h2>Bytes</h2>
${bytesTable(groups)}
<h2>Settings</h2>
${groups.map(settingsDetails)}
${jsonElement("charts", { ...charts, ...distributions, ...series })}
<script>${{ html: script }}</script>
</html>
`;
  return page.html;
}

function groupLine({ label, runs }: RunGroup): Html {
  const [first] = runs;
  if (first === undefined) return html``;
  const seeds = runs.map(({ seed }) => seed).join(", ");
  return html`<b>${label}</b>: ${first.protocol}, ${first.peers} peers, ${first.durationS} s, seeds ${seeds}<br>`;
}

function tiles([group]: readonly RunGroup[]): Html {
  const runs = group?.runs ?? [];
  const cards = TILES.map((name) => {
    const { unit, name: words } = MEASURES[name];
    const { mean, halfWidth, count } = measured(runs, name);
    const interval = count > 1 ? ` ± ${numberText(halfWidth, unit)}` : "";
    return html`<div class="tile"><span>${words}</span><b>${numberText(mean, unit)}</b><span>${interval}</span></div>`;
  });
  return html`<div class="tiles">${cards}</div>`;
}

function figures(charts: Readonly<Record<string, ChartData>>): readonly Html[] {
  return Object.entries(charts).map(
    ([name, { title }]) => html`<figure><h3>${title}</h3><div data-chart="${name}"></div></figure>`,
  );
}

function measureTable(groups: readonly RunGroup[]): Html {
  const rows = MEASURE_NAMES.map((name) => {
    const { name: words, unit } = MEASURES[name];
    const cells = groups.map(
      ({ runs }) => html`<td>${estimateText(measured(runs, name), unit)}</td>`,
    );
    return html`<tr><td>${words}</td>${cells}</tr>`;
  });
  return table(["measure", ...groups.map(({ label }) => label)], rows);
}

function boundTable({ label, runs }: RunGroup): Html {
  const rows = boundRows(runs).map(
    ({ name, unit, measured: value, bound, from }) => html`<tr><td>${name}</td>
<td>${estimateText(value, unit)}</td><td>${numberText(bound, unit)}</td>
<td>${numberText(value.mean / bound, "ratio")}</td><td class="text">${from}</td></tr>`,
  );
  return html`<h2>Measured and bound: ${label}</h2>
${table(["", "measured", "bound", "measured / bound", "the bound"], rows)}`;
}

function topologyFigure({ label, runs }: RunGroup): Html {
  const [first] = runs;
  if (first === undefined) return html``;
  return html`<figure><h3>${label}, seed ${first.seed}</h3>${topologySvg(first.topology)}</figure>`;
}

const BYTE_WORDS: Readonly<Record<keyof ByteCounts, string>> = {
  played: "played by viewers",
  origin: "media sent by seeds",
  originHttp: "media fetched from the origin over HTTP",
  fromPeers: "media received from viewers",
  duplicate: "received twice",
  fec: "repair symbols beyond need",
  control: "control messages and headers",
  manifest: "manifests",
  retransmitted: "sent again after loss",
  relay: "signalling carried for others",
  wasted: "wrong, or of blocks never completed",
};

function bytesTable(groups: readonly RunGroup[]): Html {
  const mean = (runs: readonly RunResult[], name: keyof ByteCounts) =>
    estimate(runs.map(({ bytes }) => bytes[name])).mean;
  const rows = Object.entries(BYTE_WORDS).map(([key, words]) => {
    const name = key as keyof ByteCounts;
    const cells = groups.map(({ runs }) => {
      const share = mean(runs, name) / Math.max(1, mean(runs, "played"));
      return html`<td>${numberText(mean(runs, name), "bytes")}</td><td>${numberText(share, "share")}</td>`;
    });
    return html`<tr><td>${words}</td>${cells}</tr>`;
  });
  return table(["", ...groups.flatMap(({ label }) => [label, "of played"])], rows);
}

function settingsDetails({ label, runs }: RunGroup): Html {
  const settings = Object.entries(runs[0]?.settings ?? {}).map(
    ([key, value]) => html`<tr><td><code>${key}</code></td><td>${String(value)}</td></tr>`,
  );
  const hashes = runs.map(
    ({ seed, traceHash }) => html`<tr><td>seed ${seed}</td><td><code>${traceHash}</code></td></tr>`,
  );
  const checks = Object.entries(runs[0]?.checks ?? {}).map(
    ([name, count]) => html`<tr><td>${name}</td><td>${numberText(count, "count")}</td></tr>`,
  );
  return html`<details><summary>${label}: settings, trace hashes, checks</summary>
${table(["setting", "value"], settings)}
${table(["run", "trace hash"], hashes)}
${table(["invariant", "checked"], checks)}</details>`;
}

function table(head: readonly string[], rows: readonly Html[]): Html {
  return html`<div class="scroll"><table><thead><tr>${head.map((text) => html`<th>${text}</th>`)}</tr></thead>
<tbody>${rows}</tbody></table></div>`;
}
