import type { InstantMs } from "../core/index.ts";
import {
  INIT_BLOCKS_MAX,
  MEDIA_BLOCKS_MAX,
  NEIGHBOURS_MAX,
  REQUESTED_BYTES_MAX,
  UPLOAD_QUEUE_MAX,
} from "./limits.ts";
import type { Usage } from "./mesh-io.ts";
import { MeshPeer } from "./mesh-peer.ts";
import { type MeshOptions, MeshState } from "./mesh-state.ts";

/** A MeshPeer that lets simulations and tests look inside, which no viewer has to carry. */
export class WatchedMeshPeer extends MeshPeer {
  readonly #state: MeshState;

  constructor(options: MeshOptions) {
    const state = new MeshState(options);
    super(options, state);
    this.#state = state;
  }

  standing(now: InstantMs, neighbour: string): number | undefined {
    return this.#state.neighbours.get(neighbour)?.score.value(now);
  }

  usage(): readonly Usage[] {
    const { cache, neighbours, options } = this.#state;
    let longestQueue = 0;
    let pulledBytes = 0;
    for (const neighbour of neighbours.values()) {
      longestQueue = Math.max(longestQueue, neighbour.queue.length);
      pulledBytes = Math.max(pulledBytes, neighbour.pulledBytes);
    }
    return [
      { what: "neighbours", held: neighbours.size, max: NEIGHBOURS_MAX },
      { what: "blocks", held: cache.blockCount, max: MEDIA_BLOCKS_MAX + INIT_BLOCKS_MAX },
      { what: "bytes of blocks", held: cache.byteLength, max: options.limits.cacheBytesMax },
      { what: "uploads to a neighbour", held: longestQueue, max: UPLOAD_QUEUE_MAX },
      { what: "bytes asked of a neighbour", held: pulledBytes, max: REQUESTED_BYTES_MAX },
    ];
  }
}
