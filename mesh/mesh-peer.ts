import {
  after,
  type ByeCode,
  errorCode,
  fromBase64Url,
  helloProofMessage,
  type InstantMs,
  instantMs,
  MANIFEST_CLASS,
  type Message,
  type PeerRole,
  StarlingError,
  verifyJoinToken,
  WIRE_VERSION,
} from "../core/index.ts";
import { Announcements } from "./announcements.ts";
import { isIn, sizeOf } from "./class-set.ts";
import { Downloads } from "./downloads.ts";
import { Evidence } from "./evidence.ts";
import { FanOut } from "./fan-out.ts";
import { FeedRates } from "./feed-rates.ts";
import { BARRED_MS, IDLE_TICK_MS, NEIGHBOURS_MAX, STRIKES_MAX } from "./limits.ts";
import { Liveness } from "./liveness.ts";
import { Membership } from "./membership.ts";
import type { Input, MeshHealth, MeshStats, Output, ProtocolPeer } from "./mesh-io.ts";
import { type MeshOptions, MeshState } from "./mesh-state.ts";
import type { ReadyMessage } from "./message-budget.ts";
import { Neighbour } from "./neighbour.ts";
import { Pulls } from "./pulls.ts";
import { Subscriptions } from "./subscriptions.ts";
import { UploadQueue } from "./upload-queue.ts";
import { Uploads, uploadBudget } from "./uploads.ts";

/** News of a neighbour are acted on together with what else comes in this time. */
const SOON_MS = 20;
/** Neighbours are looked after this often. */
const LOOK_AFTER_MS = 250;
const NEVER = instantMs(Number.POSITIVE_INFINITY);

/**
 * One peer of one stream's mesh: the whole protocol (PROTOCOL.md) and no IO. Feed what happened with
 * `handleInput`, then take outputs with `pollOutput` until it gives undefined, then arm one timer for
 * `pollTimeout` and feed `{ kind: "timeout" }` when it fires. Time is an argument and never goes back.
 * The driver tells the bytes of channels ("buffered") when their queues have drained.
 */
export class MeshPeer implements ProtocolPeer {
  readonly #state: MeshState;
  readonly #liveness: Liveness;
  readonly #subscriptions: Subscriptions;
  readonly #uploads: Uploads;
  readonly #fanOut: FanOut;
  readonly #pulls: Pulls;
  readonly #announcements: Announcements;
  readonly #downloads: Downloads;
  readonly #membership: Membership;
  readonly #evidence: Evidence;
  readonly #rates = new FeedRates();
  #token: string;
  #tickAt: InstantMs = instantMs(0);
  #lookAfterAt: InstantMs = instantMs(0);

  /** `state`: made by who watches it. */
  constructor(options: MeshOptions, state: MeshState = new MeshState(options)) {
    const rates = this.#rates;
    const liveness = new Liveness(state);
    const subscriptions = new Subscriptions(state, options.renditions ?? [0], {
      liveness,
      copies: () => fanOut.copies(),
    });
    const uploads = new Uploads(state);
    const fanOut = new FanOut(state, uploads, rates);
    const pulls = new Pulls(state, subscriptions);
    const announcements = new Announcements(state, { subscriptions, fanOut, uploads });
    this.#state = state;
    this.#liveness = liveness;
    this.#subscriptions = subscriptions;
    this.#uploads = uploads;
    this.#fanOut = fanOut;
    this.#pulls = pulls;
    this.#announcements = announcements;
    this.#downloads = new Downloads(state, {
      ...{ subscriptions, pulls, fanOut, uploads, announcements, rates },
    });
    this.#membership = new Membership(state, fanOut, subscriptions);
    this.#evidence = new Evidence(state);
    this.#token = options.token;
    state.onGone = (neighbour) => this.#gone(state.now, neighbour);
    state.onRefused = (neighbour, error) => this.#refuse(neighbour, error);
    state.onBusy = () => uploads.uplink.busy(state.now);
  }

  get stats(): Readonly<MeshStats> {
    return this.#state.stats;
  }

  /** The neighbours whose hello was good, by their public keys. */
  get neighbours(): readonly { readonly id: string; readonly role: PeerRole }[] {
    return this.#state.ready.flatMap(({ id, role }) => (role === undefined ? [] : [{ id, role }]));
  }

  /** How many more neighbours it has room for. */
  get room(): number {
    return this.#membership.room;
  }

  /** How it does now, for those who watch a mesh. */
  health(now: InstantMs): MeshHealth {
    return {
      capacityBytesPerS: this.#uploads.uplink.bytesPerS,
      neighbours: this.#state.ready.map((neighbour) => ({
        id: neighbour.id,
        role: neighbour.role ?? "viewer",
        rttMs: neighbour.rttMs,
        score: neighbour.score.value(now),
        pushes: [...neighbour.granted.values()].reduce((sum, own) => sum + sizeOf(own), 0),
        isOutbound: neighbour.isOutbound,
      })),
    };
  }

  /** Takes one input. Bad messages from a neighbour become outputs; nothing is thrown for them. */
  handleInput(now: InstantMs, input: Input): void {
    this.#state.now = now;
    this.#take(now, input);
    if (now >= this.#tickAt || now >= this.#state.dueAt) this.#tick(now);
    this.#uploads.pump(now);
  }

  /** The next output, or undefined. */
  pollOutput(): Output | undefined {
    return this.#state.outputs.shift();
  }

  /** When the next "timeout" input is due, or undefined. */
  pollTimeout(): InstantMs | undefined {
    const budgetAt = this.#uploads.nextTimeout() ?? NEVER;
    return instantMs(Math.min(this.#tickAt, this.#state.dueAt, budgetAt));
  }

  #take(now: InstantMs, input: Input): void {
    switch (input.kind) {
      case "connected":
        this.#connected(now, input);
        break;
      case "message":
        this.#received(now, input.neighbour, input.message);
        break;
      case "malformed":
        this.#malformed(input);
        break;
      case "closed":
        this.#state.remove(input.neighbour);
        break;
      case "buffered":
        this.#buffered(now, input);
        break;
      case "publish":
        this.#downloads.publish(now, input);
        break;
      case "introduced":
        this.#membership.introduced(input.peers);
        this.#membership.run(now);
        break;
      case "undialable":
        this.#membership.undialable(now, input.peer);
        break;
      case "signal":
        this.#membership.signal(input.peer, input.via, input.payload);
        break;
      case "fetched":
        this.#downloads.fetched(now, input);
        break;
      case "fetchNow":
        this.#downloads.fetchNow(input.block);
        break;
      case "token":
        this.#token = input.token;
        break;
      case "revoked":
        this.#revoked(input);
        break;
      case "follow":
        this.#follow(now, input);
        break;
      case "leave":
        for (const neighbour of [...this.#state.neighbours.values()]) {
          this.#state.disconnect(neighbour, "leaving", "");
        }
        break;
      case "timeout":
        break;
      default:
        input satisfies never;
    }
  }

  /** Does what is due by time alone. */
  #tick(now: InstantMs): void {
    this.#state.dueAt = NEVER;
    const isBusy = this.#downloads.run(now);
    this.#tickAt = after(now, isBusy ? this.#state.tuning.tickMs : IDLE_TICK_MS);
    this.#subscriptions.maintain(now);
    this.#fanOut.shed(now);
    this.#announcements.status(now);
    if (now < this.#lookAfterAt) return;
    this.#lookAfterAt = after(now, LOOK_AFTER_MS);
    this.#liveness.run(now);
    this.#fanOut.release(now);
    this.#pulls.release(now);
    this.#pulls.test(now);
    this.#membership.run(now);
    this.#evidence.run(now);
  }

  #connected(now: InstantMs, input: Extract<Input, { kind: "connected" }>): void {
    const { neighbours, options } = this.#state;
    // A new channel takes the place of an older one to the same peer, which is not to be let go for it.
    this.#state.remove(input.neighbour);
    const isBarred = this.#membership.isBarred(now, input.neighbour);
    const hasRoom = !isBarred && neighbours.size < NEIGHBOURS_MAX && this.#membership.makeRoom(now);
    const neighbour = new Neighbour(
      now,
      { ...input, id: input.neighbour, isOutbound: input.isInitiator },
      {
        queue: new UploadQueue(),
        budget: uploadBudget(now, options.limits.perPeerUploadBytesPerS),
      },
    );
    this.#membership.connected(neighbour.id);
    this.#state.add(neighbour);
    if (isBarred) {
      this.#state.disconnect(neighbour, "refused", "it is kept out");
      return;
    }
    if (!hasRoom) {
      this.#state.disconnect(neighbour, "overloaded", "too many neighbours");
      return;
    }
    const { localFingerprint, remoteFingerprint } = neighbour;
    const proof = helloProofMessage(options.stream, localFingerprint, remoteFingerprint);
    this.#state.send(neighbour, {
      type: "hello",
      version: WIRE_VERSION,
      token: this.#token,
      proof: options.crypto.sign(proof, options.peer.secretKey),
    });
  }

  #revoked({ peer, until }: Extract<Input, { kind: "revoked" }>): void {
    this.#membership.bar(peer, until);
    const neighbour = this.#state.neighbours.get(peer);
    if (neighbour !== undefined) this.#state.disconnect(neighbour, "refused", "token revoked");
  }

  #gone(now: InstantMs, neighbour: Neighbour): void {
    this.#subscriptions.lost(now, neighbour);
    this.#fanOut.lost(neighbour);
    this.#uploads.lost(neighbour);
    this.#pulls.lost(neighbour);
    this.#downloads.lost(neighbour);
    this.#membership.lost(now, neighbour);
  }

  #malformed({ neighbour: id, detail }: Extract<Input, { kind: "malformed" }>): void {
    const neighbour = this.#state.neighbours.get(id);
    if (neighbour === undefined) return;
    this.#refuse(neighbour, new StarlingError("wire-malformed", detail));
  }

  #received(now: InstantMs, id: string, message: Message): void {
    const neighbour = this.#state.neighbours.get(id);
    if (neighbour === undefined) return; // It was cut, and what it had sent before still comes in.
    neighbour.heardAt = now;
    this.#state.attempt(neighbour, () => this.#dispatch(now, neighbour, message));
  }

  #dispatch(now: InstantMs, neighbour: Neighbour, message: Message): void {
    if (message.type === "bye") {
      this.#state.outputs.push({
        kind: "disconnect",
        neighbour: neighbour.id,
        code: message.code,
        reason: message.reason,
      });
      this.#state.remove(neighbour.id);
    } else if (message.type === "hello") {
      this.#hello(now, neighbour, message);
    } else if (neighbour.isReady) {
      this.#message(now, neighbour, message);
    } else if (!neighbour.keepEarly(message)) {
      throw new StarlingError("wire-no-hello", "Too many messages before the hello.");
    }
  }

  #hello(now: InstantMs, neighbour: Neighbour, hello: Extract<Message, { type: "hello" }>): void {
    if (neighbour.isReady) throw new StarlingError("wire-malformed", "A second hello.");
    this.#state.setReady(neighbour, this.#verifyHello(now, neighbour, hello));
    this.#liveness.ping(now, neighbour);
    this.#announcements.introduce(now, neighbour);
    this.#downloads.greet(now, neighbour);
    for (const message of neighbour.takeEarly()) this.#received(now, neighbour.id, message);
    this.#subscriptions.maintain(now);
  }

  #verifyHello(
    now: InstantMs,
    neighbour: Neighbour,
    { version, token, proof }: Extract<Message, { type: "hello" }>,
  ): PeerRole {
    if (version !== WIRE_VERSION) {
      throw new StarlingError("hello-version", `Speaks version ${version}, not ${WIRE_VERSION}.`);
    }
    const { keys, crypto, stream } = this.#state.options;
    const claims = verifyJoinToken(token, { keys, crypto }, { stream, now });
    if (claims.peer !== neighbour.id) {
      throw new StarlingError(
        "hello-wrong-peer",
        "The token is of another peer than the one dialled.",
      );
    }
    const { localFingerprint, remoteFingerprint } = neighbour;
    const message = helloProofMessage(stream, remoteFingerprint, localFingerprint);
    if (!crypto.verify(proof, message, fromBase64Url(claims.peer))) {
      throw new StarlingError("hello-bad-proof", "The proof does not fit this very connection.");
    }
    return claims.role;
  }

  #message(now: InstantMs, neighbour: Neighbour, message: ReadyMessage): void {
    if (!neighbour.messageBudget.take(now, message)) return;
    switch (message.type) {
      case "manifest":
        this.#downloads.manifest(now, neighbour, message);
        break;
      case "have":
        this.#downloads.have(now, neighbour, message);
        break;
      case "request":
        if (message.esis.length > 0) this.#uploads.request(now, neighbour, message);
        else this.#downloads.tell(now, neighbour, message.block);
        break;
      case "symbol":
        this.#downloads.symbol(now, neighbour, message);
        break;
      case "cancel":
        this.#uploads.cancel(neighbour, message);
        break;
      case "decline":
        this.#pulls.declined(now, neighbour, message);
        break;
      case "subscribe":
        this.#subscribe(now, neighbour, message);
        break;
      case "serve":
        this.#subscriptions.answered(now, neighbour, message);
        break;
      case "status":
        neighbour.setStatus(message);
        if (this.#subscriptions.lacking > 0) this.#state.wakeBy(after(now, SOON_MS));
        break;
      case "peers":
        this.#membership.exchanged(neighbour, message.peers);
        break;
      case "relay":
        this.#membership.relay(neighbour, message);
        break;
      case "evidence":
        this.#evidence.received(now, neighbour, message);
        break;
      case "ping":
        this.#state.send(neighbour, { type: "pong", id: message.id });
        break;
      case "pong":
        this.#liveness.pong(now, neighbour, message);
        break;
      default:
        message satisfies never;
    }
  }

  #follow(now: InstantMs, { renditions }: Extract<Input, { kind: "follow" }>): void {
    if (this.#state.options.role === "seed") return; // It has what is published.
    for (const rendition of this.#subscriptions.follow(now, renditions)) {
      this.#fanOut.withdraw(rendition);
      this.#downloads.leave(rendition);
      this.#rates.forget(rendition);
    }
  }

  #subscribe(
    now: InstantMs,
    neighbour: Neighbour,
    message: Extract<Message, { type: "subscribe" }>,
  ): void {
    const getsManifests = () => isIn(neighbour.granted.get(message.rendition) ?? 0, MANIFEST_CLASS);
    const hadManifests = getsManifests();
    this.#fanOut.subscribe(now, neighbour, message, (rendition, symbolClass) =>
      this.#isSupplied(rendition, symbolClass, neighbour),
    );
    if (!hadManifests && getsManifests())
      this.#downloads.catchUp(now, neighbour, message.rendition);
  }

  /** Whether this peer can push a class to a neighbour: it gets it, and not from that one. */
  #isSupplied(rendition: number, symbolClass: number, neighbour: Neighbour): boolean {
    const isSeed = this.#state.options.role === "seed";
    if (!isSeed) return this.#subscriptions.isSupplied(rendition, symbolClass, neighbour);
    return this.#subscriptions.isFollowed(rendition) || this.#rates.has(rendition);
  }

  #buffered(now: InstantMs, { neighbour: id, bytes }: Extract<Input, { kind: "buffered" }>): void {
    const neighbour = this.#state.neighbours.get(id);
    if (neighbour !== undefined) this.#uploads.buffered(now, neighbour, bytes);
  }

  /** Refuses what a neighbour sent, and cuts it off for what no honest peer sends. */
  #refuse(neighbour: Neighbour, error: unknown): void {
    const code = errorCode(error);
    if (!(error instanceof StarlingError) || code === undefined) throw error;
    this.#state.reject(neighbour, code, error.message);
    if (code.startsWith("wire-")) {
      this.#cut(neighbour, "protocol-error", error.message);
    } else if (!neighbour.isReady) {
      this.#state.disconnect(neighbour, "refused", error.message);
    } else if (code !== "manifest-equivocation") {
      neighbour.strikes += code === "symbol-bad-hash" ? STRIKES_MAX : 1;
      if (neighbour.strikes >= STRIKES_MAX) {
        this.#cut(neighbour, "bad-data", error.message);
      }
    }
  }

  /** Cuts a neighbour off and, if its hello showed that it is who it says, keeps it out and tells of it. */
  #cut(neighbour: Neighbour, code: ByeCode, reason: string): void {
    const until = after(this.#state.now, BARRED_MS);
    if (neighbour.isReady) {
      this.#membership.bar(neighbour.id, until);
      this.#evidence.convict(neighbour.id, until);
    }
    this.#state.disconnect(neighbour, code, reason);
  }
}
