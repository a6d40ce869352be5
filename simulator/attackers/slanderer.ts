import type { InstantMs } from "../../core/index.ts";
import { EVIDENCE_MAX, evidenceMessage } from "../../core/index.ts";
import type { Input, Output, ProtocolPeer } from "../../mesh/index.ts";
import type { PeerSetup } from "../protocol.ts";
import { WrappedPeer } from "./wrapped-peer.ts";

/** How many symbols it says that each of its neighbours failed to give: the most that a record holds. */
const SLANDERED_SYMBOLS = 0xff_ff;

/** Gives what it should, so that it is believed, and says of all neighbours but its accomplices that they give nothing. */
export class Slanderer extends WrappedPeer {
  readonly #setup: PeerSetup;
  readonly #accomplices: ReadonlySet<string>;
  readonly #neighbours = new Set<string>();

  constructor(peer: ProtocolPeer, setup: PeerSetup, accomplices: ReadonlySet<string>) {
    super(peer);
    this.#setup = setup;
    this.#accomplices = accomplices;
  }

  protected override intercept(_now: InstantMs, input: Input): undefined {
    if (input.kind === "connected") this.#neighbours.add(input.neighbour);
    if (input.kind === "closed") this.#neighbours.delete(input.neighbour);
  }

  protected override change(output: Output): Output | undefined {
    if (output.kind === "disconnect") this.#neighbours.delete(output.neighbour);
    if (output.kind !== "transmit" || output.message.type !== "evidence") return output;
    const { crypto, peer } = this.#setup.options;
    const { issuedAtS } = output.message;
    const records = [...this.#neighbours]
      .filter((subject) => subject !== output.neighbour && !this.#accomplices.has(subject))
      .slice(-EVIDENCE_MAX)
      .map((subject) => ({ subject, deliveredKib: 0, failed: SLANDERED_SYMBOLS }));
    const signature = crypto.sign(evidenceMessage(issuedAtS, records), peer.secretKey);
    return { ...output, message: { ...output.message, records, signature } };
  }
}
