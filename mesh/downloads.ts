import {
  after,
  type BlockId,
  blockKey,
  equalBytes,
  INIT_PART,
  type InstantMs,
  type Manifest,
  type Message,
  StarlingError,
  symbolLength,
} from "../core/index.ts";
import type { Announcements } from "./announcements.ts";
import type { AnnouncedBlock, Block } from "./block.ts";
import type { FanOut } from "./fan-out.ts";
import type { FeedRates } from "./feed-rates.ts";
import { LastResort } from "./last-resort.ts";
import { MANIFEST_WAIT_MS, STALE_MANIFESTS_MAX } from "./limits.ts";
import type { Input } from "./mesh-io.ts";
import type { MeshState } from "./mesh-state.ts";
import type { Neighbour } from "./neighbour.ts";
import { type LackingManifest, type Orphan, Orphans } from "./orphans.ts";
import type { Pulls } from "./pulls.ts";
import { ReleaseClock } from "./release-clock.ts";
import type { Subscriptions } from "./subscriptions.ts";
import { TransferMeter } from "./transfer-meter.ts";
import type { Uploads } from "./uploads.ts";

/** The parts of a peer that a download concerns. */
export interface DownloadParts {
  readonly subscriptions: Subscriptions;
  readonly pulls: Pulls;
  readonly fanOut: FanOut;
  readonly uploads: Uploads;
  readonly announcements: Announcements;
  readonly rates: FeedRates;
}

/** A newcomer starts with the blocks of the last second, and with this many at the least. */
const GREETING_MS = 1000;
const GREETING_BLOCKS_MIN = 2;

/** Learns of blocks, verifies each symbol before use, passes it on, and puts blocks together. */
export class Downloads {
  readonly #state: MeshState;
  readonly #parts: DownloadParts;
  readonly #orphans = new Orphans();
  readonly #releases: ReleaseClock;
  /** By their JWS, blocks that were too old when their manifests came; the oldest first. */
  readonly #stale = new Map<string, AnnouncedBlock>();
  readonly #lastResort: LastResort;

  constructor(state: MeshState, parts: DownloadParts) {
    this.#state = state;
    this.#releases = new ReleaseClock(state);
    this.#lastResort = new LastResort(state);
    this.#parts = parts;
  }

  /** A seed's new block: all of its symbols are pushed. Throws StarlingError for what does not verify. */
  publish(now: InstantMs, { jws, leaves, symbols }: Extract<Input, { kind: "publish" }>): void {
    const manifest = this.#state.options.blocks.verify(now, jws, leaves);
    if (this.#state.cache.get(manifest.block) !== undefined) return;
    const block = this.#state.cache.addPublished(now, { manifest, jws, leaves }, symbols);
    if (block === undefined) return;
    this.#passOn(now, block);
    for (let esi = 0; esi < block.k; esi++) this.#parts.fanOut.offer(now, block, esi, undefined);
  }

  /** Takes a neighbour's manifest message; a block that is new is wanted and passed on. */
  manifest(
    now: InstantMs,
    neighbour: Neighbour,
    { ageMs, jws, leaves }: Extract<Message, { type: "manifest" }>,
  ): void {
    const known = this.#state.cache.find(jws); // It needs no second check.
    if (known !== undefined) {
      this.#releases.told(now, neighbour, known.manifest, ageMs);
      this.#parts.subscriptions.arrived(now, neighbour, known, -1);
      return;
    }
    const stale = this.#stale.get(jws);
    if (stale !== undefined) {
      const releasedAt = this.#releases.told(now, neighbour, stale.manifest, ageMs);
      if (stale.manifest.init === null || this.#isOld(now, stale.manifest, releasedAt)) {
        this.#dropOrphans(stale);
        return;
      }
    }
    const manifest = this.#state.options.blocks.verify(now, jws, leaves);
    const { block: id } = manifest;
    const first = this.#state.cache.get(id);
    if (first !== undefined) {
      this.#state.outputs.push({ kind: "equivocation", manifests: [first.jws, jws] });
      throw new StarlingError(
        "manifest-equivocation",
        "Another manifest of this block is valid too.",
      );
    }
    if (!this.#isFollowed(now, id.rendition)) return;
    const releasedAt = this.#releases.told(now, neighbour, manifest, ageMs);
    const block = this.#add(releasedAt, now, { manifest, jws, leaves });
    if (block === undefined) return;
    this.#parts.subscriptions.released(block);
    this.#parts.subscriptions.arrived(now, neighbour, block, -1);
    this.#state.outputs.push({ kind: "manifest", manifest });
    this.#passOn(now, block);
    this.#takeOrphans(id, ({ neighbour: teller, message }) => {
      if (message.type === "have") this.have(now, teller, message);
      else this.symbol(now, teller, message);
    });
    this.#parts.pulls.run(now, block);
  }

  /** Throws for a rendition that this peer has not followed lately: nobody was to tell of it. */
  #isFollowed(now: InstantMs, rendition: number): boolean {
    const { subscriptions } = this.#parts;
    if (subscriptions.isFollowed(rendition)) return true;
    if (subscriptions.wasFollowed(now, rendition)) return false;
    throw new StarlingError("manifest-unwanted", "This peer does not follow the rendition.");
  }

  /** Gives a neighbour the manifest that it asks for. */
  tell(now: InstantMs, neighbour: Neighbour, id: BlockId): void {
    const block = this.#state.cache.get(id);
    if (block === undefined || this.#hasExpired(now, block)) return;
    this.#parts.announcements.manifest(now, neighbour, block);
  }

  /** Tells a new neighbour of blocks. */
  greet(now: InstantMs, neighbour: Neighbour): void {
    this.#lastResort.start(now);
    const newest = this.#state.cache.newestFirst();
    const isRecent = ({ releasedAt }: Block) => now - releasedAt < GREETING_MS;
    for (const rendition of new Set(newest.map(({ id }) => id.rendition))) {
      const blocks = newest.filter(({ id }) => id.rendition === rendition);
      const count = Math.max(GREETING_BLOCKS_MIN, blocks.filter(isRecent).length);
      this.#announce(now, neighbour, blocks.slice(0, count));
    }
  }

  /**
   * Tells who shall get the manifests of a rendition from here on of its blocks since its greeting that
   * it may still need.
   */
  catchUp(now: InstantMs, neighbour: Neighbour, rendition: number): void {
    const oldest = now - this.#state.options.limits.maxDelayMs;
    const since = Math.max(neighbour.connectedAt, oldest);
    const isNews = (block: Block) =>
      block.id.rendition === rendition && block.releasedAt > since && !block.isKnownTo(neighbour);
    this.#announce(now, neighbour, this.#state.cache.newestFirst().filter(isNews));
  }

  /** Gives up what is being collected of a rendition that is followed no more. */
  leave(rendition: number): void {
    for (const block of this.#state.cache.values()) {
      if (block.id.rendition !== rendition || !block.isWanted) continue;
      this.#parts.pulls.cancel(block);
      this.#state.drop(block);
    }
  }

  #announce(now: InstantMs, neighbour: Neighbour, blocks: readonly Block[]): void {
    for (const block of blocks) {
      if (this.#hasExpired(now, block)) continue;
      const init = this.#state.cache.initOf(block);
      if (init !== undefined && !init.isKnownTo(neighbour)) {
        init.heldBy(neighbour, []);
        this.#parts.announcements.have(neighbour, init);
      }
      this.#parts.announcements.have(neighbour, block);
    }
  }

  /** Notes which symbols a neighbour has. */
  have(now: InstantMs, neighbour: Neighbour, message: Extract<Message, { type: "have" }>): void {
    const block = this.#state.cache.get(message.block);
    if (block === undefined) this.#orphan(now, neighbour, message);
    else {
      block.heldBy(neighbour, message.esis);
      if (block.isCompleteAt(neighbour)) this.#parts.uploads.completed(neighbour, block);
    }
  }

  /** Takes a symbol: verified, it is used and passed on; wrong, it is refused with a StarlingError. */
  symbol(
    now: InstantMs,
    neighbour: Neighbour,
    message: Extract<Message, { type: "symbol" }>,
  ): void {
    const { esi, bytes } = message;
    const block = this.#state.cache.get(message.block);
    if (block === undefined) {
      this.#orphan(now, neighbour, message);
      return;
    }
    const pull = neighbour.takePull(block, esi);
    const { decoder } = block;
    if (decoder === undefined || decoder.has(esi)) {
      this.#duplicate(now, neighbour, block, message);
      if (pull !== undefined) neighbour.score.delivered(now);
      return;
    }
    this.#refuseWrong(block, message);
    this.#parts.subscriptions.arrived(now, neighbour, block, esi);
    decoder.add(esi, bytes);
    block.transfer ??= new TransferMeter(block.k);
    block.transfer.arrived(now);
    neighbour.score.delivered(now);
    this.#count(neighbour, bytes.length);
    this.#parts.fanOut.offer(now, block, esi, neighbour);
    if (decoder.needed === 0) this.#complete(now, block);
    else {
      this.#stopPush(neighbour, block, esi);
      this.#parts.pulls.came(block, esi);
    }
    if (pull !== undefined) this.#parts.pulls.arrived(now, neighbour, pull);
  }

  /**
   * Counts a symbol of no use, and refuses a wrong one, so that who sends those is known by the first.
   * That a parent pushed it, if late, counts only if it is the one that is here, which needs no hash.
   */
  #duplicate(
    now: InstantMs,
    neighbour: Neighbour,
    block: Block,
    message: Extract<Message, { type: "symbol" }>,
  ): void {
    const { esi, bytes } = message;
    this.#state.stats.duplicateBytes += bytes.length;
    const own = esi < block.k ? block.symbol(esi) : undefined;
    if (own === undefined || !equalBytes(own, bytes)) this.#refuseWrong(block, message);
    if (own !== undefined) this.#parts.subscriptions.arrived(now, neighbour, block, esi);
  }

  /** Takes back a push of what has come from another. */
  #stopPush(from: Neighbour, block: Block, esi: number): void {
    const parent = this.#parts.subscriptions.parentOf(block, esi);
    if (parent === undefined || parent === from) return;
    this.#state.send(parent, { type: "cancel", block: block.id, esis: [esi] });
  }

  /** Has what a block lacks fetched at once. */
  fetchNow(id: BlockId): void {
    const block = this.#state.cache.get(id);
    if (block?.isWanted === true) this.#lastResort.fetchNow(block);
  }

  /** Takes what the origin gave over HTTP: those symbols that are in it as a whole, and right. */
  fetched(now: InstantMs, { block: id, start, bytes }: Extract<Input, { kind: "fetched" }>): void {
    const block = this.#state.cache.get(id);
    if (block?.decoder === undefined) return;
    const { decoder, manifest } = block;
    const { symbolBytes } = manifest.fec;
    const first = Math.ceil(start / symbolBytes);
    for (let esi = first; esi < block.k && decoder.needed > 0; esi++) {
      if (decoder.has(esi)) continue;
      const at = esi * symbolBytes - start;
      const symbol = bytes.subarray(at, at + symbolLength(manifest.fec, manifest.byteLength, esi));
      if (!this.#isRight(block, esi, symbol)) continue;
      decoder.add(esi, symbol);
      this.#parts.fanOut.offer(now, block, esi, undefined);
      this.#parts.pulls.came(block, esi);
    }
    if (decoder.needed === 0) this.#complete(now, block);
  }

  /** Gives up late blocks, asks for manifests and symbols as is due. Whether some block is on the way. */
  run(now: InstantMs): boolean {
    this.#parts.pulls.expire(now);
    const wanted = this.#state.cache.wanted();
    for (const block of wanted) {
      if (block.deadline <= now) this.#state.giveUp(block);
      else {
        this.#parts.pulls.look(now, block);
        this.#lastResort.run(now, block);
      }
    }
    this.#askForManifests(now);
    return wanted.length > 0;
  }

  #askForManifests(now: InstantMs): void {
    if (this.#orphans.isEmpty) return;
    for (const lacking of this.#orphans.due(now, this.#manifestWaitMs())) {
      const neighbour = this.#whoTells(now, lacking);
      if (neighbour !== undefined) this.#askManifest(neighbour, lacking.block);
    }
    this.#state.wakeBy(after(now, MANIFEST_WAIT_MS));
  }

  /** Whom to ask for a manifest: those who told of the block and, as they may not have it, any others in turn. */
  #whoTells(now: InstantMs, { tellers, asked }: LackingManifest): Neighbour | undefined {
    const isThere = (neighbour: Neighbour): boolean => !neighbour.isQuiet(now);
    const heard = tellers.filter(isThere);
    if (asked % 2 === 0 && heard.length > 0) return heard[(asked / 2) % heard.length];
    const others = this.#state.ready.filter(isThere);
    return this.#state.options.random.pick(others);
  }

  #askManifest(neighbour: Neighbour, block: BlockId): void {
    this.#state.send(neighbour, { type: "request", block, withinMs: 1000, esis: [] });
  }

  /** Forgets a neighbour that is gone. */
  lost(neighbour: Neighbour): void {
    this.#orphans.lost(neighbour);
    this.#releases.lost(neighbour);
    for (const block of this.#state.cache.values()) block.forget(neighbour);
  }

  #add(releasedAt: InstantMs, now: InstantMs, announced: AnnouncedBlock): Block | undefined {
    const { manifest } = announced;
    const isOld = this.#isOld(now, manifest, releasedAt);
    const block = isOld ? undefined : this.#state.cache.addWanted(releasedAt, announced);
    if (block === undefined) {
      this.#noteStale(announced);
      this.#dropOrphans(announced);
    }
    return block;
  }

  /** Whether a block comes too late, or is from before this peer's start, and there are newer ones. */
  #isOld(now: InstantMs, manifest: Manifest, releasedAt: InstantMs): boolean {
    if (manifest.block.part === INIT_PART) return false; // It is as old as its publish session.
    if (!this.#parts.subscriptions.isWanted(manifest.block)) return true;
    if (after(releasedAt, this.#state.options.limits.maxDelayMs) <= now) return true;
    const start = this.#lastResort.startedAt ?? now;
    const backMs = Math.max(GREETING_MS, GREETING_BLOCKS_MIN * manifest.durationMs);
    if (start - releasedAt < backMs) return false;
    const { rendition } = manifest.block;
    const isNewer = (block: Block) =>
      block.id.rendition === rendition && block.releasedAt > releasedAt;
    return this.#state.cache.newestFirst().filter(isNewer).length >= GREETING_BLOCKS_MIN;
  }

  #noteStale(announced: AnnouncedBlock): void {
    this.#stale.set(announced.jws, announced);
    const [oldest] = this.#stale.keys();
    if (this.#stale.size > STALE_MANIFESTS_MAX && oldest !== undefined) this.#stale.delete(oldest);
  }

  /** Passes the manifest of a new block on. */
  #passOn(now: InstantMs, block: Block): void {
    this.#parts.rates.add(block.manifest);
    for (const neighbour of this.#parts.fanOut.followers(block.id.rendition)) {
      if (!block.isKnownTo(neighbour)) this.#parts.announcements.manifest(now, neighbour, block);
    }
  }

  /** How long a manifest may still come by itself; to a newcomer, who subscribed to none, it does not. */
  #manifestWaitMs(): number {
    return this.#state.cache.isEmpty ? 0 : MANIFEST_WAIT_MS;
  }

  #orphan(
    now: InstantMs,
    neighbour: Neighbour,
    message: Extract<Message, { type: "have" | "symbol" }>,
  ): void {
    if (this.#parts.subscriptions.isFollowed(message.block.rendition)) {
      this.#orphans.add(now, neighbour, message);
      this.#state.wakeBy(after(now, this.#manifestWaitMs()));
    }
  }

  /** Drops what was kept of a block that is too old, and has who sent a wrong symbol of it known by that. */
  #dropOrphans(stale: AnnouncedBlock): void {
    this.#takeOrphans(stale.manifest.block, ({ message }) => {
      if (message.type === "symbol") this.#refuseWrong(stale, message);
    });
  }

  /** Deals with what was kept of a block until its manifest came; what is wrong is laid to who sent it. */
  #takeOrphans(id: BlockId, take: (orphan: Orphan) => void): void {
    for (const orphan of this.#orphans.take(blockKey(id))) {
      if (!this.#state.neighbours.has(orphan.neighbour.id)) continue;
      this.#state.attempt(orphan.neighbour, () => take(orphan));
    }
  }

  #hasExpired(now: InstantMs, { isInit, manifest }: Block): boolean {
    return !isInit && manifest.expiresAtS * 1000 <= now;
  }

  #refuseWrong(
    announced: AnnouncedBlock,
    { esi, bytes }: Extract<Message, { type: "symbol" }>,
  ): void {
    if (this.#isRight(announced, esi, bytes)) return;
    throw new StarlingError(
      "symbol-bad-hash",
      `Symbol ${esi} of block ${blockKey(announced.manifest.block)} is not its own.`,
    );
  }

  #isRight({ manifest, leaves }: AnnouncedBlock, esi: number, bytes: Uint8Array): boolean {
    const { fec, byteLength } = manifest;
    const leaf = leaves[esi];
    return (
      leaf !== undefined &&
      bytes.length === symbolLength(fec, byteLength, esi) &&
      this.#state.options.blocks.isSymbol(bytes, leaf)
    );
  }

  #count(neighbour: Neighbour, byteLength: number): void {
    const { stats } = this.#state;
    stats.symbolsVerified++;
    if (neighbour.isSeed) stats.fromSeedsBytes += byteLength;
    else stats.fromViewersBytes += byteLength;
  }

  #complete(now: InstantMs, block: Block): void {
    const { decoder, manifest } = block;
    if (decoder === undefined) return;
    const decoded: number[] = [];
    for (let esi = 0; esi < block.k; esi++) if (!decoder.has(esi)) decoded.push(esi);
    const bytes = decoder.bytes();
    block.decoder = undefined;
    const transferMs = block.transfer?.durationMs;
    block.transfer = undefined;
    this.#parts.pulls.cancel(block);
    if (!this.#state.options.blocks.isBlock(bytes, manifest)) {
      // The signed manifest contradicts itself: no neighbour is to blame, and the block is lost.
      this.#state.stats.missing++;
      this.#state.outputs.push({ kind: "missing", block: block.id });
      return;
    }
    const stillPushing = new Set<Neighbour>();
    for (const esi of decoded) {
      const parent = this.#parts.subscriptions.parentOf(block, esi);
      if (parent !== undefined) {
        stillPushing.add(parent);
        if (block.overdue[esi] === 1) parent.score.failed(now);
      }
      this.#parts.fanOut.offer(now, block, esi, undefined);
    }
    this.#parts.subscriptions.completed(now, block);
    this.#lastResort.completed(manifest);
    this.#state.stats.blocks++;
    this.#state.outputs.push({ kind: "block", manifest, bytes, transferMs });
    this.#parts.announcements.completed(block, stillPushing);
    const witness = block.isInit ? undefined : this.#releases.toAsk(now);
    if (witness !== undefined) this.#askManifest(witness, block.id);
  }
}
