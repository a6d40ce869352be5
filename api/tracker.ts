import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "pino";
import { WebSocketServer } from "ws";
import {
  AddressLimiter,
  type IceServer,
  type Introduction,
  instantMs,
  networkOf,
  type PeerToTracker,
  type Rate,
  StarlingError,
  type TrackerToPeer,
  type ViewerStats,
} from "../core/index.ts";
import { Introducer, type IntroductionLimits } from "../mesh/index.ts";
import type { StreamRegistry } from "../pipeline/index.ts";
import type { Admission } from "./admission.ts";
import { clientAddress } from "./client-address.ts";
import type { Equivocations } from "./equivocations.ts";
import { iceServersFor } from "./ice-servers.ts";
import type { ApiMetrics } from "./metrics.ts";
import type { PeerDirectory, PeerName, PeerSeat, Standing } from "./peer-directory.ts";
import type { Announcement, Delivery, PeerPost } from "./peer-post.ts";
import { refusal } from "./problems.ts";
import { defineRoute, type Route } from "./route.ts";
import { isSiteAllowed } from "./site-policy.ts";
import {
  NO_REPORT,
  refusalReason,
  TrackerConnection,
  type TrackerDesk,
} from "./tracker-connection.ts";
import { growthSince, type TrafficLedger } from "./traffic-ledger.ts";

/** Where the tracker's WebSocket is. */
export const TRACKER_PATH = "/api/v1/tracker";

export interface TrackerOptions extends IntroductionLimits {
  readonly connectionsMax: number;
  /** Connections of one IPv4 address or IPv6 /64. */
  readonly connectionsPerAddressMax: number;
  /** Reverse proxies in front whose X-Forwarded-For is believed. */
  readonly trustedProxies: number;
  readonly joinTimeoutMs: number;
  readonly iceServers: readonly IceServer[];
  /** False: no viewer is let in. */
  readonly p2p: boolean;
  /** With "relays", seeds and who is no relay never hear of each other. */
  readonly seedersFor: "anyone" | "relays";
}

/** What a plain HTTP request to the tracker's address is told. */
export function trackerRoute(): Route {
  return defineRoute({
    method: "get",
    path: TRACKER_PATH,
    tag: "tokens",
    summary: "The tracker's WebSocket (PROTOCOL.md, Tracker)",
    answers: { 101: { description: "Switching to WebSocket; a challenge follows" } },
    problems: ["websocket-only"],
    handle: (_request, response) => {
      response.set("Upgrade", "websocket").set("Connection", "Upgrade");
      throw refusal("websocket-only", "Open a WebSocket to this address.");
    },
  });
}

interface TrackerParts {
  readonly registry: Pick<StreamRegistry, "get">;
  readonly admission: Admission;
  readonly directory: PeerDirectory;
  readonly post: PeerPost;
  readonly equivocations: Equivocations;
  readonly traffic: TrafficLedger;
  readonly metrics: ApiMetrics;
  readonly log: Logger;
}

/** Connections that one address may open. */
const KNOCKS: Rate = { burst: 1000, perSecond: 50 };
const MESSAGE_BYTES_MAX = 65_536;
const PULSE_EVERY_MS = 15_000;
/** How long a peer may take to answer that its connection ends. */
const CLOSE_TIMEOUT_MS = 2000;
const GOING_AWAY = 1001;
const REPLACED = 4000;
/** Viewers that are told of a new seed: those with much to give find the others' way to it. */
const TOLD_OF_SEED_MAX = 16;

/** Admits peers, introduces them to each other, relays their signalling. Never carries media. */
export class Tracker implements TrackerDesk {
  readonly #parts: TrackerParts;
  readonly #options: TrackerOptions;
  readonly #sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_BYTES_MAX,
    perMessageDeflate: false,
    clientTracking: false,
    ...{ closeTimeout: CLOSE_TIMEOUT_MS }, // @types/ws does not know it.
  });
  readonly #connections = new Map<string, TrackerConnection>();
  /** Connections by the network that they come from. */
  readonly #networks = new Map<string, number>();
  /** The joined peers of this process, by stream and peer. */
  readonly #here = new Map<string, TrackerConnection>();
  readonly #knocks = new AddressLimiter(KNOCKS);
  readonly #introducer = new Introducer();
  readonly #pulse: NodeJS.Timeout;
  #serial = 0;
  #isClosing = false;

  constructor(parts: TrackerParts, options: TrackerOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#pulse = setInterval(() => void this.#checkPulses(), PULSE_EVERY_MS);
  }

  /** Starts to take deliveries from other API processes. */
  async open(): Promise<void> {
    await this.#parts.post.open(this.#parts.log, (delivery) => this.#receive(delivery));
  }

  /** Takes over an HTTP connection that asked for a WebSocket; answers 404, 429 or 503 otherwise. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const [path] = (request.url ?? "").split("?");
    if (path !== TRACKER_PATH) {
      refuseUpgrade(socket, "404 Not Found");
      return;
    }
    if (this.#isClosing || this.#connections.size >= this.#options.connectionsMax) {
      refuseUpgrade(socket, "503 Service Unavailable");
      return;
    }
    const address = clientAddress(request, this.#options.trustedProxies);
    const network = networkOf(address);
    const isCrowded = (this.#networks.get(network) ?? 0) >= this.#options.connectionsPerAddressMax;
    if (isCrowded || !this.#knocks.take(address, instantMs(Date.now()))) {
      this.#parts.metrics.trackerRefusals.inc({ reason: "tracker-address" });
      this.#parts.log.info({ network }, "tracker refused a peer: too many of one address");
      refuseUpgrade(socket, "429 Too Many Requests");
      return;
    }
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.#serial += 1;
      this.#count(network, 1);
      webSocket.once("close", () => this.#count(network, -1));
      const name = this.#parts.post.connectionName(this.#serial);
      const { joinTimeoutMs } = this.#options;
      const { origin: site, host } = request.headers;
      const place = { name, address, site, host };
      this.#connections.set(name, new TrackerConnection(place, webSocket, this, joinTimeoutMs));
    });
  }

  /** Closes every WebSocket with 1001; the peers stay connected to each other. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearInterval(this.#pulse);
    this.#parts.post.close();
    const seats = this.#seats();
    for (const connection of this.#connections.values()) connection.close(GOING_AWAY);
    await Promise.allSettled(seats.map((seat) => this.#parts.directory.leave(seat)));
  }

  async join(
    connection: TrackerConnection,
    message: { token: string; proof: string },
    nonce: string,
  ): Promise<{ standing: Standing; lastReport: ViewerStats }> {
    const { admission, directory, metrics, registry } = this.#parts;
    const { address, site, host } = connection.place;
    const claims = await admission.admit(message, { nonce, address });
    if (!this.#options.p2p && claims.role === "viewer") throw refusal("p2p-off", "Play plain HLS.");
    const found = await registry.get(claims.stream);
    if (found === undefined) {
      throw new StarlingError("stream-not-found", "The token's stream does not exist any more.");
    }
    if (!isSiteAllowed(found, site, host)) {
      throw new StarlingError("site-refused", "Pages of this site may not use the stream.");
    }
    const { stream, peer, role } = claims;
    const isRelay = role === "viewer" && claims.relay === true;
    const lastReport = (await directory.lastReport(claims)) ?? NO_REPORT;
    const cluster =
      role === "viewer" ? this.#introducer.clusterOf(await directory.countJoin(stream)) : undefined;
    // Nobody would free the seat of a connection that closed meanwhile.
    if (!this.#connections.has(connection.name)) {
      throw new StarlingError("tracker-left", "The peer left before it had joined.");
    }
    const seat = { stream, peer, role, isRelay, connection: connection.name, cluster };
    connection.seat = seat;
    const older = this.#here.get(placeOf(seat));
    this.#here.set(placeOf(seat), connection);
    const replaced = await directory.join(seat);
    const neighbours = await this.#introduce(connection, seat, this.#options);
    const revocations = await directory.revocations(stream);
    if (older !== undefined) this.#replace(older);
    else if (replaced !== undefined) await this.#replaceElsewhere(replaced);
    const iceServers = iceServersFor(this.#options.iceServers, peer, Date.now());
    connection.send({ type: "joined", peer, iceServers, neighbours });
    for (const revocation of revocations) connection.send({ type: "revoked", revocation });
    if (role === "seed") this.#announce(seat);
    metrics.trackerJoins.inc({ role });
    return { standing: seat, lastReport };
  }

  /**
   * Ends the connection of a peer whose token was revoked, wherever it is, and shows the signed `revocation` to
   * all peers of its stream and to those that join within `ttlMs`: they part from it.
   */
  async expel(name: PeerName, revocation: string, ttlMs: number): Promise<void> {
    const { directory, post } = this.#parts;
    const { stream } = name;
    await directory.keepRevocation(stream, revocation, ttlMs);
    const connection = await directory.connectionOf(name);
    const delivery = { kind: "revoked", connection: connection ?? "" } as const;
    if (post.isHere(delivery.connection)) this.#receive(delivery);
    else if (connection !== undefined) await post.send(delivery);
    const message = { type: "revoked", revocation } as const;
    await post.announce({ kind: "announcement", stream, message });
  }

  async signal(
    connection: TrackerConnection,
    { peer: to, signal }: PeerToTracker & { type: "signal" },
  ): Promise<void> {
    const { seat } = connection;
    if (seat === undefined) return;
    const message = { type: "signal", peer: seat.peer, signal } as const;
    connection.meet(to);
    if (!(await this.#send(to, seat, message))) {
      connection.send({ type: "left", peer: to });
    }
  }

  async want(connection: TrackerConnection, count: number): Promise<void> {
    const { seat } = connection;
    if (seat === undefined) return;
    const seedsMax = Math.min(count, this.#options.seedsMax);
    const limits = { seedsMax, viewersMax: Math.min(count, this.#options.viewersMax) };
    const neighbours = (await this.#introduce(connection, seat, limits)).slice(0, count);
    connection.send({ type: "peers", neighbours });
  }

  async accuse(
    { seat }: TrackerConnection,
    { first, second }: PeerToTracker & { type: "equivocation" },
  ): Promise<void> {
    if (seat !== undefined) await this.#parts.equivocations.judge(seat.stream, [first, second]);
  }

  room({ seat }: TrackerConnection, count: number): void {
    if (seat?.role !== "seed") return;
    const { directory, log } = this.#parts;
    directory
      .setRoom(seat, count)
      .catch((error: unknown) => log.warn({ err: error }, "a seed's room was not kept"));
  }

  stats({ seat }: TrackerConnection, last: ViewerStats, report: ViewerStats): void {
    if (seat?.role !== "viewer") return;
    const { directory, log, traffic } = this.#parts;
    traffic.add(seat.stream, growthSince(last, report));
    directory
      .keepReport(seat, report)
      .catch((error: unknown) => log.warn({ err: error }, "a viewer's report was not kept"));
  }

  counted(type: PeerToTracker["type"]): void {
    this.#parts.metrics.trackerMessages.inc({ type });
  }

  refused({ seat }: TrackerConnection, error: unknown): void {
    const { log, metrics } = this.#parts;
    const reason = refusalReason(error);
    metrics.trackerRefusals.inc({ reason: reason?.code ?? "tracker-unavailable" });
    if (reason === undefined) log.error({ err: error }, "tracker failed");
    else log.info({ code: reason.code, stream: seat?.stream }, "tracker refused a peer");
  }

  closed(connection: TrackerConnection): void {
    this.#connections.delete(connection.name);
    const { seat } = connection;
    if (seat === undefined) return;
    if (this.#here.get(placeOf(seat)) === connection) this.#here.delete(placeOf(seat));
    if (this.#isClosing) return;
    this.#sayGoodbye(seat, [...connection.contacts]).catch((error: unknown) =>
      this.#parts.log.warn({ err: error }, "a peer's leaving was not announced"),
    );
  }

  /** Names peers for a viewer to dial. A seed dials nobody. */
  async #introduce(
    connection: TrackerConnection,
    seat: PeerSeat,
    limits: IntroductionLimits,
  ): Promise<Introduction[]> {
    if (seat.role === "seed") return [];
    const { directory } = this.#parts;
    // One more than wanted: the peer itself may be drawn.
    const candidates = await directory.candidates(seat, limits.viewersMax + 1);
    const seeds = this.#hidesSeeds && !seat.isRelay ? [] : candidates.seeds;
    const neighbours = this.#introducer.choose(seat.peer, limits, { ...candidates, seeds });
    for (const { peer } of neighbours) connection.meet(peer);
    const named = neighbours.filter(({ role }) => role === "seed");
    await directory.takeRoom(
      seat.stream,
      named.map(({ peer }) => peer),
    );
    return neighbours;
  }

  /** Tells some of those who may know of a new seed, which need not wait for that. */
  #announce(seed: PeerSeat): void {
    const { peer, role } = seed;
    const message = { type: "peers", neighbours: [{ peer, role }] } as const;
    this.#parts.directory
      .candidates(seed, TOLD_OF_SEED_MAX)
      .then(({ relays = [], mesh }) => {
        const told = this.#hidesSeeds ? relays : mesh;
        return Promise.all(told.map((viewer) => this.#send(viewer, seed, message)));
      })
      .catch((error: unknown) =>
        this.#parts.log.warn({ err: error }, "a new seed was not announced"),
      );
  }

  async #sayGoodbye(seat: PeerSeat, contacts: readonly string[]): Promise<void> {
    if (!(await this.#parts.directory.leave(seat))) return;
    const message = { type: "left", peer: seat.peer } as const;
    await Promise.all(contacts.map((peer) => this.#send(peer, seat, message)));
  }

  /**
   * Hands a message of `from` to a peer of its stream, wherever that is connected; false when it is nowhere, or is
   * here and may not know of `from`.
   */
  async #send(peer: string, from: PeerSeat, message: TrackerToPeer): Promise<boolean> {
    const { directory, post } = this.#parts;
    const to = { stream: from.stream, peer };
    const here = this.#here.get(placeOf(to));
    if (here !== undefined) return this.#deliver(here, message, from);
    const connection = await directory.connectionOf(to);
    if (connection === undefined || post.isHere(connection)) return false;
    const standing = { role: from.role, isRelay: from.isRelay };
    await post.send({ kind: "message", connection, message, standing });
    return true;
  }

  /** The one place at which a peer hears of another while it is connected; false when it may not. */
  #deliver(to: TrackerConnection, message: TrackerToPeer, from: Standing): boolean {
    if (this.#hidesSeeds && areStrangers(from, to.seat)) return false;
    if (message.type === "signal") to.meet(message.peer);
    if (message.type === "peers") for (const { peer } of message.neighbours) to.meet(peer);
    to.send(message);
    return true;
  }

  get #hidesSeeds(): boolean {
    return this.#options.seedersFor === "relays";
  }

  #receive(delivery: Delivery | Announcement): void {
    if (delivery.kind === "announcement") {
      for (const one of this.#here.values()) {
        if (one.seat?.stream === delivery.stream) one.send(delivery.message);
      }
      return;
    }
    const connection = this.#connections.get(delivery.connection);
    if (connection === undefined) return;
    if (delivery.kind === "message") {
      this.#deliver(connection, delivery.message, delivery.standing);
    } else if (delivery.kind === "revoked") connection.refuse(revoked());
    else this.#replace(connection);
  }

  #replace(connection: TrackerConnection): void {
    connection.close(REPLACED);
  }

  async #replaceElsewhere(connection: string): Promise<void> {
    const { post } = this.#parts;
    if (!post.isHere(connection)) await post.send({ kind: "replaced", connection });
  }

  async #checkPulses(): Promise<void> {
    for (const connection of this.#connections.values()) connection.checkPulse();
    try {
      await this.#parts.directory.renew(this.#seats());
    } catch (error) {
      this.#parts.log.warn({ err: error }, "the peers' seats were not renewed");
    }
  }

  #count(network: string, change: 1 | -1): void {
    const count = (this.#networks.get(network) ?? 0) + change;
    if (count === 0) this.#networks.delete(network);
    else this.#networks.set(network, count);
  }

  #seats(): PeerSeat[] {
    return [...this.#here.values()].flatMap(({ seat }) => (seat === undefined ? [] : [seat]));
  }
}

/** Whether one of the two is a seed, and the other no relay. */
function areStrangers(one: Standing, other: Standing | undefined): boolean {
  return (
    (one.role === "seed" && other?.isRelay !== true) || (other?.role === "seed" && !one.isRelay)
  );
}

function revoked(): StarlingError {
  return new StarlingError("token-revoked", "The token was revoked: ask for another one.");
}

function placeOf({ stream, peer }: PeerName): string {
  return `${stream} ${peer}`;
}

function refuseUpgrade(socket: Duplex, status: string): void {
  socket.on("error", () => socket.destroy());
  // Nothing else ends the socket of a client that keeps its half open.
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
