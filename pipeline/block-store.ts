import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorCode, SHA256_BYTES, StarlingError } from "../core/index.ts";
import { randomBase32 } from "./random-text.ts";
import type { SegmentRecord } from "./segment-record.ts";

type Located = Pick<SegmentRecord, "path">;

/** What the encoder adds to a segment. */
export interface CodedBlock {
  /** The repair symbols, one after the other. */
  readonly repair: Uint8Array;
  /** The N leaf hashes in ESI order, one after the other. */
  readonly leaves: Uint8Array;
}

/**
 * The media on disk: `<root>/<stream>/<session>/000000000.m4s`, beside it its repair symbols
 * (`.repair`) and its leaf hashes (`.leaves`). A file appears whole or not at all.
 */
export class BlockStore {
  readonly #root: string;

  /** `mediaRoot` need not exist yet. */
  constructor(mediaRoot: string) {
    this.#root = mediaRoot;
  }

  /** Where the segment's file is. */
  absolutePath({ path }: Located): string {
    return join(this.#root, path);
  }

  /** The path of a block's leaf list relative to the media root. */
  leavesPath({ path }: Located): string {
    return `${path}.leaves`;
  }

  /** The segment's bytes. Throws StarlingError "block-missing" or "block-truncated". */
  async readSegment(record: Located & Pick<SegmentRecord, "byteLength">): Promise<Uint8Array> {
    const path = this.absolutePath(record);
    const bytes = await readWhole(path);
    if (bytes.length === record.byteLength) return bytes;
    throw truncated(path, record.byteLength, bytes.length);
  }

  /**
   * Reads the segment into `target`, which is as long as the segment, and waits for the disk: for
   * threads that have nothing else to do. Into memory that is in use already, this takes a tenth of
   * the time of readSegment. Throws StarlingError "block-missing" or "block-truncated".
   */
  readSegmentInto(record: Located, target: Uint8Array): void {
    const path = this.absolutePath(record);
    const file = openToRead(path);
    try {
      let length = 0;
      while (length < target.length) {
        const count = readSync(file, target, length, target.length - length, length);
        if (count === 0) throw truncated(path, target.length, length);
        length += count;
      }
    } finally {
      closeSync(file);
    }
  }

  /**
   * Writes the repair symbols, then the leaf hashes: who finds leaves finds repair symbols too.
   * Waits for the disk, as its caller is a coding thread.
   */
  async writeCoded(record: Located, { repair, leaves }: CodedBlock): Promise<void> {
    const path = this.absolutePath(record);
    mkdirSync(dirname(path), { recursive: true });
    writeWhole(`${path}.repair`, repair);
    writeWhole(`${path}.leaves`, leaves);
  }

  /** The repair symbols, one after the other. Throws StarlingError "block-missing". */
  async readRepair(record: Located): Promise<Uint8Array> {
    return readWhole(`${this.absolutePath(record)}.repair`);
  }

  /** The N leaf hashes in ESI order. Throws StarlingError "block-missing" or "block-truncated". */
  async readLeaves(record: Located): Promise<Uint8Array[]> {
    const path = `${this.absolutePath(record)}.leaves`;
    const bytes = readSmall(path);
    const count = Math.ceil(bytes.length / SHA256_BYTES);
    if (bytes.length === 0 || bytes.length % SHA256_BYTES !== 0) {
      throw truncated(path, Math.max(1, count) * SHA256_BYTES, bytes.length);
    }
    return Array.from({ length: count }, (_, leaf) =>
      bytes.subarray(leaf * SHA256_BYTES, (leaf + 1) * SHA256_BYTES),
    );
  }

  /** Deletes the block's files; those that are gone already are no error. */
  async remove(record: Located): Promise<void> {
    const path = this.absolutePath(record);
    await Promise.all(["", ".repair", ".leaves"].map((end) => rm(path + end, { force: true })));
  }
}

function openToRead(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw missing(path, error);
  }
}

/** A few kilobytes, just written: reading them here costs a fifth of a hop to another thread. */
function readSmall(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw missing(path, error);
  }
}

async function readWhole(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw missing(path, error);
  }
}

function missing(path: string, cause: unknown): unknown {
  if (errorCode(cause) !== "ENOENT") return cause;
  return new StarlingError("block-missing", `${path} is not there: it was trimmed or lost.`);
}

function truncated(path: string, expected: number, found: number): StarlingError {
  return new StarlingError(
    "block-truncated",
    `${path}: expected ${expected} bytes, found ${found}.`,
  );
}

function writeWhole(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.${randomBase32(8)}.tmp`;
  writeFileSync(temporary, bytes);
  renameSync(temporary, path);
}
