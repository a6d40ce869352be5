import {
  JsonFields,
  type KeySet,
  type PeerRole,
  parseJson,
  parseJwks,
  StarlingError,
} from "../core/index.ts";

const REQUEST_TIMEOUT_MS = 10_000;
const ANSWER_CODE = "api-bad-answer";
const TRACKER_PATH = "/api/v1/tracker";
/** The share of a permit's life after which a new one is fetched. */
const RENEWED_AFTER = 0.7;

/** Refusals that no waiting heals. */
const FINAL_CODES: ReadonlySet<string> = new Set([
  "api-key-missing",
  "api-key-wrong",
  "p2p-off",
  "request-invalid",
  "route-not-found",
  "seed-role-refused",
  "stream-not-found",
]);

/** Whether to try again is pointless, by the code of a refusal. */
export function isFinalRefusal(code: string | undefined): boolean {
  return code !== undefined && FINAL_CODES.has(code);
}

/** What a peer needs to join: its token, and the keys to check others by. */
export interface JoinPermit {
  readonly token: string;
  readonly keys: KeySet;
  /** When to fetch the next one, by Date.now(). */
  readonly renewAtMs: number;
}

export interface JoinPermitOptions {
  /** Where the API is, for example "http://127.0.0.1:8080". */
  readonly apiUrl: string;
  readonly stream: string;
  /** Where tokens are asked for instead of at the API: a backend that asks it with a key. */
  readonly tokenUrl?: string | undefined;
  /** Public key, base64url. */
  readonly peer: string;
  readonly role: PeerRole;
  /** A bearer key: an API key for a stream of access "backend", the origin's own for the role "seed". */
  readonly apiKey?: string | undefined;
}

/** Fetches join tokens, and keeps the last one while it is fresh. */
export class JoinPermits {
  readonly #options: JoinPermitOptions;
  #permit: JoinPermit | undefined;

  constructor(options: JoinPermitOptions) {
    this.#options = options;
  }

  /** The tracker's WebSocket address. */
  get trackerUrl(): string {
    return `${baseUrl(this.#options.apiUrl).replace(/^http/, "ws")}${TRACKER_PATH}`;
  }

  /**
   * A permit with life left. Throws StarlingError "api-unreachable", "api-bad-answer" or, with the
   * code that the API gave, a refusal.
   */
  async current(signal?: AbortSignal): Promise<JoinPermit> {
    if (this.#permit === undefined || this.#permit.renewAtMs <= Date.now()) {
      this.#permit = await this.#fetch(signal);
    }
    return this.#permit;
  }

  /** Forgets the permit: the tracker did not take it. */
  discard(): void {
    this.#permit = undefined;
  }

  async #fetch(signal: AbortSignal | undefined): Promise<JoinPermit> {
    const { apiUrl, stream, tokenUrl, peer, role, apiKey } = this.#options;
    const path = `/api/v1/streams/${encodeURIComponent(stream)}/tokens`;
    const url = tokenUrl ?? `${baseUrl(apiUrl)}${path}`;
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const { status, text } = await post(url, { publicKey: peer, role }, apiKey, [
      timeout,
      ...(signal === undefined ? [] : [signal]),
    ]);
    if (status !== 201) throw refusalOf(status, text);
    const json = parseJson(text, ANSWER_CODE);
    const answer = new JsonFields(json, ANSWER_CODE);
    const nowMs = Date.now();
    const lifeMs = Math.max(0, Date.parse(answer.text("expiresAt", 64)) - nowMs);
    return {
      token: answer.text("token", 4096),
      keys: parseJwks((json as { readonly jwks?: unknown }).jwks),
      renewAtMs: nowMs + (Number.isFinite(lifeMs) ? lifeMs * RENEWED_AFTER : 0),
    };
  }
}

async function post(
  url: string,
  body: object,
  apiKey: string | undefined,
  signals: AbortSignal[],
): Promise<{ status: number; text: string }> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        ...(apiKey === undefined ? {} : { Authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify(body),
      signal: AbortSignal.any(signals),
    });
    return { status: response.status, text: await response.text() };
  } catch (cause) {
    throw new StarlingError(
      "api-unreachable",
      `The API did not answer at ${url}: is the origin running, and is the address right?`,
      { cause },
    );
  }
}

/** A problem detail object (RFC 9457) as an error with the code that the API gave. */
function refusalOf(status: number, text: string): StarlingError {
  try {
    const problem = new JsonFields(parseJson(text, ANSWER_CODE), ANSWER_CODE);
    return new StarlingError(problem.text("code", 64), problem.text("detail", 1024));
  } catch {
    return new StarlingError(ANSWER_CODE, `The API answered ${status} without a problem document.`);
  }
}

function baseUrl(apiUrl: string): string {
  return apiUrl.replace(/\/+$/, "");
}
