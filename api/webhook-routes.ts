import { z } from "zod";
import { WEBHOOK_EVENTS } from "../pipeline/index.ts";
import { refusal } from "./problems.ts";
import { defineRoute, type Route } from "./route.ts";
import type { Webhook, Webhooks } from "./webhooks.ts";

const URL_LENGTH_MAX = 2048;

const webhookSchema = z.object({
  id: z.string(),
  url: z.string(),
  events: z.array(z.enum(WEBHOOK_EVENTS)),
  createdAt: z.string().describe("ISO 8601."),
});

const newWebhookSchema = z.strictObject({
  url: z
    .url({
      protocol: /^https?$/,
      error: "expected an address that begins with https:// or http://",
    })
    .max(URL_LENGTH_MAX),
  events: z
    .array(z.enum(WEBHOOK_EVENTS))
    .min(1)
    .max(WEBHOOK_EVENTS.length)
    .optional()
    .describe("Default: all."),
});

/** `/api/v1/webhooks`, for keys with the scope "streams". */
export function webhookRoutes(webhooks: Webhooks): Route[] {
  const common = { tag: "webhooks", access: "streams" } as const;
  return [
    defineRoute({
      ...common,
      method: "post",
      path: "/api/v1/webhooks",
      summary: "Have an address told when a stream starts, fails and stops",
      body: newWebhookSchema,
      answers: {
        201: {
          description: "The webhook; its secret is shown this once",
          schema: webhookSchema.extend({
            secret: z.string().describe("Signs what is sent (Standard Webhooks). A secret."),
          }),
        },
      },
      problems: ["webhook-limit", "webhook-url-refused"],
      handle: async (_request, response, { url, events }) => {
        const webhook = await webhooks.create({ url, events: events ?? [...WEBHOOK_EVENTS] });
        response.status(201).location(`/api/v1/webhooks/${webhook.id}`);
        response.json({ ...webhookView(webhook), secret: webhook.secret });
      },
    }),
    defineRoute({
      ...common,
      method: "get",
      path: "/api/v1/webhooks",
      summary: "List the webhooks, without their secrets",
      answers: {
        200: { description: "All", schema: z.object({ webhooks: z.array(webhookSchema) }) },
      },
      handle: async (_request, response) => {
        response.json({ webhooks: (await webhooks.list()).map(webhookView) });
      },
    }),
    defineRoute({
      ...common,
      method: "delete",
      path: "/api/v1/webhooks/:id",
      summary: "Delete a webhook; what waits for it is not sent",
      answers: { 204: { description: "Deleted" } },
      problems: ["webhook-not-found"],
      handle: async (request, response) => {
        if (!(await webhooks.delete(String(request.params["id"])))) {
          throw refusal("webhook-not-found", "See GET /api/v1/webhooks for the ids.");
        }
        response.status(204).end();
      },
    }),
  ];
}

function webhookView({ id, url, events, createdAtMs }: Webhook): z.output<typeof webhookSchema> {
  return { id, url, events, createdAt: new Date(createdAtMs).toISOString() };
}
