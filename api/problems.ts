import type { ErrorRequestHandler, Request, Response } from "express";
import type { Logger } from "pino";
import { errorCode, StarlingError } from "../core/index.ts";
import { requestIdOf } from "./request-id.ts";

/** Status and title of every problem the API answers with. The key is the stable `code`. */
const PROBLEMS = {
  "api-key-limit": [409, "There are as many API keys as this origin keeps"],
  "api-key-missing": [401, "An API key is needed"],
  "api-key-not-found": [404, "There is no such API key"],
  "api-key-scope": [403, "The API key may not do this"],
  "api-key-wrong": [401, "The API key is not valid"],
  "binding-refused": [403, "Only a holder of an API key may bind a token or make a relay"],
  "body-not-json": [400, "The body is not JSON"],
  "body-too-large": [413, "The body is too large"],
  "body-type-unsupported": [415, "The body has a media type that is not supported"],
  "content-key-not-found": [404, "There is no such content key"],
  "content-token-needed": [401, "A join token of the stream is needed"],
  "internal-error": [500, "Something broke inside of Starling"],
  "media-not-found": [404, "There is no such segment"],
  "method-not-allowed": [405, "The method is not allowed here"],
  "not-ready": [503, "Starling is not ready"],
  overloaded: [503, "Starling has more to do than it can"],
  "player-not-built": [503, "The watch page is not built"],
  "publisher-refused": [401, "The publisher may not come in"],
  "range-not-satisfiable": [416, "The range lies outside of the file"],
  "recording-not-found": [404, "There is no such recording"],
  "redis-unreachable": [503, "Starling cannot reach its Redis"],
  "request-invalid": [400, "The request is not valid"],
  "route-not-found": [404, "There is nothing at this address"],
  "p2p-off": [403, "This origin lets no viewer into the mesh"],
  "seed-role-refused": [403, "Only the origin's own seeders may have this role"],
  "signing-key-not-found": [404, "There is no such signing key"],
  "stream-exists": [409, "A stream of this id exists already"],
  "stream-id-invalid": [400, "The stream id is not valid"],
  "stream-limit": [409, "There are as many streams as this origin keeps"],
  "stream-not-found": [404, "There is no such stream"],
  "stream-offline": [404, "The stream is offline"],
  "too-many-requests": [429, "Too many requests"],
  "token-not-found": [404, "There is no such token"],
  "webhook-limit": [409, "There are as many webhooks as this origin keeps"],
  "webhook-not-found": [404, "There is no such webhook"],
  "webhook-url-refused": [400, "A webhook may not be at this address"],
  "websocket-only": [426, "This address speaks WebSocket"],
  "work-needed": [403, "A newcomer has to do some work first"],
} as const satisfies Record<string, readonly [status: number, title: string]>;

const RETRY_AFTER_S_MAX = 5;

export type ProblemCode = keyof typeof PROBLEMS;

/** A problem detail object (RFC 9457) with our stable `code`. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly code: ProblemCode;
  readonly requestId: string;
}

/** The HTTP status of a problem. */
export function problemStatus(code: ProblemCode): number {
  return PROBLEMS[code][0];
}

/** Every problem that there is, by code. */
export function problemList(): Pick<Problem, "code" | "status" | "title">[] {
  return Object.entries(PROBLEMS).map(([code, [status, title]]) => ({
    code: code as ProblemCode,
    status,
    title,
  }));
}

/** An error that the API answers with. `detail` names cause and cure, never a secret. */
export function refusal(code: ProblemCode, detail: string): StarlingError {
  return new StarlingError(code, detail);
}

/** Sends a problem; `extension` members stand beside the standard ones (RFC 9457 section 3.2). */
export function sendProblem(
  response: Response,
  code: ProblemCode,
  detail: string,
  extension: object = {},
): void {
  const [status, title] = PROBLEMS[code];
  const problem: Problem = {
    type: `urn:starling:problem:${code}`,
    title,
    status,
    detail,
    instance: response.req.originalUrl.replace(/\?.*/s, ""),
    code,
    requestId: requestIdOf(response),
  };
  response.removeHeader("ETag");
  if ((status === 429 || status === 503) && response.get("Retry-After") === undefined) {
    // Those refused together come back at different times.
    response.set("Retry-After", String(1 + Math.floor(Math.random() * RETRY_AFTER_S_MAX)));
  }
  response
    .status(status)
    .set("Cache-Control", "no-store")
    .type("application/problem+json")
    .send(JSON.stringify({ ...problem, ...extension }));
}

/** What Express and its middleware throw, by the `type` of http-errors. */
const MIDDLEWARE_PROBLEMS: Readonly<Record<string, readonly [ProblemCode, string]>> = {
  "entity.too.large": ["body-too-large", "Send a body of at most 16 KiB."],
  "entity.parse.failed": ["body-not-json", "The body does not parse as a JSON object."],
  "charset.unsupported": ["body-type-unsupported", "Send the body in UTF-8."],
  "encoding.unsupported": ["body-type-unsupported", "Send the body as it is, or in gzip."],
};

/** Turns whatever a handler threw into a problem. Unknown errors are logged and answered without detail. */
export function problemHandler(log: Logger): ErrorRequestHandler {
  // Express tells an error handler by its four parameters.
  return (error: unknown, request: Request, response: Response, _next) => {
    if (response.headersSent) {
      response.destroy(); // Half a file is out: only a broken connection tells the client.
      return;
    }
    const [code, detail] = describe(error);
    if (code === "internal-error") {
      const requestId = requestIdOf(response);
      const { method, path } = request;
      log.error({ err: error, requestId, method, path }, "request failed");
    }
    sendProblem(response, code, detail);
  };
}

function describe(error: unknown): readonly [ProblemCode, string] {
  const code = errorCode(error);
  if (code !== undefined && Object.hasOwn(PROBLEMS, code)) {
    return [code as ProblemCode, (error as Error).message];
  }
  const { type, status } = (error ?? {}) as { type?: unknown; status?: unknown };
  const known = typeof type === "string" ? MIDDLEWARE_PROBLEMS[type] : undefined;
  if (known !== undefined) return known;
  if (status === 416) return ["range-not-satisfiable", "Ask for a range within the file."];
  if (status === 400) return ["request-invalid", "The request could not be read."];
  return ["internal-error", "The fault is logged. Try again; tell the operator if it stays."];
}
