import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { BrowserStage } from "./browser-stage.ts";
import { launchChromium } from "./chromium.ts";
import { eventually } from "./eventually.ts";
import { packageFile } from "./origin-process.ts";
import { TurnServer } from "./turn-server.ts";

const IS_IN_WORKER = 'document.querySelector("starling-player").stats().isInWorker';

const OLDER_SCRIPT = "/older.js";
const TURN_SECRET = "north";
/** What the site's backend says of the life of a token. Viewers renew it at 70 % of that. */
const TOKEN_LIFE_MS = 3000;

let stage: BrowserStage;
let turn: TurnServer;
let browser: Browser;
let site: Server;
let isP2pOff = false;
/** The script with the tag, and hls.js 1.6 in it. */
let older: string;
/** The URL of a page of another site than the origin's, which includes the script. */
let siteUrl: string;

beforeAll(async () => {
  turn = await TurnServer.start(TURN_SECRET);
  const address = `turn:${TURN_SECRET}@127.0.0.1:${turn.port}`;
  stage = await BrowserStage.open(1, { originArguments: ["--ice-server", address] });
  browser = await launchChromium();
  older = await bundleWithHls("hls.js-1.6");
  site = createServer((request, response) => {
    const { url } = request;
    if (url === "/tokens") {
      void passOnTokens(request, response);
      return;
    }
    if (url === OLDER_SCRIPT) {
      response.setHeader("Content-Type", "text/javascript");
      response.end(older);
      return;
    }
    const isOlder = url === "/older";
    const script = isOlder
      ? OLDER_SCRIPT
      : `${stage.origin.httpUrl}/player/starling-player.bundle.js`;
    response.setHeader("Content-Type", "text/html");
    if (url === "/strict") response.setHeader("Content-Security-Policy", "worker-src 'none'");
    response.end(`<!doctype html><body><script type="module" src="${script}"></script>`);
  });
  await once(site.listen(0, "localhost"), "listening");
  siteUrl = `http://localhost:${(site.address() as AddressInfo).port}/`;
}, 120_000);

afterAll(async () => {
  await browser?.close();
  site?.close();
  await stage?.close();
  turn.stop();
}, 60_000);

/** A backend between viewers and the origin's API; it refuses them as an origin does that was told --no-p2p. */
async function passOnTokens(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (isP2pOff) {
    response.statusCode = 403;
    response.end('{ "code": "p2p-off", "detail": "The mesh is off." }');
    return;
  }
  const answer = await fetch(`${stage.origin.httpUrl}/api/v1/streams/main/tokens`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: await text(request),
  });
  response.statusCode = answer.status;
  const expiresAt = new Date(Date.now() + TOKEN_LIFE_MS).toISOString();
  response.end(JSON.stringify({ ...((await answer.json()) as object), expiresAt }));
}

/** The script with the tag, with another hls.js than ours in it, as a site's own bundler makes it. */
async function bundleWithHls(name: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [packageFile("player/page/starling-player.ts")],
    ...{ bundle: true, format: "esm", target: "es2022", write: false, logLevel: "error" },
    alias: { "hls.js": packageFile(`node_modules/${name}/dist/hls.mjs`) },
  });
  return outputFiles[0]?.text ?? "";
}

/** What the newest page with a player wrote to its console as errors, or did not catch. */
let errors: string[] = [];

/** A page with one player, once the mesh has brought it this much. */
async function pageWithPlayer(
  options: string,
  meshBytes: number,
  { path = "", script = "" } = {},
): Promise<Page> {
  const page = await browser.newPage();
  errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") errors.push(message.text());
  });
  await page.addInitScript(script);
  await page.goto(`${siteUrl}${path}`);
  await page.evaluate(`(async () => {
    await customElements.whenDefined("starling-player");
    const player = document.createElement("starling-player");
    player.options = ${options};
    for (const name of ["muted", "autoplay"]) player.setAttribute(name, "");
    player.setAttribute("src", "${stage.origin.httpUrl}/live/main/media.m3u8");
    document.body.append(player);
  })()`);
  await meshBrings(page, meshBytes);
  return page;
}

/** Waits until the picture has moved and the mesh has brought this much. */
async function meshBrings(page: Page, byteLength: number): Promise<void> {
  const fromMesh = `(() => {
    const stats = document.querySelector("starling-player").stats();
    if (stats === undefined || stats.startupMs === null) return -1;
    return stats.fromPeersBytes + stats.fromSeedsBytes;
  })()`;
  await eventually(async () => (await page.evaluate<number>(fromMesh)) >= byteLength, 60_000);
}

const NEIGHBOURS = 'document.querySelector("starling-player").stats().neighbours.length';
const PLAYED = 'document.querySelector("starling-player").stats().playedBytes';
const UPLOADED = 'document.querySelector("starling-player").stats().uploadedBytes';

test("one tag on another site's page plays in the mesh, and leaves it with the tag", async () => {
  const page = await pageWithPlayer("{}", 500_000);
  expect(await page.evaluate(IS_IN_WORKER)).toBe(true);
  expect(errors).toEqual([]);
  const left = page.evaluate(`new Promise((resolve) => {
    const player = document.querySelector("starling-player");
    const { starling, video } = player;
    player.remove();
    setTimeout(() => resolve({ isGone: player.starling === undefined, paused: video.paused,
      neighbours: starling.stats().neighbours.length }), 500);
  })`);
  expect(await left).toEqual({ isGone: true, paused: true, neighbours: 0 });
  await page.close();
}, 120_000);

test("with hls.js 1.6 in a site's own bundle it plays in the mesh too, its worker at the origin", async () => {
  const workerUrl = `${stage.origin.httpUrl}/player/mesh.worker.js`;
  const page = await pageWithPlayer(`{ workerUrl: "${workerUrl}" }`, 500_000, { path: "older" });
  expect(await page.evaluate(IS_IN_WORKER)).toBe(true);
  expect(older).toContain("1.6.19");
  expect(errors).toEqual([]);
  await page.close();
}, 120_000);

test("where a page's policy forbids workers, the mesh runs in the page", async () => {
  const page = await pageWithPlayer("{}", 500_000, { path: "strict" });
  expect(await page.evaluate(IS_IN_WORKER)).toBe(false);
  await page.close();
}, 120_000);

test("a viewer on a cellular connection is sent to, and sends nothing; on another it joins anew", async () => {
  const script = `{
    const connection = Object.assign(new EventTarget(), { type: "cellular", saveData: false });
    Object.defineProperty(navigator, "connection", { value: connection });
  }`;
  const page = await pageWithPlayer("{}", 1_000_000, { script });
  expect(await page.evaluate(UPLOADED)).toBe(0);
  await page.evaluate(`{
    globalThis.joined = 0;
    document.querySelector("starling-player").addEventListener("starling-joining", () => joined++);
    navigator.connection.dispatchEvent(new Event("change"));
  }`);
  expect(await page.evaluate("joined")).toBe(0);
  await page.evaluate(`{
    navigator.connection.type = "wifi";
    navigator.connection.dispatchEvent(new Event("change"));
  }`);
  expect(await page.evaluate("joined")).toBe(1);
  await meshBrings(page, 1_500_000);
  await page.close();
}, 120_000);

test("a viewer plays without the mesh until it consents", async () => {
  const options = "{ consent: () => new Promise((resolve) => { globalThis.agree = resolve; }) }";
  const page = await pageWithPlayer(options, 0);
  await eventually(async () => (await page.evaluate<number>(PLAYED)) > 600_000, 60_000);
  expect(await page.evaluate(NEIGHBOURS)).toBe(0);
  await page.evaluate("agree(true)");
  await meshBrings(page, 100_000);
  await page.close();
}, 120_000);

test("a viewer whose page is hidden and whose picture is paused leaves the mesh until it is back", async () => {
  const page = await pageWithPlayer("{ leaveWhenIdleS: 0.5 }", 100_000);
  const hide = (isHidden: boolean): Promise<unknown> =>
    page.evaluate(`{
      Object.defineProperty(document, "hidden", { value: ${isHidden}, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }`);
  await hide(true);
  await meshBrings(page, 500_000); // It may be listened to.
  await page.evaluate('document.querySelector("starling-player").video.pause()');
  await eventually(async () => (await page.evaluate<number>(NEIGHBOURS)) === 0, 60_000);
  await hide(false);
  await eventually(async () => (await page.evaluate<number>(NEIGHBOURS)) > 0, 60_000);
  await page.close();
}, 120_000);

test("a viewer that may connect by relays only plays in the mesh and tells nobody an address of its own", async () => {
  const script = `
    globalThis.candidates = [];
    globalThis.RTCPeerConnection = class extends RTCPeerConnection {
      constructor(...options) {
        super(...options);
        this.addEventListener("icecandidate", ({ candidate }) => {
          candidates.push(candidate?.candidate ?? "");
        });
      }
    };`;
  const before = turn.relayed;
  const page = await pageWithPlayer("{ relayOnly: true }", 500_000, { script });
  const told = (await page.evaluate<string[]>("candidates")).filter((text) => text !== "");
  expect(told.length).toBeGreaterThan(0);
  expect(told.filter((candidate) => !candidate.includes(" typ relay "))).toEqual([]);
  expect(turn.relayed - before).toBeGreaterThan(100);
  expect(turn.refused).toBe(0);
  await page.close();
}, 120_000);

test("a viewer that is sent home from the mesh plays on without it", async () => {
  const page = await pageWithPlayer(`{ tokenUrl: "${siteUrl}tokens" }`, 500_000);
  await page.evaluate(`document.querySelector("starling-player").addEventListener(
    "starling-error", ({ detail }) => { globalThis.lastError = detail; })`);
  isP2pOff = true;
  const isHome = 'globalThis.lastError?.code === "p2p-off" && lastError.isFinal';
  await eventually(() => page.evaluate<boolean>(isHome), 60_000);
  await eventually(async () => (await page.evaluate<number>(NEIGHBOURS)) === 0, 10_000);
  const before = await page.evaluate<number>(PLAYED);
  await eventually(async () => (await page.evaluate<number>(PLAYED)) > before + 1_000_000, 60_000);
  expect(await page.evaluate(IS_IN_WORKER)).toBe(false);
  await page.close();
}, 120_000);

test("without the mesh a player makes no connection, and plays", async () => {
  const page = await browser.newPage();
  await page.addInitScript("globalThis.RTCPeerConnection = class { constructor() { throw 1; } };");
  await page.goto(siteUrl);
  await page.evaluate(`document.body.insertAdjacentHTML("beforeend",
    '<starling-player p2p="off" muted autoplay src="${stage.origin.httpUrl}/live/main/media.m3u8">')`);
  const played = `document.querySelector("starling-player").stats?.()?.playedBytes ?? 0`;
  await eventually(async () => (await page.evaluate<number>(played)) > 1_000_000, 60_000);
  const stats = 'document.querySelector("starling-player").stats()';
  const { fromPeersBytes, fromSeedsBytes } = await page.evaluate<Record<string, number>>(stats);
  expect([fromPeersBytes, fromSeedsBytes]).toEqual([0, 0]);
}, 120_000);
