import { createHash, timingSafeEqual } from "node:crypto";
import type { Redis } from "ioredis";
import { z } from "zod";
import { isStreamId, RENDITION_POLICY, StarlingError } from "../core/index.ts";
import { randomBase32 } from "./random-text.ts";
import { publisherKey, STREAMS_KEY } from "./redis-keys.ts";
import { RedisScript } from "./redis-script.ts";

/** What one broadcaster publishes. A stream outlives its publish sessions. */
export interface Stream {
  readonly id: string;
  readonly title: string;
  /** "<id>_<secret>": who knows it may publish. Never log it. */
  readonly streamKey: string;
  readonly createdAtMs: number;
  /** Who may ask for a join token: everybody, or only the site's own backend. */
  readonly access: "open" | "backend";
  /** The sites whose pages may use it, as Origin headers name them; empty: all. */
  readonly origins: readonly string[];
  /** The keys of its media are made from it; empty: its media is not encrypted. Never log it. */
  readonly contentSecret: string;
  /** What it is made into, as RENDITION_POLICY of the core spells it; left out: as the origin is told. */
  readonly renditions?: string | undefined;
  /** Whether what is broadcast is kept; left out: as the origin is told. */
  readonly recording?: boolean | undefined;
  /** How far back viewers can go, seconds; left out: as the origin is told. */
  readonly dvrS?: number | undefined;
}

/** What of a stream may be chosen, and changed. */
export interface StreamChoices {
  readonly title?: string | undefined;
  readonly access?: Stream["access"] | undefined;
  readonly origins?: Stream["origins"] | undefined;
  /** Of these three, null: as the origin is told. */
  readonly renditions?: string | null | undefined;
  readonly recording?: boolean | null | undefined;
  readonly dvrS?: number | null | undefined;
}

export const STREAMS_MAX = 1000;
/** Sites that a stream names. */
export const ORIGINS_MAX = 32;
/** Each viewer fetches the whole playlist again and again: an hour of 1 s segments has 250 kB. */
export const DVR_MAX_S = 3600;
const TITLE_LENGTH_MAX = 200;
const SECRET_LENGTH = 32;

const streamSchema = z.object({
  id: z.string().refine(isStreamId, "expected a stream id"),
  title: z.string().max(TITLE_LENGTH_MAX),
  streamKey: z.string(),
  createdAtMs: z.number(),
  access: z.enum(["open", "backend"]),
  origins: z.array(z.string()).max(ORIGINS_MAX).default([]),
  contentSecret: z.string().default(""),
  renditions: z.string().regex(RENDITION_POLICY).optional(),
  recording: z.boolean().optional(),
  dvrS: z.int().min(1).max(DVR_MAX_S).optional(),
}) satisfies z.ZodType<Stream>;

/** KEYS streams; ARGV id, stream, streams max. Answers "ok" or an error code. */
const createScript = new RedisScript(
  "create-stream",
  `
if redis.call("HEXISTS", KEYS[1], ARGV[1]) == 1 then return "stream-exists" end
if redis.call("HLEN", KEYS[1]) >= tonumber(ARGV[3]) then return "stream-limit" end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[2])
return "ok"
`,
);

/** KEYS streams; ARGV id, stream: writes only over a stream that is still there. Answers 1 or 0. */
const replaceScript = new RedisScript(
  "replace-stream",
  `
if redis.call("HEXISTS", KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[2])
return 1
`,
);

/** The streams of this origin, and the keys to publish to them. */
export class StreamRegistry {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /**
   * Throws StarlingError "stream-id-invalid", "stream-title-invalid", "stream-renditions-invalid",
   * "stream-dvr-invalid", "stream-exists" or "stream-limit".
   */
  async create({
    id,
    isEncrypted = false,
    ...choices
  }: StreamChoices & {
    readonly id: string;
    /** Encrypt its media, for good: what is published cannot be taken back. */
    readonly isEncrypted?: boolean | undefined;
  }): Promise<Stream> {
    if (!isStreamId(id)) {
      throw new StarlingError(
        "stream-id-invalid",
        "A stream id is 1-64 lower-case letters, digits and hyphens, not a hyphen first.",
      );
    }
    const stream = chosen(
      {
        ...{ id, title: id, streamKey: newKey(id), createdAtMs: Date.now(), access: "open" },
        ...{ origins: [], contentSecret: isEncrypted ? randomBase32(SECRET_LENGTH) : "" },
      },
      choices,
    );
    const answer = await createScript.run(
      this.#redis,
      [STREAMS_KEY],
      id,
      JSON.stringify(stream),
      STREAMS_MAX,
    );
    if (answer === "ok") return stream;
    throw answer === "stream-exists"
      ? new StarlingError("stream-exists", `There is a stream "${id}" already.`)
      : new StarlingError("stream-limit", `An origin holds ${STREAMS_MAX} streams: delete one.`);
  }

  /** All streams, by id. */
  async list(): Promise<Stream[]> {
    const streams = (await this.#redis.hvals(STREAMS_KEY)).map(streamOf);
    return streams.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async get(id: string): Promise<Stream | undefined> {
    const stream = await this.#redis.hget(STREAMS_KEY, id);
    return stream === null ? undefined : streamOf(stream);
  }

  /**
   * Removes a stream and ends its publisher's lease. Its media stay until Timeline.trim(id, 0), and
   * its numbers for ever: a new stream of this id goes on where the old one ended.
   */
  async delete(id: string): Promise<boolean> {
    const removed = await this.#redis.hdel(STREAMS_KEY, id);
    await this.#redis.del(publisherKey(id));
    return removed === 1;
  }

  /**
   * Changes what is chosen and leaves the rest; a publish session goes on as it began. Throws
   * StarlingError "stream-unknown", "stream-title-invalid", "stream-renditions-invalid" or "stream-dvr-invalid".
   */
  update(id: string, choices: StreamChoices): Promise<Stream> {
    return this.#replace(id, (stream) => chosen(stream, choices));
  }

  /** Gives a stream a new key; the old one no longer opens a session. Throws StarlingError "stream-unknown". */
  rotateKey(id: string): Promise<Stream> {
    return this.#replace(id, (stream) => ({ ...stream, streamKey: newKey(id) }));
  }

  async #replace(id: string, change: (stream: Stream) => Stream): Promise<Stream> {
    const stream = await this.get(id);
    const changed = stream && change(stream);
    const replaced =
      changed && (await replaceScript.run(this.#redis, [STREAMS_KEY], id, JSON.stringify(changed)));
    if (changed && replaced === 1) return changed;
    throw new StarlingError("stream-unknown", "There is no stream of this id.");
  }

  /** The stream that `streamKey` may publish to. The secret is compared in constant time. */
  async authorise(streamKey: string): Promise<Stream | undefined> {
    const id = streamKey.slice(0, Math.max(0, streamKey.lastIndexOf("_")));
    if (!isStreamId(id)) return undefined;
    const stream = await this.get(id);
    if (!stream) return undefined;
    return timingSafeEqual(digest(streamKey), digest(stream.streamKey)) ? stream : undefined;
  }
}

/** A stream with what was chosen. */
function chosen(stream: Stream, choices: StreamChoices): Stream {
  const { title = stream.title, access = stream.access, origins = stream.origins } = choices;
  const { renditions = stream.renditions, recording = stream.recording } = choices;
  const { dvrS = stream.dvrS } = choices;
  if (title.length > TITLE_LENGTH_MAX) {
    throw new StarlingError(
      "stream-title-invalid",
      `A title has at most ${TITLE_LENGTH_MAX} characters.`,
    );
  }
  checkRenditions(renditions);
  checkDvr(dvrS);
  return {
    ...{ ...stream, title, access, origins },
    renditions: renditions ?? undefined,
    recording: recording ?? undefined,
    dvrS: dvrS ?? undefined,
  };
}

function checkRenditions(renditions: StreamChoices["renditions"]): void {
  if (renditions === undefined || renditions === null || RENDITION_POLICY.test(renditions)) return;
  throw new StarlingError(
    "stream-renditions-invalid",
    'Renditions are "passthrough", "ladder", or heights such as "1080p,720p@2500,360p,audio".',
  );
}

function checkDvr(dvrS: StreamChoices["dvrS"]): void {
  if (dvrS === undefined || dvrS === null) return;
  if (Number.isInteger(dvrS) && dvrS >= 1 && dvrS <= DVR_MAX_S) return;
  throw new StarlingError(
    "stream-dvr-invalid",
    `Viewers can go back 1 to ${DVR_MAX_S} whole seconds.`,
  );
}

function newKey(id: string): string {
  return `${id}_${randomBase32(SECRET_LENGTH)}`;
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

function streamOf(json: string): Stream {
  return streamSchema.parse(JSON.parse(json));
}
