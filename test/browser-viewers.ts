import { readFile } from "node:fs/promises";
import type { Browser, CDPSession, Page } from "playwright-core";
import { launchChromium } from "./chromium.ts";
import { eventually } from "./eventually.ts";

/** How a viewer's page does: what of `starling.stats()` is measured, and the video's clock. */
export interface PageState {
  readonly timeS: number;
  readonly startupMs: number | null;
  readonly latencyS: number | null;
  readonly stalls: number;
  readonly playedBytes: number;
  readonly fromPeersBytes: number;
  readonly fromSeedsBytes: number;
  readonly fromHttpBytes: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly rendition: number;
  /** What hls.js of a player takes the line for; 0 on the watch page. */
  readonly bandwidthKbps: number;
  readonly isInWorker: boolean;
}

const PLAY_TIMEOUT_MS = 60_000;

const READ_STATE = `(() => {
  const video = document.querySelector("starling-player")?.video ?? document.querySelector("video");
  const stats = globalThis.starling?.stats();
  const estimate = document.querySelector("starling-player")?.hls?.bandwidthEstimate ?? 0;
  const state = { ...stats, timeS: video.currentTime, bandwidthKbps: Math.round(estimate / 1000) };
  return stats === undefined ? undefined : state;
})()`;

/** What V8 does when memory is short: it gives back what nobody uses. */
const FREE_MEMORY = 'gc({ type: "major", execution: "sync", flavor: "last-resort" })';

/** Keeps count of the connections that a page makes. */
const COUNT_CONNECTIONS = `
  globalThis.connections = [];
  globalThis.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...options) {
      super(...options);
      connections.push(this);
    }
  };
`;

/** A player on a page of the origin's. */
const addPlayer = (options: string, playlistUrl: string): string => `(async () => {
  await import("/player/starling-player.bundle.js");
  const player = document.createElement("starling-player");
  player.options = ${options};
  for (const name of ["muted", "autoplay"]) player.setAttribute(name, "");
  player.setAttribute("src", "${playlistUrl}");
  document.body.replaceChildren(player);
  Object.defineProperty(globalThis, "starling", { get: () => player.starling });
})()`;

/** How a viewer is to watch. */
export interface ViewerChoice {
  /** What to put before a command so that it runs where the viewer is; by default it is here. */
  readonly enter?: readonly string[] | undefined;
  /** Options of a player by itself, in JavaScript, instead of the watch page. */
  readonly player?: string | undefined;
  /** Which playlist of the stream that player plays. */
  readonly playlist?: string | undefined;
}

/** The watch page in Chromium, in a context of its own for each viewer. */
export class BrowserViewers {
  /** By where they run. */
  readonly #browsers = new Map<string, Browser>();
  readonly #originUrl: string;
  readonly #pages: Page[] = [];
  readonly #profiles = new Map<Page, CDPSession>();
  /** Errors that the pages wrote to their consoles, or did not catch. */
  readonly errors: string[] = [];

  constructor(originUrl: string) {
    this.#originUrl = originUrl;
  }

  get count(): number {
    return this.#pages.length;
  }

  /** Opens one more viewer. */
  async add({ enter = [], player, playlist = "media" }: ViewerChoice = {}): Promise<void> {
    const browser = this.#browsers.get(enter.join(" ")) ?? (await launchChromium(enter));
    this.#browsers.set(enter.join(" "), browser);
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.addInitScript(COUNT_CONNECTIONS);
    page.on("pageerror", (error) => this.errors.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") this.errors.push(message.text());
    });
    await page.goto(player === undefined ? `${this.#originUrl}/watch/main` : this.#originUrl);
    if (player !== undefined) {
      await page.evaluate(addPlayer(player, `${this.#originUrl}/live/main/${playlist}.m3u8`));
    }
    const profile = await context.newCDPSession(page);
    await profile.send("Performance.enable", { timeDomain: "threadTicks" });
    this.#profiles.set(page, profile);
    this.#pages.push(page);
  }

  /** Waits until all play. */
  async playing(): Promise<void> {
    await eventually(
      async () => (await this.states()).every(({ startupMs }) => startupMs !== null),
      PLAY_TIMEOUT_MS,
      () => this.errors.join("\n"),
    );
  }

  /** How each viewer does. A page that has no player yet is passed over until it has. */
  async states(): Promise<PageState[]> {
    const states = await Promise.all(
      this.#pages.map((page) => page.evaluate<PageState | undefined>(READ_STATE)),
    );
    return states.map((state) => state ?? NOT_STARTED);
  }

  /** How long each page's own thread has worked, seconds: workers and connections have threads of their own. */
  threadTimesS(): Promise<number[]> {
    return Promise.all(
      this.#pages.map(async (page) => {
        const answer = await this.#profiles.get(page)?.send("Performance.getMetrics");
        return answer?.metrics.find(({ name }) => name === "TaskDuration")?.value ?? 0;
      }),
    );
  }

  /** The memory of the tabs, megabytes each, once what nobody uses is freed; 0 where /proc does not tell. */
  async tabMegabytes(): Promise<number> {
    for (const page of this.#pages) {
      await Promise.all([
        page.evaluate(FREE_MEMORY),
        ...page.workers().map((one) => one.evaluate(FREE_MEMORY)),
      ]);
    }
    let kilobytes = 0;
    for (const browser of this.#browsers.values()) {
      const session = await browser.newBrowserCDPSession();
      const { processInfo } = await session.send("SystemInfo.getProcessInfo");
      await session.detach();
      for (const { id, type } of processInfo) {
        const status = type === "renderer" ? await statusOf(id) : "";
        kilobytes += Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
      }
    }
    return kilobytes / 1000 / Math.max(1, this.#pages.length);
  }

  async screenshot(viewer: number, path: string): Promise<void> {
    await this.#pages[viewer]?.screenshot({ path });
  }

  /** Takes a viewer's Starling out of its player, and counts the connections that it leaves behind. */
  async connectionsAfterDestroy(viewer: number): Promise<{ made: number; open: number }> {
    const page = this.#pages[viewer];
    if (page === undefined) throw new Error(`There is no viewer ${viewer}.`);
    return page.evaluate(`(async () => {
      await starling.destroy();
      const open = connections.filter(({ connectionState }) => connectionState !== "closed");
      return { made: connections.length, open: open.length };
    })()`);
  }

  /** From now on each page keeps the SHA-256 of the media segments that come to its player, and whom it refused. */
  async keepNews(): Promise<void> {
    await this.#all(`(() => {
      globalThis.kept = [];
      globalThis.refused = [];
      starling.on("rejected", ({ neighbour, code }) => refused.push({ neighbour, code }));
      starling.on("segment", async ({ sequence, bytes }) => {
        const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
        const hex = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
        kept.push({ sequence, digest: hex });
      });
    })()`);
  }

  /** What the pages kept, of all viewers. */
  async keptSegments(): Promise<{ sequence: number; digest: string }[]> {
    return (await this.#all<{ sequence: number; digest: string }[]>("kept")).flat();
  }

  /** Whom the pages refused, and for what, of all viewers. */
  async refusals(): Promise<{ neighbour: string; code: string }[]> {
    return (await this.#all<{ neighbour: string; code: string }[]>("refused")).flat();
  }

  /** Lets all players load this rendition from the next segment on; undefined: hls.js chooses. */
  async load(rendition: number | undefined): Promise<void> {
    const folder = rendition === 0 ? "main" : String(rendition);
    await this.#all(`(() => {
      const { hls } = document.querySelector("starling-player");
      hls.loadLevel = hls.levels.findIndex(({ url }) => url[0].endsWith("/${folder}/media.m3u8"));
    })()`);
  }

  /** In how many pieces each player holds what it has buffered from where it plays on. */
  async bufferPieces(): Promise<number[]> {
    return this.#all(`(() => {
      const { buffered, currentTime } = document.querySelector("starling-player").video;
      return Array.from(buffered, (_, at) => at).filter((at) => buffered.end(at) > currentTime).length;
    })()`);
  }

  /** Closes the first viewers at once, without a word to the others. */
  async closeFirst(count: number): Promise<void> {
    const closed = this.#pages.splice(0, count);
    await Promise.all(closed.map((page) => page.context().close()));
  }

  #all<Result>(script: string): Promise<Result[]> {
    return Promise.all(this.#pages.map((page) => page.evaluate<Result>(script)));
  }

  async close(): Promise<void> {
    for (const browser of this.#browsers.values()) await browser.close();
  }
}

async function statusOf(pid: number): Promise<string> {
  return readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
}

const NOT_STARTED: PageState = {
  timeS: 0,
  startupMs: null,
  latencyS: null,
  stalls: 0,
  playedBytes: 0,
  fromPeersBytes: 0,
  fromSeedsBytes: 0,
  fromHttpBytes: 0,
  rejected: {},
  rendition: 0,
  bandwidthKbps: 0,
  isInWorker: false,
};
