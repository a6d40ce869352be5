import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
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
    const bytes = await read(this.absolutePath(record));
    if (bytes.length === record.byteLength) return bytes;
    throw new StarlingError(
      "block-truncated",
      `${record.path}: expected ${record.byteLength} bytes, found ${bytes.length}.`,
    );
  }

  /** Writes the repair symbols, then the leaf hashes: who finds leaves finds repair symbols too. */
  async writeCoded(record: Located, { repair, leaves }: CodedBlock): Promise<void> {
    const path = this.absolutePath(record);
    await mkdir(dirname(path), { recursive: true });
    await writeWhole(`${path}.repair`, repair);
    await writeWhole(`${path}.leaves`, leaves);
  }

  /** The repair symbols, one after the other. Throws StarlingError "block-missing". */
  async readRepair(record: Located): Promise<Uint8Array> {
    return read(`${this.absolutePath(record)}.repair`);
  }

  /** The N leaf hashes in ESI order. Throws StarlingError "block-missing" or "block-truncated". */
  async readLeaves(record: Located): Promise<Uint8Array[]> {
    const bytes = await read(join(this.#root, this.leavesPath(record)));
    if (bytes.length === 0 || bytes.length % SHA256_BYTES !== 0) {
      throw new StarlingError("block-truncated", `${record.path}: the leaf list is damaged.`);
    }
    return Array.from({ length: bytes.length / SHA256_BYTES }, (_, leaf) =>
      bytes.subarray(leaf * SHA256_BYTES, (leaf + 1) * SHA256_BYTES),
    );
  }

  /** Deletes the block's files; those that are gone already are no error. */
  async remove(record: Located): Promise<void> {
    const path = this.absolutePath(record);
    await Promise.all(["", ".repair", ".leaves"].map((end) => rm(path + end, { force: true })));
  }
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (errorCode(cause) !== "ENOENT") throw cause;
    throw new StarlingError("block-missing", `${path} is not there: it was trimmed or lost.`);
  }
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${path}.${randomBase32(8)}.tmp`;
  await writeFile(temporary, bytes);
  await rename(temporary, path);
}
