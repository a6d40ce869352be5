import {
  CHALLENGE_LENGTH_MAX,
  certifiedKeys,
  instantMs,
  type JoinPuzzle,
  type JoinWork,
  JsonFields,
  type KeySet,
  type PeerRole,
  parseJson,
  parseJwks,
  parsePublicKey,
  StarlingError,
  WORK_MAX,
} from "../core/index.ts";
import type { Platform } from "./platform.ts";

const REQUEST_TIMEOUT_MS = 10_000;
const ANSWER_CODE = "api-bad-answer";
const TRACKER_PATH = "/api/v1/tracker";
/** The refusal that holds a puzzle (PROTOCOL.md, "Work"). */
const WORK_NEEDED = "work-needed";
/** Puzzles solved for one permit: the door gives a new one when an answer came late, or from elsewhere. */
const PUZZLES_MAX = 3;
/** The share of a permit's life after which a new one is fetched. */
const RENEWED_AFTER = 0.7;

/** Refusals that no waiting heals. */
const FINAL_CODES: ReadonlySet<string> = new Set([
  "api-key-missing",
  "api-key-wrong",
  "bad-public-key",
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
  /** Asks to be a relay: `apiKey` has to vouch for it. */
  readonly relay?: boolean | undefined;
  /** The origin's root key, base64url: keys that it did not certify are not believed. */
  readonly rootKey?: string | undefined;
  /** A bearer key: an API key for a stream of access "backend", the origin's own for the role "seed". */
  readonly apiKey?: string | undefined;
  readonly platform: Pick<Platform, "crypto" | "solveJoinPuzzle">;
}

/** Fetches join tokens, and keeps the last one while it is fresh. */
export class JoinPermits {
  readonly #options: JoinPermitOptions;
  #permit: JoinPermit | undefined;
  /** The last token, by which the next one costs no work. */
  #last: string | undefined;

  constructor(options: JoinPermitOptions) {
    this.#options = options;
  }

  /** The tracker's WebSocket address. */
  get trackerUrl(): string {
    return `${baseUrl(this.#options.apiUrl).replace(/^http/, "ws")}${TRACKER_PATH}`;
  }

  /**
   * A permit with life left. Throws StarlingError "api-unreachable", "api-bad-answer", "bad-public-key",
   * "keys-not-certified" or, with the code that the API gave, a refusal.
   */
  async current(signal?: AbortSignal): Promise<JoinPermit> {
    if (this.#permit === undefined || this.#permit.renewAtMs <= Date.now()) {
      this.#permit = await this.#fetch(signal);
      this.#last = this.#permit.token;
    }
    return this.#permit;
  }

  /** Forgets the permit: the tracker did not take it, or the origin has new keys. */
  discard(): void {
    this.#permit = undefined;
  }

  async #fetch(signal: AbortSignal | undefined): Promise<JoinPermit> {
    const never = new AbortController().signal;
    let work: JoinWork | undefined;
    for (let puzzles = 0; ; puzzles += 1) {
      const { status, text } = await this.#ask(work, signal);
      if (status === 201) return this.#certified(permitOf(text));
      const puzzle = puzzleIn(text);
      if (puzzle === undefined || puzzles === PUZZLES_MAX) throw refusalOf(status, text);
      work = await this.#options.platform.solveJoinPuzzle(puzzle, signal ?? never);
    }
  }

  #certified(permit: JoinPermit): JoinPermit {
    const { rootKey, platform } = this.#options;
    if (rootKey === undefined) return permit;
    const root = { publicKey: parsePublicKey(rootKey), crypto: platform.crypto };
    return { ...permit, keys: certifiedKeys(permit.keys, root, instantMs(Date.now())) };
  }

  #ask(
    work: JoinWork | undefined,
    signal: AbortSignal | undefined,
  ): Promise<{ status: number; text: string }> {
    const { apiUrl, stream, tokenUrl, peer, role, relay, apiKey } = this.#options;
    const path = `/api/v1/streams/${encodeURIComponent(stream)}/tokens`;
    const url = tokenUrl ?? `${baseUrl(apiUrl)}${path}`;
    // Who asks with a key, or at a backend, is let in anew each time.
    const isOpenDoor = tokenUrl === undefined && apiKey === undefined;
    const renew = isOpenDoor ? this.#last : undefined;
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    return post(url, { publicKey: peer, role, relay, renew, work }, apiKey, [
      timeout,
      ...(signal === undefined ? [] : [signal]),
    ]);
  }
}

function permitOf(text: string): JoinPermit {
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

/** The puzzle of a refusal, if there is one that can be solved. */
function puzzleIn(text: string): JoinPuzzle | undefined {
  try {
    const problem = new JsonFields(parseJson(text, ANSWER_CODE), ANSWER_CODE);
    if (problem.text("code", 64) !== WORK_NEEDED) return undefined;
    return {
      challenge: problem.text("challenge", CHALLENGE_LENGTH_MAX),
      work: problem.integer("work", 1, WORK_MAX),
    };
  } catch {
    return undefined;
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
