import { DelayHistogram } from "./histogram.ts";
import type { ByteCounts, Series } from "./run-result.ts";

/** What the world looks like at the end of a second. */
export interface Snapshot {
  readonly tS: number;
  readonly peers: number;
  /** Totals since the start of the run. */
  readonly bytes: Pick<ByteCounts, "played" | "origin" | "originHttp">;
  readonly sentByViewers: number;
  /** What the uplinks of all viewers can send in this second, in bytes. */
  readonly capacityBytes: number;
}

/** Writes the series of a run, second by second. */
export class SeriesRecorder {
  readonly series: Series = {
    tS: [],
    peers: [],
    missRatio: [],
    delayP99Ms: [],
    offload: [],
    uplinkUse: [],
  };
  readonly #delays = new DelayHistogram();
  #settled = 0;
  #missed = 0;
  #before: Pick<Snapshot, "bytes" | "sentByViewers"> = {
    bytes: { played: 0, origin: 0, originHttp: 0 },
    sentByViewers: 0,
  };

  /** A viewer completed a block. */
  completed(delayMs: number): void {
    this.#delays.add(delayMs);
  }

  /** The deadline of a block has passed for a viewer. */
  settled(isMissed: boolean): void {
    this.#settled++;
    if (isMissed) this.#missed++;
  }

  /** Ends a second. */
  tick({ tS, peers, bytes, sentByViewers, capacityBytes }: Snapshot): void {
    const { series } = this;
    const before = this.#before;
    const played = bytes.played - before.bytes.played;
    const origin = bytes.origin + bytes.originHttp - before.bytes.origin - before.bytes.originHttp;
    series.tS.push(tS);
    series.peers.push(peers);
    series.missRatio.push(this.#settled === 0 ? 0 : this.#missed / this.#settled);
    series.delayP99Ms.push(this.#delays.quantile(0.99));
    series.offload.push(played === 0 ? 0 : 1 - origin / played);
    series.uplinkUse.push(
      capacityBytes === 0 ? 0 : (sentByViewers - before.sentByViewers) / capacityBytes,
    );
    this.#before = { bytes: { ...bytes }, sentByViewers };
    this.#delays.clear();
    this.#settled = 0;
    this.#missed = 0;
  }
}
