import express, { type Express, type RequestHandler } from "express";
import type { Redis } from "ioredis";
import type { Logger } from "pino";
import { AddressLimiter, instantMs, type Rate } from "../core/index.ts";
import type { StreamRegistry } from "../pipeline/index.ts";
import type { AccessControl } from "./access-control.ts";
import type { AuditLog } from "./audit-log.ts";
import { docsRoute } from "./docs-page.ts";
import type { ApiMetrics } from "./metrics.ts";
import { describeApi, jsonSchema } from "./openapi.ts";
import { problemHandler, refusal } from "./problems.ts";
import { requestId, requestIdOf } from "./request-id.ts";
import { defineRoute, mountRoutes, type Route } from "./route.ts";
import { securityHeaders } from "./security-headers.ts";
import { siteHeaders } from "./site-policy.ts";

interface AppParts {
  readonly redis: Pick<Redis, "status">;
  readonly registry: Pick<StreamRegistry, "get">;
  readonly access: AccessControl;
  readonly audit: AuditLog;
  readonly metrics: ApiMetrics;
  readonly log: Logger;
  readonly trustedProxies: number;
}

/** Requests of one address, behind which hundreds of viewers may live: each makes two or three a second. */
const REQUESTS: Rate = { burst: 4000, perSecond: 1000 };

/** The Express app that serves `routes` and describes them at `/openapi.json`. */
export function createApp(routes: readonly Route[], parts: AppParts): Express {
  const all: Route[] = [
    ...routes,
    openApiRoute(() => describeApi(all)),
    docsRoute(() => all, jsonSchema),
  ];
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("trust proxy", parts.trustedProxies);
  app.set("query parser", "simple");
  app.use(requestId, securityHeaders, measure(parts));
  app.use(limitAddresses());
  app.use(["/api", "/live", "/.well-known", "/metrics"], needsRedis(parts.redis));
  app.use(["/live/:stream", "/api/v1/streams/:stream"], siteHeaders(parts.registry));
  app.use(["/api", "/internal", "/live", "/.well-known", "/metrics"], needsRedis(parts.redis));
  mountRoutes(app, all, parts);
  app.use(() => {
    throw refusal("route-not-found", "See /docs for what there is.");
  });
  app.use(problemHandler(parts.log));
  return app;
}

function openApiRoute(describe: () => object): Route {
  return defineRoute({
    method: "get",
    path: "/openapi.json",
    tag: "health",
    summary: "This description",
    answers: { 200: { description: "OpenAPI 3.1", contentType: "application/json" } },
    handle: (_request, response) => {
      response.set("Cache-Control", "no-cache").json(describe());
    },
  });
}

/** Turns away who asks for far too much, before anything is done for the request. */
function limitAddresses(): RequestHandler {
  const limiter = new AddressLimiter(REQUESTS);
  return (request, response, next) => {
    if (limiter.take(request.ip, instantMs(Date.now()))) return next();
    response.set("Connection", "close");
    throw refusal("too-many-requests", "Wait for as long as Retry-After says.");
  };
}

/** Without Redis every answer would hang until it is back. */
function needsRedis(redis: Pick<Redis, "status">): RequestHandler {
  return (_request, _response, next) => {
    if (redis.status === "ready") return next();
    throw refusal("redis-unreachable", "Try again in a few seconds.");
  };
}

/** Times and logs every request under its route's pattern: no id and no address gets into a label. */
function measure({ metrics, log }: AppParts): RequestHandler {
  return (request, response, next) => {
    const { method } = request;
    const stop = metrics.requestSeconds.startTimer({ method });
    response.once("close", () => {
      const route = (response.locals["route"] as string | undefined) ?? "none";
      const status = response.statusCode;
      const seconds = stop({ route, status: String(status) });
      log.debug({ requestId: requestIdOf(response), method, route, status, seconds }, "request");
    });
    next();
  };
}
