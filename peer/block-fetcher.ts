import {
  BLOCK_BYTES_MAX,
  type BlockId,
  blockKey,
  errorCode,
  INIT_PART,
  renditionFolder,
} from "../core/index.ts";
import type { Log } from "./log.ts";

/** A block that is later than this is of no more use. */
const TIMEOUT_MS = 4000;
/** What is fetched at a time. */
const FETCHES_MAX = 16;
const PARTIAL_CONTENT = 206;

/** Some bytes of a block: from `start` to before `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Bytes of a block, from its byte `start` on. */
export interface FetchedBytes {
  readonly start: number;
  readonly bytes: Uint8Array;
}

/** The last resort: parts of blocks from the origin's public addresses. */
export class BlockFetcher {
  readonly #streamUrl: string;
  readonly #log: Log;
  readonly #stop = new AbortController();
  #fetches = 0;
  #bytes = 0;

  constructor(apiUrl: string, stream: string, log: Log) {
    this.#streamUrl = `${apiUrl.replace(/\/+$/, "")}/live/${encodeURIComponent(stream)}`;
    this.#log = log;
  }

  /** Bytes of media that came. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Bytes of a block as the origin gives them, unverified: those asked for, or the whole block from a
   * server that knows no ranges; undefined if they do not come.
   */
  async fetch(block: BlockId, { start, end }: ByteRange): Promise<FetchedBytes | undefined> {
    if (this.#fetches >= FETCHES_MAX) return undefined;
    this.#fetches++;
    try {
      const response = await fetch(`${this.#streamUrl}/${nameOf(block)}`, {
        headers: { Range: `bytes=${start}-${end - 1}` },
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      const bytes = await this.#read(response);
      return bytes && { start: response.status === PARTIAL_CONTENT ? start : 0, bytes };
    } catch (error) {
      this.#log.info({ block: blockKey(block), code: errorCode(error) }, "block not fetched");
      return undefined;
    } finally {
      this.#fetches--;
    }
  }

  /** Gives up what is under way. */
  close(): void {
    this.#stop.abort();
  }

  async #read(response: Response): Promise<Uint8Array | undefined> {
    const byteLength = Number(response.headers.get("Content-Length") ?? 0);
    if (!response.ok || byteLength > BLOCK_BYTES_MAX) {
      await response.body?.cancel();
      return undefined;
    }
    const bytes = new Uint8Array(byteLength);
    let at = 0;
    // Not every browser can iterate over a body.
    const reader = response.body?.getReader();
    for (let read = await reader?.read(); read?.value; read = await reader?.read()) {
      this.#bytes += read.value.length;
      if (at + read.value.length > byteLength) return undefined;
      bytes.set(read.value, at);
      at += read.value.length;
    }
    return bytes;
  }
}

/** The file name of a block among the stream's public addresses. */
function nameOf({ rendition, sequence, part }: BlockId): string {
  const name = part === INIT_PART ? `init-${sequence}.mp4` : `${sequence}-${part}.m4s`;
  return `${renditionFolder(rendition)}${name}`;
}
