import { assert } from "../../core/index.ts";

/** What one input may make a peer want; a newcomer's neighbour is told of the whole live window. */
const OUTPUTS_MAX = 20_000;

/** No peer hoards: one input leads to a bounded number of outputs. */
export class MemoryBounds {
  checked = 0;

  outputs(count: number): void {
    this.checked++;
    assert(count <= OUTPUTS_MAX, "one input gives a bounded number of outputs");
  }
}
