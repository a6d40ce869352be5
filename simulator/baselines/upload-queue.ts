import { after, type InstantMs, type Message } from "../../core/index.ts";
import type { BaselineBlock } from "./baseline-block.ts";
import type { Upload } from "./baseline-peer.ts";

interface Wanted extends Upload {
  readonly until: InstantMs;
}

const QUEUE_MAX = 4096;

/** What is to be sent: first what is pushed, then what neighbours asked for, each in the order of its coming. */
export class UploadQueue {
  readonly #pushed = new Line();
  readonly #asked = new Line();
  /** Symbols that were sent at least once. */
  readonly #sent = new Set<string>();

  /** Takes what a neighbour asks for of a block, as far as the peer has it. */
  ask(
    now: InstantMs,
    neighbour: string,
    { number, held }: BaselineBlock,
    { esis, withinMs }: Extract<Message, { type: "request" }>,
  ): void {
    const until = after(now, withinMs);
    for (const esi of esis) {
      if (held.has(esi)) this.#asked.add({ neighbour, block: number, esi, until });
    }
  }

  /** Sends a symbol without being asked. */
  push(now: InstantMs, upload: Upload, withinMs: number): void {
    this.#pushed.add({ ...upload, until: after(now, withinMs) });
  }

  cancel(neighbour: string, block: number, esis: readonly number[]): void {
    const isCancelled = (wanted: Wanted) =>
      wanted.neighbour === neighbour && wanted.block === block && esis.includes(wanted.esi);
    this.#pushed.remove(isCancelled);
    this.#asked.remove(isCancelled);
  }

  forget({ number, symbols }: BaselineBlock): void {
    for (let esi = 0; esi < symbols.length; esi++) this.#sent.delete(keyOf({ block: number, esi }));
  }

  /**
   * The next one that is still of use. A seed gives a symbol of the same block that it never sent in place of one
   * that it was asked for and has sent ("request overriding", Chainsaw section 3.2), so that every symbol
   * gets out once.
   */
  next(
    now: InstantMs,
    blocks: ReadonlyMap<number, BaselineBlock>,
    isSeed: boolean,
  ): Upload | undefined {
    const pushed = this.#pushed.take(now);
    const upload = pushed ?? this.#asked.take(now);
    if (upload === undefined) return undefined;
    const isOverridden = isSeed && pushed === undefined && this.#sent.has(keyOf(upload));
    const unsent = isOverridden ? this.#unsentOf(blocks.get(upload.block)) : undefined;
    const esi = unsent ?? upload.esi;
    this.#sent.add(keyOf({ ...upload, esi }));
    return { ...upload, esi };
  }

  #unsentOf(block: BaselineBlock | undefined): number | undefined {
    const esis = block?.held.without() ?? [];
    return esis.find((esi) => !this.#sent.has(keyOf({ block: block?.number ?? 0, esi })));
  }
}

/** First come, first served; what has waited for too long is passed over. */
class Line {
  #queue: Wanted[] = [];
  #next = 0;

  add(wanted: Wanted): void {
    if (this.#queue.length - this.#next < QUEUE_MAX) this.#queue.push(wanted);
  }

  take(now: InstantMs): Wanted | undefined {
    while (this.#next < this.#queue.length) {
      const wanted = this.#queue[this.#next++];
      if (wanted === undefined || wanted.until <= now) continue;
      if (this.#next >= QUEUE_MAX) this.remove(() => false);
      return wanted;
    }
    this.#queue = [];
    this.#next = 0;
    return undefined;
  }

  remove(isRemoved: (wanted: Wanted) => boolean): void {
    this.#queue = this.#queue.slice(this.#next).filter((wanted) => !isRemoved(wanted));
    this.#next = 0;
  }
}

function keyOf({ block, esi }: Pick<Upload, "block" | "esi">): string {
  return `${block}:${esi}`;
}
