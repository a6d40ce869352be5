import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const PLACES = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

/** Lets WebRTC connect on a machine without a network: by loopback, and by addresses instead of names. */
const WEBRTC_ON_LOOPBACK = [
  "--allow-loopback-in-peer-connection",
  "--disable-features=WebRtcHideLocalIpsWithMdns",
];

/**
 * Starts the system's Chromium without a window and without a word to the outside. `enter` is what to put
 * before its command so that it runs on a host of a lab.
 */
export async function launchChromium(enter: readonly string[] = []): Promise<Browser> {
  const executablePath = PLACES.find((place) => existsSync(place));
  if (executablePath === undefined) {
    throw new Error('No Chromium was found: install the package "chromium", or run npm test.');
  }
  const folder = await mkdtemp(join(tmpdir(), "starling-chromium-"));
  const script = join(folder, "chromium");
  await writeFile(script, `#!/bin/sh\nexec ${enter.join(" ")} ${executablePath} "$@"\n`);
  await chmod(script, 0o755);
  const browser = await chromium.launch({
    executablePath: script,
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--autoplay-policy=no-user-gesture-required",
      "--js-flags=--expose-gc",
      ...WEBRTC_ON_LOOPBACK,
    ],
  });
  browser.once("disconnected", () => void rm(folder, { recursive: true, force: true }));
  return browser;
}
