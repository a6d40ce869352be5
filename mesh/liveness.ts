import { after, type InstantMs, type Message } from "../core/index.ts";
import {
  DOUBT_AFTER_SILENCE_MS,
  HELLO_TIMEOUT_MS,
  PING_AFTER_SILENCE_MS,
  PING_EVERY_MS,
  SILENCE_MAX_MS,
} from "./limits.ts";
import type { MeshState } from "./mesh-state.ts";
import type { Neighbour } from "./neighbour.ts";

/** How much a new round trip counts in the mean (RFC 6298 section 2). */
const RTT_GAIN = 1 / 8;

/** Knows which neighbours are there: it pings those that are silent, and cuts those that are gone. */
export class Liveness {
  readonly #state: MeshState;

  constructor(state: MeshState) {
    this.#state = state;
  }

  /** Pings whose silence or whose last measured round trip is old, and cuts who does not answer. */
  run(now: InstantMs): void {
    for (const neighbour of [...this.#state.neighbours.values()]) {
      if (!neighbour.isReady && after(neighbour.connectedAt, HELLO_TIMEOUT_MS) <= now) {
        this.#state.disconnect(neighbour, "silent", "no hello came in time");
      } else if (after(neighbour.heardAt, SILENCE_MAX_MS) <= now) {
        this.#state.disconnect(neighbour, "silent", "no sign of life");
      } else if (neighbour.isReady && isPingDue(now, neighbour)) {
        this.ping(now, neighbour);
      }
    }
  }

  /** One neighbour seems to be gone, and perhaps not alone: all that are silent are pinged. */
  doubt(now: InstantMs): void {
    for (const neighbour of this.#state.ready) {
      const isSilent = now - neighbour.heardAt > DOUBT_AFTER_SILENCE_MS;
      if (isSilent && !neighbour.owesPong) this.ping(now, neighbour);
    }
  }

  ping(now: InstantMs, neighbour: Neighbour): void {
    neighbour.pingedAt = now;
    const id = this.#state.options.random.u32(); // Who guesses it could seem to be near.
    neighbour.pingId = id;
    this.#state.send(neighbour, { type: "ping", id });
  }

  /** Takes the answer to a ping. */
  pong(now: InstantMs, neighbour: Neighbour, { id }: Extract<Message, { type: "pong" }>): void {
    if (id !== neighbour.pingId) return;
    neighbour.pingId = undefined;
    neighbour.rttMs += RTT_GAIN * (now - neighbour.pingedAt - neighbour.rttMs);
  }
}

/** Whether a neighbour is silent, or its round trip was measured long ago. */
function isPingDue(now: InstantMs, { heardAt, pingedAt }: Neighbour): boolean {
  const sinceSign = now - (heardAt > pingedAt ? heardAt : pingedAt);
  return sinceSign >= PING_AFTER_SILENCE_MS || now - pingedAt >= PING_EVERY_MS;
}
