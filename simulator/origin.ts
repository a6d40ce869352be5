import type { Input, Output } from "../mesh/index.ts";
import type { Host } from "./host.ts";
import { honestPeer } from "./host-factory.ts";
import { settleMs } from "./metrics.ts";
import { START_MS, type World } from "./world.ts";

/** Everything that is away because of a restart comes back within this. */
const REJOIN_WITHIN_MS = 2000;

/** The origin: releases blocks to its seed peer, answers HTTP, and may be away for a while. */
export class Origin {
  readonly #world: World;
  readonly #httpMsPerByte: number;
  #seed: Host | undefined;
  #httpFreeAt = 0;

  constructor(world: World) {
    this.#world = world;
    const { originHttpMbps, originDownAtS, originDownS } = world.settings;
    this.#httpMsPerByte = 0.008 / originHttpMbps;
    world.onFetch = (host, output) => this.#fetch(host, output);
    this.#start();
    this.#releaseAt(START_MS);
    if (originDownS > 0) {
      world.agenda.at(START_MS + originDownAtS * 1000, () => this.#stop());
      world.agenda.at(START_MS + (originDownAtS + originDownS) * 1000, () => this.#restart());
    }
  }

  #start(): void {
    const { streamKbps, originUplink } = this.#world.settings;
    this.#seed = this.#world.join({
      role: "seed",
      uplinkBps: streamKbps * 1000 * originUplink,
      isAttacker: false,
      makePeer: honestPeer,
    });
  }

  #stop(): void {
    const { tracker } = this.#world;
    if (this.#seed !== undefined) this.#world.crash(this.#seed, false);
    this.#seed = undefined;
    tracker.isUp = false;
    tracker.clear();
  }

  #restart(): void {
    const { tracker, hosts, random } = this.#world;
    tracker.isUp = true;
    for (const host of [...hosts]) {
      if (host.isPresent) this.#world.enterTracker(host, random.next() * REJOIN_WITHIN_MS);
    }
    this.#start();
  }

  #releaseAt(timeMs: number): void {
    this.#world.agenda.at(timeMs, () => {
      this.#releaseAt(timeMs + this.#world.settings.blockMs);
      this.#release();
    });
  }

  #release(): void {
    const { broadcast, agenda, metrics, settings } = this.#world;
    const seed = this.#seed;
    if (seed === undefined) return;
    const block = broadcast.release(this.#world.now);
    const { jws, leaves, symbols } = block;
    this.#world.feed(seed, { kind: "publish", jws, leaves, symbols });
    agenda.in(settleMs(settings), () => metrics.settle(block));
  }

  /** Serves bytes of a block over a connection that is kept open: one round trip and the queues. */
  #fetch(host: Host, { block: id, start, end }: Extract<Output, { kind: "fetch" }>): void {
    const { broadcast, agenda, network, metrics, now } = this.#world;
    const block = broadcast.block(id);
    const seed = this.#seed;
    if (block === undefined || seed === undefined) return;
    const bytes = block.bytes.subarray(start, end);
    const delayMs = this.#world.delayMs(host, seed);
    this.#httpFreeAt =
      Math.max(now + delayMs, this.#httpFreeAt) + bytes.length * this.#httpMsPerByte;
    metrics.meter.add("originHttp", bytes.length);
    const input: Input = { kind: "fetched", block: id, start, bytes };
    agenda.at(this.#httpFreeAt + delayMs, () => {
      if (!host.isPresent) return;
      const throughAt = network.stations.arrive(host.index, this.#world.now, bytes.length);
      agenda.at(throughAt, () => {
        if (host.isPresent) this.#world.feed(host, input);
      });
    });
  }
}
