import { randomBytes } from "node:crypto";
import { type RawData, WebSocket } from "ws";
import {
  instantMs,
  type PeerToTracker,
  parseClientMessage,
  type Rate,
  StarlingError,
  TokenBucket,
  type TrackerToPeer,
  toBase64Url,
  type ViewerStats,
} from "../core/index.ts";
import type { PeerSeat, Standing } from "./peer-directory.ts";

/** What a connection asks of the tracker. */
export interface TrackerDesk {
  /** Admits and seats the peer, and says "joined". Throws StarlingError to refuse. */
  join(
    connection: TrackerConnection,
    message: { token: string; proof: string },
    nonce: string,
  ): Promise<{ standing: Standing; lastReport: ViewerStats }>;
  signal(connection: TrackerConnection, message: PeerToTracker & { type: "signal" }): Promise<void>;
  /** Answers with up to `count` peers. */
  want(connection: TrackerConnection, count: number): Promise<void>;
  /** Shows two manifests of one block. */
  accuse(
    connection: TrackerConnection,
    evidence: PeerToTracker & { type: "equivocation" },
  ): Promise<void>;
  /** A seed takes `count` viewers more. */
  room(connection: TrackerConnection, count: number): void;
  stats(connection: TrackerConnection, last: ViewerStats, report: ViewerStats): void;
  counted(type: PeerToTracker["type"]): void;
  refused(connection: TrackerConnection, error: unknown): void;
  closed(connection: TrackerConnection): void;
}

/** Messages a peer may send. A seed answers every newcomer of its streams, and so does a relay in its place. */
const RATES: Readonly<Record<"viewer" | "seed", Rate>> = {
  viewer: { burst: 500, perSecond: 50 },
  seed: { burst: 20_000, perSecond: 2000 },
};
/** Introductions that a peer is given; it hears nothing when it asks for more. */
const WANT_RATE: Rate = { burst: 5, perSecond: 0.5 };
/** Reports that the origin contradicts itself: each costs two checks of a signature. */
const ACCUSATION_RATE: Rate = { burst: 3, perSecond: 0.1 };
const JOIN_TIMEOUT_MS = 10_000;
const NONCE_BYTES = 32;
const QUEUED_BYTES_MAX = 1_048_576;
const CONTACTS_MAX = 256;
const HELD_MAX = 256;
const CLOSE_POLICY = 1008;
const CLOSE_TRY_LATER = 1013;

/** What a viewer has reported before its first report. */
export const NO_REPORT: ViewerStats = {
  playedBytes: 0,
  fromPeersBytes: 0,
  fromSeedsBytes: 0,
  fromHttpBytes: 0,
  blocks: 0,
  missing: 0,
  rejected: 0,
};

/** Where a connection comes from. */
export interface ConnectionPlace {
  /** Names the connection among those of all API processes. */
  readonly name: string;
  readonly address: string;
  /** The site of the page that opened it; undefined: no browser did. */
  readonly site: string | undefined;
  /** What it took this API's host to be. */
  readonly host: string | undefined;
}

/** One WebSocket of a peer: challenge, join, then signalling and statistics until it closes. */
export class TrackerConnection {
  readonly place: ConnectionPlace;
  /** Set once the peer has joined. */
  seat: PeerSeat | undefined;
  readonly #socket: WebSocket;
  readonly #desk: TrackerDesk;
  readonly #nonce = toBase64Url(randomBytes(NONCE_BYTES));
  readonly #joinTimer: NodeJS.Timeout;
  readonly #contacts = new Set<string>();
  #rate = new TokenBucket(instantMs(Date.now()), RATES.viewer);
  readonly #accusations = new TokenBucket(instantMs(Date.now()), ACCUSATION_RATE);
  readonly #wants = new TokenBucket(instantMs(Date.now()), WANT_RATE);
  #phase: "challenged" | "joining" | "joined" | "over" = "challenged";
  #lastReport = NO_REPORT;
  #isAnswering = true;
  /** What came for the peer while it was being seated: it must hear "joined" first. */
  #held: TrackerToPeer[] = [];

  constructor(
    place: ConnectionPlace,
    socket: WebSocket,
    desk: TrackerDesk,
    joinTimeoutMs = JOIN_TIMEOUT_MS,
  ) {
    this.place = place;
    this.#socket = socket;
    this.#desk = desk;
    socket.on("message", (data, isBinary) => void this.#receive(data, isBinary));
    socket.on("pong", () => {
      this.#isAnswering = true;
    });
    // A frame that breaks a limit or the protocol: ws closes the socket with 1009 or 1002 by itself.
    socket.on("error", () => this.#desk.refused(this, badMessage("The frame was refused.")));
    socket.on("close", () => this.#end());
    this.#joinTimer = setTimeout(() => {
      this.refuse(
        new StarlingError("tracker-join-timeout", "Join within 10 s after the challenge."),
      );
    }, joinTimeoutMs);
    this.send({ type: "challenge", nonce: this.#nonce });
  }

  get name(): string {
    return this.place.name;
  }

  /** The peers this one was introduced to or has signalled with; at most 256. */
  get contacts(): ReadonlySet<string> {
    return this.#contacts;
  }

  /** Remembers who must hear when this peer leaves; the oldest contact is forgotten first. */
  meet(peer: string): void {
    this.#contacts.delete(peer);
    this.#contacts.add(peer);
    if (this.#contacts.size <= CONTACTS_MAX) return;
    for (const oldest of this.#contacts) {
      this.#contacts.delete(oldest);
      break;
    }
  }

  /** A peer that does not read what it is sent is cut off. */
  send(message: TrackerToPeer): void {
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (this.#phase === "joining" && (message.type === "signal" || message.type === "left")) {
      if (this.#held.length < HELD_MAX) this.#held.push(message);
      return;
    }
    if (this.#socket.bufferedAmount > QUEUED_BYTES_MAX) this.#socket.terminate();
    else this.#socket.send(JSON.stringify(message));
  }

  /** Says why, and closes. */
  refuse(error: unknown): void {
    if (this.#phase === "over") return;
    this.#desk.refused(this, error);
    const reason = refusalReason(error);
    this.send({
      type: "error",
      code: reason?.code ?? "tracker-unavailable",
      detail: reason?.message ?? "The tracker is in trouble. Try again in a moment.",
    });
    this.close(reason === undefined ? CLOSE_TRY_LATER : CLOSE_POLICY);
  }

  close(code: number): void {
    this.#phase = "over";
    clearTimeout(this.#joinTimer);
    this.#socket.close(code);
  }

  /** Ends a connection that did not answer the last ping, else pings it. */
  checkPulse(): void {
    if (!this.#isAnswering) {
      this.#socket.terminate();
      return;
    }
    this.#isAnswering = false;
    this.#socket.ping();
  }

  #end(): void {
    this.#phase = "over";
    clearTimeout(this.#joinTimer);
    this.#desk.closed(this);
  }

  async #receive(data: RawData, isBinary: boolean): Promise<void> {
    if (this.#phase === "over") return;
    try {
      if (!this.#rate.take(instantMs(Date.now()))) {
        throw new StarlingError("tracker-rate", "Too many messages: send fewer than 50 a second.");
      }
      if (isBinary) throw badMessage("Send text frames with JSON.");
      const message = parseClientMessage(data.toString());
      this.#desk.counted(message.type);
      await this.#handle(message);
    } catch (error) {
      this.refuse(error);
    }
  }

  async #handle(message: PeerToTracker): Promise<void> {
    if (message.type === "join") {
      await this.#join(message);
      return;
    }
    if (this.#phase !== "joined") {
      throw new StarlingError("tracker-not-joined", `Join and wait for "joined" first.`);
    }
    if (message.type === "signal") {
      await this.#desk.signal(this, message);
      return;
    }
    if (message.type === "want") {
      if (this.#wants.take(instantMs(Date.now()))) await this.#desk.want(this, message.count);
      return;
    }
    if (message.type === "equivocation") {
      if (this.#accusations.take(instantMs(Date.now()))) await this.#desk.accuse(this, message);
      return;
    }
    if (message.type === "room") {
      this.#desk.room(this, message.count);
      return;
    }
    const { type: _, ...report } = message;
    this.#desk.stats(this, this.#lastReport, report);
    this.#lastReport = report;
  }

  async #join(message: { token: string; proof: string }): Promise<void> {
    if (this.#phase !== "challenged") {
      throw new StarlingError("tracker-joined-already", "One connection joins once.");
    }
    this.#phase = "joining";
    const { standing, lastReport } = await this.#desk.join(this, message, this.#nonce);
    if (this.#isOver()) return;
    this.#lastReport = lastReport;
    clearTimeout(this.#joinTimer);
    this.#rate = new TokenBucket(
      instantMs(Date.now()),
      RATES[standing.isRelay ? "seed" : standing.role],
    );
    this.#phase = "joined";
    for (const message of this.#held) this.send(message);
    this.#held = [];
  }

  /** The socket may have closed while the tracker was asked. */
  #isOver(): boolean {
    return this.#phase === "over";
  }
}

/** The error if it is a refusal, undefined if it is trouble of our own. */
export function refusalReason(error: unknown): StarlingError | undefined {
  const isRefusal = (error as { name?: unknown } | undefined)?.name === "StarlingError";
  return isRefusal ? (error as StarlingError) : undefined;
}

function badMessage(detail: string): StarlingError {
  return new StarlingError("tracker-bad-message", detail);
}
