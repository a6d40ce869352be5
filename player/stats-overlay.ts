import type { StarlingStats } from "./starling-hls.ts";

const SHOW_EVERY_MS = 1000;
const SECONDS_SHOWN = 60;
const WIDTH = 240;
const HEIGHT = 48;
const COLOURS = ["#5ec8a8", "#6ea8fe", "#ff9f6b"] as const;
const KINDS = ["viewers", "server", "HTTP"] as const;

export const OVERLAY_STYLE = `
:host{position:relative}
.stats{position:absolute;inset:8px auto auto 8px;max-width:calc(100% - 16px);box-sizing:border-box;padding:8px 10px;
border-radius:8px;background:#101418e0;color:#fff;font:12px/1.5 ui-monospace,monospace;pointer-events:none;
white-space:pre-line;font-variant-numeric:tabular-nums}
.stats canvas{display:block;width:${WIDTH}px;max-width:100%;height:${HEIGHT}px}
.stats i{font-style:normal}
`;

/** Draws statistics over a picture, once a second, until `close`. */
export class StatsOverlay {
  readonly #box = document.createElement("div");
  readonly #canvas = document.createElement("canvas");
  readonly #text = document.createElement("div");
  readonly #stats: () => StarlingStats | undefined;
  readonly #timer: ReturnType<typeof setInterval>;
  /** Bytes of each second by kind, the newest last. */
  readonly #seconds: number[][] = [];
  #before: readonly number[] | undefined;

  /** `stats` is asked once a second. */
  constructor(root: ShadowRoot, stats: () => StarlingStats | undefined) {
    this.#stats = stats;
    this.#box.className = "stats";
    this.#box.setAttribute("part", "stats");
    Object.assign(this.#canvas, { width: 2 * WIDTH, height: 2 * HEIGHT });
    this.#canvas.setAttribute("aria-hidden", "true"); // The text says it too.
    const legend = document.createElement("div");
    for (const [kind, colour] of COLOURS.entries()) {
      const name = document.createElement("i");
      name.style.color = colour;
      name.textContent = `■ ${KINDS[kind]} `;
      legend.append(name);
    }
    this.#box.append(this.#canvas, legend, this.#text);
    root.append(this.#box);
    this.#timer = setInterval(() => this.#show(), SHOW_EVERY_MS);
    this.#show();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#box.remove();
  }

  #show(): void {
    const stats = this.#stats();
    this.#box.hidden = stats === undefined;
    if (stats === undefined) return;
    this.#text.textContent = overlayText(stats);
    const now = [stats.fromPeersBytes, stats.fromSeedsBytes, stats.fromHttpBytes];
    const before = this.#before ?? now;
    this.#before = now;
    this.#seconds.push(now.map((bytes, kind) => Math.max(0, bytes - (before[kind] ?? 0))));
    if (this.#seconds.length > SECONDS_SHOWN) this.#seconds.shift();
    this.#draw();
  }

  /** A bar for each second, the newest at the right. */
  #draw(): void {
    const context = this.#canvas.getContext("2d");
    const { width, height } = this.#canvas;
    if (context === null) return;
    context.clearRect(0, 0, width, height);
    const sums = this.#seconds.map((kinds) => kinds.reduce((sum, bytes) => sum + bytes, 0));
    const scale = height / Math.max(1, ...sums);
    const step = width / SECONDS_SHOWN;
    for (const [second, kinds] of this.#seconds.entries()) {
      const x = width - (this.#seconds.length - second) * step;
      let y = height;
      for (const [kind, bytes] of kinds.entries()) {
        context.fillStyle = COLOURS[kind] ?? "";
        y -= bytes * scale;
        context.fillRect(x, y, step - 2, bytes * scale);
      }
    }
  }
}

/** The statistics in a few lines. */
export function overlayText(stats: StarlingStats): string {
  const { offload, latencyS, stalls, neighbours, uploadedBytes, rejected } = stats;
  const refused = Object.values(rejected).reduce((sum, count) => sum + count, 0);
  const servers = neighbours.filter(({ role }) => role === "seed").length;
  return [
    `from viewers ${offload === null ? "–" : `${Math.round(100 * offload)} %`}`,
    `behind live ${latencyS === null ? "–" : `${latencyS.toFixed(1)} s`}, stalls ${stalls}`,
    `neighbours ${neighbours.length - servers} + ${servers} server`,
    `passed on ${(uploadedBytes / 1e6).toFixed(1)} MB, refused ${refused}`,
  ].join("\n");
}
