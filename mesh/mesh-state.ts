import {
  type ByeCode,
  type Crypto,
  type InstantMs,
  instantMs,
  type KeySet,
  type Message,
  messageByteLength,
  type PeerRole,
  type Random,
  type TokenBucket,
} from "../core/index.ts";
import type { Block } from "./block.ts";
import { BlockCache } from "./block-cache.ts";
import type { BlockPort } from "./block-port.ts";
import { TOLD_BYTES_MIN } from "./limits.ts";
import type { MeshStats, Output } from "./mesh-io.ts";
import type { Neighbour } from "./neighbour.ts";
import { DEFAULT_TUNING, type Tuning } from "./tuning.ts";

export interface MeshOptions {
  readonly stream: string;
  readonly role: PeerRole;
  /** It is a relay: it tells nobody of the seeds, who answer relays only. */
  readonly relay?: boolean | undefined;
  readonly peer: {
    /** Public key, base64url. */
    readonly id: string;
    /** 32 bytes. */
    readonly secretKey: Uint8Array;
  };
  /** The renditions that it follows, or as a seed will have, by default the first. */
  readonly renditions?: readonly number[] | undefined;
  /** The peer's own join token. */
  readonly token: string;
  readonly keys: KeySet;
  readonly crypto: Crypto;
  readonly blocks: BlockPort;
  /** Where chance comes from; its own for each peer. */
  readonly random: Random;
  /** Bytes a second that this peer sends; peers of one process may share it. See `uploadBudget`. */
  readonly uploads: TokenBucket;
  readonly limits: MeshLimits;
  readonly tuning?: Partial<Tuning> | undefined;
}

export interface MeshLimits {
  readonly perPeerUploadBytesPerS: number;
  readonly cacheBytesMax: number;
  /** A block that is not complete this long after the origin released it is given up. */
  readonly maxDelayMs: number;
}

/** What the parts of one MeshPeer share. */
export class MeshState {
  readonly options: MeshOptions;
  readonly tuning: Tuning;
  readonly cache: BlockCache;
  readonly neighbours: Map<string, Neighbour> = new Map();
  readonly outputs: Output[] = [];
  readonly stats: MeshStats = {
    symbolsVerified: 0,
    duplicateBytes: 0,
    fromSeedsBytes: 0,
    fromViewersBytes: 0,
    uploadedBytes: 0,
    blocks: 0,
    missing: 0,
    rejected: new Map(),
  };
  /** Bytes of symbols that wait in all channels but those of neighbours that are stuck. */
  symbolBytesWaiting = 0;
  /** The time of the input that is being handled. */
  now: InstantMs = instantMs(0);
  /** Told of each neighbour that is gone. */
  onGone: (neighbour: Neighbour) => void = () => undefined;
  /** Told of what was thrown for what a neighbour sent. */
  onRefused: (neighbour: Neighbour, error: unknown) => void = () => undefined;
  /** Told when something waits in the channels again. */
  onBusy: () => void = () => undefined;
  /** When something is due before the next look at everything. */
  dueAt: InstantMs = instantMs(Number.POSITIVE_INFINITY);
  #ready: readonly Neighbour[] | undefined;

  constructor(options: MeshOptions) {
    this.options = options;
    this.tuning = { ...DEFAULT_TUNING, ...options.tuning };
    this.cache = new BlockCache(options, (block) => this.giveUp(block));
  }

  /** The neighbours whose hello was good. */
  get ready(): readonly Neighbour[] {
    this.#ready ??= [...this.neighbours.values()].filter((neighbour) => neighbour.isReady);
    return this.#ready;
  }

  /** Whether some viewer is ready. */
  get hasViewer(): boolean {
    return this.ready.some(({ isSeed }) => !isSeed);
  }

  /** Does what a neighbour's message asks for; what is thrown is laid to that neighbour. */
  attempt(neighbour: Neighbour, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.onRefused(neighbour, error);
    }
  }

  /** Asks for a look at everything by then. */
  wakeBy(at: InstantMs): void {
    if (at < this.dueAt) this.dueAt = at;
  }

  add(neighbour: Neighbour): void {
    this.neighbours.set(neighbour.id, neighbour);
  }

  setReady(neighbour: Neighbour, role: PeerRole): void {
    neighbour.role = role;
    this.#ready = undefined;
    this.outputs.push({ kind: "ready", neighbour: neighbour.id, role });
  }

  /** Forgets a neighbour that is gone. */
  remove(id: string): void {
    const neighbour = this.neighbours.get(id);
    if (neighbour === undefined) return;
    this.neighbours.delete(id);
    this.#ready = undefined;
    this.setAside(neighbour);
    this.onGone(neighbour);
  }

  send(neighbour: Neighbour, message: Message): void {
    const byteLength = messageByteLength(message);
    neighbour.bufferedBytes += byteLength;
    if (message.type === "symbol" && byteLength >= TOLD_BYTES_MIN) {
      if (this.symbolBytesWaiting === 0) this.onBusy();
      if (neighbour.symbolBytesWaiting === 0) neighbour.drainedAt = this.now;
      neighbour.symbolBytesWaiting += byteLength;
      this.symbolBytesWaiting += byteLength;
    }
    this.outputs.push({ kind: "transmit", neighbour: neighbour.id, message });
  }

  /** Takes the driver's word for what waits in a channel. Gives the bytes of symbols that have left. */
  setBuffered(neighbour: Neighbour, bytes: number): number {
    neighbour.bufferedBytes = bytes;
    const symbolBytes = bytes < TOLD_BYTES_MIN ? 0 : bytes;
    const left = Math.max(0, neighbour.symbolBytesWaiting - symbolBytes);
    if (left === 0) return 0;
    if (neighbour.isStuck) this.symbolBytesWaiting += neighbour.symbolBytesWaiting;
    neighbour.isStuck = false;
    neighbour.drainedAt = this.now;
    neighbour.symbolBytesWaiting -= left;
    this.symbolBytesWaiting -= left;
    return left;
  }

  /** If something waits in a neighbour's channel, nobody waits for it any more until some of it has left. */
  setAside(neighbour: Neighbour): void {
    if (neighbour.isStuck || neighbour.symbolBytesWaiting === 0) return;
    this.symbolBytesWaiting -= neighbour.symbolBytesWaiting;
    neighbour.isStuck = true;
  }

  /** Says goodbye and forgets a neighbour. */
  disconnect(neighbour: Neighbour, code: ByeCode, reason: string): void {
    // What an error quotes may come from outside, and the wire takes ASCII only.
    this.send(neighbour, { type: "bye", code, reason: reason.replaceAll(/[^ -~]/g, "?") });
    this.outputs.push({ kind: "disconnect", neighbour: neighbour.id, code, reason });
    this.remove(neighbour.id);
  }

  /** Counts and tells a refusal. */
  reject(neighbour: Neighbour, code: string, detail: string): void {
    this.stats.rejected.set(code, (this.stats.rejected.get(code) ?? 0) + 1);
    this.outputs.push({ kind: "rejected", neighbour: neighbour.id, code, detail });
  }

  /** Stops to collect a block and tells that it is missing; a complete block just goes. */
  giveUp(block: Block): void {
    if (block.isWanted) this.stats.missing++;
    this.drop(block);
  }

  /** The same for a block that nobody wants any more. */
  drop(block: Block): void {
    if (!block.isWanted) return;
    block.decoder = undefined;
    for (const neighbour of this.ready) neighbour.takePulls(block);
    this.outputs.push({ kind: "missing", block: block.id });
  }
}
