import { assert, type BlockId } from "../../core/index.ts";
import type { Host } from "../host.ts";
import { RECORD_BLOCKS_MAX } from "../viewer-record.ts";

/**
 * A peer says once what became of a block: it gives it, or gives it up. No block is both late and in
 * time, and none is counted twice.
 */
export class Punctuality {
  checked = 0;
  /** By viewer: the last blocks that it spoke of, by number modulo the window. */
  readonly #ended = new Map<Host, Int32Array>();

  left(host: Host): void {
    this.#ended.delete(host);
  }

  ended(host: Host, { sequence }: BlockId): void {
    this.checked++;
    let ended = this.#ended.get(host);
    if (ended === undefined) {
      ended = new Int32Array(RECORD_BLOCKS_MAX).fill(-1);
      this.#ended.set(host, ended);
    }
    const slot = sequence % RECORD_BLOCKS_MAX;
    assert(ended[slot] !== sequence, "a block is completed or given up, once");
    if (sequence > (ended[slot] as number)) ended[slot] = sequence;
  }
}
