import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { Redis } from "ioredis";
import { pino } from "pino";
import { type RunningApi, runApi } from "../api/index.ts";
import {
  assert,
  chooseFec,
  concatBytes,
  jwkOf,
  leafHash,
  merkleRoot,
  nobleCrypto,
  plainKernel,
  signManifest,
  symbolOf,
  toBase64Url,
  utf8,
} from "../core/index.ts";
import {
  type PeerOptions,
  type PeerReport,
  type PeerSegment,
  runPeer,
} from "../peer/node/index.ts";
import {
  BlockStore,
  connectRedis,
  ManifestLog,
  PublishSessions,
  publishKey,
  type RedisServer,
  RoleStatus,
  type SegmentRecord,
  StreamRegistry,
  startRedisServer,
  Timeline,
} from "../pipeline/index.ts";
import { runSeeder, type Seeder, type SeederOptions } from "./index.ts";

const STREAM = "demo";
const LOOPBACK = "127.0.0.1";
const log = pino({ level: "silent" });
const manifestKey = nobleCrypto.sha256(utf8("manifest key"));
const manifestJwk = jwkOf(nobleCrypto.publicKeyOf(manifestKey), "manifest", nobleCrypto);

function digestOf(bytes: Uint8Array): string {
  return toBase64Url(nobleCrypto.sha256(bytes));
}

/** Bytes that differ from segment to segment. */
function segmentBytes(seed: number, byteLength = 120_000): Uint8Array {
  return Uint8Array.from(
    { length: byteLength },
    (_, at) => (at * (seed * 2 + 7) + (at >>> 8)) & 255,
  );
}

/** Everything before the seeder, with real parts: Redis, files, API; coded and signed by hand. */
class Origin {
  readonly #dir: string;
  readonly #server: RedisServer;
  readonly redis: Redis;
  readonly #timeline: Timeline;
  readonly #closers: (() => Promise<unknown>)[] = [];
  #api: RunningApi | undefined;
  #index = 0;

  private constructor(dir: string, server: RedisServer) {
    this.#dir = dir;
    this.#server = server;
    this.redis = connectRedis(server.url);
    this.#timeline = new Timeline(this.redis);
  }

  static async start(): Promise<Origin> {
    const dir = await mkdtemp(join(tmpdir(), "starling-seeder-"));
    const origin = new Origin(dir, await startRedisServer({ dir: join(dir, "redis") }));
    await new StreamRegistry(origin.redis).create({ id: STREAM });
    await publishKey(origin.redis, manifestJwk);
    await origin.startApi();
    return origin;
  }

  get mediaRoot(): string {
    return join(this.#dir, "media");
  }

  get apiUrl(): string {
    assert(this.#api !== undefined, "the API runs");
    return `http://${LOOPBACK}:${this.#api.port}`;
  }

  async startApi(): Promise<void> {
    this.#api = await runApi({
      redisUrl: this.#server.url,
      mediaRoot: this.mediaRoot,
      log,
      host: LOOPBACK,
      port: this.#api?.port ?? 0,
      tokenKeyFile: join(this.#dir, "token.json"),
    });
  }

  async stopApi(): Promise<void> {
    await this.#api?.close();
  }

  async openSession(): Promise<() => Promise<void>> {
    const session = await new PublishSessions(this.redis).open(STREAM, {
      filler: false,
      leaseMs: 60_000,
    });
    return () => session.close();
  }

  async startSeeder(options: Partial<SeederOptions> = {}): Promise<Seeder> {
    const seeder = await runSeeder({
      redisUrl: this.#server.url,
      mediaRoot: this.mediaRoot,
      log,
      apiUrl: this.apiUrl,
      totalUploadBytesPerS: 50_000_000,
      perPeerUploadBytesPerS: 50_000_000,
      bindAddress: LOOPBACK,
      ...options,
    });
    this.#closers.push(() => seeder.close());
    return seeder;
  }

  /** Puts a segment on disk and into the public order, codes it, and publishes its manifest. */
  async publish(session: string, bytes: Uint8Array, part: "init" | "media"): Promise<void> {
    await this.codeAndSign(await this.register(session, bytes, part), bytes);
  }

  /** Puts a segment on disk and into the public order. */
  async register(
    session: string,
    bytes: Uint8Array,
    part: "init" | "media",
  ): Promise<SegmentRecord> {
    const index = part === "init" ? "init" : this.#index++;
    const path = `${STREAM}/${session}/${index}.${part === "init" ? "mp4" : "m4s"}`;
    await mkdir(dirname(join(this.mediaRoot, path)), { recursive: true });
    await writeFile(join(this.mediaRoot, path), bytes);
    const nowMs = Date.now();
    const [record] = await this.#timeline.register({
      ...{ stream: STREAM, session, rendition: 0, index, path, byteLength: bytes.length },
      durationMs: part === "init" ? 0 : 1000,
      programDateTimeMs: nowMs - 1000,
      completedAtMs: nowMs,
      initSha256: digestOf(bytes),
    });
    return record;
  }

  async codeAndSign(record: SegmentRecord, bytes: Uint8Array): Promise<void> {
    const fec = chooseFec(bytes.length);
    const repair = plainKernel.encode(bytes, fec);
    const leaves = Array.from({ length: fec.n }, (_, esi) =>
      leafHash(nobleCrypto, symbolOf(fec, bytes, repair, esi)),
    );
    const store = new BlockStore(this.mediaRoot);
    await store.writeCoded(record, { repair, leaves: concatBytes(...leaves) });
    const { path: _path, offset: _offset, ...segment } = record;
    const issuedAtS = Math.floor(Date.now() / 1000);
    const root = toBase64Url(merkleRoot(nobleCrypto, leaves));
    const validity = { issuedAtS, expiresAtS: issuedAtS + 120 };
    const manifest = { ...segment, fec, root, sha256: digestOf(bytes), ...validity };
    const jws = signManifest(manifest, manifestJwk.kid, (message) =>
      nobleCrypto.sign(message, manifestKey),
    );
    await new ManifestLog(this.redis).publish(STREAM, record.block, jws);
  }

  async seederStats(): Promise<Readonly<Record<string, unknown>> | undefined> {
    const reports = await RoleStatus.all(this.redis);
    return reports.find(({ role }) => role === "seeder")?.stats;
  }

  /** Starts a viewer that ends with the origin, or when told. */
  watch(options: Partial<PeerOptions> = {}): Watching {
    const watching = new Watching({
      apiUrl: this.apiUrl,
      stream: STREAM,
      log,
      bindAddress: LOOPBACK,
      maxDelayMs: 8000,
      ...options,
    });
    this.#closers.push(() => watching.stop());
    return watching;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#closers.map((close) => close()));
    await this.#api?.close();
    this.redis.disconnect();
    await this.#server.stop();
    await rm(this.#dir, { recursive: true, force: true });
  }
}

/** A viewer and what it has put out. */
class Watching {
  readonly segments: PeerSegment[] = [];
  readonly #stop = new AbortController();
  readonly #report: Promise<PeerReport>;

  constructor(options: Omit<PeerOptions, "onSegment" | "signal">) {
    this.#report = runPeer({
      ...options,
      signal: this.#stop.signal,
      onSegment: (segment) => {
        this.segments.push(segment);
      },
    });
  }

  /** Each segment as "init" or its sequence, with its digest. */
  get story(): string[] {
    return this.segments.map(
      ({ init, sequence, bytes }) => `${init ? "init" : sequence} ${digestOf(bytes)}`,
    );
  }

  async until(count: number): Promise<void> {
    await eventually(() => this.segments.length >= count);
  }

  stop(): Promise<PeerReport> {
    this.#stop.abort();
    return this.#report;
  }
}

async function eventually(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 20_000;
  while (!(await isTrue())) {
    assert(performance.now() < deadlineMs, "what is waited for happens within 20 s");
    await delay(20);
  }
}

const init = utf8("init segment ".repeat(80));

describe("a seeder and a viewer", () => {
  let origin: Origin;
  beforeEach(async () => {
    origin = await Origin.start();
  });
  afterEach(async () => {
    await origin.stop();
  });

  test("carry the stream over WebRTC alone, byte for byte, from the recent past on", async () => {
    await origin.openSession();
    const media = [0, 1, 2, 3, 4, 5].map((seed) => segmentBytes(seed));
    await origin.publish("one", init, "init");
    for (const bytes of media.slice(0, 2)) await origin.publish("one", bytes, "media");
    await origin.startSeeder();
    const watching = origin.watch();
    await watching.until(2);
    for (const bytes of media.slice(2)) await origin.publish("one", bytes, "media");
    await watching.until(7);
    const expected = media.map((bytes, sequence) => `${sequence} ${digestOf(bytes)}`);
    expect(watching.story).toEqual([`init ${digestOf(init)}`, ...expected]);
    const report = await watching.stop();
    expect(report).toMatchObject({ segments: 6, missing: 0, rejected: {}, fromHttpBytes: 0 });
    expect(report.playedBytes).toBe(6 * 120_000);
    expect(report.fromSeedsBytes).toBeGreaterThanOrEqual(6 * 120_000);
    expect(report.startupMs).toBeGreaterThan(0);
    expect(report.delayP99Ms).toBeGreaterThan(0);
  });

  test("go on at a new publish session, with its init segment first", async () => {
    await origin.openSession();
    await origin.startSeeder();
    await origin.publish("one", init, "init");
    await origin.publish("one", segmentBytes(1), "media");
    const watching = origin.watch();
    await watching.until(2);
    const other = utf8("another init segment ".repeat(70));
    await origin.publish("two", other, "init");
    await origin.publish("two", segmentBytes(2), "media");
    await watching.until(4);
    const story = watching.segments.map(({ init: isInit, sequence }) =>
      isInit ? "init" : sequence,
    );
    expect(story).toEqual(["init", 0, "init", 1]);
    expect(watching.story[2]).toBe(`init ${digestOf(other)}`);
  });

  test("go on when an init segment is signed after its media", async () => {
    await origin.openSession();
    await origin.startSeeder();
    const initRecord = await origin.register("one", init, "init");
    await origin.publish("one", segmentBytes(0), "media");
    const watching = origin.watch();
    await eventually(async () => (await origin.seederStats())?.["blocksPublished"] === 1);
    await origin.codeAndSign(initRecord, init);
    await watching.until(2);
    expect(watching.segments.map(({ init: isInit }) => isInit)).toEqual([true, false]);
  });

  test("stay connected when the tracker goes, and find newcomers when it is back", async () => {
    await origin.openSession();
    await origin.startSeeder();
    await origin.publish("one", init, "init");
    await origin.publish("one", segmentBytes(0), "media");
    const watching = origin.watch();
    await watching.until(2);
    await origin.stopApi();
    await origin.publish("one", segmentBytes(1), "media");
    await watching.until(3);
    await origin.startApi();
    const later = origin.watch();
    await later.until(2);
    expect(later.segments[0]?.init).toBe(true);
  });
});

describe("a seeder and a viewer, at the edges", () => {
  let origin: Origin;
  beforeEach(async () => {
    origin = await Origin.start();
  });
  afterEach(async () => {
    await origin.stop();
  });

  test("report what they did", async () => {
    const closeSession = await origin.openSession();
    await origin.publish("one", init, "init");
    await origin.publish("one", segmentBytes(0), "media");
    await origin.startSeeder({ leaveAfterMs: 0 });
    const watching = origin.watch();
    await watching.until(2);
    await eventually(async () => Number((await origin.seederStats())?.["bytesSent"]) >= 120_000);
    expect(await origin.seederStats()).toMatchObject({ streams: 1, peers: 1, blocksPublished: 2 });
    await closeSession();
    await eventually(async () => (await origin.seederStats())?.["streams"] === 0);
    expect(await origin.seederStats()).toMatchObject({ peers: 0, blocksPublished: 2 });
  });

  test("end at once for a stream that does not exist", async () => {
    const watching = runPeer({
      ...{ apiUrl: origin.apiUrl, stream: "nowhere", log, onSegment: () => undefined },
      signal: AbortSignal.timeout(20_000),
    });
    await expect(watching).rejects.toMatchObject({ code: "stream-not-found" });
  });
});
