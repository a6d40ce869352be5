import { closeSync, openSync, readSync, renameSync, writevSync } from "node:fs";
import { type FileHandle, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { errorCode, SHA256_BYTES, StarlingError } from "../core/index.ts";
import { randomBase32 } from "./random-text.ts";
import type { SegmentRecord } from "./segment-record.ts";

type Located = Pick<SegmentRecord, "path" | "offset">;

/** What the encoder adds to a block. */
export interface CodedBlock {
  /** The N leaf hashes in ESI order, one after the other. */
  readonly leaves: Uint8Array;
  /** The repair symbols, one after the other. */
  readonly repair: Uint8Array;
}

/**
 * The media on disk: `<root>/<stream>/<session>/000000000.m4s`, and beside it what the encoder adds,
 * in one file for each block: `000000000.m4s.coded`, and of a later part that begins at byte 9000
 * `000000000.m4s.9000.coded`. A file appears whole or not at all.
 */
export class BlockStore {
  readonly #root: string;

  /** `mediaRoot` need not exist yet. */
  constructor(mediaRoot: string) {
    this.#root = mediaRoot;
  }

  /** Where the segment's file is. */
  absolutePath({ path }: Pick<Located, "path">): string {
    return join(this.#root, path);
  }

  /** The block's bytes. Throws StarlingError "block-missing" or "block-truncated". */
  async readBlock(record: Located & Pick<SegmentRecord, "byteLength">): Promise<Uint8Array> {
    const path = this.absolutePath(record);
    const file = await openWhenThere(path);
    try {
      const bytes = new Uint8Array(record.byteLength);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, record.offset);
      if (bytesRead < bytes.length) throw truncated(path, bytes.length, bytesRead);
      return bytes;
    } finally {
      await file.close();
    }
  }

  /**
   * Reads the block into `target`, which is as long as the block, and waits for the disk: for
   * threads that have nothing else to do. Into memory that is in use already, this takes a tenth of
   * the time of readBlock. Throws StarlingError "block-missing" or "block-truncated".
   */
  readBlockInto(record: Located, target: Uint8Array): void {
    readInto(this.absolutePath(record), record.offset, target);
  }

  /**
   * Writes what the encoder made, into the directory of the segment's file. Waits for the disk, as
   * its caller is a coding thread.
   */
  async writeCoded(record: Located, { leaves, repair }: CodedBlock): Promise<void> {
    const path = this.#codedPath(record);
    const temporary = `${path}.${randomBase32(8)}.tmp`;
    const file = openSync(temporary, "wx");
    try {
      writevSync(file, [leaves, repair]);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  }

  /** The first `count` leaf hashes, in ESI order. Throws StarlingError "block-missing" or "block-truncated". */
  async readLeaves(record: Located, count: number): Promise<Uint8Array[]> {
    // A few kilobytes, just written: reading them here costs a fifth of a hop to another thread.
    const bytes = new Uint8Array(count * SHA256_BYTES);
    readInto(this.#codedPath(record), 0, bytes);
    return leavesIn(bytes, count);
  }

  /** All that the encoder made of a block of `n` symbols. Throws as readLeaves does. */
  async readCoded(
    record: Located,
    n: number,
  ): Promise<{ readonly leaves: Uint8Array[]; readonly repair: Uint8Array }> {
    const path = this.#codedPath(record);
    const bytes = await readWhole(path);
    const leavesLength = n * SHA256_BYTES;
    if (bytes.length < leavesLength) throw truncated(path, leavesLength, bytes.length);
    return { leaves: leavesIn(bytes, n), repair: bytes.subarray(leavesLength) };
  }

  #codedPath(record: Located): string {
    const part = record.offset === 0 ? "" : `.${record.offset}`;
    return `${this.absolutePath(record)}${part}.coded`;
  }

  /** Deletes what was coded and the segment's file; what is gone already is no error. */
  async remove(record: Located): Promise<void> {
    const paths = [this.absolutePath(record), this.#codedPath(record)];
    await Promise.all(paths.map((path) => rm(path, { force: true })));
  }
}

function openToRead(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw missing(path, error);
  }
}

/** Fills `target` from byte `offset` of a file on. */
function readInto(path: string, offset: number, target: Uint8Array): void {
  const file = openToRead(path);
  try {
    let length = 0;
    while (length < target.length) {
      const count = readSync(file, target, length, target.length - length, offset + length);
      if (count === 0) throw truncated(path, target.length, length);
      length += count;
    }
  } finally {
    closeSync(file);
  }
}

function leavesIn(bytes: Uint8Array, count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, leaf) =>
    bytes.subarray(leaf * SHA256_BYTES, (leaf + 1) * SHA256_BYTES),
  );
}

async function openWhenThere(path: string): Promise<FileHandle> {
  try {
    return await open(path);
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
