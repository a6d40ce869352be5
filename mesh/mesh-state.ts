import {
  type ByeCode,
  type Crypto,
  type InstantMs,
  type KeySet,
  type Message,
  messageByteLength,
  type Random,
  type TokenBucket,
} from "../core/index.ts";
import { type Block, BlockCache } from "./block-cache.ts";
import type { BlockPort } from "./block-port.ts";
import type { MeshStats, Output } from "./mesh-io.ts";
import type { Neighbour } from "./neighbour.ts";

export interface MeshOptions {
  readonly stream: string;
  readonly peer: {
    /** Public key, base64url. */
    readonly id: string;
    /** 32 bytes. */
    readonly secretKey: Uint8Array;
  };
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
}

export interface MeshLimits {
  readonly perPeerUploadBytesPerS: number;
  readonly cacheBytesMax: number;
  /** A block that is not complete this long after its manifest came is given up. */
  readonly maxDelayMs: number;
}

/** What the parts of one MeshPeer share. */
export class MeshState {
  readonly options: MeshOptions;
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

  constructor(options: MeshOptions) {
    this.options = options;
    this.cache = new BlockCache(options, (block) => this.giveUp(block));
  }

  /** The neighbours whose hello was good. */
  ready(): Neighbour[] {
    return [...this.neighbours.values()].filter((neighbour) => neighbour.isReady);
  }

  send(neighbour: Neighbour, message: Message): void {
    neighbour.bufferedBytes += messageByteLength(message);
    this.outputs.push({ kind: "transmit", neighbour: neighbour.id, message });
  }

  /** Says goodbye and forgets a neighbour. */
  disconnect(neighbour: Neighbour, code: ByeCode, reason: string): void {
    this.send(neighbour, { type: "bye", code, reason });
    this.outputs.push({ kind: "disconnect", neighbour: neighbour.id, code, reason });
    this.neighbours.delete(neighbour.id);
  }

  /** Counts and tells a refusal. */
  reject(neighbour: Neighbour, code: string, detail: string): void {
    this.stats.rejected.set(code, (this.stats.rejected.get(code) ?? 0) + 1);
    this.outputs.push({ kind: "rejected", neighbour: neighbour.id, code, detail });
  }

  /** Stops to collect a block and tells that it is missing; a complete block just goes. */
  giveUp(block: Block): void {
    if (block.decoder === undefined) return;
    block.decoder = undefined;
    this.stats.missing++;
    this.outputs.push({ kind: "missing", block: block.manifest.block });
  }
}

/** The earliest of some instants, or undefined. */
export function earliest(instants: Iterable<InstantMs | undefined>): InstantMs | undefined {
  let first: InstantMs | undefined;
  for (const instant of instants) {
    if (instant !== undefined && (first === undefined || instant < first)) first = instant;
  }
  return first;
}
