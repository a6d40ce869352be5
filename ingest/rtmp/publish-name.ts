import { StarlingError } from "../../core/index.ts";

const STREAM_NAME_LENGTH_MAX = 256;
/** The application of our addresses: rtmp://host/live. */
export const APPLICATION = "live";

/** What a publisher puts in its stream name. */
export interface PublishName {
  /** Or, with the secret of a front, the stream's id. */
  readonly streamKey: string;
  /** The publisher is a test card that gives way to a real broadcaster. */
  readonly filler: boolean;
  /** What a server in front shows that has checked the key itself. */
  readonly frontSecret: string | undefined;
}

/** Splits `<streamKey>`, `<streamKey>?filler=1` or `<stream id>?front=<secret>`. Throws StarlingError "rtmp-stream-name". */
export function parsePublishName(value: unknown): PublishName {
  if (typeof value !== "string" || value.length > STREAM_NAME_LENGTH_MAX) {
    throw new StarlingError("rtmp-stream-name", "The publish command has no usable stream name.");
  }
  const [streamKey = "", query = ""] = value.trim().split("?", 2);
  const choices = new URLSearchParams(query);
  const frontSecret = choices.get("front") ?? undefined;
  return { streamKey, filler: choices.get("filler") === "1", frontSecret };
}

/**
 * Why an application name is not ours, in words for the broadcaster; undefined when it is.
 * The name is not repeated beyond its first part: people paste stream keys here.
 */
export function applicationProblem(application: string | undefined): string | undefined {
  const [path = ""] = (application ?? "").split("?", 1);
  const name = path.replace(/^\/+|\/+$/g, "");
  if (name === APPLICATION) return undefined;
  const cure = `Set the server to rtmp://<host>/${APPLICATION} and put the stream key in its own field.`;
  const [first = ""] = name.split(/[/_]/, 1);
  if (first === "") return `The address names no application. ${cure}`;
  return `The application must be "${APPLICATION}", and "${first.slice(0, 32)}..." is not. ${cure}`;
}
