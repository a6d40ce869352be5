import {
  errorCode,
  INTRODUCTIONS_MAX,
  type InstantMs,
  instantMs,
  Random,
  type TokenBucket,
  type TrustedKey,
  type ViewerStats,
  verifyRevocation,
} from "../core/index.ts";
import { blockPort, type MeshLimits, MeshPeer, type Output, type Tuning } from "../mesh/index.ts";
import { BlockFetcher } from "./block-fetcher.ts";
import { Dialler } from "./dialler.ts";
import { createIdentity, type Identity } from "./identity.ts";
import {
  isFinalRefusal,
  type JoinPermit,
  type JoinPermitOptions,
  JoinPermits,
} from "./join-permits.ts";
import type { Log } from "./log.ts";
import { MeshDriver } from "./mesh-driver.ts";
import type { Platform } from "./platform.ts";
import { TrackerClient } from "./tracker-client.ts";
import { UploadCap } from "./upload-cap.ts";
import { createClock } from "./wall-clock.ts";
import { WebRtcTransport } from "./webrtc-transport.ts";

const UPKEEP_MS = 2000;
/** How soon after one renewal an unknown key may cause another. */
const KEYS_RENEWED_AFTER_MS = 15_000;

export interface MeshSessionOptions extends Omit<JoinPermitOptions, "peer"> {
  readonly platform: Platform;
  readonly log: Log;
  readonly uploads: TokenBucket;
  /** Keeps that budget at this share of the measured uplink, 0..1; by default it stays as it is. */
  readonly uploadShare?: number | undefined;
  readonly limits: MeshLimits;
  /** What it follows at first; by default the first rendition. */
  readonly renditions?: readonly number[] | undefined;
  readonly tuning?: Partial<Tuning> | undefined;
  /** Told of every output of the machine that is not about channels. */
  readonly onOutput: (output: Output) => void;
  /** By default a new one. */
  readonly identity?: Identity | undefined;
  /** As of the transport. */
  readonly connectionsMax?: number | undefined;
  readonly relayedAnswersMax?: number | undefined;
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
  readonly #fetcher: BlockFetcher;
  /** The origin's keys, renewed in place with each permit. */
  readonly #keys: Map<string, TrustedKey>;
  #token: string;
  #renewedAtMs = performance.now();
  /** Aborts with what refused this peer for good. */
  readonly #refused = new AbortController();

  private constructor(options: MeshSessionOptions, { identity, permits, permit }: Admission) {
    this.#options = options;
    this.#permits = permits;
    this.#token = permit.token;
    this.#keys = new Map(permit.keys);
    this.#fetcher = new BlockFetcher(options.apiUrl, options.stream, options.log);
    this.driver = this.#createDriver(identity);
    this.#transport = new WebRtcTransport({
      ...options,
      self: identity.id,
      connector: options.platform.createConnector(),
      sendSignal: (peer, signal, via) => this.#dialler.send(peer, signal, via),
      onChannel: (channel) => this.driver.attach(channel, false),
    });
    this.#tracker = this.#createTracker(identity);
    this.#dialler = new Dialler({
      transport: this.#transport,
      sendByTracker: (peer, signal) => this.#tracker.send({ type: "signal", peer, signal }),
      attach: (channel) => this.driver.attach(channel, true),
      input: (input) => this.driver.input(input),
      log: options.log,
    });
  }

  /** The join token in force. */
  get token(): string {
    return this.#token;
  }

  /** Media bytes that came from the origin over HTTP. */
  get fetchedBytes(): number {
    return this.#fetcher.bytes;
  }

  /**
   * Gets a permit and makes the peer; `run` then connects it. Throws StarlingError "api-unreachable"
   * or the API's refusal, such as "stream-not-found".
   */
  static async open(options: MeshSessionOptions, signal?: AbortSignal): Promise<MeshSession> {
    const identity = options.identity ?? createIdentity(options.platform.crypto);
    const permits = new JoinPermits({ ...options, peer: identity.id });
    return new MeshSession(options, { identity, permits, permit: await permits.current(signal) });
  }

  /**
   * Stays in the mesh until `signal` aborts, then leaves it. Throws StarlingError for a refusal that no
   * waiting heals, such as "stream-not-found" or "p2p-off".
   */
  async run(signal: AbortSignal): Promise<void> {
    const upkeep = setInterval(() => void this.#upkeep(signal), UPKEEP_MS);
    try {
      await this.#tracker.run(AbortSignal.any([signal, this.#refused.signal]));
      if (this.#refused.signal.aborted) throw this.#refused.signal.reason;
    } finally {
      clearInterval(upkeep);
      this.driver.close();
      this.#fetcher.close();
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
    const { platform, stream, uploads, log, onOutput, uploadShare = 0 } = this.#options;
    const mesh = new MeshPeer({
      ...this.#options,
      peer: identity,
      token: this.#token,
      keys: this.#keys,
      crypto: platform.crypto,
      blocks: blockPort(stream, this.#keys, platform.crypto),
      random: new Random(randomSeed()),
    });
    return new MeshDriver({
      mesh,
      now: this.now,
      log,
      uploadCap: uploadShare > 0 ? new UploadCap(this.now(), uploads, uploadShare) : undefined,
      onOutput: (output) => {
        this.#perform(output);
        onOutput(output);
      },
    });
  }

  #perform(output: Output): void {
    const { kind } = output;
    if (kind === "dial") void this.#dialler.dial(output);
    else if (kind === "signal") this.#dialler.relayed(output);
    else if (kind === "fetch") void this.#fetch(output);
    else if (kind === "wantPeers") {
      this.#tracker.send({ type: "want", count: Math.min(output.count, INTRODUCTIONS_MAX) });
    } else if (kind === "equivocation") {
      const [first, second] = output.manifests;
      this.#tracker.send({ type: kind, first, second });
    } else if (kind === "rejected" && output.code.endsWith("-unknown-key")) this.renewKeys();
  }

  #createTracker(identity: Identity): TrackerClient {
    return new TrackerClient({
      platform: this.#options.platform,
      permits: this.#permits,
      identity,
      log: this.#options.log,
      events: {
        joined: ({ iceServers }) => {
          this.#transport.useIceServers(iceServers);
          this.#tellRoom();
        },
        introduced: (peers) => this.driver.input({ kind: "introduced", peers }),
        signal: (peer, signal) => this.#transport.handleSignal(peer, signal),
        left: (peer) => this.#transport.abandon(peer),
        revoked: (revocation) => this.#part(revocation),
      },
    });
  }

  /** Parts from a peer whose token the origin revoked. The tracker passes that on, and cannot make it up. */
  #part(jws: string): void {
    const { stream, platform, log } = this.#options;
    const trust = { keys: this.#keys, crypto: platform.crypto };
    try {
      const { peer, expiresAtS } = verifyRevocation(jws, trust, { stream, now: this.now() });
      this.driver.input({ kind: "revoked", peer, until: instantMs(expiresAtS * 1000) });
    } catch (error) {
      log.info({ code: errorCode(error) }, "a revocation was refused");
    }
  }

  async #fetch({ block, ...range }: Extract<Output, { kind: "fetch" }>): Promise<void> {
    const fetched = await this.#fetcher.fetch(block, range);
    if (fetched !== undefined) this.driver.input({ kind: "fetched", block, ...fetched });
  }

  /** Tells the tracker how many viewers more a seed takes. */
  #tellRoom(): void {
    if (this.#options.role !== "seed") return;
    this.#tracker.send({ type: "room", count: this.driver.mesh.room });
  }

  /** Renews the permit before it ends. */
  async #upkeep(signal: AbortSignal): Promise<void> {
    this.#tellRoom();
    try {
      const { token, keys } = await this.#permits.current(signal);
      if (token === this.#token) return;
      this.#token = token;
      this.#keys.clear();
      for (const [id, key] of keys) this.#keys.set(id, key);
      this.driver.input({ kind: "token", token });
    } catch (error) {
      const code = errorCode(error);
      this.#options.log.debug({ code }, "the join token was not renewed");
      if (isFinalRefusal(code)) this.#refused.abort(error);
    }
  }
}

function randomSeed(): number {
  const [low = 0, high = 0] = crypto.getRandomValues(new Uint32Array(2));
  return low + (high & 0x7f_ff) * 2 ** 32;
}
