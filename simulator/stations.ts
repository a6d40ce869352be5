import { extended } from "./columns.ts";

const CAPACITY_AT_START = 1 << 10;
const NEVER: number = Number.POSITIVE_INFINITY;

/** The columns of a host, side by side. */
const WIDTH = 8;
const MACHINE = 0;
const UPLINK_MS_PER_BYTE = 1;
const DOWNLINK_MS_PER_BYTE = 2;
const UPLINK_FREE_AT = 3;
const DOWNLINK_FREE_AT = 4;
const GONE_AT = 5;

/** The access links of all hosts, and how long they are busy: they send what they are given one after the other. */
export class Stations {
  #rows = new Float64Array(CAPACITY_AT_START * WIDTH);
  #count = 0;

  /** Adds a host and gives its number. Capacities in bits a second; a host `on` another shares its own. */
  add(uplinkBps: number, downlinkBps: number, on?: number): number {
    const host = this.#count++;
    if (host * WIDTH === this.#rows.length) {
      this.#rows = extended(this.#rows, new Float64Array(this.#rows.length * 2));
    }
    const machine = on === undefined ? host : this.machineOf(on);
    this.#rows.set([machine, 8000 / uplinkBps, 8000 / downlinkBps, 0, 0, NEVER], host * WIDTH);
    return host;
  }

  /** Gives bytes to a host's uplink; gives when they have left it. */
  upload(host: number, now: number, byteLength: number): number {
    const row = this.#machine(host);
    const rows = this.#rows;
    const freeAt = rows[row + UPLINK_FREE_AT] as number;
    const transferMs = byteLength * (rows[row + UPLINK_MS_PER_BYTE] as number);
    const departAt = Math.max(freeAt, now) + transferMs;
    rows[row + UPLINK_FREE_AT] = departAt;
    return departAt;
  }

  /**
   * Bytes have come to a host's downlink; gives when they are through it. A downlink that was idle took
   * them in while they came.
   */
  arrive(host: number, now: number, byteLength: number): number {
    const row = this.#machine(host);
    const rows = this.#rows;
    const transferMs = byteLength * (rows[row + DOWNLINK_MS_PER_BYTE] as number);
    const throughAt = (rows[row + DOWNLINK_FREE_AT] as number) + transferMs;
    const freeAt = Math.max(throughAt, now);
    rows[row + DOWNLINK_FREE_AT] = freeAt;
    return freeAt;
  }

  /** When all that was given to a host's uplink has left it. */
  uplinkFreeAt(host: number): number {
    return this.#rows[this.#machine(host) + UPLINK_FREE_AT] as number;
  }

  /** When a host stopped, or infinity. */
  goneAt(host: number): number {
    return this.#rows[host * WIDTH + GONE_AT] as number;
  }

  /** A host stops: what is to leave it later is lost. */
  stop(host: number, atMs: number): void {
    this.#rows[host * WIDTH + GONE_AT] = atMs;
  }

  /** The host that owns the links of a host: itself, or the one whose machine it shares. */
  machineOf(host: number): number {
    return this.#rows[host * WIDTH + MACHINE] as number;
  }

  /** The row of the machine that a host is on, which owns the links. */
  #machine(host: number): number {
    return this.machineOf(host) * WIDTH;
  }
}
