import type { InstantMs } from "../../core/index.ts";
import type { BaselineBlock } from "./baseline-block.ts";
import type { BaselineNeighbour } from "./baseline-neighbour.ts";
import { PullPeer } from "./pull-peer.ts";

/** Sub-streams: the ESIs of each residue. */
const SUBSTREAMS = 4;
/** Blocks that are subscribed to before they exist. */
const AHEAD = 2;
/** ESIs of a block that does not exist yet: those beyond its end are never sent. */
const ESIS_AHEAD = 128;
/** What a parent has not pushed this long after the block became known is pulled. */
const PUSH_GRACE_MS = 500;
const SUBSCRIPTION_MS = 3000;
/** The share of the uplink that subscriptions may take; the rest is for what is pulled. */
const PUSH_SHARE = 0.7;

/**
 * Push-pull: each sub-stream is subscribed to at one parent, which pushes its symbols as they come; what is
 * missing is pulled, and a parent that failed is replaced (GridMedia, MMSP 2005; Zhang et al., JSAC 2007). A
 * subscription is a request for the symbols of a block before there are any.
 */
export class PushPullPeer extends PullPeer {
  readonly #parents: (string | undefined)[] = new Array<string | undefined>(SUBSTREAMS).fill(
    undefined,
  );
  #subscribedTo = -1;
  #judgedUpTo = -1;

  protected override tick(now: InstantMs): void {
    super.tick(now);
    if (!this.isSeed) this.#subscribe();
  }

  /** Symbols that are on their way by subscription are left alone for a while. */
  protected override isWanted(now: InstantMs, block: BaselineBlock): boolean {
    if (!super.isWanted(now, block)) return false;
    if (now - block.firstAt <= PUSH_GRACE_MS) return block.id.sequence > this.#subscribedTo;
    if (block.number > this.#judgedUpTo) this.#judge(block);
    return true;
  }

  /** As many children in a sub-stream as the uplink carries. */
  protected override earlyMax(): number {
    const manifest = [...this.blocks.values()].findLast((block) => block.manifest)?.manifest;
    if (manifest === undefined) return 1;
    const rateBps = (manifest.byteLength * 8000) / manifest.durationMs;
    return Math.max(1, Math.floor((PUSH_SHARE * this.options.uplinkBps) / rateBps));
  }

  protected override lost(neighbour: BaselineNeighbour): void {
    super.lost(neighbour);
    this.#replace(neighbour.id);
  }

  /** Subscribes to the blocks after the newest one that any neighbour has. */
  #subscribe(): void {
    const newest = [...this.blocks.values()].reduce<BaselineBlock | undefined>(
      (best, block) => (best === undefined || block.number > best.number ? block : best),
      undefined,
    );
    if (newest === undefined) return;
    const { sequence } = newest.id;
    const from = Math.max(sequence, this.#subscribedTo) + 1;
    for (let next = from; next <= sequence + AHEAD; next++) {
      this.#subscribedTo = next;
      this.#parents.forEach((parent, substream) => {
        const neighbour = this.neighbours.get(parent ?? this.#parentFor(newest, substream) ?? "");
        if (neighbour === undefined) return;
        this.#parents[substream] = neighbour.id;
        const block = { ...newest.id, sequence: next };
        const esis = residue(substream);
        this.send(neighbour, { type: "request", block, withinMs: SUBSCRIPTION_MS, esis });
      });
    }
  }

  /** A random neighbour that has a symbol of the sub-stream already, in that block. */
  #parentFor({ number }: BaselineBlock, substream: number): string | undefined {
    const candidates = [...this.neighbours.values()].filter((neighbour) =>
      neighbour
        .has(number)
        ?.without()
        .some((esi) => esi % SUBSTREAMS === substream),
    );
    return this.options.random.pick(candidates)?.id;
  }

  /** Sub-streams with holes, long after a block came out, get a parent that had its symbols by then. */
  #judge(block: BaselineBlock): void {
    this.#judgedUpTo = block.number;
    const { k } = block.manifest?.fec ?? { k: SUBSTREAMS };
    for (let esi = 0; esi < k; esi++) {
      if (block.held.has(esi)) continue;
      this.#parents[esi % SUBSTREAMS] = this.#parentFor(block, esi % SUBSTREAMS);
    }
  }

  #replace(id: string): void {
    this.#parents.forEach((parent, substream) => {
      if (parent === id) this.#parents[substream] = undefined;
    });
  }
}

function residue(substream: number): readonly number[] {
  return Array.from({ length: ESIS_AHEAD / SUBSTREAMS }, (_, row) => row * SUBSTREAMS + substream);
}
