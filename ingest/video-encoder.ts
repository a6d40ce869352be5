import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { errorCode, StarlingError } from "../core/index.ts";
import { SOFTWARE_ENCODER, trialArguments, type VideoEncoder } from "./ffmpeg-command.ts";

const TRIAL_TIMEOUT_MS = 10_000;

/**
 * The encoder that the operator chose, tried with one picture: that it is built into ffmpeg does not
 * say that its hardware is here. Throws StarlingError "video-encoder".
 */
export async function chosenEncoder(
  ffmpegPath: string,
  choice: {
    readonly videoEncoder?: string | undefined;
    /** Words with spaces between; by default none, and for libx264 those that suit live video. */
    readonly videoEncoderArgs?: string | undefined;
  },
): Promise<VideoEncoder> {
  const { videoEncoder: name = SOFTWARE_ENCODER.name, videoEncoderArgs } = choice;
  if (name === SOFTWARE_ENCODER.name && videoEncoderArgs === undefined) return SOFTWARE_ENCODER;
  const isSoftware = name.startsWith("lib"); // Encoders in hardware are named by it: "h264_nvenc".
  const args = (videoEncoderArgs ?? "").split(/\s+/).filter((word) => word !== "");
  const encoder = { name, args, isSoftware };
  const known = await encodersOf(ffmpegPath);
  if (!known.includes(name)) {
    const ofH264 = known.filter((other) => /264/.test(other)).join(", ");
    throw new StarlingError(
      "video-encoder",
      `This ffmpeg has no video encoder "${name}". Of H.264 it has ${ofH264 || "none"}.`,
    );
  }
  try {
    await promisify(execFile)(ffmpegPath, trialArguments(encoder), { timeout: TRIAL_TIMEOUT_MS });
  } catch (cause) {
    const { stderr = "" } = cause as { stderr?: string };
    const [reason = "it gave no reason"] = stderr.split("\n").filter((line) => line !== "");
    throw new StarlingError(
      "video-encoder",
      `The video encoder "${name}" does not work here: ${reason} Check video-encoder-args and the driver, or use libx264.`,
      { cause },
    );
  }
  return encoder;
}

/** The names of all video encoders, as `ffmpeg -encoders` lists them: " V....D libx264   libx264 H.264". */
async function encodersOf(ffmpegPath: string): Promise<string[]> {
  try {
    const { stdout } = await promisify(execFile)(ffmpegPath, ["-hide_banner", "-encoders"], {
      timeout: TRIAL_TIMEOUT_MS,
    });
    return [...stdout.matchAll(/^ V[A-Z.]{5} (\S+)/gm)].map(([, name = ""]) => name);
  } catch (cause) {
    throw new StarlingError("video-encoder", `ffmpeg -encoders failed: ${errorCode(cause)}.`, {
      cause,
    });
  }
}
