import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { BLOCK_BYTES_MAX, type Manifest } from "../core/index.ts";
import { eventually } from "./eventually.ts";
import { sha256 } from "./first-light.ts";
import { OriginProcess } from "./origin-process.ts";
import { Publisher } from "./publisher.ts";
import { ViewerProcess } from "./viewer-process.ts";

let folder: string;
let origin: OriginProcess;
let publisher: Publisher;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "starling-"));
  const uploads = ["--seeder-upload-mbps", "1000", "--seeder-peer-upload-mbps", "1000"];
  origin = new OriginProcess(join(folder, "data"), ["--no-demo", ...uploads]);
  await origin.start();
  publisher = new Publisher({ url: `${origin.rtmpUrl}/${origin.streamKey}`, noise: true });
});

afterEach(async () => {
  await publisher.end("SIGKILL");
  await origin.stop();
  await rm(folder, { recursive: true, force: true });
});

test("a segment that is too large for one block comes to a viewer in parts, byte for byte", async () => {
  const viewer = new ViewerProcess(origin, join(folder, "viewer"));
  const [first = 0, second] = await eventually(
    async () => {
      const sequences = await viewer.sequences();
      return sequences.length >= 2 && sequences;
    },
    60_000,
    () => `${origin.output}\n${viewer.log}`,
  );
  const report = await viewer.end();
  expect(report).toMatchObject({ missing: 0, rejected: {} });
  // A newcomer on a slow machine gets its first second over HTTP; the mesh brings what follows.
  expect(report.fromSeedsBytes).toBeGreaterThan(BLOCK_BYTES_MAX / 2);
  expect(second).toBe(first + 1);
  for (const sequence of [first, first + 1]) {
    const bytes = await viewer.read(`${sequence}.m4s`);
    expect(bytes.length).toBeGreaterThan(BLOCK_BYTES_MAX);
    const original = await fetch(`${origin.httpUrl}/live/main/${sequence}.m4s`);
    expect(sha256(bytes)).toBe(sha256(new Uint8Array(await original.arrayBuffer())));

    let end = 0;
    for (const [part, name] of [`${sequence}`, `${sequence}-1`].entries()) {
      const manifest: Manifest = JSON.parse(String(await viewer.read(`${name}.manifest.json`)));
      expect(manifest).toMatchObject({ block: { sequence, part }, last: part === 1 });
      const piece = await fetch(`${origin.httpUrl}/live/main/${sequence}-${part}.m4s`);
      const start = end;
      end += manifest.byteLength;
      const expected = sha256(bytes.subarray(start, end));
      expect(sha256(new Uint8Array(await piece.arrayBuffer()))).toBe(expected);
      expect(Buffer.from(manifest.sha256, "base64url").toString("hex")).toBe(expected);
    }
    expect(end).toBe(bytes.length);
  }
}, 120_000);
