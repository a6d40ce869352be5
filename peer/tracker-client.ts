import {
  errorCode,
  type Introduction,
  type PeerToTracker,
  parseTrackerMessage,
  type Signal,
  StarlingError,
  type TrackerToPeer,
  toBase64Url,
  trackerProofMessage,
} from "../core/index.ts";
import { abortableDelay } from "./abortable-delay.ts";
import { BackOff } from "./back-off.ts";
import type { Identity } from "./identity.ts";
import { isFinalRefusal, type JoinPermit, type JoinPermits } from "./join-permits.ts";
import type { Log } from "./log.ts";
import type { Platform } from "./platform.ts";
import type { TrackerSocket } from "./tracker-socket.ts";

const JOIN_TIMEOUT_MS = 10_000;
/** The tracker pings every 15 s: three missed ones mean a dead connection. */
const SILENCE_MAX_MS = 45_000;
/** A session this long was a good one: the next reconnection is quick again. */
const STABLE_MS = 5000;

export interface TrackerEvents {
  /** We are admitted, for the first time or again; those whom it names are introduced next. */
  joined(message: Extract<TrackerToPeer, { type: "joined" }>): void;
  /** The tracker names peers that can be dialled. */
  introduced(neighbours: readonly Introduction[]): void;
  signal(peer: string, signal: Signal): void;
  /** A peer has left the tracker. Connections with it may live on. */
  left(peer: string): void;
  /** The origin revoked a peer's token: a JWS, unchecked. */
  revoked(revocation: string): void;
}

export interface TrackerClientOptions {
  readonly platform: Pick<Platform, "crypto" | "openTrackerSocket">;
  readonly permits: JoinPermits;
  readonly identity: Identity;
  readonly log: Log;
  readonly events: TrackerEvents;
}

/**
 * Keeps a peer joined at the tracker: connects, proves the peer's key, and comes back after a loss
 * for as long as it runs. PROTOCOL.md, "Tracker".
 */
export class TrackerClient {
  readonly #options: TrackerClientOptions;
  #socket: TrackerSocket | undefined;
  #isJoined = false;

  constructor(options: TrackerClientOptions) {
    this.#options = options;
  }

  get isJoined(): boolean {
    return this.#isJoined;
  }

  /**
   * Runs until `signal` aborts. Throws StarlingError for a refusal that no waiting heals, such as
   * "stream-not-found".
   */
  async run(signal: AbortSignal): Promise<void> {
    const backOff = new BackOff();
    while (!signal.aborted) {
      const startedAtMs = performance.now();
      try {
        await this.#session(await this.#options.permits.current(signal), signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#trouble(error);
      }
      if (performance.now() - startedAtMs > STABLE_MS) backOff.reset();
      await abortableDelay(backOff.next(), signal);
    }
  }

  /** Sends a message if the peer is joined; says whether it was. */
  send(message: PeerToTracker): boolean {
    if (!this.#isJoined) return false;
    this.#socket?.send(JSON.stringify(message));
    return true;
  }

  #trouble(error: unknown): void {
    const { log, permits } = this.#options;
    const code = errorCode(error);
    if (isFinalRefusal(code)) throw error;
    if (code?.startsWith("token-")) permits.discard();
    const detail = error instanceof StarlingError ? error.message : String(error);
    log.warn({ code, detail }, "not joined at the tracker; trying again");
  }

  /** One WebSocket, from connect to close. */
  #session(permit: JoinPermit, signal: AbortSignal): Promise<void> {
    const { permits, platform } = this.#options;
    return new Promise((resolve, reject) => {
      let failure: unknown;
      let timer = setTimeout(() => socket.terminate(), JOIN_TIMEOUT_MS);
      const alive = (): void => {
        clearTimeout(timer);
        timer = setTimeout(() => socket.terminate(), SILENCE_MAX_MS);
      };
      const leave = (): void => socket.close();
      const socket = platform.openTrackerSocket(permits.trackerUrl, {
        alive,
        message: (text) => {
          try {
            if (this.#receive(socket, text, permit)) alive();
          } catch (error) {
            failure = error;
            socket.close();
          }
        },
        closed: (error) => {
          clearTimeout(timer);
          signal.removeEventListener("abort", leave);
          this.#isJoined = false;
          failure ??= error;
          if (failure === undefined) resolve();
          else reject(failure);
        },
      });
      this.#socket = socket;
      signal.addEventListener("abort", leave, { once: true });
    });
  }

  /** Handles one message; true once we are joined. Throws what the tracker refuses us with. */
  #receive(socket: TrackerSocket, text: string, { token }: JoinPermit): boolean {
    const message = parseTrackerMessage(text);
    const { events, identity, platform } = this.#options;
    switch (message.type) {
      case "challenge": {
        const proof = platform.crypto.sign(trackerProofMessage(message.nonce), identity.secretKey);
        socket.send(JSON.stringify({ type: "join", token, proof: toBase64Url(proof) }));
        return false;
      }
      case "joined":
        this.#isJoined = true;
        events.joined(message);
        events.introduced(message.neighbours);
        break;
      case "peers":
        events.introduced(message.neighbours);
        break;
      case "signal":
        events.signal(message.peer, message.signal);
        break;
      case "left":
        events.left(message.peer);
        break;
      case "revoked":
        events.revoked(message.revocation);
        break;
      case "error":
        throw new StarlingError(message.code, message.detail);
      default:
        message satisfies never;
    }
    return this.#isJoined;
  }
}
