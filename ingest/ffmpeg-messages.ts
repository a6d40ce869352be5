/** One line of ffmpeg's stderr, in words for the person who runs the origin. */
export interface FfmpegMessage {
  readonly level: "debug" | "warn" | "error";
  /** What it means. Equal meanings have equal texts, so that repetitions can be counted. */
  readonly text: string;
  /** Whether these are our words, which say what to do, and not ffmpeg's own. */
  readonly isKnown: boolean;
}

const SEVERE = new Set(["panic", "fatal", "error"]);

/** What the broadcaster is told whose codec the receiving ffmpeg cannot write as FLV. */
export const SRT_CODEC_REFUSAL =
  "The encoder's codec cannot be taken over SRT: set the encoder to H.264 and AAC.";

/** What ffmpeg says, and what a broadcaster or operator should hear instead. First match wins. */
const MEANINGS: readonly (readonly [RegExp, FfmpegMessage["level"], string])[] = [
  [/no space left on device/i, "error", "The disk is full: free space, or keep fewer segments."],
  [/not compatible with flv|incompatible with output codec/i, "error", SRT_CODEC_REFUSAL],
  [/incorrect passphrase|password/i, "warn", "A caller with a wrong passphrase was refused."],
  [/permission denied|read-only file system/i, "error", "The media folder cannot be written to."],
  [/failed to open (file|segment)/i, "error", "A segment file cannot be written."],
  [
    /matches no streams|does not contain any stream/i,
    "error",
    "The encoder announced a track and never sent it.",
  ],
  [
    /could not find codec parameters|unspecified (size|pixel format|sample)/i,
    "error",
    "The encoder did not describe its picture or sound; restart the broadcast.",
  ],
  [
    /unsupported (video|audio) codec|unknown codec|codec .* is not (implemented|supported)|decoder .* not found/i,
    "error",
    "This ffmpeg does not know the encoder's codec: set the encoder to H.264 and AAC.",
  ],
  [
    /error while decoding|concealing|corrupt/i,
    "warn",
    "The encoder's picture or sound is damaged.",
  ],
  [/invalid data found/i, "error", "The encoder sent something that is neither picture nor sound."],
  [
    /non.?monoton|out of order|timestamp discontinuity/i,
    "warn",
    "The encoder's timestamps jump; the picture may stutter.",
  ],
  [/timestamps are unset|packet duration.* out of range/i, "debug", "FLV timestamps are coarse."],
  [/too many packets buffered/i, "error", "One track of the encoder is far behind the other."],
];

/** `[flv @ 0x5f] [warning] text`, as `-loglevel level+warning` writes it. */
const LINE = /^(?:\[[^\]]+ @ [^\]]+\] )*\[(\w+)\] (.*)$/;

/** Reads one line of stderr; a line that is not known comes back as ffmpeg wrote it. */
export function readableMessage(line: string): FfmpegMessage {
  const [, tag = "error", said = line] = LINE.exec(line) ?? [];
  const known = MEANINGS.find(([pattern]) => pattern.test(said));
  if (known !== undefined) return { level: known[1], text: known[2], isKnown: true };
  return { level: SEVERE.has(tag) ? "error" : "warn", text: said.trim(), isKnown: false };
}
