import { assert, type Manifest, type Message } from "../../core/index.ts";
import type { Broadcast } from "../broadcast.ts";
import type { Host } from "../host.ts";

/** No honest peer passes on, or plays, a byte that is not the origin's. */
export class VerifiedBytes {
  checked = 0;
  readonly #broadcast: Broadcast;

  constructor(broadcast: Broadcast) {
    this.#broadcast = broadcast;
  }

  sent(host: Host, message: Message): void {
    if (message.type !== "symbol" || host.isAttacker) return;
    this.checked++;
    const { block, esi, bytes } = message;
    assert(this.#broadcast.isSymbol(block, esi, bytes), "only right symbols are passed on");
  }

  played(host: Host, manifest: Manifest, bytes: Uint8Array): void {
    if (host.isAttacker) return;
    this.checked++;
    assert(this.#broadcast.isBlock(manifest.block, bytes), "only right blocks are played");
  }
}
