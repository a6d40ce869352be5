import {
  CLASSES,
  type ClassSet,
  type InstantMs,
  instantMs,
  LAG_STEP_MS,
  LAG_UNKNOWN,
  type Message,
  messageByteLength,
  type PeerRole,
  type TokenBucket,
} from "../core/index.ts";
import type { Block } from "./block.ts";
import { lagSteps } from "./feed.ts";
import {
  EARLY_BYTES_MAX,
  EARLY_MESSAGES_MAX,
  PONG_WAIT_MS,
  PULL_RATE_START,
  PULL_SHARE_MIN,
  QUIET_MS,
  RTT_START_MS,
} from "./limits.ts";
import { MessageBudget } from "./message-budget.ts";
import { Score } from "./score.ts";
import type { UploadQueue } from "./upload-queue.ts";

/** A symbol that this peer asked a neighbour for. */
export interface Pull {
  readonly block: Block;
  readonly esi: number;
  readonly bytes: number;
  readonly askedAt: InstantMs;
  readonly expiresAt: InstantMs;
}

/** What a neighbour last said of itself. */
export interface NeighbourStatus {
  readonly capacityKbps: number;
  readonly roomKbps: number;
  readonly spare: number;
}

type StatusMessage = Extract<Message, { type: "status" }>;

/** What a newcomer says of its capacity is believed for so long. */
const CLAIM_GRACE_MS = 10_000;
/** What is believed of one for whom nobody speaks. */
const VOTE_MIN = 0.02;
const NO_PULLS: readonly Pull[] = [];
const NOTHING: NeighbourStatus = { capacityKbps: 0, roomKbps: 0, spare: 0 };

/** What a peer knows of one neighbour. */
export class Neighbour {
  readonly id: string;
  readonly localFingerprint: Uint8Array;
  readonly remoteFingerprint: Uint8Array;
  readonly connectedAt: InstantMs;
  /** Whether this peer dialled it. */
  readonly isOutbound: boolean;
  /** Known once its hello was good. */
  role: PeerRole | undefined;
  heardAt: InstantMs;
  pingedAt: InstantMs;
  /** Of the ping that was not answered yet. */
  pingId: number | undefined;
  /** Round trip, smoothed as in RFC 6298 section 2. */
  rttMs: number = RTT_START_MS;
  strikes = 0;
  readonly messageBudget: MessageBudget = new MessageBudget();
  readonly score: Score = new Score();
  status: NeighbourStatus = NOTHING;
  /** How far it is behind the origin, as it last said. */
  #feeds: StatusMessage["feeds"] = [];
  /** Messages that overtook the hello. */
  readonly #early: Message[] = [];
  #earlyBytes = 0;
  /** What it was asked for and has not sent, in the order of asking. */
  readonly pulls: Pull[] = [];
  pulledBytes = 0;
  /** What it sends of what was pulled, bytes a second. */
  pullRate: number = PULL_RATE_START;
  /** Until then it has no room for pulls. */
  busyUntil: InstantMs = instantMs(0);
  /** Classes that it was asked to push, and those that it said it would, by rendition. */
  readonly wanted: Map<number, ClassSet> = new Map();
  readonly serving: Map<number, ClassSet> = new Map();
  /** When it was last put to the test. */
  testedAt: InstantMs = instantMs(0);
  /** Classes that this peer pushes to it, by rendition. */
  readonly granted: Map<number, ClassSet> = new Map();
  /** When it may be asked again for a class that it refused or failed to push. */
  readonly askAgainAt: number[] = Array.from({ length: CLASSES }, () => 0);
  /** What waits to be sent to it. */
  readonly queue: UploadQueue;
  readonly uploadBudget: TokenBucket;
  /** Bytes that wait in the channel, as the driver last told, and what was transmitted since. */
  bufferedBytes = 0;
  /** What of that are symbols: the driver need not tell of small messages. */
  symbolBytesWaiting = 0;
  /** When the first of those were transmitted, or some of them have left. */
  drainedAt: InstantMs = instantMs(0);
  /** Whether none have left for long: nobody waits for that, and it gets no more. */
  isStuck = false;

  constructor(
    now: InstantMs,
    identity: {
      readonly id: string;
      readonly localFingerprint: Uint8Array;
      readonly remoteFingerprint: Uint8Array;
      readonly isOutbound: boolean;
    },
    uploads: { readonly queue: UploadQueue; readonly budget: TokenBucket },
  ) {
    this.id = identity.id;
    this.localFingerprint = identity.localFingerprint;
    this.remoteFingerprint = identity.remoteFingerprint;
    this.isOutbound = identity.isOutbound;
    this.connectedAt = now;
    this.heardAt = now;
    this.pingedAt = instantMs(0);
    this.queue = uploads.queue;
    this.uploadBudget = uploads.budget;
  }

  get isReady(): boolean {
    return this.role !== undefined;
  }

  get isSeed(): boolean {
    return this.role === "seed";
  }

  /** Whether it was pinged and has given no sign of life since. */
  get owesPong(): boolean {
    return this.pingId !== undefined && this.heardAt < this.pingedAt;
  }

  /** Whether it may have vanished: it is asked for nothing until it is heard again. */
  isQuiet(now: InstantMs): boolean {
    if (now - this.heardAt > QUIET_MS) return true;
    return this.owesPong && now - this.pingedAt > this.rttMs + PONG_WAIT_MS;
  }

  /** Whether it gave more than it failed to give: what it says of itself is no more than its word until then. */
  isProven(now: InstantMs): boolean {
    return this.isSeed || this.score.own(now) > 0;
  }

  /**
   * What it can pass on, as far as that is believed: who is doubted, or after a grace does not tell what
   * it gets, passes on nothing, and pulls get a share of every uplink.
   */
  contributionKbps(now: InstantMs): number {
    const { capacityKbps, roomKbps } = this.status;
    if (this.score.isDoubted(now)) return 0;
    if (now - this.connectedAt < CLAIM_GRACE_MS) return capacityKbps;
    return this.#feeds.length === 0 ? 0 : Math.min(capacityKbps, roomKbps / PULL_SHARE_MIN);
  }

  /**
   * The same for a seed, to which nobody gives: what others say of it, and of a newcomer its own word, up to
   * `wordMaxKbps`.
   */
  votedKbps(now: InstantMs, wordMaxKbps: number): number {
    const { capacityKbps } = this.status;
    if (now - this.connectedAt < CLAIM_GRACE_MS) return Math.min(capacityKbps, wordMaxKbps);
    const votes = this.score.value(now);
    return votes < 0 ? 0 : capacityKbps * Math.min(1, Math.max(VOTE_MIN, votes));
  }

  /** How far behind the origin it gets a class, or WHOLE_BLOCK, in milliseconds; Infinity if not at all. */
  lagMs(rendition: number, lag: number): number {
    if (this.isSeed) return 0;
    const step = this.#lagsOf(rendition)?.[lag] ?? LAG_UNKNOWN;
    return step === LAG_UNKNOWN ? Number.POSITIVE_INFINITY : step * LAG_STEP_MS;
  }

  /** Whether it may want blocks of a rendition: a viewer tells which ones it follows. */
  mayFollow(rendition: number): boolean {
    return this.#feeds.length === 0 || this.#lagsOf(rendition) !== undefined;
  }

  /** Takes what it says of itself. */
  setStatus({ capacityKbps, roomKbps, spare, feeds }: StatusMessage): void {
    this.status = { capacityKbps, roomKbps, spare };
    this.#feeds = feeds;
  }

  /** It lacks a symbol so long after the release: it lags more than it last said. */
  lacks(rendition: number, lag: number, ageMs: number): void {
    const told = this.#lagsOf(rendition);
    if (told === undefined || ageMs <= this.lagMs(rendition, lag)) return;
    const lags = told.slice();
    lags[lag] = lagSteps(ageMs);
    this.#feeds = this.#feeds.map((feed) =>
      feed.rendition === rendition ? { rendition, lags } : feed,
    );
  }

  /** Keeps a message until the hello comes; false when there are too many. */
  keepEarly(message: Message): boolean {
    this.#earlyBytes += messageByteLength(message);
    if (this.#early.length >= EARLY_MESSAGES_MAX || this.#earlyBytes > EARLY_BYTES_MAX)
      return false;
    this.#early.push(message);
    return true;
  }

  /** The messages that were kept, which are forgotten. */
  takeEarly(): Message[] {
    return this.#early.splice(0);
  }

  addPull(pull: Pull): void {
    this.pulls.push(pull);
    this.pulledBytes += pull.bytes;
    pull.block.asked[pull.esi] = (pull.block.asked[pull.esi] ?? 0) + 1;
  }

  /** Whether it was asked for a symbol that has not come. */
  isAsked(block: Block, esi: number): boolean {
    return this.pulls.some((pull) => pull.esi === esi && pull.block === block);
  }

  /** Forgets a pull and gives it back, or undefined if the symbol was not asked for. */
  takePull(block: Block, esi: number): Pull | undefined {
    const at = this.pulls.findIndex((pull) => pull.esi === esi && pull.block === block);
    if (at < 0) return undefined;
    const [pull] = this.pulls.splice(at, 1);
    if (pull !== undefined) this.#settle(pull);
    return pull;
  }

  /** Forgets all pulls of a block, and gives their ESIs. */
  takePulls(block: Block): number[] {
    return this.takePullsIf((pull) => pull.block === block).map(({ esi }) => esi);
  }

  /** Forgets the pulls that `isPicked` says, and gives them. */
  takePullsIf(isPicked: (pull: Pull) => boolean): readonly Pull[] {
    if (this.pulls.length === 0 || !this.pulls.some(isPicked)) return NO_PULLS;
    const picked = this.pulls.filter(isPicked);
    const others = this.pulls.filter((pull) => !picked.includes(pull));
    this.pulls.splice(0, this.pulls.length, ...others);
    for (const pull of picked) this.#settle(pull);
    return picked;
  }

  #lagsOf(rendition: number): Uint8Array | undefined {
    for (const feed of this.#feeds) if (feed.rendition === rendition) return feed.lags;
    return undefined;
  }

  #settle({ block, esi, bytes }: Pull): void {
    this.pulledBytes -= bytes;
    block.settle(esi);
  }
}
