import fc from "fast-check";
import {
  evidenceMessage,
  helloProofMessage,
  type InstantMs,
  LAGS,
  type Message,
  nobleCrypto,
  type PeerRole,
  type Random,
  utf8,
  WIRE_VERSION,
} from "../../core/index.ts";
import { ANY_MESSAGE } from "../../core/testing/message-arbitraries.ts";
import type { Input } from "../mesh-io.ts";
import { type FuzzBlock, FuzzBlocks } from "./fuzz-blocks.ts";
import { peerIdOf, secretKeyOf } from "./test-origin.ts";

const { sha256, sign } = nobleCrypto;
const NAMES: readonly string[] = Array.from({ length: 24 }, (_, index) => `peer ${index}`);
const IDS: readonly string[] = NAMES.map(peerIdOf);
const STRANGE_MESSAGES = 500;
const TOKEN_FOR_MS = 200_000;
const OWN_FINGERPRINT = sha256(utf8("own"));

/** Makes inputs of all kinds: what an honest driver and honest neighbours give, and what they never would. */
export class FuzzInputs {
  readonly blocks: FuzzBlocks;
  readonly #random: Random;
  readonly #strange: readonly Message[];
  readonly #tokens = new Map<string, { readonly token: string; readonly at: InstantMs }>();

  constructor(random: Random) {
    this.#random = random;
    this.blocks = new FuzzBlocks(random);
    this.#strange = fc.sample(ANY_MESSAGE, {
      numRuns: STRANGE_MESSAGES,
      seed: random.below(2 ** 31),
    });
  }

  /** Some inputs that come at once. */
  next(now: InstantMs): Input[] {
    const chance = this.#random.next();
    const neighbour = this.#random.pick(IDS) as string;
    if (chance < 0.8)
      return [{ kind: "message", neighbour, message: this.#message(now, neighbour) }];
    if (chance < 0.86) return this.#connection(now);
    if (chance < 0.92) return [{ kind: "buffered", neighbour, bytes: this.#bufferedBytes() }];
    if (chance < 0.95) return [{ kind: "timeout" }];
    return [this.#rareInput(now, neighbour)];
  }

  #rareInput(now: InstantMs, neighbour: string): Input {
    const random = this.#random;
    const block = this.blocks.pick(now);
    const rare: readonly (() => Input)[] = [
      () => ({ kind: "malformed", neighbour, detail: "Unknown type é." }),
      () => ({ kind: "closed", neighbour }),
      () => this.#publish(block),
      () => ({ kind: "introduced", peers: [{ peer: neighbour, role: this.#role() }] }),
      () => ({ kind: "undialable", peer: neighbour }),
      () => ({
        ...{ kind: "signal", peer: neighbour, via: random.pick(IDS) as string },
        payload: this.#bytes(200),
      }),
      () => ({
        kind: "fetched",
        block: block.id,
        start: random.below(3) === 0 ? random.below(1 << 16) : 0,
        bytes: this.#likely() ? block.source : this.#bytes(99),
      }),
      () => ({ kind: "token", token: this.#token(now, "own") }),
      () => ({
        kind: "follow",
        renditions: [0, 1, 2]
          .filter(() => this.#likely())
          .map((rendition) => ({ rendition, sequence: random.below(2) * block.id.sequence })),
      }),
      () => ({ kind: random.below(20) === 0 ? "leave" : "timeout" }),
    ];
    return (random.pick(rare) as () => Input)();
  }

  #connection(now: InstantMs): Input[] {
    const name = this.#random.pick(NAMES) as string;
    const neighbour = peerIdOf(name);
    const remoteFingerprint = sha256(utf8(name));
    const connected: Input = {
      ...{ kind: "connected", neighbour, isInitiator: this.#random.below(2) === 0 },
      ...{ localFingerprint: OWN_FINGERPRINT, remoteFingerprint },
    };
    const proof = sign(
      helloProofMessage(this.blocks.origin.stream, remoteFingerprint, OWN_FINGERPRINT),
      secretKeyOf(name),
    );
    const token = this.#token(now, name);
    const hello: Message = { type: "hello", version: WIRE_VERSION, token, proof };
    return this.#likely()
      ? [connected, { kind: "message", neighbour, message: hello }]
      : [connected];
  }

  #publish({ published }: FuzzBlock): Input {
    const { jws } = published;
    return this.#likely() ? published : { ...published, jws: `${jws.slice(0, -4)}AAAA` };
  }

  #message(now: InstantMs, from: string): Message {
    if (this.#random.below(8) === 0) return this.#random.pick(this.#strange) as Message;
    const { id: block, published, source } = this.blocks.pick(now);
    const random = this.#random;
    const n = published.symbols.length;
    const esi = random.below(n + 1);
    const esis = this.#esis(n);
    const rendition = random.below(4);
    const classes = random.below(2 ** 17);
    const spare = random.below(20);
    const usual: readonly (() => Message)[] = [
      () => this.#manifest(published),
      () => this.#manifest(published),
      () => ({ type: "have", block, esis }),
      () => ({ type: "request", block, withinMs: random.below(5000), esis }),
      () => ({ type: "request", block, withinMs: 1000, esis: [] }),
      ...Array.from({ length: 6 }, () => () => {
        const right = published.symbols[esi] ?? source;
        const bytes = random.below(200) === 0 ? this.#bytes(right.length) : right;
        return { type: "symbol", block, esi: esi & 0xff, bytes } as const;
      }),
      () => ({ type: "cancel", block, esis: [esi] }),
      () => ({ type: "decline", block, isBusy: this.#likely(), esis: [esi] }),
      () => ({ type: "subscribe", rendition, classes }),
      () => ({ type: "serve", rendition, classes, spare }),
      () => this.#status(rendition, spare),
      () => this.#peers(spare),
      () => ({ type: "relay", from, to: random.pick(IDS) as string, payload: this.#bytes(100) }),
      () => this.#evidence(now, from),
      () => ({ type: "ping", id: random.u32() }),
      () => ({ type: "pong", id: random.below(20) }),
      () => ({ type: random.below(20) === 0 ? "bye" : "ping", id: 1, code: "leaving", reason: "" }),
    ];
    return (random.pick(usual) as () => Message)();
  }

  #manifest({ jws, leaves }: FuzzBlock["published"]): Message {
    const ageMs = this.#random.below(this.#likely() ? 300 : 0x1_00_00);
    if (this.#random.below(50) > 0) return { type: "manifest", ageMs, jws, leaves };
    return { type: "manifest", ageMs, jws, leaves: leaves.slice(1) };
  }

  #status(rendition: number, spare: number): Message {
    const lags = Uint8Array.from({ length: LAGS }, () => this.#random.below(256));
    const capacityKbps = this.#random.below(100_000);
    const feeds = [{ rendition, lags }];
    return { type: "status", capacityKbps, roomKbps: capacityKbps, spare, feeds };
  }

  #peers(spare: number): Message {
    const peer = this.#random.pick(IDS) as string;
    const role = this.#role();
    return { type: "peers", peers: [{ peer, role, capacityKbps: this.#random.u32(), spare }] };
  }

  #evidence(now: InstantMs, from: string): Message {
    const ageS = this.#likely() ? this.#random.below(30) : this.#random.below(300);
    const issuedAtS = Math.floor(now / 1000) - ageS;
    const subject = this.#random.pick(IDS) as string;
    const records = [{ subject, deliveredKib: this.#random.u32(), failed: this.#random.below(99) }];
    const name = NAMES[IDS.indexOf(from)] as string;
    const signature = sign(evidenceMessage(issuedAtS, records), secretKeyOf(name));
    return { type: "evidence", records, issuedAtS, signature };
  }

  #esis(n: number): number[] {
    if (this.#random.below(2) === 0) return Array.from({ length: n }, (_, esi) => esi);
    const first = this.#random.below(n);
    return Array.from({ length: 1 + this.#random.below(n - first) }, (_, index) => first + index);
  }

  #token(now: InstantMs, name: string): string {
    const kept = this.#tokens.get(name);
    if (kept !== undefined && now - kept.at < TOKEN_FOR_MS) return kept.token;
    const role = name === "peer 0" ? "seed" : "viewer";
    const token = this.blocks.origin.token(now, name, role);
    this.#tokens.set(name, { token, at: now });
    return token;
  }

  #role(): PeerRole {
    return this.#random.below(8) === 0 ? "seed" : "viewer";
  }

  #bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#random.below(256));
  }

  #bufferedBytes(): number {
    return this.#likely() ? 0 : this.#random.below(4 * 1024 * 1024);
  }

  #likely(): boolean {
    return this.#random.below(8) > 0;
  }
}
