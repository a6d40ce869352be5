import express, { type Express, type Request, type RequestHandler, type Response } from "express";
import type { Logger } from "pino";
import type { z } from "zod";
import type { ApiScope } from "../pipeline/index.ts";
import type { AccessControl } from "./access-control.ts";
import type { AuditLog } from "./audit-log.ts";
import { type ProblemCode, refusal } from "./problems.ts";
import { requestIdOf } from "./request-id.ts";

/** What a route answers when all is well. */
export interface Answer {
  readonly description: string;
  readonly contentType?: string;
  readonly schema?: z.ZodType;
}

/** One operation of the API: what Express serves and what OpenAPI describes, in one object. */
export interface Route {
  readonly method: "get" | "post" | "patch" | "delete";
  /** As Express spells it: `/api/v1/streams/:id`. */
  readonly path: string;
  readonly tag: "streams" | "tokens" | "keys" | "webhooks" | "live" | "health" | "pages";
  readonly summary: string;
  /** Who may: anybody, with a key or without, or a key with this scope. */
  readonly access: "public" | "optional-key" | ApiScope;
  readonly body: z.ZodType | undefined;
  readonly answers: Readonly<Record<number, Answer>>;
  readonly problems: readonly ProblemCode[];
  readonly handle: (request: Request, response: Response) => void | Promise<void>;
}

interface RouteSpec<Body> extends Omit<Route, "body" | "handle" | "access" | "problems"> {
  readonly access?: Route["access"];
  readonly problems?: readonly ProblemCode[];
  readonly body?: z.ZodType<Body>;
  readonly handle: (request: Request, response: Response, body: Body) => void | Promise<void>;
}

const BODY_LENGTH_MAX = "16kb";

/** A route whose handler gets the body as its schema reads it; public unless said otherwise. */
export function defineRoute<Body = undefined>(spec: RouteSpec<Body>): Route {
  const { body, handle } = spec;
  return {
    ...spec,
    access: spec.access ?? "public",
    problems: spec.problems ?? [],
    body,
    handle: (request, response) =>
      handle(request, response, (body && readBody(body, request.body)) as Body),
  };
}

/** What stands before every route. */
export interface Guards {
  readonly access: Pick<AccessControl, "require">;
  readonly audit: Pick<AuditLog, "append">;
  readonly log: Pick<Logger, "error">;
}

/** Serves the routes; every other method on their paths is refused with 405, OPTIONS is answered. */
export function mountRoutes(app: Express, routes: readonly Route[], guards: Guards): void {
  for (const route of routes) app[route.method](route.path, ...handlersOf(route, guards));
  for (const path of new Set(routes.map((route) => route.path))) {
    app.all(path, otherMethods(routes.filter((route) => route.path === path)));
  }
}

function handlersOf(route: Route, guards: Guards): RequestHandler[] {
  const name: RequestHandler = (_request, response, next) => {
    response.locals["route"] = route.path;
    next();
  };
  const guard: RequestHandler = async (request, response, next) => {
    if (route.access !== "public" && route.access !== "optional-key") {
      const { id } = await guards.access.require(route.access, request, response);
      response.set("Cache-Control", "no-store"); // The answers hold stream keys.
      if (route.method !== "get") audit(id, request, response, guards);
    }
    if (route.body !== undefined && request.is("application/json") === false) {
      throw refusal("body-type-unsupported", "Send the body as Content-Type: application/json.");
    }
    next();
  };
  const json = route.body === undefined ? [] : [express.json({ limit: BODY_LENGTH_MAX })];
  return [name, guard, ...json, (request, response) => route.handle(request, response)];
}

/** Notes what was asked for with a key, once it is known how it ended. */
function audit(key: string, request: Request, response: Response, { audit, log }: Guards): void {
  response.once("close", () => {
    audit
      .append({
        at: new Date().toISOString(),
        key,
        method: request.method,
        path: request.path,
        status: response.statusCode,
        address: request.ip ?? "unknown",
        requestId: requestIdOf(response),
      })
      .catch((error: unknown) => log.error({ err: error }, "the audit log was not written"));
  });
}

function otherMethods(routes: readonly Route[]): RequestHandler {
  const methods = routes.flatMap(({ method }) => (method === "get" ? ["GET", "HEAD"] : [method]));
  const allow = [...methods.map((method) => method.toUpperCase()), "OPTIONS"].join(", ");
  return (request, response) => {
    response.set("Allow", allow);
    if (request.method !== "OPTIONS") {
      throw refusal("method-not-allowed", `Use one of ${allow}.`);
    }
    response
      .set("Access-Control-Allow-Methods", allow)
      .set("Access-Control-Allow-Headers", "Authorization, Content-Type, Range, X-Request-Id")
      .set("Access-Control-Max-Age", "86400")
      .status(204)
      .end();
  };
}

function readBody<Body>(schema: z.ZodType<Body>, value: unknown): Body {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw refusal("request-invalid", result.error.issues.map(describeIssue).join(" "));
}

function describeIssue(issue: z.core.$ZodIssue): string {
  if (issue.code === "unrecognized_keys") {
    return `Unknown field ${issue.keys.map((key) => JSON.stringify(key.slice(0, 64))).join(", ")}.`;
  }
  const field = issue.path.length === 0 ? "Body" : `Field "${issue.path.join(".")}"`;
  return `${field}: ${issue.message}.`;
}
