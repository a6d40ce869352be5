import {
  after,
  assert,
  type BlockId,
  classOf,
  INIT_PART,
  type InstantMs,
  instantMs,
  type Manifest,
} from "../core/index.ts";
import type { SymbolDecoder } from "./block-port.ts";
import { FORGIVE_EVERY_MS } from "./limits.ts";
import type { Neighbour } from "./neighbour.ts";
import type { TransferMeter } from "./transfer-meter.ts";

/** A manifest that was verified, with its leaves. */
export interface AnnouncedBlock {
  readonly manifest: Manifest;
  readonly jws: string;
  readonly leaves: readonly Uint8Array[];
}

/** Where the symbols of a block come from when a neighbour asks for one. */
interface SymbolSource {
  has(esi: number): boolean;
  symbol(esi: number): Uint8Array | undefined;
}

/** What a peer has of one block, and knows of who has it. */
export class Block {
  readonly id: BlockId;
  readonly manifest: Manifest;
  readonly jws: string;
  readonly leaves: readonly Uint8Array[];
  readonly k: number;
  readonly n: number;
  /** When the origin released it, by this peer's clock. */
  readonly releasedAt: InstantMs;
  /** After this a viewer has no more use for it. An init segment is of use as long as it is needed. */
  readonly deadline: InstantMs;
  /** Collects symbols; undefined once the block is complete or given up. */
  decoder: SymbolDecoder | undefined;
  /** How fast its symbols come, from the first one until it is complete. */
  transfer: TransferMeter | undefined;
  /** ESIs that were asked for, each with the number of requests that are open. */
  readonly asked: Uint8Array;
  /** Whether a symbol was found to be late. */
  readonly overdue: Uint8Array;
  /** Whether a symbol was asked for in vain. */
  readonly lapsed: Uint8Array;
  /** Until then, or until parents change, there is nothing to ask for. */
  lookAt: InstantMs = instantMs(0);
  lookedAtChanges = 0;
  /** Whether the origin was asked over HTTP. */
  isFetching = false;
  readonly #symbols: SymbolSource;
  // What is told of few blocks has no room in the others: there are many of them.
  /** Neighbours that have all of it. */
  #complete: Set<Neighbour> | undefined;
  /** Symbols that neighbours have of it, by ESI. */
  #holders: Map<Neighbour, Uint8Array> | undefined;
  #declined: Set<Neighbour> | undefined;
  #forgiveAt: InstantMs = instantMs(0);
  /** Symbols that neighbours were asked for and lack. */
  #lacked: Map<Neighbour, Set<number>> | undefined;

  constructor(
    { manifest, jws, leaves }: AnnouncedBlock,
    times: { readonly releasedAt: InstantMs; readonly deadline: InstantMs },
    symbols: SymbolDecoder | readonly Uint8Array[],
  ) {
    this.id = manifest.block;
    this.manifest = manifest;
    this.jws = jws;
    this.leaves = leaves;
    this.k = manifest.fec.k;
    this.n = manifest.fec.n;
    this.releasedAt = times.releasedAt;
    this.deadline = times.deadline;
    this.asked = new Uint8Array(this.n);
    this.overdue = new Uint8Array(this.n);
    this.lapsed = new Uint8Array(this.n);
    if ("needed" in symbols) {
      this.decoder = symbols;
      this.#symbols = symbols;
    } else {
      this.#symbols = { has: (esi) => esi < symbols.length, symbol: (esi) => symbols[esi] };
    }
  }

  /** What it costs in memory, in bytes. */
  get weight(): number {
    return this.n * this.manifest.fec.symbolBytes;
  }

  get isInit(): boolean {
    return this.id.part === INIT_PART;
  }

  /** Whether this peer still collects it. */
  get isWanted(): boolean {
    return this.decoder !== undefined;
  }

  /** Whether a symbol of it is asked for. */
  get isAsked(): boolean {
    return this.asked.some((open) => open > 0);
  }

  has(esi: number): boolean {
    return this.#symbols.has(esi);
  }

  symbol(esi: number): Uint8Array | undefined {
    return this.#symbols.symbol(esi);
  }

  /** The class by which a symbol is pushed, or -1: repair symbols are not. */
  classOf(esi: number): number {
    return esi < this.k ? classOf(this.id, esi) : -1;
  }

  /** Notes that a neighbour has these symbols. */
  heldBy(neighbour: Neighbour, esis: readonly number[]): void {
    if (esis.length >= this.k) {
      this.#complete ??= new Set();
      this.#complete.add(neighbour);
      this.#holders?.delete(neighbour);
      this.#lacked?.delete(neighbour);
      return;
    }
    this.#holders ??= new Map();
    let held = this.#holders.get(neighbour);
    if (held === undefined) {
      held = new Uint8Array(this.n);
      this.#holders.set(neighbour, held);
    }
    const lacked = this.#lacked?.get(neighbour);
    for (const esi of esis) {
      if (esi < this.n) held[esi] = 1;
      lacked?.delete(esi);
    }
  }

  /** Whether a neighbour has told of the block. */
  isKnownTo(neighbour: Neighbour): boolean {
    return this.isCompleteAt(neighbour) || this.#holders?.has(neighbour) === true;
  }

  /** Whether a neighbour has told that it has all of it. */
  isCompleteAt(neighbour: Neighbour): boolean {
    return this.#complete?.has(neighbour) === true;
  }

  /** Whether a neighbour is known to have a symbol: who has K symbols can make any. */
  isHeldBy(neighbour: Neighbour, esi: number): boolean {
    return this.isCompleteAt(neighbour) || this.#holders?.get(neighbour)?.[esi] === 1;
  }

  /** A neighbour that has the block would not send: it is passed over until `forgive`. */
  declinedBy(neighbour: Neighbour): void {
    this.#declined ??= new Set();
    this.#declined.add(neighbour);
  }

  /** A neighbour lacks these symbols: it is not asked for them until `forgive`. */
  lackedBy(neighbour: Neighbour, esis: readonly number[]): void {
    this.#lacked ??= new Map();
    const lacked = this.#lacked.get(neighbour);
    if (lacked === undefined) this.#lacked.set(neighbour, new Set(esis));
    else for (const esi of esis) lacked.add(esi);
  }

  isLackedBy(neighbour: Neighbour, esi: number): boolean {
    return this.#lacked?.get(neighbour)?.has(esi) === true;
  }

  hasDeclined(neighbour: Neighbour): boolean {
    return this.#declined?.has(neighbour) === true;
  }

  /**
   * Lets all neighbours be asked again, unless they were let a short while ago; looks again when they may be. The
   * longer a block is out, the less has changed since.
   */
  forgive(now: InstantMs): void {
    if (now >= this.#forgiveAt) {
      this.#forgiveAt = after(now, Math.max(FORGIVE_EVERY_MS, (now - this.releasedAt) / 4));
      this.#declined = undefined;
      this.#lacked = undefined;
    }
    const askAt =
      this.#lacked === undefined && this.#declined === undefined ? now : this.#forgiveAt;
    if (askAt < this.lookAt) this.lookAt = askAt;
  }

  /** Forgets what a neighbour that is gone has. */
  forget(neighbour: Neighbour): void {
    this.#complete?.delete(neighbour);
    this.#holders?.delete(neighbour);
    this.#declined?.delete(neighbour);
    this.#lacked?.delete(neighbour);
  }

  /** The ESIs that this peer has. */
  held(): number[] {
    const esis: number[] = [];
    for (let esi = 0; esi < this.n; esi++) if (this.has(esi)) esis.push(esi);
    return esis;
  }

  /** Notes a request for a symbol that is answered, refused or lapsed. */
  settle(esi: number): void {
    const open = this.asked[esi];
    assert(open !== undefined && open > 0, "a request is settled once");
    this.asked[esi] = open - 1;
    this.lookAt = instantMs(0);
  }
}
