import { describe, expect, test } from "@jest/globals";
import { boundRows } from "./bound-rows.ts";
import { type Report, reportPage } from "./report.ts";
import { distributionCharts, seriesCharts } from "./report-charts.ts";
import { sampleResult } from "./sample-result.ts";
import { topologySvg } from "./topology.ts";

const runs = [sampleResult(), sampleResult({ seed: 2, traceHash: "fedcba9876543210" })];
const report: Report = {
  title: "steady",
  command: "starling sim run steady --set 'mix=<tight>'",
  commit: "abc1234",
  groups: [{ label: "steady", runs }],
  script: "drawCharts();",
  style: "body { margin: 0 }",
};

describe("a report", () => {
  test("names what made it: command, commit, seeds, settings and trace hashes", () => {
    const page = reportPage(report);
    for (const text of ["abc1234", "seeds 1, 2", "fedcba9876543210", "streamKbps", "16384"]) {
      expect(page).toContain(text);
    }
  });

  test("escapes texts and asks nothing of a network", () => {
    const page = reportPage(report);
    expect(page).toContain("mix=&lt;tight&gt;");
    expect(page).not.toMatch(/(src|href)=|url\(|https?:/);
  });

  test("draws each chart that it has data of", () => {
    const page = reportPage(report);
    const data = /<script type="application\/json" id="charts">(.*?)<\/script>/.exec(page)?.[1];
    const names = Object.keys(JSON.parse(data ?? "")).sort();
    const drawn = [...page.matchAll(/data-chart="(\w+)"/g)].map((match) => match[1]).sort();
    expect(drawn).toEqual(names);
    expect(names).toContain("symbolDelay");
  });

  test("puts a protocol beside another", () => {
    const pull = { label: "pull", runs: [sampleResult({ protocol: "pull", offload: 0.123 })] };
    const page = reportPage({ ...report, groups: [...report.groups, pull] });
    expect(page).toContain("12.3 %");
    expect(page).toContain("Measured and bound: pull");
  });
});

describe("the charts", () => {
  test("take a distribution from the samples of all seeds", () => {
    const slow = sampleResult({ symbolDelayCdf: [[2000, 1]] });
    const charts = distributionCharts([{ label: "a", runs: [sampleResult(), slow] }]);
    expect(charts["symbolDelay"]?.lines[0]?.points.at(0)).toEqual([300, 0.25]);
    expect(charts["symbolDelay"]?.lines[0]?.points.at(-1)).toEqual([2000, 1]);
  });

  test("take the mean of the seeds in each second", () => {
    const series = { ...sampleResult().series, offload: [0.8, 0.81] };
    const charts = seriesCharts([{ label: "a", runs: [sampleResult(), sampleResult({ series })] }]);
    expect(charts["seriesOffload"]?.lines[0]?.points[0]).toEqual([1, expect.closeTo(0.7, 9)]);
  });
});

describe("the bounds of a run", () => {
  test("come from its own world", () => {
    const bound = Object.fromEntries(boundRows(runs).map((row) => [row.name, row.bound]));
    // 3 viewers, uplinks of 18.6 Mb/s together, a stream of 3 Mb/s: the origin sends it once.
    expect(bound["offload"]).toBeCloseTo(2 / 3, 6);
    expect(bound["uplink use"]).toBeCloseTo(9 / 18.6, 6);
    expect(bound["retransmitted"]).toBeCloseTo(0.0101, 4);
    expect(bound["symbol delay p99"]).toBeGreaterThan(50);
    expect(bound["block delay p99"]).toBeGreaterThan(bound["symbol delay p99"] ?? 0);
  });
});

describe("the picture of the mesh", () => {
  test("has a dot for each peer and a line for each edge between two of them", () => {
    const svg = topologySvg(sampleResult().topology).html;
    expect(svg.match(/<circle/g)).toHaveLength(4);
    expect(/class="edges" d="([^"]*)"/.exec(svg)?.[1]?.match(/M/g)).toHaveLength(3);
    expect(svg).toContain("viewer 3");
  });

  test("puts a lone seed in the middle", () => {
    expect(topologySvg(sampleResult().topology).html).toContain('cx="360" cy="360"');
  });
});
