import {
  type BlockId,
  blockKey,
  type InstantMs,
  type Message,
  messageByteLength,
} from "../core/index.ts";
import { MANIFEST_PULL_EVERY_MS, ORPHAN_BYTES_MAX, ORPHAN_MS, ORPHANS_MAX } from "./limits.ts";
import type { Neighbour } from "./neighbour.ts";

/** A message about a block whose manifest has not come yet. */
export interface Orphan {
  readonly neighbour: Neighbour;
  readonly message: Extract<Message, { type: "have" | "symbol" }>;
}

/** A manifest that has not come. */
export interface LackingManifest {
  readonly block: BlockId;
  /** Those that told of the block, the first one first. */
  readonly tellers: readonly Neighbour[];
  /** How often it was asked for before. */
  readonly asked: number;
}

interface Family {
  readonly id: BlockId;
  readonly since: InstantMs;
  readonly orphans: Orphan[];
  askedAt: InstantMs | undefined;
  /** How often its manifest was asked for. */
  asked: number;
  bytes: number;
}

/** Keeps what is told of a block until its manifest comes, and says whom to ask for that. */
export class Orphans {
  readonly #families = new Map<string, Family>();
  #count = 0;
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#families.size === 0;
  }

  /** Keeps a message, unless there are too many. */
  add(now: InstantMs, neighbour: Neighbour, message: Orphan["message"]): void {
    const bytes = messageByteLength(message);
    if (this.#count >= ORPHANS_MAX || this.#bytes + bytes > ORPHAN_BYTES_MAX) return;
    const key = blockKey(message.block);
    let family = this.#families.get(key);
    if (family === undefined) {
      const fresh = { since: now, orphans: [], askedAt: undefined, asked: 0, bytes: 0 };
      family = { id: message.block, ...fresh };
      this.#families.set(key, family);
    }
    family.orphans.push({ neighbour, message });
    family.bytes += bytes;
    this.#count++;
    this.#bytes += bytes;
  }

  /** What was kept of a block, which is forgotten. */
  take(key: string): readonly Orphan[] {
    const family = this.#families.get(key);
    if (family === undefined) return [];
    this.#families.delete(key);
    this.#count -= family.orphans.length;
    this.#bytes -= family.bytes;
    return family.orphans;
  }

  /** Forgets a neighbour that is gone. */
  lost(neighbour: Neighbour): void {
    for (const [key, family] of this.#families) {
      if (!family.orphans.some((orphan) => orphan.neighbour === neighbour)) continue;
      const kept = family.orphans.filter((orphan) => orphan.neighbour !== neighbour);
      this.take(key);
      for (const orphan of kept) this.add(family.since, orphan.neighbour, orphan.message);
    }
  }

  /** Which manifests to ask for now. */
  due(now: InstantMs, waitMs: number): readonly LackingManifest[] {
    const due: LackingManifest[] = [];
    for (const [key, family] of this.#families) {
      if (now - family.since > ORPHAN_MS) {
        this.take(key);
        continue;
      }
      const waited = now - (family.askedAt ?? family.since);
      if (waited < (family.askedAt === undefined ? waitMs : MANIFEST_PULL_EVERY_MS)) continue;
      family.askedAt = now;
      const tellers = new Set(family.orphans.map(({ neighbour }) => neighbour));
      due.push({ block: family.id, tellers: [...tellers], asked: family.asked++ });
    }
    return due;
  }
}
