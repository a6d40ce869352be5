import { z } from "zod";
import { type ApiMetrics, exposeSnapshot } from "./metrics.ts";
import type { OriginOverview } from "./origin-overview.ts";
import { sendProblem } from "./problems.ts";
import { checkReadiness, type ReadinessOptions } from "./readiness.ts";
import { defineRoute, type Route } from "./route.ts";

const checkSchema = z.object({ name: z.string(), ok: z.boolean(), detail: z.string() });

export interface HealthRouteParts extends ReadinessOptions {
  readonly metrics: ApiMetrics;
  readonly overview: OriginOverview;
}

/** `/healthz`, `/readyz` and `/metrics`. */
export function healthRoutes(parts: HealthRouteParts): Route[] {
  const { registry } = parts.metrics;
  return [
    defineRoute({
      method: "get",
      path: "/healthz",
      tag: "health",
      summary: "Whether this process is alive",
      answers: {
        200: { description: "Alive", schema: z.object({ status: z.literal("alive") }) },
      },
      handle: (_request, response) => {
        response.set("Cache-Control", "no-store").json({ status: "alive" });
      },
    }),
    defineRoute({
      method: "get",
      path: "/readyz",
      tag: "health",
      summary: "Whether the whole origin can work: Redis, every needed role, the disk",
      answers: {
        200: { description: "Ready", schema: z.object({ checks: z.array(checkSchema) }) },
      },
      problems: ["not-ready"],
      handle: async (_request, response) => {
        const checks = await checkReadiness(parts);
        const wrong = checks.filter(({ ok }) => !ok);
        response.set("Cache-Control", "no-store");
        if (wrong.length === 0) response.json({ checks });
        else sendProblem(response, "not-ready", wrong.map((c) => c.detail).join(" "), { checks });
      },
    }),
    defineRoute({
      method: "get",
      path: "/metrics",
      tag: "health",
      summary: "Prometheus metrics of this process and of the whole origin",
      answers: { 200: { description: "Metrics", contentType: "text/plain" } },
      problems: ["redis-unreachable"],
      handle: async (_request, response) => {
        exposeSnapshot(registry, await parts.overview.snapshot());
        response.set("Cache-Control", "no-store").type(registry.contentType);
        response.send(await registry.metrics());
      },
    }),
  ];
}
