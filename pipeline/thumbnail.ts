import { join } from "node:path";

/** Where the newest picture of a stream is, once there was one. No stream can have the folder's name. */
export function thumbnailPath(mediaRoot: string, stream: string): string {
  return join(mediaRoot, ".thumbnails", `${stream}.jpg`);
}
