import { RENDITIONS_MAX } from "../core/index.ts";
import {
  choice,
  decimal,
  flag,
  host,
  iceServer,
  integer,
  type Kind,
  listOf,
  path,
  pathOrStdout,
  port,
  redisUrl,
  renditions,
  srtDoor,
  streamId,
  text,
  url,
} from "./option-kinds.ts";

/** One setting. Its key in {@link OPTIONS} gives the flag, the variable and the YAML key. */
export interface OptionSpec<T> {
  readonly kind: Kind<T>;
  readonly group: OptionGroup;
  /** One sentence without its full stop; units are in the name. */
  readonly summary: string;
  /** Parsed like any other text; undefined when the setting may be left out. */
  readonly defaultText: string | undefined;
  /** What happens when it is left out, for settings without a default. */
  readonly unset: string | undefined;
  /** May hold a password: shown as "(hidden)" wherever settings are listed. */
  readonly secret: boolean;
}

export const OPTION_GROUPS = [
  "Common",
  "Stream",
  "Ingest",
  "Encoder",
  "Signer",
  "Seeder",
  "HTTP and tracker",
  "Peer",
  "Test card",
] as const;
export type OptionGroup = (typeof OPTION_GROUPS)[number];

/** A setting with a default. */
function option<T>(group: OptionGroup, kind: Kind<T>, defaultText: string, summary: string) {
  return { kind, group, summary, defaultText, unset: undefined, secret: false };
}

/** A setting that may be left out; `unset` says what happens then. */
function optional<T>(group: OptionGroup, kind: Kind<T>, unset: string, summary: string) {
  return { kind, group, summary, defaultText: undefined, unset, secret: false };
}

/** Every setting of every command. The rest (flags, variables, YAML keys, help, docs) is derived. */
export const OPTIONS = {
  dataDir: option("Common", path, "data", "folder of media, keys, logs and the embedded Redis"),
  redisUrl: {
    ...optional(
      "Common",
      redisUrl,
      "the studio's own redis-server in the data folder",
      "Redis that all roles share",
    ),
    secret: true,
  },
  logLevel: option(
    "Common",
    choice("level", "trace", "debug", "info", "warn", "error", "fatal", "silent"),
    "info",
    "least severe log lines that are written",
  ),
  logFormat: option(
    "Common",
    choice("format", "auto", "json", "text"),
    "auto",
    "form of log lines; auto = text on a terminal, else JSON",
  ),
  host: option("Common", host, "0.0.0.0", "address that the RTMP and HTTP doors listen on"),

  stream: option("Stream", streamId, "main", "stream to make at start, or to watch"),
  title: optional("Stream", text, "the stream's id", "words for people"),
  demo: option("Stream", flag, "true", "show a test card while nobody publishes"),

  rtmpPort: option("Ingest", port, "1935", "RTMP port for broadcasters"),
  rtmpsCert: optional(
    "Ingest",
    path,
    "RTMP only",
    "PEM certificate, with its chain, with which the RTMP port takes RTMPS too",
  ),
  rtmpsKey: optional("Ingest", path, "RTMP only", "PEM private key of that certificate"),
  srt: {
    ...optional(
      "Ingest",
      listOf(srtDoor, 64),
      "no SRT",
      "UDP port for SRT of one stream, with its passphrase; may be repeated",
    ),
    secret: true,
  },
  frontSecret: {
    ...optional(
      "Ingest",
      text,
      "no server in front",
      "what a server in front, which asks the API about keys, shows at the RTMP port",
    ),
    secret: true,
  },
  segmentTargetS: option("Ingest", decimal(0.25, 10, "seconds"), "1", "wanted length of a segment"),
  firstPacketTimeoutS: option(
    "Ingest",
    decimal(1, 120, "seconds"),
    "15",
    "time from connecting to the first media packet",
  ),
  silenceTimeoutS: option(
    "Ingest",
    decimal(1, 120, "seconds"),
    "10",
    "silence after which a broadcaster is dropped",
  ),
  retentionCount: option(
    "Ingest",
    integer(10, 100_000, "segments"),
    "300",
    "newest segments of a stream that are kept on disk",
  ),
  renditions: option(
    "Ingest",
    renditions,
    "passthrough",
    "what streams are made into that say nothing themselves; ladder = what suits the source",
  ),
  ladderCores: optional(
    "Ingest",
    decimal(0, 1024, "cores"),
    "three quarters of the machine",
    "cores that ladders may take by estimate; a stream whose ladder does not fit goes out as it comes in",
  ),
  videoEncoder: option(
    "Ingest",
    text,
    "libx264",
    "ffmpeg's encoder of pictures, such as h264_nvenc; tried at the start",
  ),
  videoEncoderArgs: optional(
    "Ingest",
    text,
    "for libx264 what suits live video, else none",
    "arguments of that encoder, beside bit rates and key frames",
  ),

  record: option("Ingest", flag, "false", "record streams that say nothing themselves"),
  thumbnailS: option(
    "Ingest",
    decimal(0, 3600, "seconds"),
    "10",
    "time between two small pictures of each live stream, for its operator; 0 = none",
  ),
  slate: optional(
    "Ingest",
    path,
    "the last picture stays",
    "picture or clip that viewers see while a broadcaster is away",
  ),
  slateS: option("Ingest", decimal(1, 86_400, "seconds"), "300", "time for which it is shown"),
  diskQuotaGb: optional(
    "Ingest",
    decimal(0.01, 1_000_000, "gigabytes"),
    "what the disk holds, but for a reserve",
    "room for media on disk: an alarm is raised at 85 %, and the oldest are removed early from 95 % on",
  ),
  broadcasterMbps: option(
    "Ingest",
    decimal(0.1, 10_000, "Mbit/s"),
    "100",
    "bitrate above which, after 10 s, a broadcaster is let go",
  ),
  viewerDownlinkMbps: option(
    "Ingest",
    decimal(0.1, 1000, "Mbit/s"),
    "10",
    "what viewers are expected to receive: broadcasters who send more are told",
  ),

  encoderThreads: optional(
    "Encoder",
    integer(1, 16, "threads"),
    "one per core",
    "worker threads that code segments",
  ),
  symbolBytes: option(
    "Encoder",
    integer(1024, 65_536, "bytes"),
    "16384",
    "wanted size of an encoding symbol",
  ),
  repairRatio: option(
    "Encoder",
    decimal(0, 1, "ratio"),
    "0.25",
    "repair symbols per source symbol",
  ),

  manifestTtlS: option(
    "Signer",
    integer(10, 3600, "seconds"),
    "120",
    "time for which a signed manifest is valid",
  ),
  manifestKeyFile: optional(
    "Signer",
    path,
    "keys/manifest.json in the data folder",
    "private key that signs manifests; made at the first start",
  ),

  certificateTtlH: option(
    "Signer",
    integer(1, 8760, "hours"),
    "168",
    "time for which a root key certifies signing keys",
  ),

  apiUrl: optional(
    "Seeder",
    url("http", "https"),
    "http://127.0.0.1 at the HTTP port",
    "address of the API and tracker",
  ),
  webrtcAddress: optional(
    "Seeder",
    host,
    "all addresses",
    "the one local address that WebRTC uses",
  ),
  seederUploadMbps: option(
    "Seeder",
    decimal(0.1, 100_000, "Mbit/s"),
    "200",
    "upload budget of a seeder for all peers together",
  ),
  seederPeerUploadMbps: option(
    "Seeder",
    decimal(0.1, 100_000, "Mbit/s"),
    "40",
    "upload budget of a seeder for one peer",
  ),
  seedersFor: option(
    "Seeder",
    choice("peers", "anyone", "relays"),
    "anyone",
    "who learns the addresses of seeders; the API and all seeders need the same",
  ),

  httpPort: option(
    "HTTP and tracker",
    port,
    "8080",
    "port of the API, tracker, playlists and watch pages",
  ),
  publicUrl: optional(
    "HTTP and tracker",
    url("http", "https"),
    "the address that each request came to",
    "URL under which viewers reach the HTTP port",
  ),
  playlistWindow: option(
    "HTTP and tracker",
    integer(3, 3600, "segments"),
    "12",
    "segments in a public playlist",
  ),
  offlineAfterS: option(
    "HTTP and tracker",
    decimal(5, 3600, "seconds"),
    "60",
    "time that a broadcaster has to come back before the playlist ends and viewers are told",
  ),
  tokenKeyFile: optional(
    "HTTP and tracker",
    path,
    "keys/token.json in the data folder",
    "private key that signs join tokens; made at the first start",
  ),
  tokenTtlS: option(
    "HTTP and tracker",
    integer(30, 86_400, "seconds"),
    "300",
    "time for which a join token is valid",
  ),
  tokensPerMinute: option(
    "HTTP and tracker",
    integer(1, 1_000_000, "tokens"),
    "60",
    "viewers of one address that are let into the mesh without an API key",
  ),
  joinWork: option(
    "HTTP and tracker",
    integer(0, 100_000, "hashes"),
    "400",
    "work of a viewer that is let in without an API key, some 2.5 ms a hash in a browser; 0 = none",
  ),
  joinsPerSecond: option(
    "HTTP and tracker",
    integer(1, 100_000, "viewers"),
    "100",
    "viewers let in without an API key in a second from which on each works more",
  ),
  region: optional(
    "HTTP and tracker",
    text,
    "none",
    "name that backends may bind join tokens to: they are good here and not elsewhere",
  ),
  p2p: option(
    "HTTP and tracker",
    flag,
    "true",
    "let viewers into the mesh; without it they leave it within the life of their tokens, and play plain HLS",
  ),
  peersPerAddress: option(
    "HTTP and tracker",
    integer(1, 100_000, "peers"),
    "2000",
    "peers of one address that the tracker admits at a time",
  ),
  webhookPrivate: option(
    "HTTP and tracker",
    flag,
    "false",
    "let webhooks be in private networks, such as that of this machine",
  ),
  trustedProxies: option(
    "HTTP and tracker",
    integer(0, 16, "proxies"),
    "0",
    "reverse proxies in front whose X-Forwarded headers are believed",
  ),
  iceServer: {
    ...optional(
      "HTTP and tracker",
      listOf(iceServer, 8),
      "none: peers on one network or with public addresses only",
      "STUN or TURN server given to peers; may be repeated",
    ),
    secret: true,
  },

  apiKey: {
    ...optional(
      "Peer",
      text,
      "none",
      "API key, for streams that only a backend may let viewers into",
    ),
    secret: true,
  },
  rootKey: optional(
    "Peer",
    text,
    "any key that the origin publishes",
    "public root key of the origin: only signing keys that it certified are believed",
  ),
  output: optional(
    "Peer",
    pathOrStdout,
    "no file",
    "write one playable fMP4 file; - = standard output",
  ),
  segmentsDir: optional(
    "Peer",
    path,
    "no files",
    "write each segment and manifest as a file of its own",
  ),
  rendition: option(
    "Peer",
    integer(0, RENDITIONS_MAX - 1, "number"),
    "0",
    "rendition to watch, counted from the best",
  ),
  relay: optional(
    "Peer",
    integer(1, RENDITIONS_MAX, "renditions"),
    "a viewer like any other",
    "be a relay, to which seeders for relays show themselves, of so many renditions from the best on; needs an API key for relays",
  ),
  uploadMbps: option(
    "Peer",
    decimal(0.1, 100_000, "Mbit/s"),
    "32",
    "what it sends to all others together, at the most",
  ),
  durationS: optional("Peer", decimal(1, 86_400, "seconds"), "until Ctrl-C", "time to watch"),
  maxDelayS: option(
    "Peer",
    decimal(1, 60, "seconds"),
    "10",
    "time after which a segment that is still incomplete is given up",
  ),
  statsJson: option("Peer", flag, "false", "end with the statistics as one JSON line"),

  publishUrl: {
    ...optional(
      "Test card",
      url("rtmp", "rtmps"),
      "this origin's door, with the key of --stream",
      "RTMP URL with the stream key",
    ),
    secret: true,
  },
  testSize: option(
    "Test card",
    choice("size", "640x360", "960x540", "1280x720", "1920x1080"),
    "1280x720",
    "picture size in pixels",
  ),
  testFps: option("Test card", integer(1, 60, "fps"), "30", "pictures per second"),
  testKbps: option("Test card", integer(100, 50_000, "kbit/s"), "2500", "bit rate of the picture"),
  testGopS: option(
    "Test card",
    decimal(0.25, 10, "seconds"),
    "1",
    "time from key frame to key frame",
  ),
} as const satisfies Record<string, OptionSpec<unknown>>;

export type OptionName = keyof typeof OPTIONS;

/** What each setting is once read; durations and sizes keep the units of their names. */
export type Config = { readonly [Name in OptionName]: ValueOf<(typeof OPTIONS)[Name]> };
type ValueOf<Spec> = Spec extends { kind: Kind<infer T>; defaultText: infer Default }
  ? T | (Default extends undefined ? undefined : never)
  : never;

/** The settings file is named by --config or this variable; without either, the default is tried. */
export const CONFIG_VARIABLE = "STARLING_CONFIG";
export const CONFIG_FILE_DEFAULT = "starling.yaml";

/** All names, in the order of the table. */
export const OPTION_NAMES = Object.keys(OPTIONS) as readonly OptionName[];

/** "rtmpPort" -> "rtmp-port": the long flag without its dashes, and the YAML key. */
export function optionKey(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** "rtmpPort" -> "STARLING_RTMP_PORT". */
export function optionVariable(name: string): string {
  return `STARLING_${optionKey(name).replaceAll("-", "_").toUpperCase()}`;
}

/** "1935", or what happens when the setting is left out. */
export function optionDefault(spec: OptionSpec<unknown>): string {
  return spec.defaultText ?? spec.unset ?? "";
}
