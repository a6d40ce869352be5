import { StarlingError } from "../core/index.ts";
import { checkSettings, DEFAULT_SETTINGS, type Settings, withAssignments } from "./settings.ts";

/** A named world. */
export interface Scenario {
  readonly name: string;
  readonly summary: string;
  readonly settings: Settings;
}

/**
 * With 1.13 times the demand as supply no protocol feeds 1,000 viewers that come within 10 s: by bound B8
 * (flashCrowdS) that takes 20 s, with 1.06 times 32 s. They come within a minute and have half a minute to settle.
 */
const PATIENT_JOIN = { joinOverS: 60, warmUpS: 90 } as const;

const SCENARIOS: readonly Scenario[] = [
  scenario("steady", "50 viewers with little to spare, nothing happens: small, for tests", {
    peers: 50,
    durationS: 30,
    warmUpS: 10,
    joinOverS: 5,
    mix: "tight",
    supply: 1.3,
  }),
  scenario("tight-1k", "1,000 viewers with 1.13 times the demand as supply, 1 % loss", {
    mix: "tight",
    lossRate: 0.01,
    ...PATIENT_JOIN,
    durationS: 120,
  }),
  scenario("bb20-10k", "10,000 broadband viewers", { peers: 10_000 }),
  scenario("offload-1k", "1,000 broadband viewers, 70 % of pairs can connect", {
    natSuccess: 0.7,
  }),
  scenario("churn-1k", "lognormal sessions that end without a word, supply 1.15", {
    mix: "tight",
    supply: 1.15,
    isChurning: true,
    ...PATIENT_JOIN,
    durationS: 180,
  }),
  scenario("crash-half", "half of all viewers vanish at once", {
    crashShare: 0.5,
    crashAtS: 30,
  }),
  scenario("flash-crowd-bb20", "100 broadband viewers become 1,000 in 10 s", {
    peers: 100,
    crowdPeers: 900,
    crowdAtS: 20,
    impatienceS: 10,
  }),
  scenario("flash-crowd-tight", "100 viewers with little to spare become 1,000 in 10 s", {
    mix: "tight",
    peers: 100,
    crowdPeers: 900,
    crowdAtS: 20,
    impatienceS: 10,
    durationS: 90,
  }),
  scenario("lossy", "5 % of all packets are lost in bursts", {
    lossRate: 0.05,
    lossBurstPackets: 5,
  }),
  scenario("free-riders-bb20", "half of 1,000 broadband viewers never upload", {
    attack: "free-riders",
    attackShare: 0.5,
  }),
  scenario("free-riders-tight", "30 % of 1,000 viewers with little to spare never upload", {
    mix: "tight",
    attack: "free-riders",
    attackShare: 0.3,
    ...PATIENT_JOIN,
    durationS: 120,
  }),
  scenario("byzantine-omission", "20 % say what they have and never send it", {
    attack: "omission",
    attackShare: 0.2,
  }),
  scenario("byzantine-collude", "40 % serve and praise only each other", {
    attack: "colluders",
    attackShare: 0.4,
  }),
  scenario("sybil", "4,000 identities on 250 hosts beside 1,000 honest viewers", {
    streamKbps: 2000,
    attack: "sybils",
    sybils: 4000,
  }),
  scenario("polluters", "20 % send wrong bytes", { attack: "polluters", attackShare: 0.2 }),
  scenario("liars", "20 % claim an uplink that they do not have", {
    attack: "liars",
    attackShare: 0.2,
  }),
  scenario("floods", "5 % ask for everything, all the time", {
    attack: "floods",
    attackShare: 0.05,
  }),
  scenario("slander", "20 % serve, and say of all others that they do not", {
    attack: "slanderers",
    attackShare: 0.2,
  }),
  scenario("whitewash", "20 % send nothing, and come back as somebody else each 10 s", {
    attack: "whitewashers",
    attackShare: 0.2,
  }),
  scenario("eclipse", "200 identities on 50 hosts crowd around one viewer of 1,000", {
    attack: "eclipse",
    sybils: 200,
    sybilHosts: 50,
  }),
  scenario("tracker-outage", "no tracker for 20 s, under churn", {
    supply: 1.3,
    isChurning: true,
    trackerDownAtS: 25,
    trackerDownS: 20,
  }),
  scenario("origin-restart", "the origin is away for 2 s", {
    originDownAtS: 30,
    originDownS: 2,
  }),
];

/** The names and summaries of all scenarios. */
export function listScenarios(): readonly Pick<Scenario, "name" | "summary">[] {
  return SCENARIOS;
}

/**
 * A scenario by its name, with assignments such as "peers=200" made to its settings.
 * Throws StarlingError "unknown-scenario" or "bad-setting".
 */
export function findScenario(name: string, assignments: readonly string[] = []): Scenario {
  const found = SCENARIOS.find((scenario) => scenario.name === name);
  if (found === undefined) {
    const names = SCENARIOS.map((scenario) => scenario.name).join(", ");
    throw new StarlingError("unknown-scenario", `"${name}": expected one of ${names}.`);
  }
  return { ...found, settings: withAssignments(found.settings, assignments) };
}

function scenario(name: string, summary: string, changes: Partial<Settings>): Scenario {
  const settings = { ...DEFAULT_SETTINGS, ...changes };
  checkSettings(settings);
  return { name, summary, settings };
}
