import type { Agenda } from "./agenda.ts";
import type { Host } from "./host.ts";
import { canConnect } from "./nat.ts";

/** Round trips and time for keys until a channel is open, once both sides know of each other. */
const TRACKER_SETUP_RTTS = 3;
const RELAYED_SETUP_RTTS = 1.5;
const SETUP_MS = 50;
/** A dial that cannot succeed is given up after this. */
const FAILURE_MS = 2000;
/** A dial through a neighbour whose signalling gets lost is given up after this. */
const RELAY_TIMEOUT_MS = 5000;
/** The bytes of a session description with its candidates. */
const DESCRIPTION_BYTES = 900;
const OFFER = 0;
const ANSWER = 1;

/** What the dialler needs of the world. */
export interface Dialling {
  readonly agenda: Agenda;
  isTrackerUp(): boolean;
  find(id: string): Host | undefined;
  delayMs(a: Host, b: Host): number;
  /** Opens the channel that `initiator` made the offer for. */
  connect(initiator: Host, other: Host): void;
  undialable(host: Host, peer: string): void;
  /** Lets `host` send signalling for `peer` through its neighbour `via`. */
  relay(host: Host, peer: string, via: string, payload: Uint8Array): void;
}

/** Makes connections as WebRTC does: it takes time, and NATs decide whether it succeeds. */
export class Dialler {
  readonly #world: Dialling;
  /** The dials under way, by both hosts in order of their numbers: who dialled, and which attempt. */
  readonly #pending = new Map<string, number>();
  #attempts = 0;

  constructor(world: Dialling) {
    this.#world = world;
  }

  /** `host` wants a channel to `peer`; two dials of the same pair become one. */
  dial(host: Host, peer: string, via: string | undefined): void {
    const other = this.#world.find(peer);
    if (other === host || host.links.has(peer)) return;
    const key = other === undefined ? `${host.index}-?${peer}` : pairOf(host, other);
    if (this.#pending.has(key)) return;
    const attempt = ++this.#attempts;
    this.#pending.set(key, attempt);
    if (other === undefined || !isReachable(host, other)) {
      this.#fail(host, peer, key, attempt, FAILURE_MS);
    } else if (via !== undefined) {
      this.#world.relay(host, peer, via, description(OFFER));
      this.#fail(host, peer, key, attempt, RELAY_TIMEOUT_MS);
    } else if (this.#world.isTrackerUp()) {
      this.#connectIn(TRACKER_SETUP_RTTS, host, other, key, attempt);
    } else {
      this.#fail(host, peer, key, attempt, FAILURE_MS);
    }
  }

  /** Signalling from `peer` reached `host` through its neighbour `via`. */
  signal(host: Host, peer: string, via: string, payload: Uint8Array): void {
    const other = this.#world.find(peer);
    if (other === undefined) return;
    const key = pairOf(host, other);
    if (payload[0] === OFFER) {
      if (isReachable(host, other)) this.#world.relay(host, peer, via, description(ANSWER));
      return;
    }
    const attempt = this.#pending.get(key);
    if (attempt === undefined) return;
    this.#connectIn(RELAYED_SETUP_RTTS, host, other, key, attempt);
  }

  #connectIn(rtts: number, host: Host, other: Host, key: string, attempt: number): void {
    const setupMs = 2 * rtts * this.#world.delayMs(host, other) + SETUP_MS;
    this.#world.agenda.in(setupMs, () => {
      if (this.#pending.get(key) !== attempt) return;
      this.#pending.delete(key);
      if (!host.isPresent) return;
      if (other.isPresent && !host.links.has(other.id)) this.#world.connect(host, other);
      else if (!other.isPresent) this.#world.undialable(host, other.id);
    });
  }

  #fail(host: Host, peer: string, key: string, attempt: number, afterMs: number): void {
    this.#world.agenda.in(afterMs, () => {
      if (this.#pending.get(key) !== attempt) return;
      this.#pending.delete(key);
      if (host.isPresent) this.#world.undialable(host, peer);
    });
  }
}

function isReachable(host: Host, other: Host): boolean {
  return other.isPresent && canConnect(host.traits.nat, other.traits.nat);
}

function pairOf(a: Host, b: Host): string {
  return a.index < b.index ? `${a.index}-${b.index}` : `${b.index}-${a.index}`;
}

function description(kind: number): Uint8Array {
  const bytes = new Uint8Array(DESCRIPTION_BYTES);
  bytes[0] = kind;
  return bytes;
}
