import { INTRODUCTIONS_MAX } from "../core/index.ts";
import { BackOff } from "./back-off.ts";

const ATTEMPTS_MAX = 5;
const DELAY_MS_MAX = 8000;

interface Acquaintance {
  attempts: number;
  readonly backOff: BackOff;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Dials the peers that the tracker introduces, and dials again when a connection fails or is lost.
 * Only the newcomer of a pair dials, so only it dials again.
 */
export class Dialler {
  readonly #dial: (peer: string) => void;
  readonly #acquaintances = new Map<string, Acquaintance>();

  /** `dial` starts one attempt and tells how it went by `connected` or `lost`. */
  constructor(dial: (peer: string) => void) {
    this.#dial = dial;
  }

  /** Dials those whom it does not know yet. */
  introduce(peers: readonly string[]): void {
    for (const peer of peers) {
      if (this.#acquaintances.has(peer)) continue;
      if (this.#acquaintances.size >= 2 * INTRODUCTIONS_MAX) return;
      this.#acquaintances.set(peer, {
        attempts: 1,
        backOff: new BackOff(DELAY_MS_MAX),
        timer: undefined,
      });
      this.#dial(peer);
    }
  }

  /** The peer has shown a good hello. */
  connected(peer: string): void {
    const acquaintance = this.#acquaintances.get(peer);
    if (acquaintance === undefined) return;
    acquaintance.attempts = 0;
    acquaintance.backOff.reset();
  }

  /** The connection failed or broke: another attempt follows, a few times. */
  lost(peer: string): void {
    const acquaintance = this.#acquaintances.get(peer);
    if (acquaintance === undefined) return;
    if (acquaintance.attempts >= ATTEMPTS_MAX) {
      this.forget(peer);
      return;
    }
    acquaintance.attempts++;
    clearTimeout(acquaintance.timer);
    acquaintance.timer = setTimeout(() => this.#dial(peer), acquaintance.backOff.next());
  }

  /** No more attempts, until the peer is introduced again. */
  forget(peer: string): void {
    clearTimeout(this.#acquaintances.get(peer)?.timer);
    this.#acquaintances.delete(peer);
  }

  close(): void {
    for (const peer of [...this.#acquaintances.keys()]) this.forget(peer);
  }
}
