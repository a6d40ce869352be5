import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import { launchChromium } from "./chromium.ts";
import { eventually } from "./eventually.ts";
import { newestSequence } from "./first-light.ts";
import { OriginProcess } from "./origin-process.ts";
import { Publisher } from "./publisher.ts";

let folder: string;
let origin: OriginProcess;
let browser: Browser;
let publisher: Publisher | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "starling-"));
  origin = new OriginProcess(join(folder, "data"), ["--no-demo", "--playlist-window", "30"]);
  browser = await launchChromium();
});

afterEach(async () => {
  await browser.close();
  await publisher?.end("SIGKILL");
  await origin.stop();
  await rm(folder, { recursive: true, force: true });
});

function publish(widthPx: number, heightPx: number): void {
  publisher = new Publisher({ url: `${origin.rtmpUrl}/${origin.streamKey}`, widthPx, heightPx });
}

interface Playing {
  readonly timeS: number;
  readonly width: number;
  readonly isPaused: boolean;
}

function playing(page: Page): Promise<Playing> {
  return page.evaluate(
    `(() => {
      const video = document.querySelector("video");
      return { timeS: video.currentTime, width: video.videoWidth, isPaused: video.paused };
    })()`,
  );
}

/** The numbers of the public playlist, as a player reads it. */
async function playlist() {
  const text = await (await fetch(`${origin.httpUrl}/live/main/media.m3u8`)).text();
  return {
    mediaSequence: Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(text)?.[1]),
    discontinuities: [...text.matchAll(/^#EXT-X-DISCONTINUITY$/gm)].length,
    maps: new Set([...text.matchAll(/#EXT-X-MAP:URI="([^"]+)"/g)].map(([, uri]) => uri)).size,
  };
}

test("a viewer plays on, without a reload, when the publisher was killed and came back", async () => {
  await origin.start();
  publish(640, 360);
  await eventually(
    () => newestSequence(origin),
    30_000,
    () => origin.output,
  );
  const page = await browser.newPage();
  let loads = 0;
  page.on("load", () => {
    loads++;
  });
  await page.goto(`${origin.httpUrl}/watch/main`);
  await eventually(async () => (await playing(page)).timeS > 2, 30_000);
  expect((await playing(page)).width).toBe(640);
  const before = await playlist();

  await publisher?.end("SIGKILL");
  await delay(6000); // A broadcaster's encoder takes this long to come back.
  publish(960, 540);

  // The picture of the new session has another size: seen here, it has gone over the discontinuity.
  await eventually(
    async () => (await playing(page)).width === 960,
    40_000,
    () => origin.output,
  );
  const resumed = await playing(page);
  await eventually(async () => (await playing(page)).timeS > resumed.timeS + 2, 20_000);
  expect((await playing(page)).isPaused).toBe(false);
  expect(loads).toBe(1);
  const after = await playlist();
  expect(after.mediaSequence).toBeGreaterThanOrEqual(before.mediaSequence);
  expect(after).toMatchObject({ discontinuities: 1, maps: 2 });
}, 150_000);
