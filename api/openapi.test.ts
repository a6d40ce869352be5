import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { Express } from "express";
import { nobleCrypto, toBase64Url } from "../core/index.ts";
import { loadSigningKey } from "../pipeline/index.ts";
import { resolveOptions } from "./api-options.ts";
import { type Assembly, assemble } from "./assembly.ts";
import { openApiPath } from "./openapi.ts";
import { ask, bearer, posting, type TestApi, TestOrigin } from "./test-origin.ts";

interface OpenApi {
  readonly openapi: string;
  readonly paths: Record<string, Record<string, Operation>>;
}
interface Operation {
  readonly operationId: string;
  readonly responses: Record<string, { content?: Record<string, { schema?: object }> }>;
}

let origin: TestOrigin;
let api: TestApi;
let assembly: Assembly;
let document: OpenApi;
beforeAll(async () => {
  origin = await TestOrigin.start();
  api = await origin.startApi();
  const key = await loadSigningKey(origin.options.tokenKeyFile, "token");
  assembly = await assemble(resolveOptions(origin.options), origin.redis, key);
  document = (await ask(`${api.url}/openapi.json`)).body as unknown as OpenApi;
});
afterAll(async () => {
  await assembly.close();
  await origin.stop();
});

/** What Express itself says it serves; the catch-all of each path, which serves every method, aside. */
function servedBy(app: Express): string[] {
  const layers = app.router.stack as unknown as readonly {
    route?: { path: string; methods: Record<string, boolean> };
  }[];
  return layers.flatMap(({ route }) => {
    const methods = Object.keys(route?.methods ?? {});
    if (route === undefined || methods.length > 1) return [];
    return methods.map((method) => `${method} ${openApiPath(route.path)}`);
  });
}

describe("the OpenAPI description", () => {
  test("names every route that is served, and no other", () => {
    const described = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method} ${path}`),
    );
    expect(described.sort()).toEqual(servedBy(assembly.app).sort());
    expect(described.length).toBeGreaterThan(20);
  });

  test("has an id of its own for every operation", () => {
    const ids = Object.values(document.paths).flatMap((operations) =>
      Object.values(operations).map(({ operationId }) => operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain("postApiV1StreamsIdTokens");
  });

  test("describes the answers as they really are", async () => {
    const ajv = new Ajv2020({ strict: false });
    const check = async (method: string, path: string, url: string, init?: RequestInit) => {
      const answer = await ask(`${api.url}${url}`, init);
      const response = document.paths[path]?.[method]?.responses[String(answer.status)];
      const [media] = Object.values(response?.content ?? {});
      const validate = ajv.compile(media?.schema ?? false);
      expect([url, validate(answer.body), validate.errors]).toEqual([url, true, null]);
    };
    const headers = bearer(origin.apiKey);
    const publicKey = toBase64Url(nobleCrypto.publicKeyOf(new Uint8Array(32).fill(1)));
    const stream = "/api/v1/streams/{id}";
    await check("post", "/api/v1/streams", "/api/v1/streams", posting({ id: "a" }, origin.apiKey));
    await check("get", "/api/v1/streams", "/api/v1/streams", { headers });
    await check("get", stream, "/api/v1/streams/a", { headers });
    await check("get", `${stream}/status`, "/api/v1/streams/a/status");
    await check("post", `${stream}/tokens`, "/api/v1/streams/a/tokens", posting({ publicKey }));
    await check("get", "/api/v1/status", "/api/v1/status");
    await check("get", "/api/v1/jobs/dead", "/api/v1/jobs/dead", { headers });
    await check("get", "/.well-known/jwks.json", "/.well-known/jwks.json");
    await check("get", "/healthz", "/healthz");
  });
});

describe("the page for people", () => {
  test("tells of every route, field and error, and runs nothing", async () => {
    const response = await fetch(`${api.url}/docs`);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(response.headers.get("content-security-policy")).toMatch(/^default-src 'none'/);
    const page = await response.text();
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const method of Object.keys(operations)) {
        const asExpress = path.replace(/\{(\w+)\}/g, ":$1");
        expect(page).toContain(`<h3>${method.toUpperCase()} ${asExpress}</h3>`);
      }
    }
    for (const [, code] of page.matchAll(/href="#([\w-]+)"/g)) {
      expect(page).toContain(`<tr id="${code}">`);
    }
    expect(page).toContain("publicKey");
    expect(page).not.toContain("<script");
  });
});
