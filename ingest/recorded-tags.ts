import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { FlvTag } from "./flv.ts";
import { FlvReader } from "./flv-reader.ts";

const OUTPUT_BYTES_MAX = 64 << 20;

/** The tags of a real encoder, without waiting for them in real time; for tests. */
export async function recordedTags(options: {
  readonly seconds: number;
  readonly size?: string;
  /** Frames between key frames; 25 come in a second. */
  readonly gopFrames?: number;
}): Promise<FlvTag[]> {
  const { seconds, size = "160x90", gopFrames = 25 } = options;
  const picture = ["-f", "lavfi", "-i", `testsrc2=size=${size}:rate=25`, "-t", `${seconds}`];
  const codec = ["-c:v", "libx264", "-g", `${gopFrames}`, "-bf", "0", "-sc_threshold", "0"];
  const args = ["-nostdin", "-loglevel", "error", ...picture, ...codec, "-f", "flv", "-"];
  const { stdout } = await promisify(execFile)("ffmpeg", args, {
    encoding: "buffer",
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  const reader = new FlvReader();
  reader.push(stdout);
  const tags: FlvTag[] = [];
  for (let tag = reader.next(); tag !== undefined; tag = reader.next()) tags.push(tag);
  return tags;
}
