import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { pino } from "pino";
import { parse } from "yaml";
import { runApi } from "../api/index.ts";
import { startRedisServer } from "../pipeline/index.ts";
import { ROLES } from "./commands.ts";
import { loadConfig } from "./config.ts";
import { createProgram, type Invocation } from "./program.ts";

interface Service {
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck: { readonly test: readonly string[] };
  readonly volumes: readonly string[];
  readonly ports?: readonly string[];
  readonly image?: string;
  readonly profiles?: readonly string[];
}
interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
}

const compose: ComposeFile = parse(fileText("docker-compose.yml"), { merge: true });
const roles = Object.entries(compose.services).filter(
  ([name]) => name !== "redis" && name !== "front",
);

function fileText(name: string): string {
  return readFileSync(new URL(`../${name}`, import.meta.url), "utf8");
}

/** What `starling ...` would run. */
async function invocationOf(args: readonly string[]): Promise<Invocation | undefined> {
  let invocation: Invocation | undefined;
  const program = createProgram("0", async (asked) => {
    invocation = asked;
  });
  await program.parseAsync(args, { from: "user" });
  return invocation;
}

/** Compose's own interpolation, as far as the file uses it: ${NAME:-default}. */
function interpolated(text: string, environment: Readonly<Record<string, string>> = {}): string {
  return text.replace(
    /\$\{(\w+):-([^}]*)\}/g,
    (_match, name, fallback) => environment[name] ?? fallback,
  );
}

describe("docker-compose.yml", () => {
  test("has one service for Redis and one for each role", () => {
    expect(Object.keys(compose.services).sort()).toEqual(["front", "redis", ...ROLES].sort());
  });

  test.each(roles)(
    "starts %s with a command line and settings that Starling accepts",
    async (name, service) => {
      const invocation = await invocationOf(service.command);
      expect(invocation?.command).toBe(name);
      const environment = Object.fromEntries(
        Object.entries(service.environment ?? {}).map(([key, value]) => [key, interpolated(value)]),
      );
      const { config } = loadConfig({ commandLine: {}, environment });
      expect(config).toMatchObject({ redisUrl: "redis://redis:6379", dataDir: "/data" });
    },
  );

  test.each(roles)(
    "gives %s only variables of Starling that the host may set too",
    (_name, service) => {
      const environment = Object.fromEntries(
        Object.values(service.environment ?? {})
          .flatMap((value) => [...value.matchAll(/\$\{(\w+)/g)])
          .map(([, name]) => [name, "?"]),
      );
      for (const [name, value] of Object.entries(service.environment ?? {})) {
        expect(interpolated(value, environment)).toBe(value.startsWith("${") ? "?" : value);
        if (value.startsWith("${")) expect(value).toMatch(`\${${name}:-`);
      }
    },
  );

  test.each(roles.filter(([name]) => name !== "api"))(
    "checks the health of %s by its heartbeat",
    async (name, service) => {
      const [kind, program, ...args] = service.healthcheck.test;
      expect([kind, program]).toEqual(["CMD", "starling"]);
      expect(await invocationOf(args)).toMatchObject({ command: "health", arguments: [name] });
    },
  );

  test("checks the health of the API at an address that answers", async () => {
    const dir = mkdtempSync(join(tmpdir(), "starling-compose-"));
    const redis = await startRedisServer({ dir: join(dir, "redis") });
    const api = await runApi({
      redisUrl: redis.url,
      mediaRoot: join(dir, "media"),
      tokenKeyFile: join(dir, "token.json"),
      log: pino({ level: "silent" }),
      host: "127.0.0.1",
      port: 0,
    });
    try {
      const script = compose.services["api"]?.healthcheck.test.at(-1) ?? "";
      const [, port, path] = /http:\/\/127\.0\.0\.1:(\d+)(\/\w+)/.exec(script) ?? [];
      expect(compose.services["api"]?.ports?.[0]).toContain(`:${port}`);
      const answer = await fetch(`http://127.0.0.1:${api.port}${path}`);
      expect(answer.status).toBe(200);
    } finally {
      await api.close();
      await redis.stop();
      rmSync(dir, { recursive: true, force: true });
    }
  });

  test("keeps the manifest key where only the signer can read it", () => {
    const holders = roles.filter(([, { volumes }]) =>
      volumes.some((v) => v.startsWith("signer-keys:")),
    );
    expect(holders.map(([name]) => name)).toEqual(["signer"]);
  });

  test("declares each volume that it uses", () => {
    const used = Object.values(compose.services)
      .flatMap(({ volumes }) => volumes)
      .filter((volume) => !volume.startsWith("${"));
    const names = new Set(used.map((volume) => volume.split(":")[0]));
    expect([...names].sort()).toEqual(Object.keys(compose.volumes).sort());
  });
});

describe("the server in front", () => {
  const front = compose.services["front"];
  const content = interpolated(compose.configs["front"]?.content ?? "", {
    STARLING_FRONT_SECRET: "secret",
  }).replaceAll("$$", "$");
  const settings = parse(content);

  test("is of one version, and runs only when it is asked for", () => {
    expect(front?.image).toMatch(/^bluenviron\/mediamtx:\d+\.\d+\.\d+$/);
    expect(front?.profiles).toEqual(["front"]);
  });

  test("asks the API about everything, at an address that there is", () => {
    const { port, pathname } = new URL(settings.authHTTPAddress);
    expect([settings.authMethod, settings.authHTTPExclude]).toEqual(["http", []]);
    expect(compose.services["api"]?.ports?.[0]).toContain(`:${port}`);
    expect(pathname).toBe("/internal/front/auth");
  });

  test("takes the paths of streams only, and forwards them to the ingest with its secret", () => {
    const [[path, { forward }]] = Object.entries<{ forward: { dest: string }[] }>(
      settings.paths,
    ) as [[string, { forward: { dest: string }[] }]];
    const pattern = new RegExp(path.slice(1));
    expect([pattern.exec("live/main")?.[1], pattern.test("live/main/x")]).toEqual(["main", false]);
    expect(forward).toEqual([{ dest: "rtmp://ingest:1935/live#$G1?front=secret" }]);
  });
});

describe("Dockerfile", () => {
  const dockerfile = fileText("Dockerfile");

  test("runs as a user who is not root", () => {
    expect(/^USER (\w+)$/m.exec(dockerfile)?.[1]).toBe("node");
  });

  test("gets every folder that the build needs", () => {
    const references: { path: string }[] = JSON.parse(fileText("tsconfig.json")).references;
    const allowed = fileText(".dockerignore").split("\n");
    const folders = references.map(({ path }) => path).filter((path) => !path.endsWith(".json"));
    for (const folder of [...folders, "bin"]) {
      expect(allowed).toContain(`!${folder.split("/")[0]}`);
    }
  });
});
