import { randomInt } from "node:crypto";
import type { Logger } from "pino";
import {
  errorCode,
  type InstantMs,
  Random,
  type TokenBucket,
  type TrustedKey,
  type ViewerStats,
} from "../core/index.ts";
import { blockPort, type MeshLimits, MeshPeer, type Output } from "../mesh/index.ts";
import { Dialler } from "./dialler.ts";
import { createIdentity, type Identity, shortId } from "./identity.ts";
import { type JoinPermit, type JoinPermitOptions, JoinPermits } from "./join-permits.ts";
import { MeshDriver } from "./mesh-driver.ts";
import { nodeCrypto } from "./node-crypto.ts";
import { TrackerClient } from "./tracker-client.ts";
import { createClock } from "./wall-clock.ts";
import { WebRtcTransport } from "./webrtc-transport.ts";

const UPKEEP_MS = 2000;
/** How soon after one renewal an unknown key may cause another. */
const KEYS_RENEWED_AFTER_MS = 15_000;
/** A viewer without neighbours for this long asks the tracker for others. */
const LONELY_MS = 10_000;

export interface MeshSessionOptions extends Omit<JoinPermitOptions, "peer"> {
  readonly log: Logger;
  readonly uploads: TokenBucket;
  readonly limits: MeshLimits;
  /** Told of every output of the machine that is not about channels. */
  readonly onOutput: (output: Output) => void;
  /** By default a new one. */
  readonly identity?: Identity | undefined;
  readonly connectionsMax?: number | undefined;
  /** The one local address for WebRTC. By default all of them. */
  readonly bindAddress?: string | undefined;
}

interface Admission {
  readonly identity: Identity;
  readonly permits: JoinPermits;
  readonly permit: JoinPermit;
}

/** One peer in one stream's mesh: permit, tracker, transport and machine, joined. */
export class MeshSession {
  readonly now: () => InstantMs = createClock();
  readonly driver: MeshDriver;
  readonly #options: MeshSessionOptions;
  readonly #permits: JoinPermits;
  readonly #tracker: TrackerClient;
  readonly #transport: WebRtcTransport;
  readonly #dialler: Dialler;
  /** The origin's keys, renewed in place with each permit. */
  readonly #keys: Map<string, TrustedKey>;
  #token: string;
  #companySinceMs = performance.now();
  #renewedAtMs = performance.now();

  private constructor(options: MeshSessionOptions, { identity, permits, permit }: Admission) {
    this.#options = options;
    this.#permits = permits;
    this.#token = permit.token;
    this.#keys = new Map(permit.keys);
    this.#dialler = new Dialler((peer) => void this.#dial(peer));
    this.driver = this.#createDriver(identity);
    this.#transport = new WebRtcTransport({
      self: identity.id,
      connectionsMax: options.connectionsMax,
      bindAddress: options.bindAddress,
      sendSignal: (peer, signal) => this.#tracker.send({ type: "signal", peer, signal }),
      onChannel: (channel) => this.driver.attach(channel, false),
    });
    this.#tracker = this.#createTracker(identity);
  }

  /**
   * Gets a permit and makes the peer; `run` then connects it. Throws StarlingError "api-unreachable"
   * or the API's refusal, such as "stream-not-found".
   */
  static async open(options: MeshSessionOptions, signal?: AbortSignal): Promise<MeshSession> {
    const identity = options.identity ?? createIdentity();
    const permits = new JoinPermits({ ...options, peer: identity.id });
    return new MeshSession(options, { identity, permits, permit: await permits.current(signal) });
  }

  /** Stays in the mesh until `signal` aborts, then leaves it. Throws as TrackerClient.run does. */
  async run(signal: AbortSignal): Promise<void> {
    const upkeep = setInterval(() => void this.#upkeep(signal), UPKEEP_MS);
    try {
      await this.#tracker.run(signal);
    } finally {
      clearInterval(upkeep);
      this.#dialler.close();
      this.driver.close();
      await this.#transport.close();
    }
  }

  /**
   * Asks for the origin's keys again, soon: something was signed by a key that we do not know. At
   * most once in 15 s, since anybody can sign something with a key of their own.
   */
  renewKeys(): void {
    if (performance.now() - this.#renewedAtMs < KEYS_RENEWED_AFTER_MS) return;
    this.#renewedAtMs = performance.now();
    this.#permits.discard();
  }

  /** Tells the tracker what this viewer has played. */
  report(stats: ViewerStats): void {
    this.#tracker.send({ type: "stats", ...stats });
  }

  #createDriver(identity: Identity): MeshDriver {
    const { stream, role, uploads, limits, log, onOutput } = this.#options;
    const mesh = new MeshPeer({
      stream,
      role,
      peer: identity,
      token: this.#token,
      keys: this.#keys,
      crypto: nodeCrypto,
      blocks: blockPort(stream, this.#keys, nodeCrypto),
      random: new Random(randomInt(2 ** 47)),
      uploads,
      limits,
    });
    return new MeshDriver({
      mesh,
      now: this.now,
      log,
      onOutput: (output) => {
        if (output.kind === "ready") this.#dialler.connected(output.neighbour);
        if (output.kind === "rejected" && output.code.endsWith("-unknown-key")) this.renewKeys();
        onOutput(output);
      },
      onClosed: (peer, isCut) => {
        if (isCut) this.#dialler.forget(peer);
        else this.#dialler.lost(peer);
      },
    });
  }

  #createTracker(identity: Identity): TrackerClient {
    return new TrackerClient({
      permits: this.#permits,
      identity,
      log: this.#options.log,
      events: {
        joined: ({ iceServers, neighbours }) => {
          this.#transport.useIceServers(iceServers);
          this.#dialler.introduce(neighbours.map(({ peer }) => peer));
        },
        signal: (peer, signal) => this.#transport.handleSignal(peer, signal),
        left: (peer) => {
          this.#dialler.forget(peer);
          this.#transport.abandon(peer);
        },
      },
    });
  }

  async #dial(peer: string): Promise<void> {
    if (this.#transport.has(peer)) return;
    try {
      this.driver.attach(await this.#transport.dial(peer), true);
    } catch (error) {
      const code = errorCode(error);
      if (code === undefined) throw error;
      this.#options.log.info({ neighbour: shortId(peer), code }, "could not connect");
      this.#dialler.lost(peer);
    }
  }

  /** Renews the permit before it ends, and looks for company. */
  async #upkeep(signal: AbortSignal): Promise<void> {
    const nowMs = performance.now();
    if (this.#options.role === "seed" || this.driver.mesh.neighbours.length > 0) {
      this.#companySinceMs = nowMs;
    } else if (nowMs - this.#companySinceMs > LONELY_MS) {
      this.#companySinceMs = nowMs;
      this.#tracker.rejoin();
    }
    try {
      const { token, keys } = await this.#permits.current(signal);
      if (token === this.#token) return;
      this.#token = token;
      this.#keys.clear();
      for (const [id, key] of keys) this.#keys.set(id, key);
      this.driver.input({ kind: "token", token });
    } catch (error) {
      this.#options.log.debug({ code: errorCode(error) }, "the join token was not renewed");
    }
  }
}
