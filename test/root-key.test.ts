import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { eventually } from "./eventually.ts";
import { newestSequence } from "./first-light.ts";
import { OriginProcess, packageFile } from "./origin-process.ts";
import { Publisher } from "./publisher.ts";
import { ViewerProcess } from "./viewer-process.ts";

let folder: string;
let origin: OriginProcess;
let publisher: Publisher;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "starling-"));
  origin = new OriginProcess(join(folder, "data"), ["--no-demo", "--join-work", "1"]);
  await origin.start();
  const size = { widthPx: 320, heightPx: 180 };
  publisher = new Publisher({ url: `${origin.rtmpUrl}/${origin.streamKey}`, ...size });
  await eventually(
    () => newestSequence(origin),
    30_000,
    () => origin.output,
  );
}, 90_000);

afterEach(async () => {
  await publisher.end("SIGKILL");
  await origin.stop();
  await rm(folder, { recursive: true, force: true });
}, 30_000);

/** What `starling keys …` prints. */
async function keys(...args: string[]): Promise<string> {
  const cli = packageFile("dist/cli/main.js");
  const child = spawn(process.execPath, [cli, "keys", ...args]);
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
  }
  const [status] = (await once(child, "close")) as [number];
  if (status !== 0) throw new Error(text);
  return text.trim();
}

function viewer(name: string, rootKey: string): ViewerProcess {
  return new ViewerProcess(origin, join(folder, name), ["--root-key", rootKey]);
}

test("a viewer that was given a root key plays what keys that it certified have signed, and nothing else", async () => {
  const file = (name: string): string => join(folder, name);
  const data = ["--data-dir", origin.dataDir];
  const rootKey = await keys("root", file("root.json"));
  const otherRoot = await keys("root", file("other.json"));
  expect(rootKey).toMatch(/^[\w-]{43}$/);

  const early = viewer("early", rootKey);
  await eventually(
    () => early.log.includes("have no certificate of the root key"),
    20_000,
    () => early.log,
  );
  await early.end().catch(() => undefined);
  expect(await early.sequences()).toEqual([]);

  await writeFile(file("keys.json"), await keys("public", ...data));
  await expect(keys("certify", file("none.json"), file("keys.json"))).rejects.toThrow(
    "no root key",
  );
  await writeFile(
    file("certified.json"),
    await keys("certify", file("root.json"), file("keys.json")),
  );
  expect(await keys("install", file("certified.json"), ...data)).toMatch(
    /^manifest\t.*\ntoken\t|^token\t.*\nmanifest\t/,
  );
  expect(await readFile(file("certified.json"), "utf8")).not.toContain('"d"');

  const pinned = viewer("pinned", rootKey);
  await eventually(
    async () => (await pinned.sequences()).length >= 2,
    30_000,
    () => pinned.log,
  );
  await pinned.end();
  const astray = viewer("astray", otherRoot);
  await eventually(
    () => astray.log.includes("have no certificate of the root key"),
    20_000,
    () => astray.log,
  );
  await astray.end().catch(() => undefined);

  // A signer that starts again keeps its certificate.
  await origin.stop();
  await origin.start();
  const jwks = await (await fetch(`${origin.httpUrl}/.well-known/jwks.json`)).text();
  expect(jwks.match(/starling_certificate/g)).toHaveLength(2);
}, 120_000);
