import { type InstantMs, instantMs, MANIFEST_CLASS, type Message } from "../core/index.ts";
import type { Block } from "./block.ts";
import type { FanOut } from "./fan-out.ts";
import { NEWS_AFTER_MS, STATUS_EVERY_MS } from "./limits.ts";
import type { MeshState } from "./mesh-state.ts";
import type { Neighbour } from "./neighbour.ts";
import type { Subscriptions } from "./subscriptions.ts";
import type { Uploads } from "./uploads.ts";

/** Tells neighbours of blocks, of what this peer has of them, and how it does. */
export class Announcements {
  readonly #state: MeshState;
  readonly #subscriptions: Subscriptions;
  readonly #fanOut: FanOut;
  readonly #uploads: Uploads;
  #statusAt: InstantMs = instantMs(0);
  #toldSpare = 0;
  #toldServed = 0;

  constructor(
    state: MeshState,
    parts: {
      readonly subscriptions: Subscriptions;
      readonly fanOut: FanOut;
      readonly uploads: Uploads;
    },
  ) {
    this.#state = state;
    this.#subscriptions = parts.subscriptions;
    this.#fanOut = parts.fanOut;
    this.#uploads = parts.uploads;
  }

  /** Gives a neighbour a block's manifest, and tells it of the init segment that the block needs. */
  manifest(now: InstantMs, neighbour: Neighbour, block: Block): void {
    const { jws, leaves, releasedAt } = block;
    const init = this.#state.cache.initOf(block);
    if (init !== undefined && !init.isKnownTo(neighbour)) {
      init.heldBy(neighbour, []);
      this.have(neighbour, init);
    }
    const ageMs = Math.min(AGE_MAX_MS, Math.max(0, Math.round(now - releasedAt)));
    this.#state.send(neighbour, { type: "manifest", ageMs, jws, leaves });
  }

  /** Tells a neighbour what this peer has of a block. */
  have(neighbour: Neighbour, block: Block): void {
    this.#state.send(neighbour, haveOf(block));
  }

  /**
   * Tells that a block is complete: those that still push it, and those to whom nobody pushes manifests.
   * Others know it from this peer's lags.
   */
  completed(block: Block, stillPushing: ReadonlySet<Neighbour>): void {
    const message = haveOf(block);
    for (const neighbour of this.#state.ready) {
      const isUnaware =
        neighbour.mayFollow(block.id.rendition) &&
        !Number.isFinite(neighbour.lagMs(block.id.rendition, MANIFEST_CLASS)) &&
        !block.isKnownTo(neighbour);
      if (isUnaware || stillPushing.has(neighbour)) this.#state.send(neighbour, message);
    }
  }

  /** Tells all neighbours how this peer does, when that is due. */
  status(now: InstantMs): void {
    const spare = this.#fanOut.spare();
    const sinceMs = now - this.#statusAt;
    const served = this.#subscriptions.served;
    const isNews = (this.#toldSpare === 0 && spare > 0) || this.#toldServed < served;
    if (sinceMs < (isNews ? NEWS_AFTER_MS : STATUS_EVERY_MS)) return;
    this.#statusAt = now;
    this.#toldSpare = spare;
    this.#toldServed = served;
    const message = this.#status(now);
    for (const neighbour of this.#state.ready) this.#state.send(neighbour, message);
  }

  /** Tells a new neighbour how this peer does. */
  introduce(now: InstantMs, neighbour: Neighbour): void {
    this.#state.send(neighbour, this.#status(now));
  }

  #status(now: InstantMs): Message {
    return {
      type: "status",
      capacityKbps: Math.round(this.#uploads.uplink.bytesPerS / 125),
      roomKbps: Math.round(this.#uploads.roomBytesPerS() / 125),
      spare: this.#fanOut.spare(),
      feeds: Array.from(this.#subscriptions.feeds, (feed) => ({
        rendition: feed.rendition,
        lags: feed.lags(now),
      })),
    };
  }
}

const AGE_MAX_MS = 0xff_ff;

function haveOf(block: Block): Message {
  return { type: "have", block: block.id, esis: block.held() };
}
