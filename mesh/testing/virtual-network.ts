import {
  after,
  assert,
  type InstantMs,
  instantMs,
  type Message,
  nobleCrypto,
  utf8,
} from "../../core/index.ts";
import type { Input, Output } from "../mesh-io.ts";
import type { MeshPeer } from "../mesh-peer.ts";

interface Delivery {
  readonly at: InstantMs;
  readonly to: string;
  readonly input: Input;
}

/** May change or drop what `from` sends to `to`. */
export type Tamper = (message: Message, from: string, to: string) => readonly Message[];

/** Peers on links with a fixed delay, in virtual time. */
export class VirtualNetwork {
  readonly #peers = new Map<string, MeshPeer>();
  readonly #outputs = new Map<string, Output[]>();
  readonly #delayMs: number;
  readonly #tamper: Tamper;
  #deliveries: Delivery[] = [];
  now: InstantMs = instantMs(1_800_000_000_000);

  constructor(delayMs = 20, tamper: Tamper = (message) => [message]) {
    this.#delayMs = delayMs;
    this.#tamper = tamper;
  }

  add(id: string, peer: MeshPeer): void {
    this.#peers.set(id, peer);
    this.#outputs.set(id, []);
  }

  /** Opens a channel between two peers. */
  connect(a: string, b: string): void {
    const [ofA, ofB] = [a, b].map((id) => nobleCrypto.sha256(utf8(id)));
    assert(ofA !== undefined && ofB !== undefined, "both peers have a fingerprint");
    this.input(a, {
      kind: "connected",
      neighbour: b,
      localFingerprint: ofA,
      remoteFingerprint: ofB,
      isInitiator: true,
    });
    this.input(b, {
      kind: "connected",
      neighbour: a,
      localFingerprint: ofB,
      remoteFingerprint: ofA,
      isInitiator: false,
    });
  }

  /** Feeds a peer and carries away what it sends. */
  input(id: string, input: Input): void {
    const peer = this.#peers.get(id);
    assert(peer !== undefined, "the peer is in the network");
    peer.handleInput(this.now, input);
    for (let output = peer.pollOutput(); output !== undefined; output = peer.pollOutput()) {
      this.#outputs.get(id)?.push(output);
      if (output.kind === "transmit") this.#carry(id, output.neighbour, output.message);
      if (output.kind === "disconnect") {
        this.#deliver(output.neighbour, { kind: "closed", neighbour: id });
      }
    }
  }

  /** Lets `durationMs` pass. */
  run(durationMs: number): void {
    const end = after(this.now, durationMs);
    for (
      let next = this.#nextEvent();
      next !== undefined && next.at <= end;
      next = this.#nextEvent()
    ) {
      this.now = instantMs(Math.max(next.at, this.now));
      this.#deliveries = this.#deliveries.filter((delivery) => delivery !== next);
      this.input(next.to, next.input);
    }
    this.now = end;
  }

  /** All outputs of one kind that a peer gave. */
  outputs<Kind extends Output["kind"]>(id: string, kind: Kind): Extract<Output, { kind: Kind }>[] {
    const outputs = this.#outputs.get(id) ?? [];
    return outputs.filter(
      (output): output is Extract<Output, { kind: Kind }> => output.kind === kind,
    );
  }

  #carry(from: string, to: string, message: Message): void {
    for (const carried of this.#tamper(message, from, to)) {
      this.#deliver(to, { kind: "message", neighbour: from, message: carried });
    }
    this.#deliver(from, { kind: "buffered", neighbour: to, bytes: 0 });
  }

  #deliver(to: string, input: Input): void {
    this.#deliveries.push({ at: after(this.now, this.#delayMs), to, input });
  }

  #nextEvent(): Delivery | undefined {
    let first: Delivery | undefined;
    for (const delivery of this.#deliveries) {
      if (first === undefined || delivery.at < first.at) first = delivery;
    }
    for (const [to, peer] of this.#peers) {
      const at = peer.pollTimeout();
      if (at !== undefined && (first === undefined || at < first.at)) {
        first = { at, to, input: { kind: "timeout" } };
      }
    }
    return first;
  }
}
