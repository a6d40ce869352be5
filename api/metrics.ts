import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { certificateEndS, type Jwks } from "../core/index.ts";
import { diskStatusSchema } from "./readiness.ts";

/** What this API process counts itself. */
export interface ApiMetrics {
  readonly registry: Registry;
  readonly requestSeconds: Histogram<"method" | "route" | "status">;
  readonly mediaBytes: Counter<"kind">;
  readonly tokens: Counter<"role">;
  readonly trackerJoins: Counter<"role">;
  readonly trackerRefusals: Counter<"reason">;
  readonly trackerMessages: Counter<"type">;
  readonly equivocations: Counter;
}

/** What is read from Redis at each scrape, the same in every API process. */
export interface OriginSnapshot {
  readonly queues: readonly { queue: string; state: string; jobs: number }[];
  readonly deadJobs: readonly { queue: string; jobs: number }[];
  readonly streams: Readonly<Record<"live" | "interrupted" | "offline", number>>;
  readonly peers: Readonly<Record<"viewer" | "seed", number>>;
  readonly segmentsPerS: number;
  readonly playedBytes: number;
  /** 0..1; null before anything was played. */
  readonly offload: number | null;
  readonly keys: Jwks["keys"];
  readonly roles: readonly { role: string; stats: Readonly<Record<string, unknown>> }[];
}

const REQUEST_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5];
const ROLE_STATS_MAX = 64;
const DISK_LEVELS = diskStatusSchema.shape.level.options;

/** The counters of one API process, in a registry of its own. */
export function createMetrics(): ApiMetrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: "starling_api_" });
  return {
    registry,
    requestSeconds: new Histogram({
      name: "starling_http_request_seconds",
      help: "Time to answer a request",
      labelNames: ["method", "route", "status"],
      buckets: REQUEST_SECONDS,
      registers,
    }),
    mediaBytes: new Counter({
      name: "starling_http_media_bytes_total",
      help: "Media bytes sent over HTTP",
      labelNames: ["kind"],
      registers,
    }),
    tokens: new Counter({
      name: "starling_join_tokens_total",
      help: "Join tokens issued",
      labelNames: ["role"],
      registers,
    }),
    trackerJoins: new Counter({
      name: "starling_tracker_joins_total",
      help: "Peers admitted by the tracker",
      labelNames: ["role"],
      registers,
    }),
    trackerRefusals: new Counter({
      name: "starling_tracker_refusals_total",
      help: "Tracker connections ended with an error",
      labelNames: ["reason"],
      registers,
    }),
    equivocations: new Counter({
      name: "starling_manifest_equivocations_total",
      help: "Blocks of which the origin's key signed two manifests: it was stolen, or two signers disagree",
      registers,
    }),
    trackerMessages: new Counter({
      name: "starling_tracker_messages_total",
      help: "Messages from peers",
      labelNames: ["type"],
      registers,
    }),
  };
}

/** Writes the gauges of the whole origin into `registry`; those of the last scrape are replaced. */
export function exposeSnapshot(registry: Registry, snapshot: OriginSnapshot): void {
  const gauge = (name: string, help: string, labelNames: string[] = []): Gauge => {
    registry.removeSingleMetric(name);
    return new Gauge({ name, help, labelNames, registers: [registry] });
  };
  const jobs = gauge("starling_queue_jobs", "Jobs in a queue", ["queue", "state"]);
  for (const { queue, state, jobs: count } of snapshot.queues) jobs.set({ queue, state }, count);
  const dead = gauge("starling_jobs_dead", "Jobs that used up their attempts", ["queue"]);
  for (const { queue, jobs: count } of snapshot.deadJobs) dead.set({ queue }, count);
  const streams = gauge("starling_streams", "Streams by state", ["state"]);
  for (const [state, count] of Object.entries(snapshot.streams)) streams.set({ state }, count);
  const peers = gauge("starling_peers", "Peers connected to the tracker", ["role"]);
  for (const [role, count] of Object.entries(snapshot.peers)) peers.set({ role }, count);
  gauge("starling_segments_per_second", "New segments, all streams").set(snapshot.segmentsPerS);
  gauge("starling_played_bytes", "Media bytes played, as mesh viewers report").set(
    snapshot.playedBytes,
  );
  gauge("starling_offload_ratio", "1 - origin media bytes / media bytes played").set(
    snapshot.offload ?? Number.NaN,
  );
  exposeCertificates(gauge, snapshot.keys);
  exposeRoles(gauge, snapshot.roles);
  exposeRoom(gauge, snapshot.roles);
}

/** Where a root key certified some, a key without a certificate is one that players refuse already. */
function exposeCertificates(
  gauge: (name: string, help: string, labelNames: string[]) => Gauge,
  keys: OriginSnapshot["keys"],
): void {
  const end = gauge(
    "starling_key_certificate_end_timestamp_seconds",
    "When the root key's certificate of a signing key ends; 0 if there is none, though others have one",
    ["purpose", "kid"],
  );
  if (keys.every((key) => key.starling_certificate === undefined)) return;
  for (const { starling_purpose: purpose, kid, starling_certificate: certificate } of keys) {
    end.set({ purpose, kid }, certificate === undefined ? 0 : certificateEndS(certificate));
  }
}

/** Where several ingests write to one folder, each tells the same. */
function exposeRoom(
  gauge: (name: string, help: string, labelNames: string[]) => Gauge,
  roles: OriginSnapshot["roles"],
): void {
  const bytes = gauge("starling_media_disk_bytes", "Room for media", ["kind"]);
  const level = gauge("starling_media_disk_level", "1 for the present level of the media's room", [
    "level",
  ]);
  for (const { stats } of roles) {
    const disk = diskStatusSchema.safeParse(stats["disk"]).data;
    if (disk === undefined) continue;
    bytes.set({ kind: "used" }, disk.usedBytes);
    bytes.set({ kind: "limit" }, disk.limitBytes);
    bytes.set({ kind: "free" }, disk.freeBytes);
    for (const name of DISK_LEVELS) level.set({ level: name }, name === disk.level ? 1 : 0);
  }
}

function exposeRoles(
  gauge: (name: string, help: string, labelNames: string[]) => Gauge,
  roles: OriginSnapshot["roles"],
): void {
  const instances = gauge("starling_role_instances", "Running processes of a role", ["role"]);
  const stats = gauge("starling_role_stat", "A number that a role reports, summed", [
    "role",
    "stat",
  ]);
  for (const { role, stats: values } of roles) {
    instances.inc({ role });
    for (const [stat, value] of Object.entries(values).slice(0, ROLE_STATS_MAX)) {
      if (typeof value === "number") stats.inc({ role, stat }, value);
    }
  }
}
