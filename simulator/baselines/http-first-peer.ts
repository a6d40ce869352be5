import { after, type InstantMs, instantMs } from "../../core/index.ts";
import type { BaselineBlock } from "./baseline-block.ts";
import type { BaselineNeighbour } from "./baseline-neighbour.ts";
import { PullPeer } from "./pull-peer.ts";

/** Blocks that are downloaded from peers at a time (p2p-media-loader: simultaneousP2PDownloads). */
const PEER_DOWNLOADS_MAX = 3;
/** The last part of a block's time, in which only the origin is asked (highDemandTimeWindow). */
const URGENT_SHARE = 0.5;
/** So often a peer gets a block over HTTP that it could wait for, if chance says so (1 in its peers). */
const EARLY_FETCH_INTERVAL_MS = 1000;

/**
 * Whole blocks from one peer each, or from the origin over HTTP when time is short, as p2p-media-loader does with
 * segments: nothing is announced or passed on before it is complete.
 */
export class HttpFirstPeer extends PullPeer {
  readonly #fetching = new Set<number>();
  #earlyAt: InstantMs = instantMs(0);

  protected override pull(now: InstantMs): void {
    const open = [...this.blocks.values()].filter(
      (block) => this.isWanted(now, block) && !this.#fetching.has(block.number),
    );
    const urgentMs = (1 - URGENT_SHARE) * this.options.deadlineMs;
    for (const block of open) if (now - block.firstAt >= urgentMs) this.#fetch(block);
    this.#fetchEarly(now, open.at(-1));
    let downloads = open.filter((block) => block.asked.size > 0).length;
    for (const block of open) {
      if (downloads >= PEER_DOWNLOADS_MAX) return;
      if (block.asked.size > 0 || this.#fetching.has(block.number)) continue;
      if (this.#download(now, block)) downloads++;
    }
  }

  /** The playlist, which tells everybody of a segment at once, is a flood of manifests here. */
  protected override learned(block: BaselineBlock): void {
    for (const neighbour of this.neighbours.values()) this.sendManifest(neighbour, block);
  }

  protected override obtained(
    now: InstantMs,
    block: BaselineBlock,
    esi: number,
    from?: string,
  ): void {
    super.obtained(now, block, esi, from);
    if (block.isComplete && this.options.uplinkBps > 0) {
      this.announce(this.neighbours.values(), (other) => other.isComplete);
    }
  }

  protected override met(now: InstantMs, neighbour: BaselineNeighbour): void {
    super.met(now, neighbour);
    for (const block of this.blocks.values()) this.sendManifest(neighbour, block);
  }

  /** Asks one neighbour that has the whole block for all that is missing of it. */
  #download(now: InstantMs, block: BaselineBlock): boolean {
    const { number, manifest } = block;
    if (manifest === undefined) return false;
    const holders = [...this.neighbours.values()].filter(
      (neighbour) => neighbour.has(number)?.size === manifest.fec.k && neighbour.asked === 0,
    );
    const holder = this.options.random.pick(holders);
    if (holder === undefined) return false;
    this.ask(
      now,
      holder,
      block,
      holder.has(number)?.without(block.held) ?? [],
      this.options.deadlineMs,
    );
    return true;
  }

  #fetchEarly(now: InstantMs, block: BaselineBlock | undefined): void {
    if (block === undefined || now < this.#earlyAt) return;
    this.#earlyAt = after(now, EARLY_FETCH_INTERVAL_MS);
    if (this.options.random.below(this.neighbours.size + 1) === 0) this.#fetch(block);
  }

  #fetch(block: BaselineBlock): void {
    if (block.manifest === undefined) return;
    this.#fetching.add(block.number);
    this.fetch(block);
  }
}
