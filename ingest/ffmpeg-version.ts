import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { errorCode, StarlingError } from "../core/index.ts";

const VERSION_TIMEOUT_MS = 10_000;
/** The first release that reads enhanced RTMP from FLV. */
const ENHANCED_SINCE = 6.1;

/** What the installed ffmpeg is and can do. */
export interface FfmpegVersion {
  /** As it names itself, such as "6.1.1-3ubuntu5" or "N-112233-gabcdef" for a build from source. */
  readonly name: string;
  /** Whether it reads HEVC, AV1 and the like from enhanced RTMP. */
  readonly readsEnhancedFlv: boolean;
}

/** Asks an ffmpeg for its version. Throws StarlingError "ffmpeg-missing". */
export async function ffmpegVersion(binary: string): Promise<FfmpegVersion> {
  try {
    const { stdout } = await promisify(execFile)(binary, ["-hide_banner", "-version"], {
      timeout: VERSION_TIMEOUT_MS,
    });
    return parseFfmpegVersion(stdout);
  } catch (cause) {
    throw new StarlingError(
      "ffmpeg-missing",
      `"${binary}" does not run (${errorCode(cause)}): install ffmpeg, or name its path in the configuration.`,
      { cause },
    );
  }
}

/** Reads the first line of `ffmpeg -version`. A build from source is taken to be recent. */
export function parseFfmpegVersion(text: string): FfmpegVersion {
  const name = /^ffmpeg version (\S+)/.exec(text)?.[1] ?? "unknown";
  const release = /^n?(\d+\.\d+)/.exec(name)?.[1];
  return { name, readsEnhancedFlv: release === undefined || Number(release) >= ENHANCED_SINCE };
}
