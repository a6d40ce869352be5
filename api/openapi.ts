import { z } from "zod";
import { type ProblemCode, problemStatus } from "./problems.ts";
import type { Answer, Route } from "./route.ts";

const VERSION = "1.0.0";

const problemSchema = z.looseObject({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  instance: z.string(),
  code: z.string().describe("Stable; what programs compare."),
  requestId: z.string().describe("What to tell the operator: it stands in the logs."),
  challenge: z.string().optional().describe("Of work-needed: the puzzle (PROTOCOL.md, Work)."),
  work: z.int().optional().describe("Of work-needed: how many hashes it takes on average."),
});

/** The OpenAPI 3.1 description of the routes, as `/openapi.json` gives it. */
export function describeApi(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    const path = openApiPath(route.path);
    paths[path] = { ...paths[path], [route.method]: operation(route) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Starling",
      version: VERSION,
      summary: "Live video origin: streams, join tokens, tracker, HLS and manifest fallback.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    tags: ["streams", "tokens", "keys", "webhooks", "live", "health", "pages"].map((name) => ({
      name,
    })),
    paths,
    components: {
      securitySchemes: { apiKey: { type: "http", scheme: "bearer" } },
      schemas: { Problem: jsonSchema(problemSchema) },
    },
  };
}

/** `/live/:stream/init-:sequence.mp4` as OpenAPI spells it: `/live/{stream}/init-{sequence}.mp4`. */
export function openApiPath(path: string): string {
  return path.replace(/:(\w+)/g, "{$1}");
}

const KEY_PROBLEMS = [
  "api-key-missing",
  "api-key-wrong",
  "api-key-scope",
  "too-many-requests",
] as const satisfies readonly ProblemCode[];

function securityOf(access: Route["access"]): object[] {
  if (access === "public") return [];
  return access === "optional-key" ? [{}, { apiKey: [] }] : [{ apiKey: [access] }];
}

function operation(route: Route): object {
  const { method, path, tag, summary, access, body, answers, problems } = route;
  const all: ProblemCode[] = [
    ...problems,
    ...(access === "public" ? [] : KEY_PROBLEMS),
    ...(body === undefined
      ? []
      : (["request-invalid", "body-too-large", "body-type-unsupported"] as const)),
  ];
  return {
    operationId: `${method}${path.replace(/[^A-Za-z0-9]+(.?)/g, (_, next: string) => next.toUpperCase())}`,
    summary,
    tags: [tag],
    security: securityOf(access),
    parameters: [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
      name,
      in: "path",
      required: true,
      schema: { type: "string" },
    })),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { "application/json": { schema: jsonSchema(body, "input") } },
          },
        }),
    responses: {
      ...Object.fromEntries(
        Object.entries(answers).map(([status, answer]) => [status, success(answer)]),
      ),
      ...problemResponses(all),
    },
  };
}

function success({ description, schema, contentType }: Answer): object {
  if (schema === undefined && contentType === undefined) return { description };
  const media = schema === undefined ? {} : { schema: jsonSchema(schema) };
  return { description, content: { [contentType ?? "application/json"]: media } };
}

function problemResponses(codes: readonly ProblemCode[]): Record<number, object> {
  const responses: Record<number, object> = {};
  for (const status of new Set(codes.map(problemStatus))) {
    const ofStatus = codes.filter((code) => problemStatus(code) === status);
    responses[status] = {
      description: ofStatus.join(", "),
      content: {
        "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } },
      },
    };
  }
  return responses;
}

/** The JSON schema of what is read or answered. */
export function jsonSchema(schema: z.ZodType, io: "input" | "output" = "output"): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
  return rest;
}
