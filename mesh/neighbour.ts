import {
  type BlockId,
  type InstantMs,
  type Message,
  messageByteLength,
  type PeerRole,
  type TokenBucket,
} from "../core/index.ts";
import { EARLY_BYTES_MAX, EARLY_MESSAGES_MAX, HAVE_BLOCKS_MAX } from "./limits.ts";

/** A symbol that this peer asked a neighbour for. */
export interface PendingSymbol {
  readonly key: string;
  readonly block: BlockId;
  readonly esi: number;
  readonly bytes: number;
  readonly expiresAt: InstantMs;
}

/** A symbol that a neighbour asked for. */
export interface Upload {
  readonly key: string;
  readonly block: BlockId;
  readonly esi: number;
  readonly expiresAt: InstantMs;
}

/** What a peer knows of one neighbour. */
export class Neighbour {
  readonly id: string;
  readonly localFingerprint: Uint8Array;
  readonly remoteFingerprint: Uint8Array;
  readonly connectedAt: InstantMs;
  /** Known once its hello was good. */
  role: PeerRole | undefined;
  heardAt: InstantMs;
  pingedAt: InstantMs;
  strikes = 0;
  /** Messages that overtook the hello. */
  readonly #early: Message[] = [];
  #earlyBytes = 0;
  /** ESIs that the neighbour has, by block key. */
  readonly #haves = new Map<string, Set<number>>();
  /** Blocks whose manifest the neighbour has. */
  readonly manifests: Set<string> = new Set();
  /** By "block key/ESI". */
  readonly pending: Map<string, PendingSymbol> = new Map();
  pendingBytes = 0;
  /** Requests that lapsed; each one that is met halves it. */
  lateCount = 0;
  uploads: Upload[] = [];
  readonly uploadBudget: TokenBucket;
  /** Bytes that wait in the channel, as the driver last told, and what was transmitted since. */
  bufferedBytes = 0;

  constructor(
    now: InstantMs,
    id: string,
    fingerprints: { readonly local: Uint8Array; readonly remote: Uint8Array },
    uploadBudget: TokenBucket,
  ) {
    this.id = id;
    this.localFingerprint = fingerprints.local;
    this.remoteFingerprint = fingerprints.remote;
    this.connectedAt = now;
    this.heardAt = now;
    this.pingedAt = now;
    this.uploadBudget = uploadBudget;
  }

  get isReady(): boolean {
    return this.role !== undefined;
  }

  /** Keeps a message until the hello comes; false when there are too many. */
  keepEarly(message: Message): boolean {
    this.#earlyBytes += messageByteLength(message);
    if (this.#early.length >= EARLY_MESSAGES_MAX || this.#earlyBytes > EARLY_BYTES_MAX)
      return false;
    this.#early.push(message);
    return true;
  }

  /** The messages that were kept, which are forgotten. */
  takeEarly(): Message[] {
    return this.#early.splice(0);
  }

  /** Whether the neighbour said that it has this symbol. */
  has(key: string, esi: number): boolean {
    return this.#haves.get(key)?.has(esi) ?? false;
  }

  /** Notes that the neighbour has these symbols; the oldest block is forgotten at the limit. */
  addHaves(key: string, esis: readonly number[]): void {
    let known = this.#haves.get(key);
    if (known === undefined) {
      if (this.#haves.size >= HAVE_BLOCKS_MAX) deleteOldest(this.#haves);
      known = new Set();
      this.#haves.set(key, known);
    }
    for (const esi of esis) known.add(esi);
  }

  /** Notes that the neighbour has the manifest of a block. */
  addManifest(key: string): void {
    if (this.manifests.size >= HAVE_BLOCKS_MAX) deleteOldest(this.manifests);
    this.manifests.add(key);
  }

  addPending(symbol: PendingSymbol): void {
    this.pending.set(pendingKey(symbol.key, symbol.esi), symbol);
    this.pendingBytes += symbol.bytes;
  }

  /** Forgets a pending symbol and gives it back, or undefined if it was not asked for. */
  takePending(key: string, esi: number): PendingSymbol | undefined {
    const name = pendingKey(key, esi);
    const symbol = this.pending.get(name);
    if (symbol === undefined) return undefined;
    this.pending.delete(name);
    this.pendingBytes -= symbol.bytes;
    return symbol;
  }
}

function pendingKey(key: string, esi: number): string {
  return `${key}/${esi}`;
}

function deleteOldest(collection: Map<string, unknown> | Set<string>): void {
  const [oldest] = collection.keys();
  if (oldest !== undefined) collection.delete(oldest);
}
