import type { InstantMs } from "../../core/index.ts";
import type { BaselineNeighbour } from "./baseline-neighbour.ts";
import { type BaselineOptions, BaselinePeer, type Upload } from "./baseline-peer.ts";

const TICK_MS = 100;
const DEGREE = 16;

/**
 * Random push: whenever there is room, to a random neighbour the latest symbol that it is not known to have (latest
 * useful chunk, random peer: Bonald et al., SIGMETRICS 2008). What peers have they tell each other ten times a second.
 */
export class PushPeer extends BaselinePeer {
  constructor(options: BaselineOptions) {
    super(options, TICK_MS, DEGREE);
  }

  protected override tick(): void {
    this.announce(this.neighbours.values(), () => true);
  }

  protected override met(_now: InstantMs, neighbour: BaselineNeighbour): void {
    this.introduceBlocks(neighbour);
  }

  protected override nextUpload(): Upload | undefined {
    const { random } = this.options;
    const latestFirst = [...this.blocks.values()].reverse();
    for (const neighbour of random.shuffle([...this.neighbours.values()])) {
      for (const block of latestFirst) {
        const esi = block.held.pickWithout(neighbour.has(block.number), random);
        if (esi !== undefined) return { neighbour: neighbour.id, block: block.number, esi };
      }
    }
    return undefined;
  }
}
