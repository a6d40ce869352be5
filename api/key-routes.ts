import type { Redis } from "ioredis";
import { z } from "zod";
import {
  API_KEY_PER_MINUTE,
  API_SCOPES,
  type ApiKey,
  ApiKeys,
  retractKey,
} from "../pipeline/index.ts";
import { AUDIT_ENTRIES_MAX, type AuditLog } from "./audit-log.ts";
import { refusal } from "./problems.ts";
import { defineRoute, type Route } from "./route.ts";

const keySchema = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.enum(API_SCOPES)),
  perMinute: z.int().describe("Requests that the key may be used for in a minute."),
  createdAt: z.string().describe("ISO 8601."),
});

const newKeySchema = z.strictObject({
  name: z.string().min(1).max(100),
  scopes: z.array(z.enum(API_SCOPES)).min(1).max(API_SCOPES.length),
  perMinute: z.int().min(1).max(1_000_000).optional().describe(`Default ${API_KEY_PER_MINUTE}.`),
});

const auditSchema = z.object({
  at: z.string().describe("ISO 8601."),
  key: z.string().describe("Id of the API key."),
  method: z.string(),
  path: z.string(),
  status: z.int(),
  address: z.string(),
  requestId: z.string(),
});

/** `/api/v1/keys`, `/api/v1/signing-keys` and `/api/v1/audit`, for keys with the scope "admin". */
export function keyRoutes({ redis, audit }: { redis: Redis; audit: AuditLog }): Route[] {
  const keys = new ApiKeys(redis);
  const common = { tag: "keys", access: "admin" } as const;
  return [
    defineRoute({
      ...common,
      method: "post",
      path: "/api/v1/keys",
      summary: "Make an API key",
      body: newKeySchema,
      answers: {
        201: {
          description: "The key; it is shown this once",
          schema: keySchema.extend({ key: z.string().describe("A secret.") }),
        },
      },
      problems: ["api-key-limit"],
      handle: async (_request, response, wanted) => {
        const { apiKey, key } = await keys.create({
          ...wanted,
          perMinute: wanted.perMinute ?? API_KEY_PER_MINUTE,
        });
        response.status(201).location(`/api/v1/keys/${apiKey.id}`);
        response.json({ ...keyView(apiKey), key });
      },
    }),
    defineRoute({
      ...common,
      method: "get",
      path: "/api/v1/keys",
      summary: "List the API keys, without their secrets",
      answers: { 200: { description: "All", schema: z.object({ keys: z.array(keySchema) }) } },
      handle: async (_request, response) => {
        response.json({ keys: (await keys.list()).map(keyView) });
      },
    }),
    defineRoute({
      ...common,
      method: "delete",
      path: "/api/v1/keys/:id",
      summary: "Delete an API key; it stops working at once",
      answers: { 204: { description: "Deleted" } },
      problems: ["api-key-not-found"],
      handle: async (request, response) => {
        if (!(await keys.delete(String(request.params["id"])))) {
          throw refusal("api-key-not-found", "See GET /api/v1/keys for the ids.");
        }
        response.status(204).end();
      },
    }),
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

function keyView({ createdAtMs, ...key }: ApiKey): z.output<typeof keySchema> {
  return { ...key, scopes: [...key.scopes], createdAt: new Date(createdAtMs).toISOString() };
}
