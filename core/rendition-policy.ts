import { RENDITIONS_MAX } from "./block-id.ts";

/** One rendition of a ladder: a picture with its sound, or the sound alone. */
export type Rung =
  | {
      readonly kind: "video";
      /** At the most: a picture is never made larger than its source. */
      readonly heightPx: number;
      /** Bit rate of the picture; undefined: what suits its height. */
      readonly kbps: number | undefined;
    }
  | { readonly kind: "audio" };

/**
 * What a stream is made into: what the broadcaster sends and nothing else, a ladder of renditions that
 * suits the source, or these.
 */
export type RenditionPolicy = "passthrough" | "ladder" | readonly Rung[];

const RUNG = String.raw`(?:[1-9]\d{2,3}p(?:@[1-9]\d{1,5})?|audio)`;

/** The text of a policy: "passthrough", "ladder", or rungs such as "1080p,720p@2500,360p,audio" (kbit/s). */
export const RENDITION_POLICY: RegExp = new RegExp(
  `^(?:passthrough|ladder|${RUNG}(?:,${RUNG}){0,${RENDITIONS_MAX - 1}})$`,
);

/** Reads the text of a policy; undefined when it is none. */
export function parseRenditionPolicy(text: string): RenditionPolicy | undefined {
  if (!RENDITION_POLICY.test(text)) return undefined;
  if (text === "passthrough" || text === "ladder") return text;
  return text.split(",").map((rung) => {
    if (rung === "audio") return { kind: "audio" };
    const [height = "", kbps] = rung.split("p@");
    return {
      kind: "video",
      heightPx: Number.parseInt(height, 10),
      kbps: kbps === undefined ? undefined : Number(kbps),
    };
  });
}
