import type { Random } from "../core/index.ts";
import { type JsonSchema, mutated, nameLike, pick, valueLike } from "./fuzz-values.ts";

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly body: JsonSchema | undefined;
  readonly statuses: readonly number[];
}

/** What any route may answer with, whatever its description says of it. */
const COMMON = [206, 400, 401, 404, 405, 413, 415, 416, 429];
/** The only 5xx, and only with one of these codes: refusals, not faults. */
const UNAVAILABLE = 503;
const UNAVAILABLE_CODES = ["not-ready", "overloaded", "player-not-built"];
const METHODS = ["GET", "HEAD", "POST", "DELETE", "PUT", "PATCH", "OPTIONS"];
const TYPES = [
  "application/json",
  "application/json; charset=latin1",
  "text/plain",
  "multipart/form-data",
  "",
];
const TIMEOUT_MS = 20_000;

/** Sends requests that its OpenAPI describes, and others, to an API that runs. */
export class HttpFuzz {
  readonly #url: string;
  readonly #apiKey: string;
  readonly #operations: readonly Operation[];
  /** How many answers had each status. */
  readonly statuses = new Map<number, number>();

  private constructor(url: string, apiKey: string, operations: readonly Operation[]) {
    this.#url = url;
    this.#apiKey = apiKey;
    this.#operations = operations;
  }

  /** `apiKey`: some requests have it. */
  static async open(url: string, apiKey: string): Promise<HttpFuzz> {
    const description = (await (await fetch(`${url}/openapi.json`)).json()) as Description;
    return new HttpFuzz(url, apiKey, operationsOf(description));
  }

  /** Sends one. Throws an Error that tells the request if the answer is none that may be. */
  async step(random: Random): Promise<void> {
    const operation = pick(random, this.#operations);
    const path = operation.path.replace(/\{\w+\}/g, () => nameLike(random));
    const isWild = random.next() < 0.2;
    const method = isWild ? pick(random, METHODS) : operation.method;
    // Of what the attack suite and the viewers need, nothing is deleted.
    if (method === "DELETE" && path.includes("/streams/main")) return;
    const body = hasBody(method) ? this.#body(random, operation) : undefined;
    const response = await fetch(`${this.#url}${path}`, {
      method,
      headers: this.#headers(random),
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    const { status } = response;
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    if (this.#isExpected(status, text, isWild ? undefined : operation)) return;
    const sent = body === undefined ? "" : ` ${String(body).slice(0, 500)}`;
    throw new Error(`${method} ${path}${sent} was answered with ${status}: ${text.slice(0, 500)}`);
  }

  #isExpected(status: number, text: string, operation: Operation | undefined): boolean {
    if (status === UNAVAILABLE) return UNAVAILABLE_CODES.some((code) => text.includes(`"${code}"`));
    if (status >= 500) return false;
    return operation === undefined || [...operation.statuses, ...COMMON].includes(status);
  }

  #headers(random: Random): Record<string, string> {
    const keys = [undefined, this.#apiKey, this.#apiKey, `${this.#apiKey}x`, "é", "a".repeat(4000)];
    // A wrong key now and then: after 20 of them the address is told to wait.
    const key = random.next() < 0.03 ? pick(random, keys.slice(3)) : pick(random, keys.slice(0, 3));
    return {
      "Content-Type": random.next() < 0.9 ? "application/json" : pick(random, TYPES),
      ...(key === undefined ? {} : { Authorization: `Bearer ${encodeURIComponent(key)}` }),
      ...(random.next() < 0.1 ? { Origin: pick(random, ["null", "https://a.example", "%"]) } : {}),
      ...(random.next() < 0.1
        ? { Range: pick(random, ["bytes=0-", "bytes=-1", "a", "bytes=9-1"]) }
        : {}),
    };
  }

  #body(random: Random, { body }: Operation): string | Uint8Array<ArrayBuffer> {
    const text =
      JSON.stringify(valueLike(random, body ?? {}, random.next() < 0.5 ? 0 : 0.15)) ?? "";
    if (random.next() < 0.9) return text;
    return Uint8Array.from(mutated(random, new TextEncoder().encode(text)));
  }
}

function hasBody(method: string): boolean {
  return !["GET", "HEAD"].includes(method);
}

interface Description {
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<
          string,
          {
            readonly requestBody?: {
              readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>>;
            };
            readonly responses: Readonly<Record<string, unknown>>;
          }
        >
      >
    >
  >;
}

function operationsOf({ paths }: Description): Operation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { requestBody, responses }]) => ({
      method: method.toUpperCase(),
      path,
      body: requestBody?.content["application/json"]?.schema,
      statuses: Object.keys(responses).map(Number),
    })),
  );
}
