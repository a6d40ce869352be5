import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../core/index.ts";
import { Recordings } from "../pipeline/index.ts";

/** What a file of ours is called while it is being written: its size is asked for each time. */
const UNFINISHED = /\.tmp$|\.part$|\.m3u8$/;

/**
 * Adds up the files below a folder. A file that has been seen is not looked at again, because media do
 * not change, so that counting takes little more than listing.
 */
export class DiskUsage {
  readonly #root: string;
  readonly #recordings: string;
  #sizes = new Map<string, ReadonlyMap<string, number>>();

  constructor(root: string) {
    this.#root = root;
    this.#recordings = new Recordings(root).root;
  }

  /** Bytes of all files, 0 when the folder is not there. */
  async bytes(): Promise<number> {
    const seen = new Map<string, ReadonlyMap<string, number>>();
    const total = await this.#add(this.#root, seen);
    this.#sizes = seen;
    return total;
  }

  async #add(path: string, seen: Map<string, ReadonlyMap<string, number>>): Promise<number> {
    const known = this.#sizes.get(path);
    const sizes = new Map<string, number>();
    let total = 0;
    for (const entry of await entriesOf(path)) {
      const child = join(path, entry.name);
      if (entry.isDirectory()) {
        total += await this.#add(child, seen);
        continue;
      }
      const byteLength = known?.get(entry.name) || (await this.#sizeOf(child));
      total += byteLength;
      if (!UNFINISHED.test(entry.name)) sizes.set(entry.name, byteLength);
    }
    seen.set(path, sizes);
    return total;
  }

  /** A segment that is in a recording too counts once, where it came from. */
  async #sizeOf(path: string): Promise<number> {
    try {
      const { size, nlink } = await stat(path);
      return nlink > 1 && path.startsWith(this.#recordings) ? 0 : size;
    } catch (error) {
      if (errorCode(error) === "ENOENT") return 0;
      throw error;
    }
  }
}

async function entriesOf(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}
