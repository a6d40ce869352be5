import { type InstantMs, instantMs, type Manifest } from "../core/index.ts";
import type { MeshState } from "./mesh-state.ts";
import type { Neighbour } from "./neighbour.ts";

/** With the word of so many neighbours no single one decides how old blocks are. */
const WITNESSES_MIN = 3;
/** After this a neighbour's word is forgotten, so that a clock that was set counts as it is now. */
const WORD_MS = 30_000;
/** What honest estimates differ by: round trips are not symmetric, and each hop adds its error. */
const TOLERANCE_MS = 500;
/** `ageMs` on the wire goes no further than this. */
const AGE_MAX_MS = 0xff_ff;

interface Word {
  /** From `completedAtMs`, by the origin's clock, to the release, by this peer's. */
  readonly offsetMs: number;
  readonly at: InstantMs;
}

/**
 * When the origin released a block. Whose manifest comes first says how old it is; who makes it older
 * than it is would take it from this peer, and who makes it young would have it fetched in vain. All
 * blocks are released about as long after their signed `completedAtMs`, so what neighbours said of other
 * blocks bounds what one of them says of this one.
 */
export class ReleaseClock {
  readonly #state: MeshState;
  readonly #words = new Map<Neighbour, Word>();

  constructor(state: MeshState) {
    this.#state = state;
  }

  /** Notes what a neighbour says of a block, and gives when that was released. */
  told(
    now: InstantMs,
    neighbour: Neighbour,
    { init, completedAtMs }: Manifest,
    ageMs: number,
  ): InstantMs {
    const claimed = now - ageMs - neighbour.rttMs / 2;
    if (init === null || ageMs >= AGE_MAX_MS) return instantMs(claimed);
    this.#words.set(neighbour, { offsetMs: claimed - completedAtMs, at: now });
    const usual = completedAtMs + this.#offsetMs(now);
    const { maxDelayMs } = this.#state.options.limits;
    const bounded = Math.min(usual + maxDelayMs, Math.max(usual - TOLERANCE_MS, claimed));
    return instantMs(Math.min(now, bounded));
  }

  /** Whom to ask for the manifest of the newest block, for one more word on ages. */
  toAsk(now: InstantMs): Neighbour | undefined {
    this.#forgetOld(now);
    if (this.#words.size >= WITNESSES_MIN) return undefined;
    const { ready, options } = this.#state;
    return options.random.pick(ready.filter((neighbour) => !this.#words.has(neighbour)));
  }

  /** Forgets a neighbour that is gone. */
  lost(neighbour: Neighbour): void {
    this.#words.delete(neighbour);
  }

  /** The median; of two in the middle the later, which takes no block away. */
  #offsetMs(now: InstantMs): number {
    this.#forgetOld(now);
    const offsets = Array.from(this.#words.values(), ({ offsetMs }) => offsetMs);
    offsets.sort((a, b) => a - b);
    return offsets[offsets.length >> 1] ?? 0;
  }

  #forgetOld(now: InstantMs): void {
    for (const [neighbour, { at }] of this.#words) {
      if (now - at > WORD_MS) this.#words.delete(neighbour);
    }
  }
}
