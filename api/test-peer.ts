import { randomBytes, scryptSync } from "node:crypto";
import { once } from "node:events";
import { WebSocket } from "ws";
import {
  fromBase64Url,
  isWorkDone,
  JOIN_WORK_SCRYPT,
  type JoinPuzzle,
  type JoinWork,
  joinWorkInput,
  nobleCrypto,
  type PeerToTracker,
  parseTrackerMessage,
  type TrackerToPeer,
  toBase64Url,
  trackerProofMessage,
} from "../core/index.ts";
import { ask, posting, type TestApi } from "./test-origin.ts";
import { TRACKER_PATH } from "./tracker.ts";

/** A peer with a key and a WebSocket to the tracker, for the tests of this folder. */
export class TestPeer {
  readonly secretKey: Uint8Array = new Uint8Array(randomBytes(32));
  readonly id = toBase64Url(nobleCrypto.publicKeyOf(this.secretKey));
  readonly socket: WebSocket;
  readonly closed: Promise<number>;
  readonly #inbox: TrackerToPeer[] = [];
  #wake: () => void = () => undefined;

  private constructor(api: TestApi, headers: Record<string, string>) {
    this.socket = new WebSocket(`${api.url.replace("http", "ws")}${TRACKER_PATH}`, { headers });
    this.socket.on("message", (data) => {
      this.#inbox.push(parseTrackerMessage(String(data)));
      this.#wake();
    });
    this.socket.on("error", () => undefined);
    this.closed = once(this.socket, "close").then(([code]) => {
      this.#wake();
      return code as number;
    });
  }

  /** `headers`: what a browser would add. */
  static async connect(api: TestApi, headers: Record<string, string> = {}): Promise<TestPeer> {
    const peer = new TestPeer(api, headers);
    await once(peer.socket, "open");
    return peer;
  }

  /** Connects with a new key, asks the API for a token, and joins. */
  static async join(api: TestApi, stream: string, seedKey?: string): Promise<JoinedPeer> {
    const peer = await TestPeer.connect(api);
    const token = await peer.askToken(api, stream, seedKey);
    return { peer, joined: await peer.joinWith(token), token };
  }

  async askToken(api: TestApi, stream: string, seedKey?: string): Promise<string> {
    const role = seedKey === undefined ? "viewer" : "seed";
    const url = `${api.url}/api/v1/streams/${stream}/tokens`;
    const { body } = await ask(url, posting({ publicKey: this.id, role }, seedKey));
    return String(body["token"]);
  }

  async joinWith(token: string, key = this.secretKey): Promise<Joined> {
    await this.sendJoin(token, key);
    return this.next("joined");
  }

  async sendJoin(token: string, key = this.secretKey): Promise<void> {
    const { nonce } = await this.next("challenge");
    const signature = nobleCrypto.sign(trackerProofMessage(nonce), key);
    this.send({ type: "join", token, proof: toBase64Url(signature) });
  }

  send(message: PeerToTracker): void {
    this.socket.send(JSON.stringify(message));
  }

  /** Sends a candidate to another peer. */
  signal(to: TestPeer, candidate: string): void {
    this.send({ type: "signal", peer: to.id, signal: { kind: "candidate", candidate, mid: "0" } });
  }

  /** The next message, which must be of this type. */
  async next<Type extends TrackerToPeer["type"]>(
    type: Type,
  ): Promise<TrackerToPeer & { type: Type }> {
    while (this.#inbox.length === 0) {
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error(`closed before a ${type}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const message = this.#inbox.shift();
    if (message?.type === type) return message as TrackerToPeer & { type: Type };
    throw new Error(`expected ${type}, got ${JSON.stringify(message)}`);
  }

  /** The code of the error that the tracker ends the connection with. */
  async refusal(): Promise<string> {
    const { code } = await this.next("error");
    await this.closed;
    return code;
  }

  close(): void {
    this.socket.close();
  }
}

export type Joined = TrackerToPeer & { type: "joined" };

export interface JoinedPeer {
  readonly peer: TestPeer;
  readonly joined: Joined;
  readonly token: string;
}

/** The claims of a token, unchecked. */
export function claimsOf(token: string): Record<string, unknown> {
  const [, payload = ""] = token.split(".");
  return JSON.parse(new TextDecoder().decode(fromBase64Url(payload))) as Record<string, unknown>;
}

/** The first counter that answers a puzzle, or that does as `want` says. */
export function solved(
  { challenge, work }: JoinPuzzle,
  want: (isAnswer: boolean) => boolean = (isAnswer) => isAnswer,
): JoinWork {
  const { dkLen, ...cost } = JOIN_WORK_SCRYPT;
  for (let counter = 0; ; counter += 1) {
    const { password, salt } = joinWorkInput({ challenge, counter });
    if (want(isWorkDone(scryptSync(password, salt, dkLen, cost), work))) {
      return { challenge, counter };
    }
  }
}
