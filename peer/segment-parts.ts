import type { BlockId, Manifest } from "../core/index.ts";

/** Parts of incomplete segments that are kept: no fewer than the media blocks that the mesh keeps. */
const PARTS_MAX = 64;

/** A verified block. */
export interface Part {
  readonly manifest: Manifest;
  readonly bytes: Uint8Array;
}

/** Puts media segments of one rendition together from their parts, which complete in any order. */
export class SegmentParts {
  /** The parts of each incomplete segment by their numbers, by its sequence. */
  readonly #segments = new Map<number, Map<number, Part>>();

  /** Takes a part. Gives all parts of its segment, in their order, once it is the one that lacked. */
  add(part: Part): readonly [Part, ...Part[]] | undefined {
    const { block } = part.manifest;
    const parts = this.#segments.get(block.sequence) ?? new Map<number, Part>();
    this.#segments.set(block.sequence, parts.set(block.part, part));
    const whole = wholeOf(parts);
    if (whole !== undefined) this.#segments.delete(block.sequence);
    else this.#evict();
    return whole;
  }

  /** Forgets the parts of a segment that is not wanted any more. */
  forget({ sequence }: Pick<BlockId, "sequence">): void {
    this.#segments.delete(sequence);
  }

  /** Forgets all segments before `sequence`. */
  forgetBefore(sequence: number): void {
    for (const old of this.#segments.keys()) if (old < sequence) this.#segments.delete(old);
  }

  #evict(): void {
    const count = [...this.#segments.values()].reduce((sum, { size }) => sum + size, 0);
    if (count > PARTS_MAX) this.#segments.delete(Math.min(...this.#segments.keys()));
  }
}

/** The parts from 0 to the last, if none is missing. */
function wholeOf(parts: ReadonlyMap<number, Part>): readonly [Part, ...Part[]] | undefined {
  const first = parts.get(0);
  if (first === undefined) return undefined;
  const whole: [Part, ...Part[]] = [first];
  for (let part = first; !part.manifest.last; ) {
    const next = parts.get(whole.length);
    if (next === undefined) return undefined;
    whole.push(next);
    part = next;
  }
  return whole;
}
