import type { BlockId, Manifest, Message } from "../../core/index.ts";
import type { Broadcast } from "../broadcast.ts";
import type { Host } from "../host.ts";
import type { Network } from "../network.ts";
import { Budgets, type Departure } from "./budgets.ts";
import { ByteConservation } from "./byte-conservation.ts";
import { MemoryBounds } from "./memory-bounds.ts";
import { Punctuality } from "./punctuality.ts";
import { VerifiedBytes } from "./verified-bytes.ts";

/** The invariants of every run. The first that is broken throws, and ends the run. */
export class Checkers {
  readonly #verifiedBytes: VerifiedBytes;
  readonly #byteConservation: ByteConservation;
  readonly #budgets: Budgets;
  readonly #punctuality = new Punctuality();
  readonly #memoryBounds = new MemoryBounds();

  constructor(broadcast: Broadcast, network: Network) {
    this.#verifiedBytes = new VerifiedBytes(broadcast);
    this.#byteConservation = new ByteConservation(network);
    this.#budgets = new Budgets(network.links);
  }

  joined(host: Host, now: number): void {
    this.#budgets.joined(host, now);
  }

  left(host: Host): void {
    this.#budgets.left(host);
    this.#punctuality.left(host);
  }

  /** An uplink took a message. */
  sent(now: number, host: Host, direction: number, message: Message): void {
    this.#verifiedBytes.sent(host, message);
    this.#budgets.sent(now, host, direction, message);
  }

  /** A message of the host of that number leaves its uplink. */
  departs(now: number, host: number, departure: Departure): void {
    this.#budgets.departs(now, host, departure);
  }

  /** A peer gave a block to be played. */
  block(host: Host, manifest: Manifest, bytes: Uint8Array): void {
    this.#verifiedBytes.played(host, manifest, bytes);
    this.#punctuality.ended(host, manifest.block);
  }

  /** A peer gave a block up. */
  missing(host: Host, block: BlockId): void {
    this.#punctuality.ended(host, block);
  }

  /** One input led to so many outputs. */
  outputs(count: number): void {
    this.#memoryBounds.outputs(count);
  }

  /** A virtual second has passed. */
  tick(hosts: readonly Host[]): void {
    this.#byteConservation.tick();
    this.#memoryBounds.tick(hosts);
  }

  /** How often each invariant was checked. */
  counts(): Record<string, number> {
    return {
      verifiedBytes: this.#verifiedBytes.checked,
      byteConservation: this.#byteConservation.checked,
      budgets: this.#budgets.checked,
      punctuality: this.#punctuality.checked,
      memoryBounds: this.#memoryBounds.checked,
    };
  }
}
