import type { Redis } from "ioredis";
import { z } from "zod";
import { retractKey } from "../pipeline/index.ts";
import { AUDIT_ENTRIES_MAX, type AuditLog } from "./audit-log.ts";
import type { Equivocations } from "./equivocations.ts";
import { refusal } from "./problems.ts";
import { defineRoute, type Route } from "./route.ts";

const auditSchema = z.object({
  at: z.string().describe("ISO 8601."),
  key: z.string().describe("Id of the API key."),
  method: z.string(),
  path: z.string(),
  status: z.int(),
  address: z.string(),
  requestId: z.string(),
});

const equivocationSchema = z.object({
  at: z.string().describe("ISO 8601."),
  stream: z.string(),
  block: z.string().describe("rendition:sequence:part"),
  manifests: z.array(z.string()).describe("Two compact JWS."),
});

/** What an operator asks after a key was stolen (SECURITY.md), with a key of the scope "admin". */
export function inquiryRoutes(parts: {
  readonly redis: Redis;
  readonly audit: AuditLog;
  readonly equivocations: Equivocations;
}): Route[] {
  const { redis, audit, equivocations } = parts;
  const common = { tag: "keys", access: "admin" } as const;
  return [
    defineRoute({
      ...common,
      method: "delete",
      path: "/api/v1/signing-keys/:kid",
      summary:
        "Take a public signing key back: what it signed is refused by peers once they renew their tokens",
      answers: { 204: { description: "Taken back" } },
      problems: ["signing-key-not-found"],
      handle: async (request, response) => {
        if (!(await retractKey(redis, String(request.params["kid"])))) {
          throw refusal("signing-key-not-found", "See /.well-known/jwks.json for the ids.");
        }
        response.status(204).end();
      },
    }),
    defineRoute({
      ...common,
      method: "get",
      path: "/api/v1/equivocations",
      summary: "Blocks of which the origin's key signed two manifests, as peers proved it",
      answers: {
        200: {
          description: "The last 100",
          schema: z.object({ equivocations: z.array(equivocationSchema) }),
        },
      },
      handle: async (_request, response) => {
        response.json({ equivocations: await equivocations.newest() });
      },
    }),
    defineRoute({
      ...common,
      method: "get",
      path: "/api/v1/audit",
      summary: `What was changed with API keys, newest first: the last 1,000 of ${AUDIT_ENTRIES_MAX} entries`,
      answers: {
        200: { description: "Entries", schema: z.object({ entries: z.array(auditSchema) }) },
      },
      handle: async (_request, response) => {
        response.json({ entries: await audit.newest(1000) });
      },
    }),
  ];
}
