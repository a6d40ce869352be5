import type { BlockId, InstantMs, Manifest, Message } from "../../core/index.ts";
import type { SymbolDecoder } from "../../mesh/index.ts";
import { EsiSet } from "./esi-set.ts";

/** Symbols that came before their manifest wait for it, up to this many a block. */
const EARLY_SYMBOLS_MAX = 64;

/** A block's id as one number. */
export function blockNumber({ sequence, part }: BlockId): number {
  return sequence * 65_536 + part;
}

/** What a baseline peer knows and has of one block. */
export class BaselineBlock {
  readonly id: BlockId;
  readonly number: number;
  /** When the peer first heard of it. */
  readonly firstAt: InstantMs;
  readonly held: EsiSet = new EsiSet();
  /** Symbols that were asked for and have not come. */
  readonly asked: EsiSet = new EsiSet();
  /** Symbols that the neighbours were told of. */
  readonly told: EsiSet = new EsiSet();
  readonly symbols: (Uint8Array | undefined)[] = [];
  readonly early: { readonly from: string; readonly esi: number; readonly bytes: Uint8Array }[] =
    [];
  /** The message that brought the manifest, as it goes on to others. */
  announcement: Extract<Message, { type: "manifest" }> | undefined;
  manifest: Manifest | undefined;
  decoder: SymbolDecoder | undefined;
  isComplete = false;
  isMissing = false;

  constructor(id: BlockId, now: InstantMs) {
    this.id = id;
    this.number = blockNumber(id);
    this.firstAt = now;
  }

  hold(esi: number, bytes: Uint8Array): void {
    this.symbols[esi] = bytes;
    this.held.add(esi);
  }

  keepEarly(from: string, esi: number, bytes: Uint8Array): void {
    if (this.early.length < EARLY_SYMBOLS_MAX) this.early.push({ from, esi, bytes });
  }
}
