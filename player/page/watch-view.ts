import type { StarlingStats } from "../index.ts";
import { MeshPicture } from "./mesh-picture.ts";
import { meshText } from "./mesh-text.ts";
import { audienceText, bitrateText, latencyText, type Readout, resolutionText } from "./readout.ts";
import type { Scene } from "./scene.ts";

function element<T extends Element>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind))
    throw new TypeError(`watch.html has no ${kind.name} with id "${id}"`);
  return found;
}

type Slot =
  | "title"
  | "badge"
  | "audience"
  | "noticeTitle"
  | "noticeText"
  | "latency"
  | "share"
  | "meshTitle"
  | "meshText"
  | "fromViewers"
  | "fromServer"
  | "giving"
  | "resolution"
  | "bitrate";

/** The elements of watch.html, and the only code that writes to them. */
export class WatchView {
  readonly video = element("video", HTMLVideoElement);
  readonly #mesh = element("mesh", HTMLElement);
  readonly #meshPicture = new MeshPicture(element("mesh-picture", SVGSVGElement));
  readonly #unmute = element("unmute", HTMLButtonElement);
  readonly #text: Readonly<Record<Slot, HTMLElement>> = {
    title: element("title", HTMLElement),
    badge: element("badge", HTMLElement),
    audience: element("audience", HTMLElement),
    noticeTitle: element("notice-title", HTMLElement),
    noticeText: element("notice-text", HTMLElement),
    latency: element("latency", HTMLElement),
    share: element("share", HTMLElement),
    meshTitle: element("mesh-title", HTMLElement),
    meshText: element("mesh-text", HTMLElement),
    fromViewers: element("from-viewers", HTMLElement),
    fromServer: element("from-server", HTMLElement),
    giving: element("giving", HTMLElement),
    resolution: element("resolution", HTMLElement),
    bitrate: element("bitrate", HTMLElement),
  };

  constructor() {
    this.#unmute.addEventListener("click", () => {
      this.video.muted = false;
      if (this.video.volume === 0) this.video.volume = 1;
      this.video.focus();
    });
    this.video.addEventListener("volumechange", () => this.#offerSound());
  }

  showStream(title: string, viewers: number): void {
    document.title = `${title} · Starling`;
    this.#write("title", title);
    this.#write("audience", audienceText(viewers));
  }

  showScene(scene: Scene): void {
    document.body.dataset["scene"] = scene.name;
    this.#write("badge", scene.badge);
    // The words of the last notice stay while it fades out: an emptied notice would flicker.
    if (scene.name !== "live") {
      this.#write("noticeTitle", scene.title);
      this.#write("noticeText", scene.text);
    }
    this.#offerSound();
  }

  showReadout(readout: Readout): void {
    this.#write("latency", latencyText(readout.latencyS));
    this.#write("resolution", resolutionText(readout.widthPx, readout.heightPx));
    this.#write("bitrate", bitrateText(readout.bitsPerS));
  }

  /** Shows the mesh; of undefined, that there is none. */
  showMesh(stats: StarlingStats | undefined): void {
    const { share, title, words, flows } = meshText(stats);
    this.#write("share", share);
    this.#mesh.hidden = stats?.isInMesh !== true;
    if (stats === undefined || this.#mesh.hidden) return;
    this.#write("meshTitle", title);
    this.#write("meshText", words);
    this.#write("fromViewers", flows.fromViewers);
    this.#write("fromServer", flows.fromServer);
    this.#write("giving", flows.giving);
    this.#meshPicture.show(stats.neighbours);
  }

  #offerSound(): void {
    const { muted, volume } = this.video;
    this.#unmute.hidden = document.body.dataset["scene"] !== "live" || !(muted || volume === 0);
  }

  /** Writes only what changed, so that a screen reader hears the notice once. */
  #write(name: Slot, text: string): void {
    if (this.#text[name].textContent !== text) this.#text[name].textContent = text;
  }
}
