import type { InstantMs, Message } from "../../core/index.ts";
import type { BaselineBlock } from "./baseline-block.ts";
import type { BaselineNeighbour } from "./baseline-neighbour.ts";
import { PullPeer } from "./pull-peer.ts";

/** Sub-streams: the ESIs of each residue. */
const SUBSTREAMS = 4;
/** What a parent has not pushed this long after the block became known is pulled. */
const PUSH_GRACE_MS = 1000;
const PUSH_WITHIN_MS = 1000;
/** The share of the uplink that children may take; the rest is for what is pulled. */
const PUSH_SHARE = 0.8;
/** A parent that refused or failed is not asked again before that many ticks. */
const REFUSAL_TICKS = 30;
/** Hops from the source; from this on a peer is cut off from it, and serves nobody. */
const HOPS_MAX = 12;

/**
 * Push-pull: each sub-stream is subscribed to at one parent, which pushes its symbols as they come; what is
 * missing is pulled, and a parent that failed is replaced (GridMedia, MMSP 2005; Zhang et al., JSAC 2007).
 * A parent tells its hops from the source ("spare" of a serve message), so that circles of parents dissolve.
 */
export class PushPullPeer extends PullPeer {
  readonly #parents: (string | undefined)[] = Array.from({ length: SUBSTREAMS }, () => undefined);
  /** When each parent said that it serves. */
  readonly #servedSince: number[] = Array.from(
    { length: SUBSTREAMS },
    () => Number.POSITIVE_INFINITY,
  );
  readonly #hops: number[] = Array.from({ length: SUBSTREAMS }, () => HOPS_MAX);
  /** Which sub-streams each child gets, as bits. */
  readonly #children = new Map<string, number>();
  readonly #refusals = new Set<string>();
  #judgedUpTo = -1;
  #ticks = 0;

  protected override tick(now: InstantMs): void {
    super.tick(now);
    if (this.#ticks++ % REFUSAL_TICKS === 0) this.#refusals.clear();
    if (this.isSeed) return;
    for (const block of this.blocks.values()) {
      const isDue = block.number > this.#judgedUpTo && now - block.firstAt > PUSH_GRACE_MS;
      if (isDue) this.#judge(block);
    }
    for (let substream = 0; substream < SUBSTREAMS; substream++) {
      if (this.#parents[substream] === undefined) this.#seekParent(substream);
    }
  }

  protected override isAwaited(now: InstantMs, block: BaselineBlock, esi: number): boolean {
    const isServed = (this.#servedSince[esi % SUBSTREAMS] ?? 0) < block.firstAt;
    return isServed && now - block.firstAt <= PUSH_GRACE_MS;
  }

  protected override heard(now: InstantMs, from: BaselineNeighbour, message: Message): void {
    if (message.type === "subscribe") {
      this.#children.set(from.id, this.#granted(from.id, message.classes));
      for (const substream of substreamsIn(message.classes)) this.#tell(from, substream);
    } else if (message.type === "serve") {
      for (const substream of substreamsIn(message.classes)) {
        if (this.#parents[substream] !== from.id) continue;
        if (message.spare < HOPS_MAX) this.#serves(now, substream, message.spare);
        else this.#dismiss(substream);
      }
    }
  }

  #serves(now: InstantMs, substream: number, hops: number): void {
    this.#servedSince[substream] = Math.min(now, this.#servedSince[substream] ?? now);
    this.#setHops(substream, hops + 1);
  }

  /** Tells a child how far from the source this peer is in a sub-stream that it gets, or that it gets it not. */
  #tell(child: BaselineNeighbour, substream: number): void {
    const classes = 1 << substream;
    const isGranted = ((this.#children.get(child.id) ?? 0) & classes) !== 0;
    const spare = isGranted ? this.#hopsOf(substream) : HOPS_MAX;
    this.send(child, { type: "serve", rendition: 0, classes, spare });
  }

  #hopsOf(substream: number): number {
    return this.isSeed ? 0 : (this.#hops[substream] ?? HOPS_MAX);
  }

  #setHops(substream: number, hops: number): void {
    if (this.#hops[substream] === hops) return;
    this.#hops[substream] = hops;
    for (const [id, classes] of this.#children) {
      const child = this.neighbours.get(id);
      if (child === undefined || (classes & (1 << substream)) === 0) continue;
      this.#tell(child, substream);
      if (hops >= HOPS_MAX) this.#children.set(id, classes & ~(1 << substream));
    }
  }

  protected override obtained(
    now: InstantMs,
    block: BaselineBlock,
    esi: number,
    from?: string,
  ): void {
    super.obtained(now, block, esi, from);
    for (const [child, classes] of this.#children) {
      if ((classes & (1 << (esi % SUBSTREAMS))) === 0) continue;
      if (this.neighbours.get(child)?.has(block.number)?.has(esi)) continue;
      this.uploads.push(now, { neighbour: child, block: block.number, esi }, PUSH_WITHIN_MS);
    }
  }

  protected override lost(neighbour: BaselineNeighbour): void {
    super.lost(neighbour);
    this.#children.delete(neighbour.id);
    for (const substream of this.#substreamsOf(neighbour.id)) this.#dismiss(substream);
  }

  /** As many of the wanted sub-streams as the uplink carries beside those of the other children. */
  #granted(child: string, wanted: number): number {
    this.#children.delete(child);
    let free = this.#freeSlots();
    let granted = 0;
    for (const substream of substreamsIn(wanted)) {
      if (free-- <= 0) break;
      if (this.#hopsOf(substream) < HOPS_MAX) granted |= 1 << substream;
    }
    return granted;
  }

  #freeSlots(): number {
    const manifest = [...this.blocks.values()].findLast((block) => block.manifest)?.manifest;
    if (manifest === undefined) return 0;
    const substreamBps = (manifest.byteLength * 8000) / manifest.durationMs / SUBSTREAMS;
    const slots = Math.floor((PUSH_SHARE * this.options.uplinkBps) / substreamBps);
    let taken = 0;
    for (const classes of this.#children.values()) taken += substreamsIn(classes).length;
    return Math.max(0, slots - taken);
  }

  /** Subscribes at a random neighbour of those that have the latest symbols of the sub-stream. */
  #seekParent(substream: number): void {
    const isCandidate = ({ number }: BaselineBlock, neighbour: BaselineNeighbour) =>
      !this.#refusals.has(`${substream} ${neighbour.id}`) &&
      neighbour
        .has(number)
        ?.without()
        .some((esi) => esi % SUBSTREAMS === substream);
    const latestFirst = [...this.blocks.values()].sort((a, b) => b.number - a.number);
    for (const block of latestFirst) {
      const candidates = [...this.neighbours.values()].filter((one) => isCandidate(block, one));
      const parent = this.options.random.pick(candidates);
      if (parent === undefined) continue;
      this.#parents[substream] = parent.id;
      this.#subscribe(parent);
      return;
    }
  }

  #subscribe(parent: BaselineNeighbour): void {
    const classes = this.#substreamsOf(parent.id).reduce((bits, one) => bits | (1 << one), 0);
    this.send(parent, { type: "subscribe", rendition: 0, classes });
  }

  /** Sub-streams with holes, long after a block came out, lose the parents that served by then. */
  #judge(block: BaselineBlock): void {
    this.#judgedUpTo = block.number;
    const failed = new Set<number>();
    for (let esi = 0; esi < (block.manifest?.fec.k ?? 0); esi++) {
      const substream = esi % SUBSTREAMS;
      const hasServed = (this.#servedSince[substream] ?? 0) < block.firstAt;
      if (hasServed && !block.held.has(esi)) failed.add(substream);
    }
    for (const substream of failed) {
      const parent = this.neighbours.get(this.#parents[substream] ?? "");
      this.#dismiss(substream);
      if (parent !== undefined) this.#subscribe(parent);
    }
  }

  #dismiss(substream: number): void {
    this.#refusals.add(`${substream} ${this.#parents[substream]}`);
    this.#parents[substream] = undefined;
    this.#servedSince[substream] = Number.POSITIVE_INFINITY;
    this.#setHops(substream, HOPS_MAX);
  }

  #substreamsOf(parent: string): readonly number[] {
    return [...this.#parents.keys()].filter((substream) => this.#parents[substream] === parent);
  }
}

function substreamsIn(classes: number): readonly number[] {
  return Array.from({ length: SUBSTREAMS }, (_, substream) => substream).filter(
    (substream) => (classes & (1 << substream)) !== 0,
  );
}
