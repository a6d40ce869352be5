import { once } from "node:events";
import { WebSocket } from "ws";
import { type Random, toBase64Url, trackerProofMessage } from "../core/index.ts";
import { nodeCrypto } from "../core/node/index.ts";
import { createIdentity } from "../peer/index.ts";
import { mutated, pick } from "./fuzz-values.ts";

const MESSAGES_MAX = 40;
const WAIT_MS = 20_000;
/** What a tracker may close with: RFC 6455 section 7.4.1, and its own. */
const CLOSES = [1000, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 4000];
const MID = "0";

/** Good messages of a peer that has joined. */
const MESSAGES: readonly object[] = [
  { type: "want", count: 8 },
  { type: "room", count: 3 },
  { type: "signal", peer: "a".repeat(43), signal: { kind: "candidate", candidate: "a", mid: MID } },
  {
    type: "signal",
    peer: "b".repeat(43),
    signal: { kind: "description", sdpType: "offer", sdp: "v=0\r\n" },
  },
  { type: "equivocation", first: "a.b.c", second: "d.e.f" },
  {
    ...{ type: "stats", playedBytes: 1, fromPeersBytes: 1, fromSeedsBytes: 0, fromHttpBytes: 0 },
    ...{ blocks: 1, missing: 0, rejected: 0 },
  },
];
/** What must never be told: it is a tracker's own fault. */
const FAULT = "tracker-unavailable";

/** Peers that join a tracker that runs, some of them well, and then send what they like. */
export class TrackerFuzz {
  readonly #httpUrl: string;
  readonly #apiKey: string;
  messages = 0;
  readonly closes = new Map<number, number>();

  constructor(httpUrl: string, apiKey: string) {
    this.#httpUrl = httpUrl;
    this.#apiKey = apiKey;
  }

  /** One connection to its end. Throws an Error at a close or a message that must not be. */
  async step(random: Random): Promise<void> {
    const url = `${this.#httpUrl.replace("http", "ws")}/api/v1/tracker`;
    const socket = new WebSocket(url);
    const told: string[] = [];
    socket.on("error", () => undefined).on("message", (data) => told.push(String(data)));
    const closed = once(socket, "close", { signal: AbortSignal.timeout(WAIT_MS) });
    await Promise.race([once(socket, "message"), closed]);
    if (random.next() < 0.7) await this.#join(socket, told, random);
    for (let left = random.below(MESSAGES_MAX); left > 0; left -= 1) this.#send(socket, random);
    // What ends the connection for sure, if nothing did before.
    if (random.next() < 0.5) socket.send("the end");
    else socket.close();
    const [code] = (await closed) as [number];
    this.closes.set(code, (this.closes.get(code) ?? 0) + 1);
    if (!CLOSES.includes(code)) throw new Error(`The tracker closed with ${code}.`);
    const fault = told.find((text) => text.includes(FAULT));
    if (fault !== undefined) throw new Error(`The tracker told of a fault of its own: ${fault}`);
  }

  async #join(socket: WebSocket, told: readonly string[], random: Random): Promise<void> {
    const identity = createIdentity(nodeCrypto);
    const response = await fetch(`${this.#httpUrl}/api/v1/streams/main/tokens`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${this.#apiKey}` },
      body: JSON.stringify({ publicKey: identity.id }),
    });
    const { token = "" } = (await response.json()) as { token?: string };
    const { nonce = "" } = JSON.parse(told[0] ?? "{}") as { nonce?: string };
    const proof = toBase64Url(nodeCrypto.sign(trackerProofMessage(nonce), identity.secretKey));
    const join = JSON.stringify({ type: "join", token, proof });
    const isGood = random.next() < 0.8;
    if (socket.readyState !== WebSocket.OPEN) return;
    if (isGood) {
      const answer = once(socket, "message");
      socket.send(join);
      await Promise.race([answer, once(socket, "close")]);
    } else socket.send(mutated(random, new TextEncoder().encode(join)), { binary: false });
  }

  #send(socket: WebSocket, random: Random): void {
    if (socket.readyState !== WebSocket.OPEN) return;
    const bytes = new TextEncoder().encode(JSON.stringify(pick(random, MESSAGES)));
    const isGood = random.next() < 0.7;
    this.messages += 1;
    socket.send(isGood ? bytes : mutated(random, bytes), { binary: random.next() < 0.02 });
  }
}
