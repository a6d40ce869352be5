import { after, type InstantMs, type Message } from "../../core/index.ts";
import { type BaselineBlock, blockNumber } from "./baseline-block.ts";
import type { Upload } from "./baseline-peer.ts";
import type { EsiSet } from "./esi-set.ts";

interface Wanted extends Upload {
  readonly until: InstantMs;
}

const QUEUE_MAX = 4096;

/** Symbols that neighbours asked for, in the order of their coming. */
export class UploadQueue {
  #queue: Wanted[] = [];
  #next = 0;
  /** Asked for before the peer had them, by block and ESI. */
  readonly #early = new Map<string, Wanted[]>();
  /** Symbols that were sent at least once. */
  readonly #sent = new Set<string>();

  /** Takes what a neighbour asks for; what the peer does not have yet waits for it. */
  ask(
    now: InstantMs,
    neighbour: string,
    { block, esis, withinMs }: Extract<Message, { type: "request" }>,
    held: EsiSet | undefined,
    earlyMax: number,
  ): void {
    const number = blockNumber(block);
    for (const esi of esis) {
      const wanted = { neighbour, block: number, esi, until: after(now, withinMs) };
      if (held?.has(esi)) {
        this.#push(wanted);
        continue;
      }
      const key = keyOf(wanted);
      const waiting = this.#early.get(key) ?? [];
      this.#early.set(key, waiting);
      if (waiting.length < earlyMax) waiting.push(wanted);
    }
  }

  /** Sends a symbol without being asked. */
  push(now: InstantMs, upload: Upload, withinMs: number): void {
    this.#push({ ...upload, until: after(now, withinMs) });
  }

  /** A symbol came: those who asked for it early get it. */
  obtained(block: number, esi: number): void {
    const key = keyOf({ block, esi });
    for (const wanted of this.#early.get(key) ?? []) this.#push(wanted);
    this.#early.delete(key);
  }

  cancel(neighbour: string, block: number, esis: readonly number[]): void {
    this.#queue = this.#queue.filter(
      (wanted, index) =>
        index >= this.#next &&
        !(wanted.neighbour === neighbour && wanted.block === block && esis.includes(wanted.esi)),
    );
    this.#next = 0;
  }

  forget({ number, symbols }: BaselineBlock): void {
    for (const key of this.#early.keys()) {
      if (key.startsWith(`${number}:`)) this.#early.delete(key);
    }
    for (let esi = 0; esi < symbols.length; esi++) this.#sent.delete(keyOf({ block: number, esi }));
  }

  /**
   * The next one that is still of use. A seed gives a symbol of the same block that it never sent in place of one
   * that it sent ("request overriding", Chainsaw section 3.2), so that every symbol gets out once.
   */
  next(
    now: InstantMs,
    blocks: ReadonlyMap<number, BaselineBlock>,
    isSeed: boolean,
  ): Upload | undefined {
    while (this.#next < this.#queue.length) {
      const wanted = this.#queue[this.#next++];
      if (wanted === undefined || wanted.until <= now) continue;
      this.#compact();
      const esi = isSeed ? this.#unsent(wanted, blocks.get(wanted.block)) : wanted.esi;
      this.#sent.add(keyOf({ block: wanted.block, esi }));
      return { ...wanted, esi };
    }
    this.#compact();
    return undefined;
  }

  #unsent(wanted: Wanted, block: BaselineBlock | undefined): number {
    if (block === undefined || !this.#sent.has(keyOf(wanted))) return wanted.esi;
    const esis = block.held.without();
    return esis.find((esi) => !this.#sent.has(keyOf({ ...wanted, esi }))) ?? wanted.esi;
  }

  #push(wanted: Wanted): void {
    if (this.#queue.length - this.#next < QUEUE_MAX) this.#queue.push(wanted);
  }

  #compact(): void {
    if (this.#next < 64 || this.#next * 2 < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#next);
    this.#next = 0;
  }
}

function keyOf({ block, esi }: Pick<Upload, "block" | "esi">): string {
  return `${block}:${esi}`;
}
