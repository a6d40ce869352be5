import { StarlingError } from "../core/index.ts";
import { DEFAULT_TUNING, type Tuning } from "../mesh/index.ts";
import type { Region } from "./geography.ts";
import type { UplinkQueue } from "./network.ts";
import type { MixName } from "./workload.ts";

/** Who attacks, and how: see attackers.ts. */
export type AttackName =
  | "none"
  | "free-riders"
  | "omission"
  | "colluders"
  | "polluters"
  | "sybils"
  | "liars"
  | "floods"
  | "slanderers"
  | "whitewashers"
  | "eclipse";

/** The mesh's own parameters, under names such as "tuning.degree". */
export type TuningSettings = { readonly [Key in keyof Tuning as `tuning.${Key}`]: number };

/** All parameters of a run but the seed. */
export interface Settings extends TuningSettings {
  /** Viewers at the start, attackers among them. */
  readonly peers: number;
  /** The whole run; its first `warmUpS` count for nothing. */
  readonly durationS: number;
  readonly warmUpS: number;
  /** The viewers of the start join one after the other within this. */
  readonly joinOverS: number;
  /** A block must be complete this long after its release; players run so far behind live. */
  readonly deadlineMs: number;

  readonly streamKbps: number;
  readonly blockMs: number;
  readonly symbolBytes: number;
  /** Repair symbols per source symbol. */
  readonly repairRatio: number;
  /** Blocks are up to this share larger or smaller than the mean. */
  readonly rateSwing: number;

  /** The seed peer's uplink, in stream rates. */
  readonly originUplink: number;
  readonly originHttpMbps: number;
  readonly mix: MixName;
  /** Mean uplink of viewers in stream rates; 0: that of the mix. */
  readonly supply: number;
  readonly queue: UplinkQueue;
  /** Viewers of one cluster of the tracker, and the share of those named that may be of any. */
  readonly clusterSize: number;
  readonly acrossShare: number;
  readonly downlinkMbps: number;
  /** What a viewer without an uplink to give still has for its requests. */
  readonly idleUplinkKbps: number;
  readonly region: Region;
  readonly medianRttMs: number;
  readonly jitter: number;
  /** Share of packets lost, and the mean length of a burst of losses in packets. */
  readonly lossRate: number;
  readonly lossBurstPackets: number;
  /** Share of pairs of hosts that can connect. */
  readonly natSuccess: number;

  /** Viewers stay for lognormal sessions and as many new ones come; else all stay. */
  readonly isChurning: boolean;
  readonly sessionMu: number;
  readonly sessionSigma: number;
  /** Share of leavers that vanish without a word. */
  readonly crashLeave: number;
  /** More viewers that come in a burst. */
  readonly crowdPeers: number;
  readonly crowdAtS: number;
  readonly crowdOverS: number;
  /** A viewer without a first block leaves after a time of this mean, and tries again once; 0: never. */
  readonly impatienceS: number;
  /** Share of viewers that vanish at once, and when. */
  readonly crashShare: number;
  readonly crashAtS: number;
  readonly trackerDownAtS: number;
  readonly trackerDownS: number;
  readonly originDownAtS: number;
  readonly originDownS: number;

  readonly attack: AttackName;
  /** Share of viewers that attack. */
  readonly attackShare: number;
  /** For Sybils and an eclipse: identities beside the viewers, on how many hosts, and the share that has a join token. */
  readonly sybils: number;
  readonly sybilHosts: number;
  readonly sybilTokens: number;
}

const TUNING_PREFIX = "tuning.";

export const DEFAULT_SETTINGS: Settings = {
  ...(Object.fromEntries(
    Object.entries(DEFAULT_TUNING).map(([key, value]) => [TUNING_PREFIX + key, value]),
  ) as unknown as TuningSettings),

  peers: 1000,
  durationS: 60,
  warmUpS: 20,
  joinOverS: 10,
  deadlineMs: 4000,

  streamKbps: 3000,
  blockMs: 333,
  symbolBytes: 16_384,
  repairRatio: 0.25,
  rateSwing: 0.2,

  originUplink: 10,
  originHttpMbps: 1000,
  mix: "bb20",
  supply: 0,
  queue: "fifo",
  clusterSize: 100,
  acrossShare: 0.5,
  downlinkMbps: 50,
  idleUplinkKbps: 500,
  region: "regional",
  medianRttMs: 100,
  jitter: 0.1,
  lossRate: 0.001,
  lossBurstPackets: 3,
  natSuccess: 1,

  isChurning: false,
  sessionMu: 5.5,
  sessionSigma: 1.44,
  crashLeave: 1,
  crowdPeers: 0,
  crowdAtS: 0,
  crowdOverS: 10,
  impatienceS: 0,
  crashShare: 0,
  crashAtS: 0,
  trackerDownAtS: 0,
  trackerDownS: 0,
  originDownAtS: 0,
  originDownS: 0,

  attack: "none",
  attackShare: 0,
  sybils: 0,
  sybilHosts: 250,
  sybilTokens: 1,
};

const CHOICES: Readonly<Record<string, readonly string[]>> = {
  queue: ["fifo", "fair"] satisfies UplinkQueue[],
  mix: ["tight", "bb20", "h1.2"] satisfies MixName[],
  region: ["regional", "global"] satisfies Region[],
  attack: [
    "none",
    "free-riders",
    "omission",
    "colluders",
    "polluters",
    "sybils",
    "liars",
    "floods",
    "slanderers",
    "whitewashers",
    "eclipse",
  ] satisfies AttackName[],
};

/** The least and the greatest value of each number. */
const RANGES: Readonly<Partial<Record<keyof Settings, readonly [number, number]>>> = {
  peers: [1, 100_000],
  durationS: [1, 36_000],
  warmUpS: [0, 36_000],
  deadlineMs: [100, 60_000],
  streamKbps: [10, 100_000],
  blockMs: [100, 10_000],
  symbolBytes: [64, 65_472],
  repairRatio: [0, 1],
  rateSwing: [0, 0.9],
  originUplink: [0.1, 1000],
  originHttpMbps: [1, 1_000_000],
  supply: [0, 100],
  clusterSize: [1, 100_000],
  acrossShare: [0, 1],
  downlinkMbps: [0.1, 100_000],
  idleUplinkKbps: [10, 100_000],
  medianRttMs: [1, 1000],
  jitter: [0, 0.9],
  lossRate: [0, 0.5],
  lossBurstPackets: [1, 1000],
  natSuccess: [0.3, 1],
  crashLeave: [0, 1],
  crowdPeers: [0, 100_000],
  crashShare: [0, 0.99],
  attackShare: [0, 0.95],
  sybils: [0, 100_000],
  sybilHosts: [1, 100_000],
  sybilTokens: [0, 1],
};

const BLOCK_SYMBOLS_MAX = 192;

/**
 * `settings` with assignments such as "peers=200" made to them.
 * Throws StarlingError "bad-setting" for an unknown key or a value that cannot be.
 */
export function withAssignments(settings: Settings, assignments: readonly string[]): Settings {
  const changed: Record<string, number | string | boolean> = { ...settings };
  for (const assignment of assignments) {
    const at = assignment.indexOf("=");
    const key = assignment.slice(0, Math.max(at, 0));
    const before = changed[key];
    if (before === undefined) {
      const keys = Object.keys(settings).join(", ");
      throw badSetting(`"${assignment}": expected key=value with one of the keys ${keys}.`);
    }
    changed[key] = parsedValue(key, assignment.slice(at + 1), before);
  }
  const result = changed as unknown as Settings;
  checkSettings(result);
  return result;
}

/** The tuning that the settings give to the mesh. */
export function tuningOf(settings: Settings): Partial<Tuning> {
  return Object.fromEntries(
    Object.entries(settings)
      .filter(([key]) => key.startsWith(TUNING_PREFIX))
      .map(([key, value]) => [key.slice(TUNING_PREFIX.length), value]),
  );
}

function parsedValue(
  key: string,
  text: string,
  before: number | string | boolean,
): number | string | boolean {
  if (typeof before === "boolean") {
    if (text === "true" || text === "false") return text === "true";
    throw badSetting(`${key}=${text}: expected true or false.`);
  }
  if (typeof before === "string") {
    const choices = CHOICES[key] ?? [];
    if (choices.includes(text)) return text;
    throw badSetting(`${key}=${text}: expected one of ${choices.join(", ")}.`);
  }
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (Number.isFinite(value)) return value;
  throw badSetting(`${key}=${text}: expected a number.`);
}

/** Throws StarlingError "bad-setting" unless a world can be made of the settings. */
export function checkSettings(settings: Settings): void {
  for (const [key, range] of Object.entries(RANGES)) {
    const value = settings[key as keyof Settings] as number;
    const [least, greatest] = range;
    if (value < least || value > greatest) {
      throw badSetting(`${key}=${value}: expected ${least} to ${greatest}.`);
    }
  }
  const { streamKbps, blockMs, symbolBytes, rateSwing } = settings;
  if (symbolBytes % 64 !== 0) {
    throw badSetting(`symbolBytes=${symbolBytes}: expected a multiple of 64.`);
  }
  const largest = ((streamKbps * blockMs) / 8) * (1 + rateSwing);
  if (largest > symbolBytes * BLOCK_SYMBOLS_MAX) {
    throw badSetting(
      `A block of ${Math.round(largest)} bytes has over ${BLOCK_SYMBOLS_MAX} symbols: make symbolBytes larger or blockMs smaller.`,
    );
  }
  if (settings.warmUpS >= settings.durationS) {
    throw badSetting(
      `warmUpS=${settings.warmUpS}: expected less than durationS=${settings.durationS}.`,
    );
  }
}

function badSetting(message: string): StarlingError {
  return new StarlingError("bad-setting", message);
}
