import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { BrowserStage } from "./browser-stage.ts";
import { launchChromium } from "./chromium.ts";
import { eventually } from "./eventually.ts";

let stage: BrowserStage;
let browser: Browser;
let site: Server;

beforeAll(async () => {
  stage = await BrowserStage.open(1);
  browser = await launchChromium();
}, 120_000);

afterAll(async () => {
  await browser.close();
  site.close();
  await stage.close();
}, 60_000);

/** A page of another site than the origin's, with this in its body. */
async function pageWith(body: string): Promise<Page> {
  site = createServer((_request, response) => {
    response.setHeader("Content-Type", "text/html").end(`<!doctype html><body>${body}`);
  });
  await once(site.listen(0, "localhost"), "listening");
  const page = await browser.newPage();
  await page.goto(`http://localhost:${(site.address() as AddressInfo).port}/`);
  return page;
}

test("one tag on another site's page plays in the mesh, and leaves it with the tag", async () => {
  const { httpUrl } = stage.origin;
  const page = await pageWith(
    `<script type="module" src="${httpUrl}/player/starling-player.bundle.js"></script>
    <starling-player src="${httpUrl}/live/main/media.m3u8" muted autoplay></starling-player>`,
  );
  const fromMesh = `(() => {
    const { stats } = { stats: document.querySelector("starling-player")?.stats?.() };
    return stats !== undefined && stats.startupMs !== null
      ? stats.fromPeersBytes + stats.fromSeedsBytes
      : 0;
  })()`;
  await eventually(async () => (await page.evaluate<number>(fromMesh)) > 500_000, 60_000);
  const left = page.evaluate(`new Promise((resolve) => {
    const player = document.querySelector("starling-player");
    const { starling, video } = player;
    player.remove();
    setTimeout(() => resolve({ isGone: player.starling === undefined, paused: video.paused,
      neighbours: starling.stats().neighbours.length }), 500);
  })`);
  expect(await left).toEqual({ isGone: true, paused: true, neighbours: 0 });
}, 120_000);
