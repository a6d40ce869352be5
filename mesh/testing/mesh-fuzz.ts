import {
  after,
  blockKey,
  decodeMessage,
  encodeMessage,
  type InstantMs,
  instantMs,
  messageByteLength,
  Random,
  StarlingError,
  toHex,
} from "../../core/index.ts";
import type { Input, Output } from "../mesh-io.ts";
import { uploadBudget } from "../uploads.ts";
import { WatchedMeshPeer } from "../watched-mesh-peer.ts";
import { FuzzInputs } from "./fuzz-inputs.ts";

/** No input may lead to more outputs than this. */
const OUTPUTS_MAX = 2000;
const CHECK_USAGE_EVERY = 50;

/**
 * Feeds one peer with random inputs in random time and checks what it must never do. The same seed gives
 * the same run. Throws an Error that names seed and step for what is wrong.
 */
export class MeshFuzz {
  readonly #seed: number;
  readonly #random: Random;
  readonly #inputs: FuzzInputs;
  readonly #peer: WatchedMeshPeer;
  /** What the driver knows of each channel. */
  readonly #channels = new Map<string, "open" | "ready">();
  readonly #completed = new Set<string>();
  #now: InstantMs = instantMs(1_800_000_000_000);
  #step = 0;
  #outputCount = 0;

  constructor(seed: number) {
    this.#seed = seed;
    this.#random = new Random(seed);
    this.#inputs = new FuzzInputs(this.#random);
    const role = this.#random.below(4) === 0 ? "seed" : "viewer";
    const uploads = uploadBudget(
      this.#now,
      this.#random.pick([0, 20_000, 500_000, 50_000_000]) ?? 0,
    );
    const limits = { cacheBytesMax: 512 * 1024 };
    const { origin } = this.#inputs.blocks;
    const options = origin.options(this.#now, "own", role, limits, uploads);
    this.#peer = new WatchedMeshPeer({ ...options, renditions: [0, 1] });
  }

  /** Blocks that were completed, refusals by code, and outputs in all. */
  get summary(): {
    readonly blocks: number;
    readonly outputs: number;
    readonly rejected: ReadonlyMap<string, number>;
  } {
    const { blocks, rejected } = this.#peer.stats;
    return { blocks, outputs: this.#outputCount, rejected };
  }

  run(steps: number): void {
    for (let count = 0; count < steps; count++) {
      this.#step++;
      this.#passTime();
      for (const input of this.#inputs.next(this.#now)) this.#feed(input);
      if (this.#step % CHECK_USAGE_EVERY === 0) this.#checkUsage();
    }
  }

  /** Lets no time pass, a little, or much; timers mostly fire when they are due. */
  #passTime(): void {
    const chance = this.#random.next();
    if (chance < 0.5) return;
    const ms =
      chance < 0.98 ? this.#random.below(20) : this.#random.below(chance < 0.999 ? 2000 : 90_000);
    const end = after(this.#now, ms);
    for (let fired = 0; this.#random.below(20) > 0; fired++) {
      const due = this.#peer.pollTimeout();
      if (due === undefined || due > end) break;
      this.#check(fired < 2000, "timers come to an end");
      this.#now = instantMs(Math.max(this.#now, due));
      this.#feed({ kind: "timeout" });
    }
    this.#now = end;
  }

  #feed(input: Input): void {
    if (input.kind === "connected") this.#channels.set(input.neighbour, "open");
    if (input.kind === "closed") this.#channels.delete(input.neighbour);
    let isRefused = false;
    try {
      this.#peer.handleInput(this.#now, input);
    } catch (error) {
      isRefused = input.kind === "publish" && error instanceof StarlingError;
      if (!isRefused) throw new Error(`${this.#where()} ${input.kind} throws`, { cause: error });
    }
    let count = 0;
    for (
      let output = this.#peer.pollOutput();
      output !== undefined;
      output = this.#peer.pollOutput()
    ) {
      count++;
      this.#take(output);
    }
    this.#outputCount += count;
    this.#check(count <= OUTPUTS_MAX, `${input.kind} leads to a bounded number of outputs`);
    const due = this.#peer.pollTimeout();
    const isAhead = due !== undefined && due > this.#now;
    this.#check(isAhead || isRefused, `after ${input.kind} the next timer is in the future`);
  }

  #take(output: Output): void {
    if (output.kind === "transmit") this.#checkMessage(output);
    else if (output.kind === "ready") this.#channels.set(output.neighbour, "ready");
    else if (output.kind === "disconnect") this.#channels.delete(output.neighbour);
    else if (output.kind === "block") this.#checkBlock(output);
  }

  #checkMessage({ neighbour, message }: Extract<Output, { kind: "transmit" }>): void {
    const channel = this.#channels.get(neighbour);
    const isGreeting = message.type === "hello" || message.type === "bye";
    this.#check(
      channel === "ready" || (channel === "open" && isGreeting),
      `a ${message.type} goes to a neighbour that is ${channel ?? "gone"}`,
    );
    const bytes = encodeMessage(message);
    this.#check(bytes.length === messageByteLength(message), `a ${message.type} has its length`);
    if (message.type === "symbol") return;
    try {
      const isSame = toHex(encodeMessage(decodeMessage(bytes))) === toHex(bytes);
      this.#check(isSame, `a ${message.type} has one spelling`);
    } catch (cause) {
      throw new Error(`${this.#where()} sends a ${message.type} that cannot be read`, { cause });
    }
  }

  #checkBlock({ manifest, bytes }: Extract<Output, { kind: "block" }>): void {
    const source = this.#inputs.blocks.sourceOf(manifest.block);
    this.#check(source === undefined || toHex(source) === toHex(bytes), "a block has its bytes");
    const key = blockKey(manifest.block);
    this.#check(manifest.init === null || !this.#completed.has(key), "a block is complete once");
    this.#completed.add(key);
  }

  #checkUsage(): void {
    for (const { what, held, max } of this.#peer.usage()) {
      this.#check(held <= max, `${what}: ${held} of ${max}`);
    }
  }

  #check(isRight: boolean, invariant: string): void {
    if (!isRight) throw new Error(`${this.#where()} broken: ${invariant}`);
  }

  #where(): string {
    return `Seed ${this.#seed}, step ${this.#step}:`;
  }
}
