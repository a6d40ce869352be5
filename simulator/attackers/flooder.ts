import { after, type BlockId, type InstantMs, instantMs } from "../../core/index.ts";
import type { Input, Output, ProtocolPeer } from "../../mesh/index.ts";
import { WrappedPeer } from "./wrapped-peer.ts";

const FLOOD_EVERY_MS = 50;
const ESIS: readonly number[] = Array.from({ length: 8 }, (_, esi) => esi);

/** Asks every neighbour for the newest block, again and again, beside being a peer like any other. */
export class Flooder extends WrappedPeer {
  readonly #neighbours = new Set<string>();
  #newest: BlockId | undefined;
  #floodAt: InstantMs = instantMs(0);

  constructor(peer: ProtocolPeer) {
    super(peer);
  }

  override pollTimeout(): InstantMs | undefined {
    const own = super.pollTimeout();
    return own !== undefined && own < this.#floodAt ? own : this.#floodAt;
  }

  protected override intercept(now: InstantMs, input: Input): readonly Output[] | undefined {
    if (input.kind === "connected") this.#neighbours.add(input.neighbour);
    if (input.kind === "closed") this.#neighbours.delete(input.neighbour);
    if (input.kind === "message" && input.message.type === "symbol") {
      const { block } = input.message;
      if (block.sequence > (this.#newest?.sequence ?? -1)) this.#newest = block;
    }
    if (input.kind !== "timeout" || now < this.#floodAt) return undefined;
    this.#floodAt = after(now, FLOOD_EVERY_MS);
    const block = this.#newest;
    if (block === undefined) return undefined;
    const message = { type: "request", block, withinMs: 4000, esis: ESIS } as const;
    return [...this.#neighbours].map((neighbour) => ({ kind: "transmit", neighbour, message }));
  }

  protected override change(output: Output): Output | undefined {
    if (output.kind === "disconnect") this.#neighbours.delete(output.neighbour);
    return output;
  }
}
