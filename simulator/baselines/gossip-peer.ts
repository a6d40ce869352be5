import { after, type InstantMs } from "../../core/index.ts";
import type { BaselineBlock } from "./baseline-block.ts";
import type { BaselineNeighbour } from "./baseline-neighbour.ts";
import type { BaselineOptions } from "./baseline-peer.ts";
import { PullPeer } from "./pull-peer.ts";

/** GossipSub v1.1's D, D_lazy and heartbeat, and the number of its connections. */
const MESH_DEGREE = 8;
const LAZY_DEGREE = 6;
const HEARTBEAT_MS = 1000;
const CONNECTIONS = 20;
/** A queue of pushes is no longer than this: what waits longer is dropped, as full queues do. */
const PUSH_WITHIN_MS = 500;

/**
 * GossipSub-like: each symbol goes at once to the D neighbours of the mesh, which say at once what they need no more
 * (v1.2 IDONTWANT, here a cancel); each heartbeat some others are told what there is (IHAVE) and ask for what
 * they lack (IWANT). Kinder than the original: what a neighbour needs no more can be asked of it, too.
 */
export class GossipPeer extends PullPeer {
  readonly #mesh = new Set<string>();
  #heartbeatAt: InstantMs | undefined;

  constructor(options: BaselineOptions) {
    super(options, CONNECTIONS);
  }

  protected override tick(now: InstantMs): void {
    this.lapse(now);
    if (!this.isSeed) this.pull(now);
    this.#heartbeatAt ??= after(now, this.options.random.below(HEARTBEAT_MS));
    if (now < this.#heartbeatAt) return;
    this.#heartbeatAt = after(now, HEARTBEAT_MS);
    this.#graft();
    if (this.options.uplinkBps > 0) this.#gossip();
  }

  protected override obtained(
    now: InstantMs,
    block: BaselineBlock,
    esi: number,
    from?: string,
  ): void {
    super.obtained(now, block, esi, from);
    if (this.options.uplinkBps === 0) return;
    if (this.#mesh.size === 0) this.#graft();
    for (const id of this.#mesh) {
      const neighbour = this.neighbours.get(id);
      if (neighbour === undefined || id === from || neighbour.has(block.number)?.has(esi)) continue;
      if (from !== undefined)
        this.send(neighbour, { type: "cancel", block: block.id, esis: [esi] });
      this.uploads.push(now, { neighbour: id, block: block.number, esi }, PUSH_WITHIN_MS);
    }
  }

  protected override met(): void {}

  protected override lost(neighbour: BaselineNeighbour): void {
    super.lost(neighbour);
    this.#mesh.delete(neighbour.id);
  }

  #graft(): void {
    const others = [...this.neighbours.keys()].filter((id) => !this.#mesh.has(id));
    for (const id of this.options.random.shuffle(others)) {
      if (this.#mesh.size >= MESH_DEGREE) return;
      this.#mesh.add(id);
    }
  }

  #gossip(): void {
    const others = [...this.neighbours.values()].filter(({ id }) => !this.#mesh.has(id));
    const chosen = this.options.random.shuffle(others).slice(0, LAZY_DEGREE);
    for (const block of this.blocks.values()) {
      const esis = block.held.without();
      if (esis.length === 0) continue;
      for (const neighbour of chosen) this.send(neighbour, { type: "have", block: block.id, esis });
    }
  }
}
