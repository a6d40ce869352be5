import {
  after,
  blockKey,
  fromBase64Url,
  type InstantMs,
  type Message,
  StarlingError,
  symbolLength,
} from "../core/index.ts";
import { type AnnouncedBlock, type Block, isInit } from "./block-cache.ts";
import { HAVE_DELAY_MS, REQUEST_ESIS_MAX, REQUEST_TIMEOUT_MS } from "./limits.ts";
import { earliest, type MeshState } from "./mesh-state.ts";
import type { Neighbour } from "./neighbour.ts";
import { planRequests } from "./request-plan.ts";

/** Learns of blocks, asks for their symbols, verifies each before use, and puts blocks together. */
export class Downloads {
  readonly #state: MeshState;
  /** Where in a block this peer starts to ask, so that peers of one seed fetch different symbols. */
  readonly #firstEsi: number;
  #announceAt: InstantMs | undefined;

  constructor(state: MeshState) {
    this.#state = state;
    const [first = 0, second = 0] = fromBase64Url(state.options.peer.id);
    this.#firstEsi = first * 256 + second;
  }

  /**
   * Verifies a manifest that came with its leaves, or throws StarlingError. Gives the block if it is
   * new to this peer.
   */
  verify(now: InstantMs, jws: string, leaves: readonly Uint8Array[]): AnnouncedBlock {
    return { manifest: this.#state.options.blocks.verify(now, jws, leaves), jws, leaves };
  }

  /** Takes a neighbour's manifest message; a block that is new is wanted and passed on. */
  manifest(
    now: InstantMs,
    neighbour: Neighbour,
    { jws, leaves }: Extract<Message, { type: "manifest" }>,
  ): void {
    const known = this.#knownAs(neighbour, jws);
    if (known) return;
    const announced = this.verify(now, jws, leaves);
    const key = blockKey(announced.manifest.block);
    neighbour.addManifest(key);
    const held = this.#state.cache.get(key);
    if (held !== undefined) {
      throw new StarlingError(
        "manifest-equivocation",
        "Another manifest of this block is valid too.",
      );
    }
    const block = this.#state.cache.addWanted(now, announced);
    if (block === undefined) return;
    this.#state.outputs.push({ kind: "manifest", manifest: block.manifest });
    this.tell(now, block);
  }

  /** Passes on the manifests of a block, and of the init segment it needs, to those who lack them. */
  tell(now: InstantMs, block: Block): void {
    for (const neighbour of this.#state.ready()) {
      for (const init of this.#state.cache.initsOf([block])) {
        if (!neighbour.manifests.has(init.key)) this.tellNeighbour(now, neighbour, init);
      }
      this.tellNeighbour(now, neighbour, block);
    }
  }

  /** Passes a block's manifest, and what this peer has of it, to one neighbour. */
  tellNeighbour(now: InstantMs, neighbour: Neighbour, block: Block): void {
    const { key, jws, leaves, manifest } = block;
    if (!isInit(block) && manifest.expiresAtS * 1000 <= now) return;
    if (!neighbour.manifests.has(key)) {
      neighbour.addManifest(key);
      this.#state.send(neighbour, { type: "manifest", jws, leaves });
    }
    this.#sendHave(neighbour, block, range(block.manifest.fec.n));
  }

  /** Notes which symbols a neighbour has; the manifest may come later. */
  have(neighbour: Neighbour, { block, esis }: Extract<Message, { type: "have" }>): void {
    neighbour.addHaves(blockKey(block), esis);
  }

  /** Takes a symbol: verified, it is used and announced; wrong, it is refused with a StarlingError. */
  symbol(
    now: InstantMs,
    neighbour: Neighbour,
    { block: id, esi, bytes }: Extract<Message, { type: "symbol" }>,
  ): void {
    const key = blockKey(id);
    if (neighbour.takePending(key, esi) !== undefined) neighbour.lateCount >>>= 1;
    const block = this.#state.cache.get(key);
    const decoder = block?.decoder;
    if (block === undefined || decoder === undefined || decoder.has(esi)) {
      this.#state.stats.duplicateBytes += bytes.length;
      return;
    }
    this.#check(block, esi, bytes);
    decoder.add(esi, bytes);
    this.#count(neighbour, bytes.length);
    block.unannounced.push(esi);
    this.#announceAt ??= after(now, HAVE_DELAY_MS);
    if (decoder.needed === 0) this.#complete(block);
  }

  /** Does what is due: gives up late blocks, forgets lost requests, announces, asks for more. */
  run(now: InstantMs): void {
    for (const block of this.#state.cache.values()) {
      if (block.deadline <= now) this.#state.giveUp(block);
    }
    for (const neighbour of this.#state.ready()) this.#expire(now, neighbour);
    if (this.#announceAt !== undefined && this.#announceAt <= now) this.#announce();
    for (const block of this.#wanted()) this.#ask(now, block);
  }

  nextTimeout(): InstantMs | undefined {
    const deadlines = this.#wanted().flatMap((block) => (isInit(block) ? [] : [block.deadline]));
    const expiries = this.#state
      .ready()
      .map(({ pending }) => earliest([...pending.values()].map(({ expiresAt }) => expiresAt)));
    return earliest([this.#announceAt, ...deadlines, ...expiries]);
  }

  /** Whether this very manifest is known already, so that it needs no second check. */
  #knownAs(neighbour: Neighbour, jws: string): boolean {
    for (const block of this.#state.cache.values()) {
      if (block.jws !== jws) continue;
      neighbour.addManifest(block.key);
      return true;
    }
    return false;
  }

  #check(block: Block, esi: number, bytes: Uint8Array): void {
    const { fec, byteLength } = block.manifest;
    const leaf = block.leaves[esi];
    const isRight =
      leaf !== undefined &&
      bytes.length === symbolLength(fec, byteLength, esi) &&
      this.#state.options.blocks.isSymbol(bytes, leaf);
    if (isRight) return;
    throw new StarlingError(
      "symbol-bad-hash",
      `Symbol ${esi} of block ${block.key} is not its own.`,
    );
  }

  #count(neighbour: Neighbour, byteLength: number): void {
    const { stats } = this.#state;
    stats.symbolsVerified++;
    if (neighbour.role === "seed") stats.fromSeedsBytes += byteLength;
    else stats.fromViewersBytes += byteLength;
  }

  #complete(block: Block): void {
    const { decoder, manifest } = block;
    if (decoder === undefined) return;
    const { n, k } = manifest.fec;
    const before = new Set(range(n).filter((esi) => decoder.has(esi)));
    const bytes = decoder.bytes();
    block.decoder = undefined;
    this.#cancelPending(block);
    if (!this.#state.options.blocks.isBlock(bytes, manifest)) {
      // The signed manifest contradicts itself: no neighbour is to blame, and the block is lost.
      this.#state.stats.missing++;
      this.#state.outputs.push({ kind: "missing", block: manifest.block });
      return;
    }
    block.unannounced.push(...range(k).filter((esi) => !before.has(esi)));
    this.#state.stats.blocks++;
    this.#state.outputs.push({ kind: "block", manifest, bytes });
  }

  #cancelPending(block: Block): void {
    for (const neighbour of this.#state.ready()) {
      const esis = [...neighbour.pending.values()]
        .filter(({ key }) => key === block.key)
        .map(({ esi }) => esi);
      for (const esi of esis) neighbour.takePending(block.key, esi);
      if (esis.length > 0) {
        this.#state.send(neighbour, { type: "cancel", block: block.manifest.block, esis });
      }
    }
  }

  /** Takes back what did not come in time, so that it can be asked of another neighbour. */
  #expire(now: InstantMs, neighbour: Neighbour): void {
    for (const { key, block, esi, expiresAt } of [...neighbour.pending.values()]) {
      if (expiresAt > now) continue;
      neighbour.takePending(key, esi);
      neighbour.lateCount++;
      this.#state.cache.get(key)?.lapsed.add(esi);
      this.#state.send(neighbour, { type: "cancel", block, esis: [esi] });
    }
  }

  #announce(): void {
    this.#announceAt = undefined;
    for (const block of this.#state.cache.values()) {
      if (block.unannounced.length === 0) continue;
      const esis = block.unannounced;
      block.unannounced = [];
      for (const neighbour of this.#state.ready()) this.#sendHave(neighbour, block, esis);
    }
  }

  /** Tells a viewer which of `esis` this peer has. A seed has them all and is not told. */
  #sendHave(neighbour: Neighbour, block: Block, esis: readonly number[]): void {
    if (neighbour.role === "seed") return;
    const held = esis.filter((esi) => block.symbols.has(esi));
    if (held.length === 0) return;
    this.#state.send(neighbour, { type: "have", block: block.manifest.block, esis: held });
  }

  /** The blocks to collect, oldest first. An init segment is wanted once a media block needs it. */
  #wanted(): Block[] {
    return [...this.#state.cache.values()]
      .filter((block) => block.decoder !== undefined)
      .filter((block) => !isInit(block) || this.#state.cache.isNeeded(block))
      .sort((a, b) => a.manifest.block.sequence - b.manifest.block.sequence);
  }

  /** Asks for what the block still needs and no neighbour was asked for yet. */
  #ask(now: InstantMs, block: Block): void {
    const expiresAt = after(now, REQUEST_TIMEOUT_MS);
    const { maxDelayMs } = this.#state.options.limits;
    const withinMs = Math.round(Math.min(Math.max(1, block.deadline - now), maxDelayMs));
    const plan = planRequests(block, this.#state.ready(), this.#firstEsi);
    for (const [neighbour, symbols] of plan) {
      for (const symbol of symbols) neighbour.addPending({ ...symbol, expiresAt });
      for (let at = 0; at < symbols.length; at += REQUEST_ESIS_MAX) {
        const esis = symbols.slice(at, at + REQUEST_ESIS_MAX).map(({ esi }) => esi);
        this.#state.send(neighbour, {
          type: "request",
          block: block.manifest.block,
          withinMs,
          esis,
        });
      }
    }
  }
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
