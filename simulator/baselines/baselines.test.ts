import { describe, expect, test } from "@jest/globals";
import { runScenario } from "../run.ts";
import { findScenario } from "../scenario.ts";
import { BASELINES } from "./index.ts";

const GENEROUS = [
  "peers=20",
  "durationS=20",
  "warmUpS=10",
  "joinOverS=1",
  "mix=bb20",
  "supply=12",
  "natSuccess=1",
];

describe.each(BASELINES)("$name", (protocol) => {
  test("brings every block to every viewer of a small world with uplink to spare", () => {
    const run = runScenario(findScenario("steady", GENEROUS), { seed: 1, protocol });
    expect(run.missRatio.d4).toBe(0);
    expect(run.losslessPeers).toBe(1);
    expect(run.blockDelayMs.count).toBeGreaterThan(150);
  });
});
