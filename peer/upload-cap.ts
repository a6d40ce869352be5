import type { InstantMs, TokenBucket } from "../core/index.ts";
import { uploadRate } from "../mesh/index.ts";

/** The channels are looked at over this much time. */
const WINDOW_MS = 250;
/** So many windows, of the last 10 s, tell what the line takes: its best of them. */
const WINDOWS_MIN = 8;
const WINDOWS_KEPT_MS = 10_000;
/** Who sent this much of what is allowed was not held up by the line. */
const FULL_SHARE = 0.9;
/** What is thought of a line grows by this with each window in which it took all that is allowed. */
const GROWTH = 1.1;
/** A line that was measured is taken at its word for this long. */
const HOLD_MS = 30_000;
/** What may be sent before anything was measured. */
const START_BYTES_PER_S = 375_000;

/**
 * Keeps a budget at a share of the uplink, as the channels tell of it: what they took while something waited in them all
 * the time is what the line takes. What leaves at once says only that the line takes that: then more is tried.
 */
export class UploadCap {
  readonly #budget: TokenBucket;
  readonly #share: number;
  readonly #bytesPerSMax: number;
  /** What the line is thought to take, bytes a second. */
  #lineBytesPerS = 0;
  #window: { readonly at: InstantMs; readonly takenBytes: number } | undefined;
  #hasEmptied = false;
  /** Whether something waited through the whole window before this one, too. */
  #isBacklogged = false;
  /** Windows in which the line took less than is allowed, though something waited throughout. */
  #short: { readonly at: InstantMs; readonly bytesPerS: number }[] = [];
  #holdUntil = 0;

  /** Of `budget`, whose rate so far is the most that it ever gets; `share` of the line, above 0. */
  constructor(now: InstantMs, budget: TokenBucket, share: number) {
    this.#budget = budget;
    this.#share = share;
    this.#bytesPerSMax = budget.perSecond;
    this.#set(now, START_BYTES_PER_S / share);
  }

  /**
   * Tells how many bytes the channels were ever given, and how many of them wait: often, and each time that a
   * channel has sent all it had.
   */
  look(now: InstantMs, givenBytes: number, waitingBytes: number): void {
    const takenBytes = givenBytes - waitingBytes;
    this.#hasEmptied ||= waitingBytes === 0;
    const elapsedMs = now - (this.#window?.at ?? 0);
    if (this.#window !== undefined && elapsedMs < WINDOW_MS) return;
    // Of a longer window nobody knows what it was like on the way.
    if (this.#window !== undefined && elapsedMs < 2 * WINDOW_MS) {
      const bytesPerS = ((takenBytes - this.#window.takenBytes) / elapsedMs) * 1000;
      this.#learn(now, bytesPerS);
      this.#isBacklogged = !this.#hasEmptied;
    } else this.#isBacklogged = false;
    this.#window = { at: now, takenBytes };
    this.#hasEmptied = waitingBytes === 0;
  }

  #learn(now: InstantMs, bytesPerS: number): void {
    if (bytesPerS >= FULL_SHARE * this.#budget.perSecond) {
      this.#short = [];
      if (this.#hasEmptied && now >= this.#holdUntil) this.#set(now, GROWTH * this.#lineBytesPerS);
      return;
    }
    // The first window of a backlog holds what the network took at once before it held anything up.
    if (this.#hasEmptied || !this.#isBacklogged) return;
    this.#short.push({ at: now, bytesPerS });
    this.#short = this.#short.filter(({ at }) => now - at < WINDOWS_KEPT_MS);
    if (this.#short.length < WINDOWS_MIN) return;
    // A neighbour that takes nothing holds its own channel up, and not the line: the best window counts.
    const best = Math.max(...this.#short.map((window) => window.bytesPerS));
    this.#short = [];
    this.#holdUntil = now + HOLD_MS;
    this.#set(now, best);
  }

  #set(now: InstantMs, lineBytesPerS: number): void {
    this.#lineBytesPerS = Math.min(lineBytesPerS, this.#bytesPerSMax / this.#share);
    this.#budget.adjust(now, uploadRate(this.#share * this.#lineBytesPerS));
  }
}
