import type { Redis } from "ioredis";
import { z } from "zod";
import { API_KEY_PER_MINUTE, API_SCOPES, type ApiKey, ApiKeys } from "../pipeline/index.ts";
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

/** `/api/v1/keys`, for keys with the scope "admin". */
export function keyRoutes(redis: Redis): Route[] {
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
  ];
}

function keyView({ createdAtMs, ...key }: ApiKey): z.output<typeof keySchema> {
  return { ...key, scopes: [...key.scopes], createdAt: new Date(createdAtMs).toISOString() };
}
