import {
  type BlockId,
  type InstantMs,
  instantMs,
  type Manifest,
  type Message,
  messageByteLength,
} from "../../core/index.ts";
import type { Input, Output, ProtocolPeer, SymbolDecoder } from "../../mesh/index.ts";
import type { PeerSetup, Protocol } from "../protocol.ts";

const CHANNEL_BYTES_MAX = 40_000;
const BLOCKS_MAX = 30;
const RETRY_MS = 700;
const NEIGHBOURS_MAX = 12;
const SEED_COPIES = 4;

interface Block {
  readonly manifest: Manifest;
  readonly decoder: SymbolDecoder | undefined;
  readonly symbols: (Uint8Array | undefined)[];
  readonly askedAt: Float64Array;
  isComplete: boolean;
}

interface Neighbour {
  queuedBytes: number;
  readonly wanted: { block: BlockId; esi: number }[];
}

/**
 * The least that spreads a stream: the seed pushes a few copies; viewers tell what they have, ask the
 * first who tells, and the next one if nothing comes. For tests of the world: it needs no hello, and is quick.
 */
class SimplePeer implements ProtocolPeer {
  readonly #setup: PeerSetup;
  readonly #neighbours = new Map<string, Neighbour>();
  readonly #blocks = new Map<number, Block>();
  readonly #dialled = new Set<string>();
  readonly #outputs: Output[] = [];
  #taken = 0;
  #newest = -1;
  #pumpAt: number | undefined;

  constructor(setup: PeerSetup) {
    this.#setup = setup;
  }

  handleInput(now: InstantMs, input: Input): void {
    if (input.kind === "connected") this.#connected(input.neighbour);
    else if (input.kind === "closed") this.#neighbours.delete(input.neighbour);
    else if (input.kind === "message") this.#message(now, input.neighbour, input.message);
    else if (input.kind === "buffered") this.#buffered(input.neighbour, input.bytes);
    else if (input.kind === "publish") this.#publish(now, input);
    else if (input.kind === "introduced") this.#dial(input.peers);
    this.#pump(now);
  }

  pollOutput(): Output | undefined {
    const output = this.#outputs[this.#taken++];
    if (output !== undefined) return output;
    this.#outputs.length = 0;
    this.#taken = 0;
    return undefined;
  }

  pollTimeout(): InstantMs | undefined {
    return this.#pumpAt === undefined ? undefined : instantMs(this.#pumpAt);
  }

  #connected(id: string): void {
    this.#neighbours.set(id, { queuedBytes: 0, wanted: [] });
  }

  #dial(peers: readonly { readonly peer: string }[]): void {
    for (const { peer } of peers) {
      if (this.#dialled.size >= NEIGHBOURS_MAX || this.#dialled.has(peer)) continue;
      this.#dialled.add(peer);
      this.#outputs.push({ kind: "dial", peer, via: undefined });
    }
  }

  #buffered(id: string, bytes: number): void {
    const neighbour = this.#neighbours.get(id);
    if (neighbour !== undefined) neighbour.queuedBytes = bytes;
  }

  #publish(now: InstantMs, { jws, leaves, symbols }: Extract<Input, { kind: "publish" }>): void {
    const manifest = this.#setup.options.blocks.verify(now, jws, leaves);
    this.#add(manifest, symbols);
    const neighbours = [...this.#neighbours.keys()];
    for (const id of neighbours) this.#send(id, { type: "manifest", ageMs: 0, jws, leaves });
    for (let copy = 0; copy < SEED_COPIES; copy++) {
      for (const esi of symbols.keys()) {
        const id = this.#setup.options.random.pick(neighbours) ?? "";
        this.#neighbours.get(id)?.wanted.push({ block: manifest.block, esi });
      }
    }
  }

  #message(now: InstantMs, from: string, message: Message): void {
    if (message.type === "manifest") this.#manifest(now, message);
    else if (message.type === "have") this.#have(now, from, message);
    else if (message.type === "symbol") this.#symbol(message);
    else if (message.type === "request") {
      const { block, esis } = message;
      this.#neighbours.get(from)?.wanted.push(...esis.map((esi) => ({ block, esi })));
    }
  }

  #manifest(now: InstantMs, message: Extract<Message, { type: "manifest" }>): void {
    const manifest = this.#setup.options.blocks.verify(now, message.jws, message.leaves);
    const { sequence } = manifest.block;
    if (this.#blocks.has(sequence) || sequence <= this.#newest - BLOCKS_MAX) return;
    this.#add(manifest, undefined);
    for (const id of this.#neighbours.keys()) this.#send(id, message);
  }

  #have(
    now: InstantMs,
    from: string,
    { block: id, esis }: Extract<Message, { type: "have" }>,
  ): void {
    const block = this.#blocks.get(id.sequence);
    if (block === undefined || block.isComplete) return;
    const missing = esis.filter(
      (esi) => block.symbols[esi] === undefined && (block.askedAt[esi] as number) < now - RETRY_MS,
    );
    if (missing.length === 0) return;
    for (const esi of missing) block.askedAt[esi] = now;
    this.#send(from, { type: "request", block: id, withinMs: 4000, esis: missing });
  }

  #symbol({ block: id, esi, bytes }: Extract<Message, { type: "symbol" }>): void {
    const block = this.#blocks.get(id.sequence);
    if (block === undefined || block.decoder === undefined || block.isComplete) return;
    if (block.symbols[esi] !== undefined) return;
    block.symbols[esi] = bytes;
    block.decoder.add(esi, bytes);
    if (this.#setup.uplinkBps > 0) this.#tell(id, esi);
    if (block.decoder.needed > 0) return;
    block.isComplete = true;
    this.#outputs.push({ kind: "block", manifest: block.manifest, bytes: block.decoder.bytes() });
  }

  #tell(id: BlockId, esi: number): void {
    for (const neighbour of this.#neighbours.keys()) {
      this.#send(neighbour, { type: "have", block: id, esis: [esi] });
    }
  }

  #add(manifest: Manifest, symbols: readonly Uint8Array[] | undefined): void {
    const { n } = manifest.fec;
    this.#blocks.set(manifest.block.sequence, {
      manifest,
      decoder: symbols === undefined ? this.#setup.options.blocks.decoder(manifest) : undefined,
      symbols: symbols === undefined ? new Array(n).fill(undefined) : [...symbols],
      askedAt: new Float64Array(n),
      isComplete: symbols !== undefined,
    });
    this.#newest = Math.max(this.#newest, manifest.block.sequence);
    for (const sequence of this.#blocks.keys()) {
      if (sequence <= this.#newest - BLOCKS_MAX) this.#blocks.delete(sequence);
    }
  }

  /** Sends what was asked for, as far as the budget goes. */
  #pump(now: InstantMs): void {
    this.#pumpAt = undefined;
    const { uploads } = this.#setup.options;
    for (const [id, neighbour] of this.#neighbours) {
      while (neighbour.wanted.length > 0 && neighbour.queuedBytes < CHANNEL_BYTES_MAX) {
        const [{ block, esi } = { block: undefined, esi: 0 }] = neighbour.wanted;
        const bytes = block && this.#blocks.get(block.sequence)?.symbols[esi];
        if (block !== undefined && bytes !== undefined) {
          const readyAt = uploads.readyAt(now, bytes.length);
          if (readyAt > now) {
            this.#pumpAt = readyAt;
            return;
          }
          uploads.take(now, bytes.length);
          this.#send(id, { type: "symbol", block, esi, bytes });
        }
        neighbour.wanted.shift();
      }
    }
  }

  #send(id: string, message: Message): void {
    const neighbour = this.#neighbours.get(id);
    if (neighbour !== undefined) neighbour.queuedBytes += messageByteLength(message);
    this.#outputs.push({ kind: "transmit", neighbour: id, message });
  }
}

/** The protocol of the simple peers. */
export const simple: Protocol = { name: "simple", create: (_now, setup) => new SimplePeer(setup) };
