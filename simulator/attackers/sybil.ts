import { helloProofMessage, type InstantMs, type Message, WIRE_VERSION } from "../../core/index.ts";
import type { Input, Output, ProtocolPeer } from "../../mesh/index.ts";
import type { PeerSetup } from "../protocol.ts";

/** Neighbours that each identity tries to be among. */
const DEGREE = 20;
const CLAIMED_KBPS = 25_000;
const CLAIMED_SPARE = 16;

/**
 * One of very many identities: it takes a place among the neighbours of honest peers, claims to be
 * strong, and does nothing. With a victim it dials no other, again and again. It is no peer of the protocol, so that thousands of them cost little.
 */
export class Sybil implements ProtocolPeer {
  readonly #setup: PeerSetup;
  readonly #victim: (() => string | undefined) | undefined;
  readonly #outputs: Output[] = [];
  readonly #tried = new Set<string>();
  #neighbours = 0;

  constructor(setup: PeerSetup, victim?: () => string | undefined) {
    this.#setup = setup;
    this.#victim = victim;
  }

  handleInput(_now: InstantMs, input: Input): void {
    if (input.kind === "message") {
      this.#message(input.neighbour, input.message);
    } else if (input.kind === "introduced") {
      if (this.#victim !== undefined) this.#press(this.#victim());
      else for (const { peer, role } of input.peers) if (role === "viewer") this.#dial(peer);
    } else if (input.kind === "connected") {
      this.#neighbours++;
      this.#greet(input);
    } else if (input.kind === "closed") {
      this.#neighbours--;
      this.#outputs.push({ kind: "wantPeers", count: DEGREE });
    }
  }

  pollOutput(): Output | undefined {
    return this.#outputs.shift();
  }

  pollTimeout(): InstantMs | undefined {
    return undefined;
  }

  #dial(peer: string): void {
    if (this.#neighbours >= DEGREE || this.#tried.has(peer)) return;
    this.#tried.add(peer);
    this.#outputs.push({ kind: "dial", peer, via: undefined });
  }

  #press(victim: string | undefined): void {
    if (victim === undefined) this.#outputs.push({ kind: "wantPeers", count: DEGREE });
    else if (this.#neighbours === 0) {
      this.#outputs.push({ kind: "dial", peer: victim, via: undefined });
    }
  }

  #greet(input: Extract<Input, { kind: "connected" }>): void {
    const { crypto, peer, stream, token } = this.#setup.options;
    const proof = helloProofMessage(stream, input.localFingerprint, input.remoteFingerprint);
    this.#send(input.neighbour, {
      type: "hello",
      version: WIRE_VERSION,
      token,
      proof: crypto.sign(proof, peer.secretKey),
    });
    this.#send(input.neighbour, {
      type: "status",
      capacityKbps: CLAIMED_KBPS,
      roomKbps: 0,
      spare: CLAIMED_SPARE,
      feeds: [],
    });
  }

  #message(neighbour: string, message: Message): void {
    if (message.type === "ping") this.#send(neighbour, { type: "pong", id: message.id });
    if (message.type !== "bye") return;
    this.#neighbours--;
    const { code, reason } = message;
    this.#outputs.push({ kind: "disconnect", neighbour, code, reason });
    this.#outputs.push({ kind: "wantPeers", count: DEGREE });
  }

  #send(neighbour: string, message: Message): void {
    this.#outputs.push({ kind: "transmit", neighbour, message });
  }
}
