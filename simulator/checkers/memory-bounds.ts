import { assert } from "../../core/index.ts";
import type { Host } from "../host.ts";

/** What one input may make a peer want; a newcomer's neighbour is told of the whole live window. */
const OUTPUTS_MAX = 20_000;

/** No peer hoards: what it holds is within the bounds that it states, and so is what one input leads to. */
export class MemoryBounds {
  checked = 0;

  /** One input led to so many outputs. */
  outputs(count: number): void {
    this.checked++;
    assert(count <= OUTPUTS_MAX, "one input gives a bounded number of outputs");
  }

  tick(hosts: readonly Host[]): void {
    for (const { isPresent, isAttacker, peer } of hosts) {
      if (!isPresent || isAttacker) continue;
      for (const { what, held, max } of peer.usage?.() ?? []) {
        this.checked++;
        assert(held <= max, `a peer holds at most ${max} ${what}, not ${held}`);
      }
    }
  }
}
