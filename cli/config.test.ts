import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { environmentFor, loadConfig } from "./config.ts";
import { effectiveConfigText } from "./config-report.ts";
import { OPTION_NAMES, OPTIONS } from "./options.ts";

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starling-config-"));
  file = join(folder, "settings.yaml");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function load(sources: {
  commandLine?: Parameters<typeof loadConfig>[0]["commandLine"];
  environment?: Record<string, string>;
  yaml?: string;
}) {
  writeFileSync(file, sources.yaml ?? "");
  const { commandLine = {}, environment = {} } = sources;
  return loadConfig({ commandLine, environment, file });
}

function refusal(sources: Parameters<typeof load>[0]): string {
  try {
    load(sources);
  } catch (error) {
    expect(error).toMatchObject({ code: "config-invalid" });
    return String((error as Error).message);
  }
  throw new Error("the settings were accepted");
}

describe("precedence", () => {
  test("a setting said nowhere has its default", () => {
    expect(load({}).config).toMatchObject({
      rtmpPort: 1935,
      httpPort: 8080,
      repairRatio: 0.25,
      demo: true,
      stream: "main",
      redisUrl: undefined,
      dataDir: resolve("data"),
    });
  });

  test("the file wins over the defaults, the environment over the file, the command line over all", () => {
    const yaml = "rtmp-port: 1\nhttp-port: 2\nmanifest-ttl-s: 30\n";
    const environment = { STARLING_HTTP_PORT: "3", STARLING_MANIFEST_TTL_S: "40" };
    const { config } = load({ yaml, environment, commandLine: { manifestTtlS: "50" } });
    expect(config).toMatchObject({ rtmpPort: 1, httpPort: 3, manifestTtlS: 50 });
  });

  test("an empty variable counts as not set", () => {
    const { config } = load({ yaml: "rtmp-port: 1", environment: { STARLING_RTMP_PORT: "" } });
    expect(config.rtmpPort).toBe(1);
  });

  test("STARLING_CONFIG names the file, and --config wins over it", () => {
    const other = join(folder, "other.yaml");
    writeFileSync(other, "rtmp-port: 7");
    const environment = { STARLING_CONFIG: other };
    expect(loadConfig({ commandLine: {}, environment }).config.rtmpPort).toBe(7);
    expect(load({ yaml: "rtmp-port: 8", environment }).config.rtmpPort).toBe(8);
  });

  test("a child process reads the same settings from its environment", () => {
    const yaml = "ice-server: [stun:a.example:3478, turn:u:p%40ss@b.example]\nrepair-ratio: 0.5\n";
    const parent = load({ yaml, commandLine: { demo: "false" } });
    const environment = environmentFor(parent.settings, { logFormat: "json" });
    expect(load({ environment }).config).toEqual({ ...parent.config, logFormat: "json" });
  });
});

describe("values", () => {
  test("every default is accepted by its own kind", () => {
    for (const name of OPTION_NAMES) {
      const { kind, defaultText } = OPTIONS[name];
      if (defaultText !== undefined) expect(kind.parse(defaultText)).toBeDefined();
    }
  });

  test("YAML scalars of any type and lists are read", () => {
    const yaml =
      "rtmp-port: 1936\ndemo: off\nsegment-target-s: 0.5\nice-server:\n  - stun:a.example\n  - turn:me:s%3Acret@b.example:3478\n  - turn:north@c.example\n";
    expect(load({ yaml }).config).toMatchObject({
      rtmpPort: 1936,
      demo: false,
      segmentTargetS: 0.5,
      iceServer: [
        { urls: "stun:a.example" },
        { urls: "turn:b.example:3478", username: "me", credential: "s:cret" },
        { urls: "turn:c.example", username: "", credential: "north" },
      ],
    });
  });

  test.each([
    ["--rtmp-port", { rtmpPort: "70000" }, "a port number from 0 to 65535"],
    ["--rtmp-port", { rtmpPort: "0x10" }, "a port number"],
    ["--http-port", { httpPort: "80.5" }, "a port number"],
    ["--repair-ratio", { repairRatio: "-1" }, "a number from 0 to 1"],
    ["--repair-ratio", { repairRatio: "NaN" }, "a number from 0 to 1"],
    ["--log-level", { logLevel: "loud" }, "one of trace, debug"],
    ["--stream", { stream: "Main Stage" }, "1 to 64 of a-z"],
    ["--public-url", { publicUrl: "ftp://x" }, "http:// or https://"],
    ["--host", { host: "a b" }, "a host name or an IP address"],
    ["--demo", { demo: "maybe" }, "true or false"],
    ["--data-dir", { dataDir: " " }, "a file or folder name"],
    ["--ice-server", { iceServer: "stun:a,http://b" }, "up to 8 values separated by commas"],
    ["--ice-server", { iceServer: "turn:b.example" }, "turn:user:password@host:port"],
    ["--ice-server", { iceServer: "stun:secret@b.example" }, "turn:secret@host:port"],
    ["--redis-url", { redisUrl: "http://x" }, "redis://host:port"],
  ])("%s refuses %j and says what was expected", (source, commandLine, expected) => {
    expect(refusal({ commandLine })).toMatch(`${source}: expected `);
    expect(refusal({ commandLine })).toContain(expected);
  });
});

describe("refusals", () => {
  test("an unknown YAML key is refused with its line and the key that was meant", () => {
    const message = refusal({ yaml: "http-port: 1\nrtmp-prot: 1935\n" });
    expect(message).toBe(`${file}:2: no such key rtmp-prot; did you mean rtmp-port?`);
  });

  test("an unknown variable is refused with the one that was meant", () => {
    const message = refusal({ environment: { STARLING_RTMP_PROT: "1" } });
    expect(message).toBe("STARLING_RTMP_PROT: no such variable; did you mean STARLING_RTMP_PORT?");
  });

  test("variables of other programs are left alone", () => {
    expect(load({ environment: { RTMP_PORT: "x", PATH: "/bin" } }).config.rtmpPort).toBe(1935);
  });

  test("all problems are told at once, each with its source", () => {
    const message = refusal({
      yaml: "rtmp-port: many\n",
      environment: { STARLING_HTTP_PORT: "few" },
      commandLine: { manifestTtlS: "1" },
    });
    expect(message.split("\n")).toEqual([
      `${file}:1: rtmp-port: expected a port number from 0 to 65535 (0 = any free port), not "many"`,
      '--manifest-ttl-s: expected a whole number from 10 to 3600, not "1"',
      'STARLING_HTTP_PORT: expected a port number from 0 to 65535 (0 = any free port), not "few"',
    ]);
  });

  test.each([
    ["rtmp-port: [1, 2]", "rtmp-port: expected a port number"],
    ["rtmp-port: {a: 1}", "rtmp-port: expected a port number"],
    ["rtmp-port:", "rtmp-port: expected a port number"],
    ["- rtmp-port", 'expected lines of the form "key: value"'],
    ["rtmp-port: 1\nrtmp-port: 2", "unique"],
    ["a: [", "1: "],
  ])("the file %j is refused", (yaml, expected) => {
    expect(refusal({ yaml })).toContain(expected);
  });

  test("a file that was named and does not exist is refused", () => {
    const missing = join(folder, "missing.yaml");
    expect(() => loadConfig({ commandLine: {}, environment: {}, file: missing })).toThrow(
      `Cannot read the settings file ${missing}: there is no such file`,
    );
  });
});

describe("secrets", () => {
  const redisUrl = "redis://user:hunter2@host:6379";

  test("a listing of the settings hides them", () => {
    const text = effectiveConfigText(load({ commandLine: { redisUrl, rtmpPort: "5" } }));
    expect(text).toContain("redis-url: (hidden)  # --redis-url");
    expect(text).toContain("rtmp-port: 5  # --rtmp-port");
    expect(text).not.toContain("hunter2");
  });

  test("a refusal does not repeat them", () => {
    expect(refusal({ commandLine: { redisUrl: "http://hunter2" } })).not.toContain("hunter2");
  });
});
