import { createHmac, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import type { Redis } from "ioredis";
import {
  fromBase64Url,
  isWorkDone,
  JOIN_WORK_SCRYPT,
  type JoinPuzzle,
  type JoinWork,
  JsonFields,
  joinWorkInput,
  parseJson,
  toBase64Url,
  utf8,
  WORK_MAX,
} from "../core/index.ts";
import { internalKey } from "../pipeline/index.ts";
import { FreshCache } from "./fresh-cache.ts";
import { JoinPressure } from "./join-pressure.ts";
import { refusal } from "./problems.ts";

/** Who stands before the door. */
export interface Newcomer {
  readonly stream: string;
  /** Public key, base64url. */
  readonly peer: string;
  /** An IPv4 /24 or an IPv6 /48: a provider may change the address of a subscriber at any time. */
  readonly network: string;
}

export interface JoinDoorOptions {
  /** Hashes that a newcomer does on average while the origin is at rest; 0: none. */
  readonly joinWork: number;
  /** Newcomers a second of the whole origin from which on each of them works more. */
  readonly joinsPerSecond: number;
}

const PUZZLE_LIFE_S = 120;
const NONCE_BYTES = 9;
/** Answers that are checked at a time, 1.3 ms each: the pool's other threads serve files. */
const CHECKING_MAX = 2;
/** Answers that wait for that. More would wait longer than 50 ms. */
const WAITING_MAX = 48;
const KEY_MAX_AGE_MS = 10_000;
const CODE = "puzzle-malformed";

/**
 * The public door of open streams: a newcomer does some work for its first token (PROTOCOL.md, "Work"). A
 * puzzle is signed and not kept, so that asking for one costs nothing; it is bound to the newcomer.
 */
export class JoinDoor {
  readonly #key: FreshCache<string>;
  readonly #options: JoinDoorOptions;
  readonly #pressure: JoinPressure;
  readonly #waiting: (() => void)[] = [];
  #checking = 0;

  constructor(redis: Redis, options: JoinDoorOptions) {
    this.#key = new FreshCache(KEY_MAX_AGE_MS, () => internalKey(redis));
    this.#options = options;
    this.#pressure = new JoinPressure(redis, options.joinsPerSecond);
  }

  /** Whether newcomers have to work. */
  get isGuarded(): boolean {
    return this.#options.joinWork > 0;
  }

  /**
   * A puzzle for a newcomer, as hard as the joins of the last seconds and of its network ask for. Throws
   * StarlingError "too-many-requests" when its network has no more room.
   */
  async puzzle(newcomer: Newcomer): Promise<JoinPuzzle> {
    const factor = await this.#pressure.factor(newcomer.network);
    const work = Math.min(WORK_MAX, Math.round(this.#options.joinWork * factor));
    const exp = Math.floor(Date.now() / 1000) + PUZZLE_LIFE_S;
    const nonce = randomBytes(NONCE_BYTES).toString("base64url");
    const payload = toBase64Url(utf8(JSON.stringify({ work, exp, nonce })));
    return { challenge: `${payload}.${await this.#mac(payload, newcomer)}`, work };
  }

  /**
   * Whether an answer is right, new, and the newcomer's own; then the join counts. Throws StarlingError
   * "overloaded" when too many answers wait.
   */
  async admits(answer: JoinWork, newcomer: Newcomer): Promise<boolean> {
    const [payload = "", mac = "", ...rest] = answer.challenge.split(".");
    if (rest.length > 0 || !isSame(mac, await this.#mac(payload, newcomer))) return false;
    const text = Buffer.from(fromBase64Url(payload)).toString("latin1");
    const fields = new JsonFields(parseJson(text, CODE), CODE);
    const lifeMs = fields.integer("exp", 0, Number.MAX_SAFE_INTEGER) * 1000 - Date.now();
    if (lifeMs <= 0 || !(await this.#isRight(answer, fields.integer("work", 1, WORK_MAX)))) {
      return false;
    }
    return this.#pressure.count(newcomer.network, { id: mac, lifeMs: Math.ceil(lifeMs) });
  }

  async #isRight(answer: JoinWork, work: number): Promise<boolean> {
    await this.#enter();
    try {
      return isWorkDone(await hashOf(answer), work);
    } finally {
      this.#checking -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #enter(): Promise<void> {
    if (this.#waiting.length >= WAITING_MAX) {
      throw refusal("overloaded", "Wait for as long as Retry-After says.");
    }
    if (this.#checking >= CHECKING_MAX) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#checking += 1;
  }

  async #mac(payload: string, { stream, peer, network }: Newcomer): Promise<string> {
    const text = ["starling-join-puzzle", payload, stream, peer, network].join("\0");
    return createHmac("sha256", await this.#key.get())
      .update(text)
      .digest("base64url");
  }
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function hashOf(answer: JoinWork): Promise<Uint8Array> {
  const { N, r, p, dkLen } = JOIN_WORK_SCRYPT;
  const { password, salt } = joinWorkInput(answer);
  return new Promise((resolve, reject) => {
    scrypt(password, salt, dkLen, { N, r, p }, (error, hash) => {
      if (error === null) resolve(hash);
      else reject(error);
    });
  });
}
