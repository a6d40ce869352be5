import type { InstantMs } from "../core/index.ts";
import type { Block } from "./block.ts";
import { UPLOAD_QUEUE_MAX } from "./limits.ts";

/** A symbol that waits to be sent to a neighbour. */
export interface Upload {
  readonly block: Block;
  readonly esi: number;
  /** The smaller, the sooner it goes. */
  readonly rank: number;
  readonly queuedAt: InstantMs;
  readonly expiresAt: InstantMs;
  readonly isPush: boolean;
}

/** What waits for one neighbour, most urgent first. */
export class UploadQueue {
  readonly #uploads: Upload[] = [];

  get length(): number {
    return this.#uploads.length;
  }

  get first(): Upload | undefined {
    return this.#uploads[0];
  }

  /** Most urgent first. */
  values(): readonly Upload[] {
    return this.#uploads;
  }

  /** Queues an upload in its place; false when it is queued already or there is no room. */
  add(upload: Upload): boolean {
    const uploads = this.#uploads;
    if (uploads.length >= UPLOAD_QUEUE_MAX) return false;
    let at = uploads.length;
    for (let index = 0; index < uploads.length; index++) {
      const other = uploads[index] as Upload;
      if (other.esi === upload.esi && other.block === upload.block) return false;
      if (at === uploads.length && other.rank > upload.rank) at = index;
    }
    if (at === uploads.length) uploads.push(upload);
    else uploads.splice(at, 0, upload);
    return true;
  }

  takeFirst(): void {
    this.#uploads.shift();
  }

  /** Takes out what `isGone` says. */
  removeWhere(isGone: (upload: Upload) => boolean): void {
    let kept = 0;
    for (const upload of this.#uploads) if (!isGone(upload)) this.#uploads[kept++] = upload;
    this.#uploads.length = kept;
  }
}
