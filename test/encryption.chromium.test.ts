import { createDecipheriv } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { nobleCrypto, toBase64Url } from "../core/index.ts";
import { launchChromium } from "./chromium.ts";
import { eventually } from "./eventually.ts";
import { OriginProcess } from "./origin-process.ts";
import { Publisher } from "./publisher.ts";
import { ViewerProcess } from "./viewer-process.ts";

let folder: string;
let origin: OriginProcess;
let browser: Browser;
let site: Server;
let siteUrl: string;
let streamKey: string;
let publisher: Publisher;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "starling-"));
  origin = new OriginProcess(join(folder, "data"), ["--no-demo", "--join-work", "1"]);
  await origin.start();
  const { body } = await ask("/api/v1/streams", {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${origin.apiKey}` },
    body: JSON.stringify({ id: "locked", encryption: "aes-128" }),
  });
  const created = JSON.parse(body.toString()) as { streamKey: string; encryption: string };
  expect(created.encryption).toBe("aes-128");
  streamKey = created.streamKey;
  publisher = publish();
  browser = await launchChromium();
  site = createServer((_request, response) => {
    response.setHeader("Content-Type", "text/html");
    const script = `${origin.httpUrl}/player/starling-player.bundle.js`;
    response.end(`<!doctype html><body><script type="module" src="${script}"></script>`);
  });
  await once(site.listen(0, "localhost"), "listening");
  siteUrl = `http://localhost:${(site.address() as AddressInfo).port}/`;
}, 120_000);

afterAll(async () => {
  await browser?.close();
  site?.close();
  await publisher?.end("SIGKILL");
  await origin.stop();
  await rm(folder, { recursive: true, force: true });
}, 60_000);

function publish(): Publisher {
  return new Publisher({ url: `${origin.rtmpUrl}/${streamKey}`, widthPx: 320, heightPx: 180 });
}

async function ask(path: string, init?: RequestInit): Promise<{ status: number; body: Buffer }> {
  const response = await fetch(`${origin.httpUrl}${path}`, init);
  return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
}

async function playlist(): Promise<string> {
  return eventually(
    async () => {
      const { status, body } = await ask("/live/locked/media.m3u8");
      return status === 200 && body.includes("#EXTINF") && body.toString();
    },
    60_000,
    () => origin.output,
  );
}

/** A join token of a stream. */
async function tokenOf(stream: string): Promise<string> {
  const publicKey = toBase64Url(nobleCrypto.publicKeyOf(new Uint8Array(32).fill(9)));
  const { body } = await ask(`/api/v1/streams/${stream}/tokens`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${origin.apiKey}` },
    body: JSON.stringify({ publicKey }),
  });
  return (JSON.parse(body.toString()) as { token: string }).token;
}

test("media of an encrypted stream is opened by a key that is given for its token alone", async () => {
  const text = await playlist();
  const [, uri = "", iv = ""] =
    /#EXT-X-KEY:METHOD=AES-128,URI="([\w-]+\.key)",IV=0x([0-9a-f]{32})/.exec(text) ?? [];
  const path = `/live/locked/${uri}`;
  const bearers = [undefined, "none", `${await tokenOf("main")}`, origin.streamKey];
  for (const bearer of bearers) {
    const headers = bearer === undefined ? {} : { Authorization: `Bearer ${bearer}` };
    expect([bearer, (await ask(path, { headers })).status]).toEqual([bearer, 401]);
  }
  const headers = { Authorization: `Bearer ${await tokenOf("locked")}` };
  const { status, body: key } = await ask(path, { headers });
  expect([status, key.length]).toEqual([200, 16]);
  expect((await ask("/live/main/any.key", { headers })).status).toBe(404);

  const name = /^\d+\.m4s$/m.exec(text)?.[0];
  const { body: encrypted } = await ask(`/live/locked/${name}`);
  expect(encrypted.includes("moof")).toBe(false);
  const decipher = createDecipheriv("aes-128-cbc", key, Buffer.from(iv, "hex"));
  const opened = Buffer.concat([decipher.update(encrypted), decipher.final()]);
  expect(opened.includes("moof")).toBe(true);
}, 90_000);

test("a headless viewer writes it opened", async () => {
  await playlist();
  const viewer = new ViewerProcess(origin, join(folder, "viewer"), ["--stream", "locked"]);
  const [first] = await eventually(
    async () => {
      const sequences = await viewer.sequences();
      return sequences.length > 2 && sequences;
    },
    60_000,
    () => viewer.log,
  );
  expect((await viewer.read(`${first}.m4s`)).includes("moof")).toBe(true);
  await viewer.end();
}, 90_000);

test("what is not encrypted does not stay on disk, but for the init segment", async () => {
  await playlist();
  const sessions = join(origin.dataDir, "media", "locked");
  const [session = ""] = await readdir(sessions);
  const count = (names: readonly string[], ending: string): number =>
    names.filter((one) => one.endsWith(ending)).length;
  await eventually(async () => {
    const found = await readdir(join(sessions, session));
    // The newest is being written, or about to be encrypted.
    return count(found, ".enc") >= 4 && count(found, ".m4s") <= 2;
  }, 30_000);
}, 60_000);

test("a viewer in Chromium plays it in the mesh, over a change of the key too", async () => {
  await playlist();
  const { page, errors } = await watch("on");
  await plays(page, 200_000);
  const before = await playlist();
  await publisher.end("SIGKILL");
  publisher = publish();
  const changed = await eventually(async () => {
    const text = await playlist();
    return text.includes("#EXT-X-DISCONTINUITY\n") && text;
  }, 60_000);
  expect(changed).not.toBe(before);
  expect(changed).toMatch(
    /DISCONTINUITY\n#EXT-X-KEY:METHOD=NONE\n#EXT-X-MAP:.*\n#EXT-X-KEY:METHOD=AES/,
  );
  await playsOn(page, 12);
  expect(errors).toEqual([]);
}, 180_000);

test("a page without the mesh plays it with a token of its own", async () => {
  await playlist();
  const { page, errors } = await watch("off");
  await playsOn(page, 4);
  const isInMesh = 'document.querySelector("starling-player").stats().neighbours.length > 0';
  expect(await page.evaluate<boolean>(isInMesh)).toBe(false);
  expect(errors).toEqual([]);
}, 120_000);

/** Opens a page with a player of the stream. */
async function watch(p2p: "on" | "off"): Promise<{ page: Page; errors: string[] }> {
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  await page.goto(siteUrl);
  await page.evaluate(`(async () => {
    await customElements.whenDefined("starling-player");
    const player = document.createElement("starling-player");
    for (const name of ["muted", "autoplay"]) player.setAttribute(name, "");
    player.setAttribute("p2p", "${p2p}");
    player.setAttribute("src", "${origin.httpUrl}/live/locked/media.m3u8");
    document.body.append(player);
  })()`);
  return { page, errors };
}

/** Waits until so much more was played. */
async function playsOn(page: Page, seconds: number): Promise<void> {
  const time = 'document.querySelector("starling-player").video.currentTime';
  const startS = await page.evaluate<number>(time);
  await eventually(async () => (await page.evaluate<number>(time)) > startS + seconds, 60_000);
}

/** Waits until the picture has moved and the mesh has brought this much. */
async function plays(page: Page, byteLength: number): Promise<void> {
  const fromMesh = `(() => {
    const stats = document.querySelector("starling-player").stats();
    if (stats === undefined || stats.startupMs === null) return -1;
    return stats.fromPeersBytes + stats.fromSeedsBytes;
  })()`;
  await eventually(async () => (await page.evaluate<number>(fromMesh)) >= byteLength, 60_000);
}
