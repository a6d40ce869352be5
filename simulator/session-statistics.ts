import { DelayHistogram } from "./histogram.ts";
import type { RunResult } from "./run-result.ts";
import type { ViewerRecord } from "./viewer-record.ts";

/** A session shorter than this says nothing about stalls. */
const SESSION_MIN_MS = 10_000;

/** What became of the viewers, one by one. */
export class SessionStatistics {
  readonly #startUps = new DelayHistogram();
  readonly #missRatios: number[] = [];
  #judged = 0;
  #stallFree = 0;

  /** A viewer that joined after the warm-up can start to play. */
  started({ joinedAt, startedAt }: ViewerRecord): void {
    if (startedAt !== undefined) this.#startUps.add(startedAt - joinedAt);
  }

  /** A viewer's session ended at `now`, or the run did. */
  end({ joinedAt, startedAt, settled, missed, stalls }: ViewerRecord, now: number): void {
    if (settled > 0) this.#missRatios.push(missed / settled);
    if (now - joinedAt < SESSION_MIN_MS) return;
    this.#judged++;
    if (startedAt !== undefined && stalls === 0) this.#stallFree++;
  }

  result(): Pick<RunResult, "peerMissCdf" | "losslessPeers" | "stallFreeSessions" | "startUpMs"> {
    const ratios = this.#missRatios.sort((a, b) => a - b);
    const cdf: [number, number][] = [];
    for (const [at, ratio] of ratios.entries()) {
      if (ratios[at + 1] !== ratio) cdf.push([ratio, (at + 1) / ratios.length]);
    }
    const lossless = cdf[0]?.[0] === 0 ? cdf[0][1] : 0;
    return {
      peerMissCdf: cdf,
      losslessPeers: lossless,
      stallFreeSessions: this.#judged === 0 ? 0 : this.#stallFree / this.#judged,
      startUpMs: this.#startUps.quantiles(),
    };
  }
}
