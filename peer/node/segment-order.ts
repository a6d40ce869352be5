import {
  after,
  assert,
  type BlockId,
  concatBytes,
  INIT_PART,
  type InstantMs,
  type Manifest,
} from "../../core/index.ts";
import { type Part, SegmentParts } from "../index.ts";

/** A verified segment, ready to be played. */
export interface PeerSegment {
  readonly sequence: number;
  /** Whether it is an init segment: it goes before the media segments that follow. */
  readonly init: boolean;
  /** Those of its parts, in their order; one for a segment that was not split. */
  readonly manifests: readonly [Manifest, ...Manifest[]];
  readonly bytes: Uint8Array;
  /** From the segment's completion at the origin to its verified completion here, milliseconds. */
  readonly delayMs: number;
}

/** Segments that may wait for an earlier one. */
const WAITING_MAX = 64;
const INITS_MAX = 8;

/**
 * Puts verified blocks, which complete in any order, into the order of play: init segments first and
 * again at each new publish session, media segments by sequence, each whole. A segment that does not come within
 * `patienceMs` after a later one has is passed over and counted. Handles one rendition.
 */
export class SegmentOrder {
  readonly #patienceMs: number;
  readonly #rendition: number;
  readonly #parts = new SegmentParts();
  readonly #media = new Map<number, PeerSegment & { readonly since: InstantMs }>();
  readonly #inits = new Map<string, PeerSegment>();
  /** Media whose first part was announced, and that have neither come nor been given up. */
  readonly #awaited = new Set<number>();
  /** Media that were given up before play came to them. */
  readonly #lost = new Set<number>();
  readonly #ready: PeerSegment[] = [];
  #next: number | undefined;
  #playedInit: string | undefined;
  #missing = 0;

  constructor(patienceMs: number, rendition = 0) {
    this.#patienceMs = patienceMs;
    this.#rendition = rendition;
  }

  /** Media segments that were passed over. */
  get missing(): number {
    return this.#missing;
  }

  /** A manifest was verified; its block is being collected. */
  announced({ block }: Manifest): void {
    // A newcomer may hear of later parts alone: no segment to wait for.
    const isFirst = block.part === 0 && this.#isMedia(block);
    if (isFirst && !this.#isPast(block)) this.#awaited.add(block.sequence);
  }

  /** A block is complete and verified. */
  completed(now: InstantMs, manifest: Manifest, bytes: Uint8Array): void {
    const { block } = manifest;
    const part = { manifest, bytes };
    if (block.part === INIT_PART) this.#addInit(segmentOf(now, [part]));
    else if (this.#isMedia(block) && !this.#isPast(block) && !this.#media.has(block.sequence)) {
      const parts = this.#parts.add(part);
      if (parts !== undefined) {
        this.#awaited.delete(block.sequence);
        this.#media.set(block.sequence, { ...segmentOf(now, parts), since: now });
      }
    }
    this.#advance(now);
  }

  /** A block was given up. */
  lost(now: InstantMs, block: BlockId): void {
    if (!this.#isMedia(block) || this.#isPast(block)) return;
    this.#awaited.delete(block.sequence);
    this.#parts.forget(block);
    if (this.#next !== undefined) this.#lost.add(block.sequence);
    this.#advance(now);
  }

  /** Time has passed: no gap is waited for longer than the patience. */
  handleTimeout(now: InstantMs): void {
    this.#advance(now);
  }

  /** The next segment to play, or undefined. */
  poll(): PeerSegment | undefined {
    return this.#ready.shift();
  }

  /** When `handleTimeout` is due, or undefined. */
  pollTimeout(): InstantMs | undefined {
    const first = this.#firstWaiting();
    return first === undefined ? undefined : after(first.since, this.#patienceMs);
  }

  #isMedia({ rendition, part }: BlockId): boolean {
    return rendition === this.#rendition && part !== INIT_PART;
  }

  #isPast({ sequence }: BlockId): boolean {
    return this.#next !== undefined && sequence < this.#next;
  }

  #addInit(segment: PeerSegment): void {
    const [{ block, sha256 }] = segment.manifests;
    if (block.rendition !== this.#rendition) return;
    if (this.#inits.size >= INITS_MAX) {
      for (const oldest of this.#inits.keys()) {
        this.#inits.delete(oldest);
        break;
      }
    }
    this.#inits.set(initName(block.sequence, sha256), segment);
  }

  /** Plays on as far as it can. Playing starts at the earliest segment that is known. */
  #advance(now: InstantMs): void {
    for (let first = this.#firstWaiting(); first !== undefined; first = this.#firstWaiting()) {
      this.#next ??= Math.min(first.sequence, ...this.#awaited);
      if (first.sequence === this.#next && this.#play(first)) continue;
      if (this.#lost.delete(this.#next)) {
        this.#skipTo(this.#next + 1);
        continue;
      }
      const isOverdue =
        after(first.since, this.#patienceMs) <= now || this.#media.size > WAITING_MAX;
      if (!isOverdue) return;
      // What lies before it, or its own init segment, is not going to come.
      this.#skipTo(first.sequence === this.#next ? first.sequence + 1 : first.sequence);
    }
  }

  #play(segment: PeerSegment): boolean {
    const [{ init: reference, session: publishSession }] = segment.manifests;
    assert(reference !== null, "a media segment names its init segment");
    const name = initName(reference.sequence, reference.sha256);
    const session = `${publishSession} ${name}`;
    if (session !== this.#playedInit) {
      const init = this.#inits.get(name);
      if (init === undefined) return false;
      this.#ready.push(init);
      this.#playedInit = session;
    }
    this.#media.delete(segment.sequence);
    this.#next = segment.sequence + 1;
    this.#ready.push(segment);
    return true;
  }

  #skipTo(sequence: number): void {
    assert(this.#next !== undefined && sequence > this.#next, "play never goes back");
    this.#missing += sequence - this.#next;
    this.#next = sequence;
    this.#parts.forgetBefore(sequence);
    for (const waiting of this.#media.keys()) if (waiting < sequence) this.#media.delete(waiting);
    for (const past of [this.#awaited, this.#lost]) {
      for (const old of past) if (old < sequence) past.delete(old);
    }
  }

  #firstWaiting(): (PeerSegment & { readonly since: InstantMs }) | undefined {
    let first: (PeerSegment & { readonly since: InstantMs }) | undefined;
    for (const segment of this.#media.values()) {
      if (first === undefined || segment.sequence < first.sequence) first = segment;
    }
    return first;
  }
}

function segmentOf(now: InstantMs, parts: readonly [Part, ...Part[]]): PeerSegment {
  const [first, ...others] = parts;
  const { block } = first.manifest;
  const completedAtMs = (others.at(-1) ?? first).manifest.completedAtMs;
  return {
    sequence: block.sequence,
    init: block.part === INIT_PART,
    manifests: [first.manifest, ...others.map(({ manifest }) => manifest)],
    bytes: others.length === 0 ? first.bytes : concatBytes(...parts.map(({ bytes }) => bytes)),
    delayMs: Math.max(0, now - completedAtMs),
  };
}

function initName(sequence: number, sha256: string): string {
  return `${sequence} ${sha256}`;
}
