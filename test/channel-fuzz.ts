import { encodeMessage, type Message, type Random } from "../core/index.ts";
import { eventually } from "./eventually.ts";
import { mutated, pick } from "./fuzz-values.ts";
import { HostilePeer } from "./hostile-peer.ts";
import type { OriginProcess } from "./origin-process.ts";

const MESSAGES_MAX = 200;
const DEALT_WITH_MS = 20_000;

/** Peers with a good token that say hello to their neighbours, and then send what they like. */
export class ChannelFuzz {
  readonly #origin: OriginProcess;
  messages = 0;
  /** Neighbours that had to do with them, and those that cut them. */
  met = 0;
  cut = 0;

  constructor(origin: OriginProcess) {
    this.#origin = origin;
  }

  /** One peer, from its joining until a neighbour has heard it out or cut it. */
  async step(random: Random): Promise<void> {
    const peer = await HostilePeer.tamper(this.#origin, (hello) => {
      const sent = Array.from({ length: 1 + random.below(MESSAGES_MAX) }, () =>
        this.#bytes(random),
      );
      this.messages += sent.length;
      return random.next() < 0.9 ? [hello, ...sent] : sent;
    });
    await eventually(() => peer.victims.size > 0, DEALT_WITH_MS);
    const isOver = (): boolean =>
      [...peer.victims.values()].every(({ goneAtMs }) => goneAtMs !== undefined);
    await eventually(isOver, 2000).catch(() => undefined); // All that it sent may have been good.
    this.met += peer.victims.size;
    this.cut += [...peer.victims.values()].filter(({ goneAtMs }) => goneAtMs !== undefined).length;
    await peer.leave();
  }

  #bytes(random: Random): Uint8Array {
    const bytes = encodeMessage(pick(random, messages(random)));
    return random.next() < 0.98 ? bytes : mutated(random, bytes);
  }
}

/** Good messages about blocks that may or may not be. */
function messages(random: Random): readonly Message[] {
  const block = { rendition: random.below(2), sequence: random.below(50), part: random.below(2) };
  const esis = [random.below(40), 40 + random.below(20)];
  return [
    { type: "have", block, esis },
    { type: "request", block, withinMs: random.below(10_000), esis },
    { type: "request", block, withinMs: 1000, esis: [] },
    { type: "cancel", block, esis },
    { type: "decline", block, isBusy: random.next() < 0.5, esis },
    { type: "symbol", block, esi: esis[0] ?? 0, bytes: new Uint8Array(random.below(2000)) },
    { type: "subscribe", rendition: 0, classes: random.below(512) },
    { type: "serve", rendition: 0, classes: random.below(512), spare: random.below(20) },
    { type: "status", capacityKbps: random.u32(), roomKbps: random.u32(), spare: 3, feeds: [] },
    { type: "ping", id: random.u32() },
    { type: "pong", id: random.u32() },
  ];
}
