import type { Manifest, Message } from "../core/index.ts";
import type { Broadcast, ReleasedBlock } from "./broadcast.ts";
import { ByteMeter } from "./byte-meter.ts";
import { DelayHistogram } from "./histogram.ts";
import type { Host } from "./host.ts";
import type { ByteCounts, RunResult } from "./run-result.ts";
import { SeriesRecorder } from "./series-recorder.ts";
import { SessionStatistics } from "./session-statistics.ts";
import type { Settings } from "./settings.ts";
import { ViewerRecord } from "./viewer-record.ts";

/** A viewer younger than this is a newcomer. */
export const NEWCOMER_MS = 10_000;
/** The deadlines that every run is judged by, beside the scenario's own. */
const DEADLINES_MS = [2000, 4000, 6000] as const;

type SymbolMessage = Extract<Message, { type: "symbol" }>;
type ManifestMessage = Extract<Message, { type: "manifest" }>;

/** When a block is judged: all deadlines have passed then. */
export function settleMs({ deadlineMs }: Settings): number {
  return Math.max(deadlineMs, ...DEADLINES_MS) + 1;
}

/**
 * Watches the world from outside the peers and works out what a run gave. Only honest viewers count as
 * receivers; blocks released, bytes moved and joins made in the warm-up count for nothing.
 */
export class Metrics {
  readonly meter: ByteMeter = new ByteMeter();
  readonly sessions: SessionStatistics = new SessionStatistics();
  deliveredSymbols = 0;
  readonly #settings: Settings;
  readonly #broadcast: Broadcast;
  readonly #warmUpMs: number;
  readonly #symbolDelays = new DelayHistogram();
  readonly #blockDelays = new DelayHistogram();
  readonly #series = new SeriesRecorder();
  readonly #viewers = new Map<Host, ViewerRecord>();
  /** The same records by the numbers of their hosts. */
  readonly #records: (ViewerRecord | undefined)[] = [];
  readonly #missed = { d2: 0, d4: 0, d6: 0, scenarioDeadline: 0, newcomers: 0 };
  #settled = 0;
  #settledOfNewcomers = 0;
  #sentByViewers = 0;
  #capacityBytes = 0;
  #beforeWarm: { bytes: ByteCounts; sentByViewers: number };

  /** `startMs`: the virtual time at which the run starts. */
  constructor(settings: Settings, broadcast: Broadcast, startMs: number) {
    this.#settings = settings;
    this.#broadcast = broadcast;
    this.#warmUpMs = startMs + settings.warmUpS * 1000;
    this.#beforeWarm = { bytes: { ...this.meter.counts }, sentByViewers: 0 };
  }

  /** The record of a viewer that is there; attackers and seeds have none. */
  record(host: Host): ViewerRecord | undefined {
    return this.#records[host.index];
  }

  joined(host: Host): void {
    if (host.isSeed || host.isAttacker) return;
    const record = new ViewerRecord(host.traits.joinedAt);
    this.#viewers.set(host, record);
    this.#records[host.index] = record;
  }

  /** A viewer left; `isCounted` unless it is a victim of a mass crash. */
  left(host: Host, now: number, isCounted: boolean): void {
    const record = this.record(host);
    if (record !== undefined && isCounted) this.sessions.end(record, now);
    this.#viewers.delete(host);
    this.#records[host.index] = undefined;
  }

  /** A message was handed to an uplink. */
  sent(host: Host, message: Message, wireBytes: number): void {
    if (host.isAttacker) return;
    this.meter.sent(host.isSeed, message, wireBytes);
    if (!host.isSeed) this.#sentByViewers += wireBytes;
  }

  /** Packets of a message were lost, and are sent again. */
  resent(host: Host, resentBytes: number): void {
    if (host.isAttacker) return;
    this.meter.add("retransmitted", resentBytes);
    if (!host.isSeed) this.#sentByViewers += resentBytes;
  }

  /** A symbol or a manifest came to a host and is about to be given to its peer. */
  received(host: Host, from: Host, message: SymbolMessage | ManifestMessage, now: number): void {
    const record = this.record(host);
    if (record === undefined) return;
    if (message.type === "symbol") this.#symbol(record, from, message, now);
    else this.meter.manifest(message);
  }

  /** A viewer's peer gave a block. */
  completed(host: Host, { block: { sequence }, byteLength }: Manifest, now: number): void {
    const record = this.record(host);
    const block = this.#broadcast.blocks[sequence];
    if (record === undefined || block === undefined) return;
    const hasStarted = record.complete(sequence, now, this.#settings.blockMs);
    if (hasStarted && record.joinedAt >= this.#warmUpMs) this.sessions.started(record);
    this.meter.add("played", byteLength);
    const usefulBytes = record.usefulBytes(sequence);
    if (usefulBytes >= byteLength) this.meter.add("fec", usefulBytes - byteLength);
    else this.meter.add("wasted", usefulBytes); // It came by HTTP in the end.
    const delayMs = now - block.releasedAt;
    this.#series.completed(delayMs);
    if (this.#counts(block, record)) this.#blockDelays.add(delayMs);
  }

  /** All deadlines of a block have passed. */
  settle(block: ReleasedBlock): void {
    if (block.releasedAt < this.#warmUpMs) return;
    for (const record of this.#viewers.values()) {
      if (record.joinedAt > block.releasedAt) continue;
      this.#settle(block, record);
    }
  }

  /** A second has passed. */
  tick(now: number, tS: number): void {
    let uplinkBps = 0;
    for (const host of this.#viewers.keys()) uplinkBps += host.traits.uplinkBps;
    const capacityBytes = uplinkBps / 8;
    this.#series.tick({
      tS,
      peers: this.#viewers.size,
      bytes: this.meter.counts,
      sentByViewers: this.#sentByViewers,
      capacityBytes,
    });
    if (now <= this.#warmUpMs) {
      this.#beforeWarm = {
        bytes: { ...this.meter.counts },
        sentByViewers: this.#sentByViewers,
      };
    } else {
      this.#capacityBytes += capacityBytes;
    }
  }

  /** Everything of the result that is measured here. Ends the sessions of those who are still there. */
  result(
    now: number,
  ): Pick<
    RunResult,
    | "symbolDelayMs"
    | "blockDelayMs"
    | "symbolDelayCdf"
    | "blockDelayCdf"
    | "peerMissCdf"
    | "missRatio"
    | "losslessPeers"
    | "stallFreeSessions"
    | "startUpMs"
    | "offload"
    | "bytes"
    | "uplinkUse"
    | "series"
  > {
    for (const record of this.#viewers.values()) this.sessions.end(record, now);
    const bytes = this.meter.since(this.#beforeWarm.bytes);
    const ofSettled = (missed: number) => (this.#settled === 0 ? 0 : missed / this.#settled);
    const { d2, d4, d6, scenarioDeadline, newcomers } = this.#missed;
    return {
      symbolDelayMs: this.#symbolDelays.quantiles(),
      blockDelayMs: this.#blockDelays.quantiles(),
      symbolDelayCdf: this.#symbolDelays.cdf(),
      blockDelayCdf: this.#blockDelays.cdf(),
      ...this.sessions.result(),
      missRatio: {
        d2: ofSettled(d2),
        d4: ofSettled(d4),
        d6: ofSettled(d6),
        scenarioDeadline: ofSettled(scenarioDeadline),
        newcomers: this.#settledOfNewcomers === 0 ? 0 : newcomers / this.#settledOfNewcomers,
      },
      offload: bytes.played === 0 ? 0 : 1 - (bytes.origin + bytes.originHttp) / bytes.played,
      bytes,
      uplinkUse:
        this.#capacityBytes === 0
          ? 0
          : (this.#sentByViewers - this.#beforeWarm.sentByViewers) / this.#capacityBytes,
      series: this.#series.series,
    };
  }

  #symbol(record: ViewerRecord, from: Host, message: SymbolMessage, now: number): void {
    this.deliveredSymbols++;
    const { block: id, esi, bytes } = message;
    if (!from.isSeed) this.meter.add("fromPeers", bytes.length);
    const block = this.#broadcast.block(id);
    if (block === undefined || !this.#broadcast.isSymbol(id, esi, bytes)) {
      this.meter.add("wasted", bytes.length);
      return;
    }
    const fate = record.receive(block.number, esi, bytes.length);
    if (fate === "useful") {
      record.cameFrom(from.isSeed ? 0 : (this.record(from)?.hop ?? 0));
      if (this.#counts(block, record)) this.#symbolDelays.add(now - block.releasedAt);
    } else if (fate === "surplus") {
      this.meter.add("fec", bytes.length);
    } else {
      this.meter.add("duplicate", bytes.length);
    }
  }

  #settle(block: ReleasedBlock, record: ViewerRecord): void {
    const { deadlineMs } = this.#settings;
    const delayMs = record.completedAt(block.number) - block.releasedAt;
    const isMissed = delayMs > deadlineMs;
    if (delayMs === Number.POSITIVE_INFINITY) {
      this.meter.add("wasted", record.usefulBytes(block.number));
    }
    this.#series.settled(isMissed);
    if (record.startedAt !== undefined && block.number >= record.firstPlayed && isMissed) {
      record.stalls++;
    }
    if (block.releasedAt < record.joinedAt + NEWCOMER_MS) {
      this.#settledOfNewcomers++;
      if (isMissed) this.#missed.newcomers++;
      return;
    }
    const missed = this.#missed;
    record.settled++;
    this.#settled++;
    if (delayMs > DEADLINES_MS[0]) missed.d2++;
    if (delayMs > DEADLINES_MS[1]) missed.d4++;
    if (delayMs > DEADLINES_MS[2]) missed.d6++;
    if (!isMissed) return;
    record.missed++;
    missed.scenarioDeadline++;
  }

  /** Whether a delay counts: the block came after the warm-up, and the viewer was no newcomer. */
  #counts(block: ReleasedBlock, record: ViewerRecord): boolean {
    return block.releasedAt >= this.#warmUpMs && block.releasedAt >= record.joinedAt + NEWCOMER_MS;
  }
}
