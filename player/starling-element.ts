import type Hls from "hls.js";
import { openLiveHls } from "./live-hls.ts";
import type { Starling, StarlingOptions, StarlingStats } from "./starling-hls.ts";
import { OVERLAY_STYLE, StatsOverlay } from "./stats-overlay.ts";

const REOPEN_AFTER_MS = 2000;
/** Of its own attributes, those that the video inside takes too. */
const VIDEO_ATTRIBUTES = ["autoplay", "controls", "muted", "playsinline", "poster"] as const;
const SOURCE_ATTRIBUTES = ["src", "stream", "api-url", "token-url", "p2p"] as const;
const OVERLAY_ATTRIBUTE = "stats-overlay";

/** What `<starling-player>` is in scripts. */
export interface StarlingPlayerElement extends HTMLElement {
  /** The video inside. */
  readonly video: HTMLVideoElement;
  /** Undefined while nothing plays, and where the browser plays HLS itself. */
  readonly starling: Starling | undefined;
  /** The same; for a menu of qualities: `hls.levels`, `hls.nextLevel`. */
  readonly hls: Hls | undefined;
  /** Options beyond the attributes; they count from the next `src`. */
  options: StarlingOptions;
  stats(): StarlingStats | undefined;
}

/**
 * Defines `<starling-player src="…/live/<stream>/master.m3u8">`: a video that takes part in the mesh. Attributes:
 * `src`, `stream`, `api-url`, `token-url`, `p2p="off"`, `stats-overlay`, and `autoplay`, `controls`, `muted`, `playsinline`, `poster` of a
 * video. Where hls.js cannot run, the browser plays the playlist itself.
 */
export function defineStarlingPlayer(hlsClass: typeof Hls, name = "starling-player"): void {
  if (customElements.get(name) !== undefined) return;
  customElements.define(
    name,
    class extends StarlingPlayer {
      constructor() {
        super(hlsClass);
      }
    },
  );
}

/** Outside browsers there is no HTMLElement, and importing this module must do no harm. */
function elementClass(): typeof HTMLElement {
  return typeof HTMLElement === "undefined" ? (class {} as typeof HTMLElement) : HTMLElement;
}

const STYLE = `:host{display:block;aspect-ratio:16/9;background:#000}video{display:block;width:100%;height:100%}${OVERLAY_STYLE}`;

/** Styles it in the way that a policy without 'unsafe-inline' lets pass, where the browser knows that one. */
function addStyle(root: ShadowRoot): void {
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [sheet];
  } catch {
    const style = document.createElement("style");
    style.textContent = STYLE;
    root.append(style);
  }
}

class StarlingPlayer extends /* @__PURE__ */ elementClass() implements StarlingPlayerElement {
  static get observedAttributes(): readonly string[] {
    return [...VIDEO_ATTRIBUTES, ...SOURCE_ATTRIBUTES, OVERLAY_ATTRIBUTE];
  }

  readonly video = document.createElement("video");
  options: StarlingOptions = {};
  readonly #hlsClass: typeof Hls;
  readonly #root: ShadowRoot;
  #overlay: StatsOverlay | undefined;
  #playing: ReturnType<typeof openLiveHls> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isDue = false;

  constructor(hlsClass: typeof Hls) {
    super();
    this.#hlsClass = hlsClass;
    this.video.setAttribute("part", "video");
    this.#root = this.attachShadow({ mode: "open" });
    this.#root.append(this.video);
    addStyle(this.#root);
  }

  get starling(): Starling | undefined {
    return this.#playing?.starling;
  }

  get hls(): Hls | undefined {
    return this.#playing?.hls;
  }

  stats(): StarlingStats | undefined {
    return this.starling?.stats();
  }

  connectedCallback(): void {
    this.#open();
    this.#showOverlay();
  }

  disconnectedCallback(): void {
    this.#close();
    this.#showOverlay();
  }

  attributeChangedCallback(name: string, _old: string | null, value: string | null): void {
    if (VIDEO_ATTRIBUTES.some((attribute) => attribute === name)) {
      if (value === null) this.video.removeAttribute(name);
      else this.video.setAttribute(name, value);
      if (name === "muted") this.video.muted = value !== null;
    } else if (name === OVERLAY_ATTRIBUTE) this.#showOverlay();
    else if (this.isConnected) this.#open();
  }

  #showOverlay(): void {
    const isShown = this.isConnected && this.hasAttribute(OVERLAY_ATTRIBUTE);
    if (isShown) this.#overlay ??= new StatsOverlay(this.#root, () => this.stats());
    else {
      this.#overlay?.close();
      this.#overlay = undefined;
    }
  }

  /** Opens the source once all attributes that are being changed have changed. */
  #open(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.#close();
      const src = this.getAttribute("src");
      if (!this.isConnected || src === null || src === "") return;
      if (this.#hlsClass.isSupported()) this.#openHls(new URL(src, document.baseURI).href);
      else this.video.src = src;
    });
  }

  #openHls(playlistUrl: string): void {
    const text = (name: string): string | undefined => this.getAttribute(name) ?? undefined;
    this.#playing = openLiveHls(this.#hlsClass, {
      video: this.video,
      playlistUrl,
      starling: {
        stream: text("stream"),
        apiUrl: text("api-url"),
        tokenUrl: text("token-url"),
        rootKey: text("root-key"),
        p2p: text("p2p") !== "off",
        ...this.options,
      },
      onLost: () => {
        this.#playing = undefined;
        this.#timer = setTimeout(() => this.#open(), REOPEN_AFTER_MS);
      },
    });
    const { starling } = this.#playing;
    for (const event of ["stall", "rejected", "error", "joining"] as const) {
      starling.on(event, (detail) => {
        this.dispatchEvent(new CustomEvent(`starling-${event}`, { detail }));
      });
    }
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.#playing?.hls.destroy();
    this.#playing = undefined;
    this.video.removeAttribute("src");
  }
}
