import {
  after,
  assert,
  BLOCK_BYTES_MAX,
  type BlockId,
  type ByeCode,
  errorCode,
  type InstantMs,
  type Message,
  messageByteLength,
  type Random,
  type TokenBucket,
} from "../../core/index.ts";
import type { BlockPort, Input, Output, ProtocolPeer } from "../../mesh/index.ts";
import { BaselineBlock, blockNumber } from "./baseline-block.ts";
import { BaselineNeighbour } from "./baseline-neighbour.ts";
import { Connections } from "./connections.ts";

/** What any baseline peer needs. */
export interface BaselineOptions {
  readonly random: Random;
  readonly blocks: BlockPort;
  /** An incomplete block is given up this long after it was first heard of. */
  readonly deadlineMs: number;
  /** Bytes of symbols that the peer may send. */
  readonly uploads: TokenBucket;
  /** What it gives to others, bits a second; 0: it sends no symbols. */
  readonly uplinkBps: number;
}

/** A symbol that is to be sent. */
export interface Upload {
  readonly neighbour: string;
  readonly block: number;
  readonly esi: number;
}

/** So much of the uplink's time waits in all channels' queues together, and a symbol at least. */
const IN_FLIGHT_S = 0.1;
const IN_FLIGHT_BYTES_MIN: number = 16 * 1024;
/** Drivers tell only of queues that were longer than this; what is shorter counts as sent. */
const UNREPORTED_BYTES_MAX: number = 8 * 1024;
/** Blocks are served this long beyond the deadline, and blocks that were announced ahead live as long. */
const KEPT_AFTER_DEADLINE_MS = 4000;

/**
 * The common part of the protocols that Starling is compared with: connections without a hello, blocks
 * and their verification, and sending with short queues. They live in the same world and speak the same
 * messages. None of them codes: only source symbols travel, as in the published systems.
 */
export abstract class BaselinePeer implements ProtocolPeer {
  protected readonly options: BaselineOptions;
  protected readonly neighbours: Map<string, BaselineNeighbour> = new Map();
  /** By block number, in the order in which they became known. */
  protected readonly blocks: Map<number, BaselineBlock> = new Map();
  protected isSeed = false;
  readonly #connections: Connections;
  readonly #outputs: Output[] = [];
  readonly #tickMs: number;
  readonly #inFlightBytesMax: number;
  /** When the budget allows the next symbol, if it is the budget that makes it wait. */
  #pumpAt: InstantMs | undefined;
  #symbolBytes = 0;
  #tickAt: InstantMs | undefined;
  #inFlightBytes = 0;
  /** The highest number of the blocks that were forgotten: nobody needs them or what came before. */
  #forgottenUpTo = -1;

  /** `tickMs` is the time between two calls of `tick`; `degree` the number of neighbours that is wanted. */
  constructor(options: BaselineOptions, tickMs: number, degree: number) {
    this.options = options;
    this.#tickMs = tickMs;
    this.#connections = new Connections(degree);
    this.#inFlightBytesMax = Math.max(IN_FLIGHT_BYTES_MIN, (options.uplinkBps / 8) * IN_FLIGHT_S);
  }

  handleInput(now: InstantMs, input: Input): void {
    this.#handle(now, input);
    this.#tickAt ??= after(now, this.options.random.below(this.#tickMs) + 1); // Peers do not beat in time.
    if (now >= this.#tickAt) {
      this.#tickAt = after(now, this.#tickMs);
      this.#keepHouse(now);
      this.tick(now);
    }
    this.#pump(now);
  }

  pollOutput(): Output | undefined {
    return this.#outputs.shift();
  }

  pollTimeout(): InstantMs | undefined {
    const isPumpFirst = this.#pumpAt !== undefined && this.#pumpAt < (this.#tickAt ?? 0);
    return isPumpFirst ? this.#pumpAt : this.#tickAt;
  }

  /** The protocol's own work, again and again. */
  protected abstract tick(now: InstantMs): void;
  /** The next symbol to send, or undefined. */
  protected abstract nextUpload(now: InstantMs): Upload | undefined;
  /** A neighbour asks for symbols. */
  protected requested(_now: InstantMs, _from: BaselineNeighbour, _request: Request): void {}
  /** A neighbour needs some symbols no more. */
  protected cancelled(_from: BaselineNeighbour, _block: number, _esis: readonly number[]): void {}
  /** A message came that is not for all protocols. */
  protected heard(_now: InstantMs, _from: BaselineNeighbour, _message: Message): void {}
  /** A symbol came that was right and new, or was published (`from` undefined). */
  protected obtained(_now: InstantMs, _block: BaselineBlock, _esi: number, _from?: string): void {}
  /** A manifest came, or was published. */
  protected learned(_block: BaselineBlock): void {}
  protected met(_now: InstantMs, _neighbour: BaselineNeighbour): void {}
  protected lost(_neighbour: BaselineNeighbour): void {}
  protected forgotten(_block: BaselineBlock): void {}

  protected send(neighbour: BaselineNeighbour, message: Message): void {
    const bytes = messageByteLength(message);
    if (bytes >= UNREPORTED_BYTES_MAX)
      this.#setBuffered(neighbour, neighbour.bufferedBytes + bytes);
    this.#outputs.push({ kind: "transmit", neighbour: neighbour.id, message });
  }

  /** Tells neighbours of the symbols that none was told of yet. */
  protected announce(
    to: Iterable<BaselineNeighbour>,
    isTold: (block: BaselineBlock) => boolean,
  ): void {
    const messages: Message[] = [];
    for (const block of this.blocks.values()) {
      const esis = isTold(block) ? block.held.without(block.told) : [];
      if (esis.length === 0) continue;
      for (const esi of esis) block.told.add(esi);
      messages.push({ type: "have", block: block.id, esis });
    }
    for (const neighbour of to) for (const message of messages) this.send(neighbour, message);
  }

  /** Tells a neighbour of all symbols that the others were told of. */
  protected introduceBlocks(neighbour: BaselineNeighbour): void {
    for (const block of this.blocks.values()) {
      const esis = block.told.without();
      if (esis.length > 0) this.send(neighbour, { type: "have", block: block.id, esis });
    }
  }

  /** Gets a block from the origin over HTTP. */
  protected fetch(block: BaselineBlock): void {
    this.#outputs.push({ kind: "fetch", block: block.id, start: 0, end: BLOCK_BYTES_MAX });
  }

  protected sendManifest(neighbour: BaselineNeighbour, block: BaselineBlock): void {
    if (block.announcement === undefined || neighbour.knows.has(block.number)) return;
    neighbour.knows.add(block.number);
    this.send(neighbour, block.announcement);
  }

  #handle(now: InstantMs, input: Input): void {
    switch (input.kind) {
      case "connected":
        this.#connected(now, input.neighbour);
        break;
      case "message":
        this.#message(now, input.neighbour, input.message);
        break;
      case "malformed":
        this.#disconnect(input.neighbour, "protocol-error");
        break;
      case "closed":
        this.#drop(input.neighbour);
        break;
      case "buffered":
        this.#buffered(input.neighbour, input.bytes);
        break;
      case "publish":
        this.#publish(now, input);
        break;
      case "introduced":
        this.#connections.introduced(now, input.peers, this.neighbours);
        for (const peer of this.#connections.takeDials()) {
          this.#outputs.push({ kind: "dial", peer, via: undefined });
        }
        break;
      case "undialable":
        this.#connections.failed(input.peer);
        break;
      case "fetched":
        this.#fetched(now, input.block, input.bytes);
        break;
      case "leave":
        for (const id of [...this.neighbours.keys()]) this.#disconnect(id, "leaving");
        break;
      case "fetchNow":
      case "token":
      case "revoked":
      case "follow":
      case "signal": // Nothing to these protocols.
      case "timeout": // For the tick.
        break;
      default:
        input satisfies never;
    }
  }

  #connected(now: InstantMs, id: string): void {
    const neighbour = new BaselineNeighbour(id, now);
    const isFull = this.#connections.isFull(this.neighbours.size, this.isSeed);
    this.#connections.opened(id);
    this.neighbours.set(id, neighbour);
    if (isFull) this.#disconnect(id, "overloaded");
    else this.met(now, neighbour);
  }

  #message(now: InstantMs, id: string, message: Message): void {
    const neighbour = this.neighbours.get(id);
    if (neighbour === undefined) return;
    neighbour.heardAt = now;
    if ("block" in message && blockNumber(message.block) <= this.#forgottenUpTo) return;
    if (message.type === "manifest") this.#manifest(now, neighbour, message);
    else if (message.type === "have") this.#have(now, neighbour, message.block, message.esis);
    else if (message.type === "symbol") this.#symbol(now, neighbour, message);
    else if (message.type === "request") this.requested(now, neighbour, message);
    else if (message.type === "cancel") this.#cancel(neighbour, message.block, message.esis);
    else if (message.type === "ping") this.send(neighbour, { type: "pong", id: message.id });
    else if (message.type === "bye") this.#left(id, message.code);
    else this.heard(now, neighbour, message);
  }

  #left(id: string, code: ByeCode): void {
    this.#outputs.push({ kind: "disconnect", neighbour: id, code, reason: "" });
    this.#drop(id);
  }

  #cancel(from: BaselineNeighbour, id: BlockId, esis: readonly number[]): void {
    for (const esi of esis) from.add(blockNumber(id), esi);
    this.cancelled(from, blockNumber(id), esis);
  }

  protected blockOf(now: InstantMs, id: BlockId): BaselineBlock {
    const number = blockNumber(id);
    const known = this.blocks.get(number);
    if (known !== undefined) return known;
    const block = new BaselineBlock(id, now);
    this.blocks.set(number, block);
    return block;
  }

  #have(now: InstantMs, from: BaselineNeighbour, id: BlockId, esis: readonly number[]): void {
    const { number } = this.blockOf(now, id);
    from.knows.add(number);
    for (const esi of esis) from.add(number, esi);
  }

  #manifest(
    now: InstantMs,
    from: BaselineNeighbour,
    message: Extract<Message, { type: "manifest" }>,
  ): void {
    try {
      const manifest = this.options.blocks.verify(now, message.jws, message.leaves);
      if (blockNumber(manifest.block) <= this.#forgottenUpTo) return;
      const block = this.blockOf(now, manifest.block);
      from.knows.add(block.number);
      if (block.manifest !== undefined) return;
      block.manifest = manifest;
      this.#symbolBytes = manifest.fec.symbolBytes;
      block.announcement = message;
      block.decoder = this.options.blocks.decoder(manifest);
      this.#outputs.push({ kind: "manifest", manifest });
      this.learned(block);
      for (const { from: id, esi, bytes } of block.early.splice(0))
        this.#take(now, block, esi, bytes, id);
    } catch (error) {
      this.#reject(from.id, error);
    }
  }

  #symbol(
    now: InstantMs,
    from: BaselineNeighbour,
    message: Extract<Message, { type: "symbol" }>,
  ): void {
    const block = this.blockOf(now, message.block);
    from.add(block.number, message.esi);
    if (block.manifest === undefined) block.keepEarly(from.id, message.esi, message.bytes);
    else this.#take(now, block, message.esi, message.bytes, from.id);
  }

  #take(now: InstantMs, block: BaselineBlock, esi: number, bytes: Uint8Array, from: string): void {
    const { decoder, announcement } = block;
    block.asked.delete(esi);
    if (block.held.has(esi) || block.isComplete) return;
    assert(decoder !== undefined, "a symbol is checked with its manifest");
    const leaf = announcement?.leaves[esi];
    if (leaf === undefined || !this.options.blocks.isSymbol(bytes, leaf)) {
      this.#outputs.push({
        kind: "rejected",
        neighbour: from,
        code: "symbol-bad-hash",
        detail: "",
      });
      this.#disconnect(from, "bad-data");
      return;
    }
    decoder.add(esi, bytes);
    block.hold(esi, bytes);
    if (decoder.needed === 0) this.#complete(block, decoder.bytes());
    this.obtained(now, block, esi, from);
  }

  #complete(block: BaselineBlock, bytes: Uint8Array): void {
    if (block.manifest === undefined || block.isComplete || block.isMissing) return;
    block.isComplete = true;
    this.#outputs.push({ kind: "block", manifest: block.manifest, bytes });
  }

  #publish(now: InstantMs, input: Extract<Input, { kind: "publish" }>): void {
    this.isSeed = true;
    const manifest = this.options.blocks.verify(now, input.jws, input.leaves);
    const block = this.blockOf(now, manifest.block);
    block.manifest = manifest;
    this.#symbolBytes = manifest.fec.symbolBytes;
    // None of these protocols asks for a block's age.
    block.announcement = { type: "manifest", ageMs: 0, jws: input.jws, leaves: input.leaves };
    block.isComplete = true;
    this.learned(block);
    input.symbols.slice(0, manifest.fec.k).forEach((symbol, esi) => {
      block.hold(esi, symbol);
      this.obtained(now, block, esi);
    });
  }

  #fetched(now: InstantMs, id: BlockId, bytes: Uint8Array): void {
    const block = this.blockOf(now, id);
    const { manifest } = block;
    if (manifest === undefined || block.isComplete || !this.options.blocks.isBlock(bytes, manifest))
      return;
    const { k, symbolBytes } = manifest.fec;
    for (let esi = 0; esi < k; esi++) {
      if (block.held.has(esi)) continue;
      const symbol = bytes.subarray(esi * symbolBytes, (esi + 1) * symbolBytes);
      block.decoder?.add(esi, symbol);
      block.hold(esi, block.decoder?.symbol(esi) ?? symbol);
    }
    this.#complete(block, bytes);
    for (const esi of block.held.without(block.told)) this.obtained(now, block, esi);
  }

  #buffered(id: string, bytes: number): void {
    const neighbour = this.neighbours.get(id);
    if (neighbour === undefined) return;
    this.#setBuffered(neighbour, bytes < UNREPORTED_BYTES_MAX ? 0 : bytes);
  }

  #setBuffered(neighbour: BaselineNeighbour, bytes: number): void {
    this.#inFlightBytes += bytes - neighbour.bufferedBytes;
    neighbour.bufferedBytes = bytes;
  }

  /** Sends symbols as long as the budget allows and the queues of all channels together are short. */
  #pump(now: InstantMs): void {
    this.#pumpAt = undefined;
    while (this.options.uplinkBps > 0 && this.#inFlightBytes < this.#inFlightBytesMax) {
      const readyAt = this.options.uploads.readyAt(now, this.#symbolBytes);
      if (readyAt > now) {
        this.#pumpAt = readyAt;
        return;
      }
      const upload = this.nextUpload(now);
      if (upload === undefined) return;
      const neighbour = this.neighbours.get(upload.neighbour);
      const block = this.blocks.get(upload.block);
      const bytes = block?.symbols[upload.esi];
      if (neighbour === undefined || block === undefined || bytes === undefined) continue;
      this.options.uploads.take(now, bytes.length);
      this.sendManifest(neighbour, block);
      neighbour.add(block.number, upload.esi);
      this.send(neighbour, { type: "symbol", block: block.id, esi: upload.esi, bytes });
    }
  }

  #keepHouse(now: InstantMs): void {
    const { silent, toPing } = this.#connections.signsOfLife(now, this.neighbours.values());
    for (const id of silent) this.#disconnect(id, "silent");
    for (const neighbour of toPing) this.send(neighbour, { type: "ping", id: 0 });
    const count = this.isSeed ? 0 : this.#connections.wanted(now, this.neighbours.size);
    if (count > 0) this.#outputs.push({ kind: "wantPeers", count });
    for (const block of this.blocks.values()) {
      const ageMs = now - block.firstAt;
      if (ageMs > this.options.deadlineMs && !block.isComplete && !block.isMissing) {
        block.isMissing = true;
        this.#outputs.push({ kind: "missing", block: block.id });
      }
      if (ageMs <= this.options.deadlineMs + KEPT_AFTER_DEADLINE_MS) continue;
      this.blocks.delete(block.number);
      this.#forgottenUpTo = Math.max(this.#forgottenUpTo, block.number);
      for (const neighbour of this.neighbours.values()) neighbour.forget(block.number);
      this.forgotten(block);
    }
  }

  #reject(id: string, error: unknown): void {
    const code = errorCode(error);
    if (code === undefined) throw error;
    this.#outputs.push({ kind: "rejected", neighbour: id, code, detail: "" });
  }

  #disconnect(id: string, code: ByeCode): void {
    const neighbour = this.neighbours.get(id);
    if (neighbour === undefined) return;
    this.send(neighbour, { type: "bye", code, reason: "" });
    this.#left(id, code);
  }

  #drop(id: string): void {
    const neighbour = this.neighbours.get(id);
    if (neighbour === undefined) return;
    this.#inFlightBytes -= neighbour.bufferedBytes;
    this.neighbours.delete(id);
    this.lost(neighbour);
  }
}

type Request = Extract<Message, { type: "request" }>;
