import type { InstantMs, Manifest } from "../core/index.ts";
import type { Block } from "./block.ts";
import type { MeshState } from "./mesh-state.ts";

/** A newcomer that has this much can start to play. */
const START_MEDIA_MS = 1000;
/** Symbols that lie together are one fetch; when they lie in more places than this, all is one. */
const FETCHES_MAX = 4;

/** Bytes of a block: from `start` to before `end`. */
interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * Asks the origin itself, over HTTP, for the symbols that the mesh will not bring in time: those of a
 * block whose deadline is near, and of a newcomer's first second.
 */
export class LastResort {
  readonly #state: MeshState;
  #startedAt: InstantMs | undefined;
  /** Media that were completed, up to START_MEDIA_MS. */
  #completedMs = 0;

  constructor(state: MeshState) {
    this.#state = state;
  }

  /** When this peer had its first neighbour. */
  get startedAt(): InstantMs | undefined {
    return this.#startedAt;
  }

  /** Notes that there is a neighbour. */
  start(now: InstantMs): void {
    this.#startedAt ??= now;
  }

  /** Notes that a block is complete. */
  completed({ durationMs }: Manifest): void {
    if (this.#completedMs < START_MEDIA_MS) this.#completedMs += durationMs;
  }

  /** Has what a block lacks fetched, once, when it is time. */
  run(now: InstantMs, block: Block): void {
    if (now >= this.#fetchAt(block)) this.fetchNow(block);
  }

  /** Has what a block lacks fetched, once, now. */
  fetchNow(block: Block): void {
    if (block.isFetching || block.isInit) return;
    block.isFetching = true;
    for (const range of lackingRanges(block)) {
      this.#state.outputs.push({ kind: "fetch", block: block.id, ...range });
    }
  }

  #fetchAt({ releasedAt, deadline }: Block): number {
    const { fetchMs, startFetchMs } = this.#state.tuning;
    if (fetchMs === 0) return Number.POSITIVE_INFINITY;
    const urgentAt = deadline - fetchMs;
    if (this.#completedMs >= START_MEDIA_MS) return urgentAt;
    const sinceMs = Math.max(releasedAt, this.#startedAt ?? 0);
    return Math.min(urgentAt, sinceMs + startFetchMs);
  }
}

/** Where in a block source symbols lie that would complete it. */
function lackingRanges({ decoder, manifest, k }: Block): readonly ByteRange[] {
  const { fec, byteLength } = manifest;
  const ranges: { start: number; end: number }[] = [];
  let left = decoder?.needed ?? 0;
  for (let esi = 0; esi < k && left > 0; esi++) {
    if (decoder?.has(esi) !== false) continue;
    left--;
    const start = esi * fec.symbolBytes;
    const end = Math.min(start + fec.symbolBytes, byteLength);
    const last = ranges.at(-1);
    if (last?.end === start) last.end = end;
    else ranges.push({ start, end });
  }
  const [first] = ranges;
  if (first === undefined || ranges.length <= FETCHES_MAX) return ranges;
  return [{ start: first.start, end: ranges.at(-1)?.end ?? byteLength }];
}
