import { EVIDENCE_MAX, evidenceMessage } from "../../core/index.ts";
import type { Output, ProtocolPeer } from "../../mesh/index.ts";
import type { PeerSetup } from "../protocol.ts";
import { Omitter } from "./omitter.ts";

/** What it says that each of its accomplices gave. */
const PRAISED_KIB = 50_000;

/** Serves its accomplices only, praises them to everybody, and otherwise omits. */
export class Colluder extends Omitter {
  readonly #setup: PeerSetup;
  readonly #accomplices: ReadonlySet<string>;

  constructor(peer: ProtocolPeer, setup: PeerSetup, accomplices: ReadonlySet<string>) {
    super(peer);
    this.#setup = setup;
    this.#accomplices = accomplices;
  }

  protected override change(output: Output): Output | undefined {
    if (output.kind === "transmit" && output.message.type === "evidence") {
      const { crypto, peer } = this.#setup.options;
      const { issuedAtS } = output.message;
      const records = [...this.#accomplices]
        .slice(0, EVIDENCE_MAX)
        .map((subject) => ({ subject, deliveredKib: PRAISED_KIB, failed: 0 }));
      const signature = crypto.sign(evidenceMessage(issuedAtS, records), peer.secretKey);
      return { ...output, message: { ...output.message, records, signature } };
    }
    return super.change(output);
  }

  protected override isServed(neighbour: string): boolean {
    return this.#accomplices.has(neighbour);
  }
}
