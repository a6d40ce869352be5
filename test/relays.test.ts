import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { pino } from "pino";
import { instantMs } from "../core/index.ts";
import { type Input, type Output, uploadBudget } from "../mesh/index.ts";
import { MeshSession, type MeshSessionOptions } from "../peer/index.ts";
import { nodePlatform } from "../peer/node/index.ts";
import { eventually } from "./eventually.ts";
import { newestSequence } from "./first-light.ts";
import { OriginProcess } from "./origin-process.ts";
import { Publisher } from "./publisher.ts";
import { ViewerProcess } from "./viewer-process.ts";

let folder: string;
let origin: OriginProcess;
let publisher: Publisher;
const insiders: Insider[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "starling-"));
  const settings = ["--no-demo", "--join-work", "1", "--seeders-for", "relays"];
  origin = new OriginProcess(join(folder, "data"), settings);
  await origin.start();
  publisher = new Publisher({ url: `${origin.rtmpUrl}/${origin.streamKey}` });
  await eventually(
    () => newestSequence(origin),
    30_000,
    () => origin.output,
  );
}, 90_000);

afterEach(async () => {
  for (const insider of insiders.splice(0)) await insider.leave();
  await publisher.end("SIGKILL");
  await origin.stop();
  await rm(folder, { recursive: true, force: true });
}, 30_000);

/** A peer in this process, whose machine can be told what nobody said. */
class Insider {
  readonly session: MeshSession;
  /** Those that it ever had a channel with, those it could not dial, and those whose signals a neighbour carried to it. */
  readonly met = new Set<string>();
  readonly undialable = new Set<string>();
  readonly heard: Set<string>;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  private constructor(session: MeshSession, heard: Set<string>) {
    this.session = session;
    this.heard = heard;
    const { driver } = session;
    const attach = driver.attach.bind(driver);
    driver.attach = (channel, isInitiator) => {
      this.met.add(channel.peer);
      attach(channel, isInitiator);
    };
    const input = driver.input.bind(driver);
    driver.input = (one: Input) => {
      if (one.kind === "undialable") this.undialable.add(one.peer);
      input(one);
    };
    this.#running = session.run(this.#stop.signal);
  }

  static async join(options: Partial<MeshSessionOptions> = {}): Promise<Insider> {
    const heard = new Set<string>();
    const limits = { perPeerUploadBytesPerS: 1, cacheBytesMax: 10_000_000, maxDelayMs: 10_000 };
    const session = await MeshSession.open({
      ...{ apiUrl: origin.httpUrl, stream: "main", role: "viewer", limits },
      platform: nodePlatform(),
      log: pino({ level: "silent" }),
      uploads: uploadBudget(instantMs(Date.now()), 1),
      onOutput: (output: Output) => {
        if (output.kind === "signal") heard.add(output.peer);
      },
      ...options,
    });
    const insider = new Insider(session, heard);
    insiders.push(insider);
    return insider;
  }

  /** The id of its first neighbour, once it has one. */
  neighbour(): Promise<string> {
    return eventually(() => this.session.driver.mesh.neighbours[0]?.id, 20_000);
  }

  async leave(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

/** The id of the seeder, as a relay learns it. */
async function seedId(): Promise<string> {
  const relay = await Insider.join({ relay: true, apiKey: origin.apiKey });
  const id = await relay.neighbour();
  expect(relay.session.driver.mesh.neighbours).toEqual([{ id, role: "seed" }]);
  await relay.leave();
  return id;
}

test("viewers play what a relay brings, and reach the seeder neither by the tracker nor through the relay", async () => {
  const seed = await seedId();
  const asRelay = ["--relay", "1", "--api-key", origin.apiKey, "--upload-mbps", "100"];
  const relay = new ViewerProcess(origin, join(folder, "relay"), asRelay);
  await eventually(
    async () => (await relay.sequences()).length >= 3,
    30_000,
    () => relay.log,
  );

  // The first one has no other neighbour than the relay.
  const first = await Insider.join();
  const neighbour = await first.neighbour();
  const named = { peer: seed, role: "seed", capacityKbps: 100_000, spare: 65_535 } as const;
  const message = { type: "peers", peers: [named] } as const;
  first.session.driver.input({ kind: "message", neighbour, message });
  const second = await Insider.join();
  await second.neighbour();
  second.session.driver.input({ kind: "introduced", peers: [named] });

  const viewer = new ViewerProcess(origin, join(folder, "viewer"));
  await eventually(
    async () => (await viewer.sequences()).length >= 10,
    60_000,
    () => viewer.log,
  );
  for (const one of [first, second]) {
    await eventually(() => one.undialable.has(seed), 30_000);
    expect([...one.met]).not.toContain(seed);
    expect([...one.heard]).not.toContain(seed);
  }

  const report = await viewer.end();
  expect(report).toMatchObject({ missing: 0, fromSeedsBytes: 0, rejected: {} });
  // A newcomer on a slow machine gets its first second over HTTP.
  expect(report.fromPeersBytes).toBeGreaterThan(0.75 * report.playedBytes);
  const relayed = await relay.end();
  expect(relayed).toMatchObject({ missing: 0, rejected: {} });
  expect(relayed.fromSeedsBytes).toBeGreaterThan(0.75 * relayed.playedBytes);
  expect(relayed.uploadedBytes).toBeGreaterThan(0.75 * report.fromPeersBytes);
}, 180_000);
