import { assert } from "../../core/index.ts";
import type { Network } from "../network.ts";

/** Every byte that was sent was received, lost, dropped at a closed link, or is on its way. */
export class ByteConservation {
  checked = 0;
  readonly #network: Network;

  constructor(network: Network) {
    this.#network = network;
  }

  tick(): void {
    this.checked++;
    const { sent, received, lost, dropped } = this.#network.totals;
    const onTheirWay = this.#network.flights.countBytes();
    assert(
      sent === received + lost + dropped + onTheirWay,
      "the bytes sent are the bytes received, lost, dropped or on their way",
    );
  }
}
