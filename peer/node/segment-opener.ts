import { createDecipheriv } from "node:crypto";
import { StarlingError } from "../../core/index.ts";
import { abortableDelay, BackOff } from "../index.ts";
import type { PeerSegment } from "./segment-order.ts";

const REQUEST_TIMEOUT_MS = 10_000;
const RETRY_MS_MAX = 2000;
/** Publish sessions whose keys are kept: the last one, and the one before, whose media may still come. */
const SESSIONS_MAX = 2;
const KEY_BYTES = 16;
const OK = 200;
const UNAUTHORIZED = 401;

export interface SegmentOpenerOptions {
  /** Where the API is, for example "http://127.0.0.1:8080". */
  readonly apiUrl: string;
  readonly stream: string;
  /** The join token in force: the content key is given for it. */
  readonly token: () => string;
}

interface ContentKey {
  readonly key: Buffer;
  readonly iv: Buffer;
}

/**
 * Decrypts the media segments of an encrypted stream (RFC 8216 section 4.3.2.4, AES-128). Where the cipher starts stands in
 * the playlist, and so does whether a stream is encrypted, which holds for good; the key of a publish session is
 * asked for by token.
 */
export class SegmentOpener {
  readonly #options: SegmentOpenerOptions;
  readonly #liveUrl: string;
  readonly #keys = new Map<string, ContentKey>();
  #isPlain = false;

  constructor(options: SegmentOpenerOptions) {
    this.#options = options;
    const base = options.apiUrl.replace(/\/+$/, "");
    this.#liveUrl = `${base}/live/${encodeURIComponent(options.stream)}`;
  }

  /**
   * The segment as it plays. Waits for an origin that does not answer, or does not list the publish session yet;
   * undefined once `signal` aborts. Throws StarlingError "content-token-needed" when the token is refused and
   * "content-not-opened" for what the key does not open.
   */
  async open(segment: PeerSegment, signal: AbortSignal): Promise<PeerSegment | undefined> {
    if (segment.init) return segment;
    const content = await this.#keyOf(segment.manifests[0].session, signal);
    if (content === undefined) return this.#isPlain ? segment : undefined;
    try {
      const decipher = createDecipheriv("aes-128-cbc", content.key, content.iv);
      const bytes = Buffer.concat([decipher.update(segment.bytes), decipher.final()]);
      return { ...segment, bytes };
    } catch (cause) {
      const message = `The content key does not open segment ${segment.sequence}.`;
      throw new StarlingError("content-not-opened", message, { cause });
    }
  }

  /** The key of a publish session; undefined for a stream that is not encrypted, and at the end. */
  async #keyOf(session: string, signal: AbortSignal): Promise<ContentKey | undefined> {
    const backOff = new BackOff(RETRY_MS_MAX);
    while (!this.#isPlain && !signal.aborted) {
      const content = this.#keys.get(session) ?? (await this.#ask(session, signal));
      if (content !== undefined) return content;
      if (!this.#isPlain) await abortableDelay(backOff.next(), signal);
    }
    return undefined;
  }

  async #ask(session: string, signal: AbortSignal): Promise<ContentKey | undefined> {
    const playlist = await this.#get("media.m3u8", {}, signal);
    if (playlist?.status !== OK) return undefined;
    const text = playlist.body.toString();
    this.#isPlain = !text.includes("#EXT-X-KEY:METHOD=AES-128");
    const [, rest] = text.split(`URI="${session}.key",IV=0x`);
    const iv = Buffer.from(rest?.slice(0, 2 * KEY_BYTES) ?? "", "hex");
    if (iv.length !== KEY_BYTES) return undefined;
    const headers = { Authorization: `Bearer ${this.#options.token()}` };
    const answer = await this.#get(`${encodeURIComponent(session)}.key`, headers, signal);
    if (answer?.status === UNAUTHORIZED) {
      const message = "The origin gives no content key for this token: was it revoked?";
      throw new StarlingError("content-token-needed", message);
    }
    const isKey = answer?.status === OK && answer.body.length === KEY_BYTES;
    return isKey ? this.#keep(session, { key: answer.body, iv }) : undefined;
  }

  #keep(session: string, content: ContentKey): ContentKey {
    this.#keys.set(session, content);
    const [oldest] = this.#keys.keys();
    if (this.#keys.size > SESSIONS_MAX && oldest !== undefined) this.#keys.delete(oldest);
    return content;
  }

  /** An answer; undefined if none comes. */
  async #get(
    name: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<{ status: number; body: Buffer } | undefined> {
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
      const response = await fetch(`${this.#liveUrl}/${name}`, { headers, signal: limit });
      return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
    } catch {
      return undefined;
    }
  }
}
