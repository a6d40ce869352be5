import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { BrowserStage } from "./browser-stage.ts";
import { launchChromium } from "./chromium.ts";
import { eventually } from "./eventually.ts";

const IS_IN_WORKER = 'document.querySelector("starling-player").stats().isInWorker';

let stage: BrowserStage;
let browser: Browser;
let site: Server;
/** The URL of a page of another site than the origin's, which includes the script. */
let siteUrl: string;

beforeAll(async () => {
  stage = await BrowserStage.open(1);
  browser = await launchChromium();
  site = createServer(({ url }, response) => {
    const script = `${stage.origin.httpUrl}/player/starling-player.bundle.js`;
    response.setHeader("Content-Type", "text/html");
    if (url === "/strict") response.setHeader("Content-Security-Policy", "worker-src 'none'");
    response.end(`<!doctype html><body><script type="module" src="${script}"></script>`);
  });
  await once(site.listen(0, "localhost"), "listening");
  siteUrl = `http://localhost:${(site.address() as AddressInfo).port}/`;
}, 120_000);

afterAll(async () => {
  await browser.close();
  site.close();
  await stage.close();
}, 60_000);

/** A page with one player, once the mesh has brought it this much. */
async function pageWithPlayer(options: string, meshBytes: number, path = ""): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(`${siteUrl}${path}`);
  await page.evaluate(`(async () => {
    await customElements.whenDefined("starling-player");
    const player = document.createElement("starling-player");
    player.options = ${options};
    for (const name of ["muted", "autoplay"]) player.setAttribute(name, "");
    player.setAttribute("src", "${stage.origin.httpUrl}/live/main/media.m3u8");
    document.body.append(player);
  })()`);
  const fromMesh = `(() => {
    const stats = document.querySelector("starling-player").stats();
    if (stats === undefined || stats.startupMs === null) return 0;
    return stats.fromPeersBytes + stats.fromSeedsBytes;
  })()`;
  await eventually(async () => (await page.evaluate<number>(fromMesh)) > meshBytes, 60_000);
  return page;
}

test("one tag on another site's page plays in the mesh, and leaves it with the tag", async () => {
  const page = await pageWithPlayer("{}", 500_000);
  expect(await page.evaluate(IS_IN_WORKER)).toBe(true);
  const left = page.evaluate(`new Promise((resolve) => {
    const player = document.querySelector("starling-player");
    const { starling, video } = player;
    player.remove();
    setTimeout(() => resolve({ isGone: player.starling === undefined, paused: video.paused,
      neighbours: starling.stats().neighbours.length }), 500);
  })`);
  expect(await left).toEqual({ isGone: true, paused: true, neighbours: 0 });
}, 120_000);

test("where a page's policy forbids workers, the mesh runs in the page", async () => {
  const page = await pageWithPlayer("{}", 500_000, "strict");
  expect(await page.evaluate(IS_IN_WORKER)).toBe(false);
}, 120_000);

test("a viewer that may not send is sent to, and sends nothing", async () => {
  const page = await pageWithPlayer("{ uploadBitsPerSMax: 0 }", 1_000_000);
  const uploaded = 'document.querySelector("starling-player").stats().uploadedBytes';
  expect(await page.evaluate(uploaded)).toBe(0);
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
