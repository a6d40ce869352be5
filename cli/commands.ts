import type { OptionName } from "./options.ts";
import { type FlagSpec, SIM_COMPARE_FLAGS, SIM_FLAGS } from "./sim-flags.ts";

/** One command of the program, and the settings it takes on its command line. */
export interface CommandSpec {
  readonly summary: string;
  readonly group: CommandGroup;
  readonly options: readonly OptionName[];
  /** Flags that are no settings. */
  readonly flags?: readonly FlagSpec[];
  /** Names of arguments that have to be given; "..." ends one that may be repeated. */
  readonly arguments?: readonly string[];
  /** Shown below the options in the command's help. */
  readonly examples?: readonly string[];
}

export const COMMAND_GROUPS = [
  "Start here:",
  "One role each, on a shared Redis:",
  "Tools:",
] as const;
export type CommandGroup = (typeof COMMAND_GROUPS)[number];

const [START, ROLE, TOOL] = COMMAND_GROUPS;

const COMMON = ["dataDir", "redisUrl", "logLevel", "logFormat"] as const;
const INGEST = [
  "host",
  "rtmpPort",
  "rtmpsCert",
  "rtmpsKey",
  "srt",
  "frontSecret",
  "segmentTargetS",
  "firstPacketTimeoutS",
  "silenceTimeoutS",
  "retentionCount",
  "record",
  "thumbnailS",
  "slate",
  "slateS",
  "diskQuotaGb",
  "broadcasterMbps",
  "viewerDownlinkMbps",
  "renditions",
  "ladderCores",
  "videoEncoder",
  "videoEncoderArgs",
] as const;
const ENCODER = ["encoderThreads", "symbolBytes", "repairRatio"] as const;
const SIGNER = ["manifestTtlS", "manifestKeyFile"] as const;
const TEST_CARD = ["testSize", "testFps", "testKbps", "testGopS"] as const;
const SEEDER = [
  "apiUrl",
  "webrtcAddress",
  "seederUploadMbps",
  "seederPeerUploadMbps",
  "seedersFor",
] as const;
const API = [
  "host",
  "httpPort",
  "publicUrl",
  "playlistWindow",
  "offlineAfterS",
  "tokenKeyFile",
  "tokenTtlS",
  "tokensPerMinute",
  "joinWork",
  "joinsPerSecond",
  "region",
  "p2p",
  "seedersFor",
  "peersPerAddress",
  "webhookPrivate",
  "trustedProxies",
  "iceServer",
] as const;

/** Commands that only hold sub-commands. */
export const PARENT_COMMANDS: Readonly<Record<string, string>> = {
  keys: "stream keys, the API key, public keys",
  config: "what the settings are and where they come from",
  sim: "simulate the mesh: scenarios, other protocols, comparisons, sweeps",
};

/** The roles of an origin, in the order in which the studio starts them. */
export const ROLES = ["signer", "encoder", "ingest", "api", "seeder"] as const;
export type Role = (typeof ROLES)[number];

/** A space parts a command from its sub-command. */
export const COMMANDS = {
  studio: {
    summary: "everything on one machine: Redis, all roles, a watch page and a test card",
    group: START,
    options: [
      ...new Set([
        "stream",
        "demo",
        ...COMMON,
        ...INGEST,
        ...ENCODER,
        ...SIGNER,
        ...SEEDER,
        ...API,
        ...TEST_CARD,
      ] as const),
    ].filter((name) => name !== "apiUrl"),
    examples: ["starling studio", "starling studio --no-demo --http-port 8000"],
  },
  ingest: {
    summary: "the RTMP door: checks stream keys, cuts segments",
    group: ROLE,
    options: [...COMMON, ...INGEST],
  },
  encoder: {
    summary: "codes segments into symbols and hashes them",
    group: ROLE,
    options: [...COMMON, ...ENCODER],
  },
  signer: {
    summary: "signs manifests; the only holder of the manifest key",
    group: ROLE,
    options: [...COMMON, ...SIGNER],
  },
  seeder: {
    summary: "the first peer of every stream, over WebRTC",
    group: ROLE,
    options: [...COMMON, ...SEEDER],
  },
  api: {
    summary: "REST API, tracker, playlists and the watch page",
    group: ROLE,
    options: [...COMMON, ...API],
  },
  peer: {
    summary: "a viewer without a screen: joins, pulls, verifies, writes or pipes media",
    group: TOOL,
    options: [
      "apiUrl",
      "apiKey",
      "rootKey",
      "stream",
      "webrtcAddress",
      "output",
      "segmentsDir",
      "rendition",
      "relay",
      "uploadMbps",
      "durationS",
      "maxDelayS",
      "statsJson",
      "logLevel",
      "logFormat",
    ],
    examples: [
      "starling peer --stream main --output - | ffplay -",
      "starling peer --api-url https://live.example --duration-s 60 --stats-json",
      "STARLING_API_KEY=... starling peer --api-url https://live.example --relay 1 --upload-mbps 500",
    ],
  },
  "keys public": {
    summary: "print the origin's public keys as a JWKS",
    group: TOOL,
    options: ["dataDir", "redisUrl"],
  },
  "keys streams": {
    summary: "list the streams",
    group: TOOL,
    options: ["dataDir", "redisUrl"],
  },
  "keys create-stream": {
    summary: "make a stream and print its stream key",
    group: TOOL,
    arguments: ["id"],
    options: ["title", "dataDir", "redisUrl"],
  },
  "keys stream-key": {
    summary: "print the stream key of a stream",
    group: TOOL,
    arguments: ["id"],
    options: ["dataDir", "redisUrl"],
  },
  "keys rotate-stream-key": {
    summary: "give a stream a new key and print it; the old one stops working",
    group: TOOL,
    arguments: ["id"],
    options: ["dataDir", "redisUrl"],
  },
  "keys api-key": {
    summary: "make the API key of a new origin and print it",
    group: TOOL,
    options: ["dataDir", "redisUrl"],
  },
  "keys root": {
    summary: "make a root key in a new file, to be kept off line, and print its public half",
    group: TOOL,
    arguments: ["file"],
    options: [],
  },
  "keys certify": {
    summary: "certify what keys public printed by the root key, and print that",
    group: TOOL,
    arguments: ["root-file", "keys-file"],
    options: ["certificateTtlH"],
    examples: ["starling keys certify root.json keys.json > certified.json"],
  },
  "keys install": {
    summary: "publish the certificates that keys certify printed",
    group: TOOL,
    arguments: ["file"],
    options: ["dataDir", "redisUrl"],
  },
  "publish-test": {
    summary: "publish a test card with ffmpeg, like a broadcaster would",
    group: TOOL,
    options: ["publishUrl", "stream", ...TEST_CARD, "durationS", "rtmpPort", "dataDir", "redisUrl"],
    examples: ["starling publish-test --publish-url rtmp://live.example/live/main_abc"],
  },
  "sim run": {
    summary: "run a scenario",
    group: TOOL,
    arguments: ["scenario"],
    options: [],
    flags: SIM_FLAGS,
    examples: [
      "starling sim run steady",
      "starling sim run tight-1k --seeds 20 --report tight.html",
      "starling sim run tight-1k --baseline pull --set supply=1.3 --json results.json",
    ],
  },
  "sim compare": {
    summary: "run two worlds with the same seeds and tell the difference",
    group: TOOL,
    arguments: ["a", "b"],
    options: [],
    flags: SIM_COMPARE_FLAGS,
    examples: [
      "starling sim compare tight-1k pull",
      "starling sim compare tight-1k supply=1.06 --seeds 10",
      "starling sim compare churn-1k:peers=200 churn-1k:peers=200,blockMs=1000",
      "starling sim compare before.json after.json --report change.html",
    ],
  },
  "sim sweep": {
    summary: "run a scenario with each of several values of a setting, or of two",
    group: TOOL,
    arguments: ["scenario", "key=a,b,c..."],
    options: [],
    flags: SIM_FLAGS,
    examples: [
      "starling sim sweep tight-1k supply=1.02,1.06,1.1,1.2 --seeds 5 --report supply.html",
      "starling sim sweep steady symbolBytes=8192,16384,32768 blockMs=333,1000",
    ],
  },
  "sim list": {
    summary: "list scenarios, protocols and settings",
    group: TOOL,
    options: [],
  },
  "config show": {
    summary: "print the settings in force, and where each one comes from",
    group: TOOL,
    options: [],
  },
  "config reference": {
    summary: "print all settings as the Markdown tables of docs/configuration.md",
    group: TOOL,
    options: [],
  },
  health: {
    summary: "end with status 0 if a role is alive, else 1",
    group: TOOL,
    arguments: ["role"],
    options: ["dataDir", "redisUrl"],
  },
} as const satisfies Record<string, CommandSpec>;

export type CommandName = keyof typeof COMMANDS;

/** All commands, in the order of the table. */
export const COMMAND_NAMES = Object.keys(COMMANDS) as readonly CommandName[];
