import {
  after,
  errorCode,
  fromBase64Url,
  helloProofMessage,
  type InstantMs,
  type Message,
  type PeerRole,
  StarlingError,
  verifyJoinToken,
  WIRE_VERSION,
} from "../core/index.ts";
import { Downloads } from "./downloads.ts";
import {
  BLOCKS_ON_HELLO,
  HELLO_TIMEOUT_MS,
  NEIGHBOURS_MAX,
  PING_AFTER_SILENCE_MS,
  SILENCE_MAX_MS,
  STRIKES_MAX,
} from "./limits.ts";
import type { Input, MeshStats, Output, ProtocolPeer } from "./mesh-io.ts";
import { earliest, type MeshOptions, MeshState } from "./mesh-state.ts";
import { Neighbour } from "./neighbour.ts";
import { Uploads, uploadBudget } from "./uploads.ts";

/**
 * One peer of one stream's mesh: the whole protocol (PROTOCOL.md) and no IO. Feed what happened with
 * `handleInput`, then take outputs with `pollOutput` until it gives undefined, then arm one timer for
 * `pollTimeout` and feed `{ kind: "timeout" }` when it fires. Time is an argument and never goes back.
 * The driver tells the bytes of channels ("buffered") when their queues have drained.
 */
export class MeshPeer implements ProtocolPeer {
  readonly #state: MeshState;
  readonly #downloads: Downloads;
  readonly #uploads: Uploads;
  #token: string;
  #pingId = 0;

  constructor(options: MeshOptions) {
    this.#state = new MeshState(options);
    this.#downloads = new Downloads(this.#state);
    this.#uploads = new Uploads(this.#state);
    this.#token = options.token;
  }

  get stats(): Readonly<MeshStats> {
    return this.#state.stats;
  }

  /** The neighbours whose hello was good, by their public keys. */
  get neighbours(): readonly { readonly id: string; readonly role: PeerRole }[] {
    return this.#state
      .ready()
      .flatMap(({ id, role }) => (role === undefined ? [] : [{ id, role }]));
  }

  /** Takes one input. Bad bytes from a neighbour become outputs; nothing is thrown for them. */
  handleInput(now: InstantMs, input: Input): void {
    switch (input.kind) {
      case "connected":
        this.#connected(now, input);
        break;
      case "message":
        this.#received(now, input.neighbour, input.message);
        break;
      case "malformed":
        this.#malformed(input);
        break;
      case "closed":
        this.#state.neighbours.delete(input.neighbour);
        break;
      case "buffered":
        this.#buffered(input.neighbour, input.bytes);
        break;
      case "publish":
        this.#publish(now, input);
        break;
      case "token":
        this.#token = input.token;
        break;
      case "leave":
        for (const neighbour of [...this.#state.neighbours.values()]) {
          this.#state.disconnect(neighbour, "leaving", "");
        }
        break;
      case "timeout":
      case "introduced":
      case "undialable":
      case "signal":
      case "fetched":
        break;
      default:
        input satisfies never;
    }
    this.#keepAlive(now);
    this.#downloads.run(now);
    this.#uploads.pump(now);
  }

  /** The next output, or undefined. */
  pollOutput(): Output | undefined {
    return this.#state.outputs.shift();
  }

  /** When the next "timeout" input is due, or undefined. */
  pollTimeout(): InstantMs | undefined {
    const signs = [...this.#state.neighbours.values()].map((neighbour) =>
      earliest(
        neighbour.isReady
          ? [
              after(lastSign(neighbour), PING_AFTER_SILENCE_MS),
              after(neighbour.heardAt, SILENCE_MAX_MS),
            ]
          : [after(neighbour.connectedAt, HELLO_TIMEOUT_MS)],
      ),
    );
    return earliest([...signs, this.#downloads.nextTimeout(), this.#uploads.nextTimeout()]);
  }

  #connected(now: InstantMs, input: Extract<Input, { kind: "connected" }>): void {
    const { neighbours, options } = this.#state;
    const neighbour = new Neighbour(
      now,
      input.neighbour,
      { local: input.localFingerprint, remote: input.remoteFingerprint },
      uploadBudget(now, options.limits.perPeerUploadBytesPerS),
    );
    const isFull = neighbours.size >= NEIGHBOURS_MAX;
    neighbours.set(neighbour.id, neighbour);
    if (isFull) {
      this.#state.disconnect(neighbour, "overloaded", "too many neighbours");
      return;
    }
    const proof = helloProofMessage(neighbour.localFingerprint, neighbour.remoteFingerprint);
    this.#state.send(neighbour, {
      type: "hello",
      version: WIRE_VERSION,
      token: this.#token,
      proof: options.crypto.sign(proof, options.peer.secretKey),
    });
  }

  #malformed({ neighbour: id, detail }: Extract<Input, { kind: "malformed" }>): void {
    const neighbour = this.#state.neighbours.get(id);
    if (neighbour === undefined) return;
    this.#refuse(neighbour, new StarlingError("wire-malformed", detail));
  }

  #received(now: InstantMs, id: string, message: Message): void {
    const neighbour = this.#state.neighbours.get(id);
    if (neighbour === undefined) return; // It was cut, and what it had sent before still comes in.
    neighbour.heardAt = now;
    try {
      this.#dispatch(now, neighbour, message);
    } catch (error) {
      this.#refuse(neighbour, error);
    }
  }

  #dispatch(now: InstantMs, neighbour: Neighbour, message: Message): void {
    if (message.type === "bye") {
      this.#state.outputs.push({
        kind: "disconnect",
        neighbour: neighbour.id,
        code: message.code,
        reason: message.reason,
      });
      this.#state.neighbours.delete(neighbour.id);
    } else if (message.type === "hello") {
      this.#hello(now, neighbour, message);
    } else if (neighbour.isReady) {
      this.#message(now, neighbour, message);
    } else if (!neighbour.keepEarly(message)) {
      throw new StarlingError("wire-no-hello", "Too many messages before the hello.");
    }
  }

  #hello(now: InstantMs, neighbour: Neighbour, hello: Extract<Message, { type: "hello" }>): void {
    if (neighbour.isReady) throw new StarlingError("wire-malformed", "A second hello.");
    neighbour.role = this.#verifyHello(now, neighbour, hello);
    this.#state.outputs.push({ kind: "ready", neighbour: neighbour.id, role: neighbour.role });
    for (const block of this.#state.cache.newest(BLOCKS_ON_HELLO)) {
      this.#downloads.tellNeighbour(now, neighbour, block);
    }
    for (const message of neighbour.takeEarly()) this.#received(now, neighbour.id, message);
  }

  #verifyHello(
    now: InstantMs,
    neighbour: Neighbour,
    { version, token, proof }: Extract<Message, { type: "hello" }>,
  ): PeerRole {
    if (version !== WIRE_VERSION) {
      throw new StarlingError("hello-version", `Speaks version ${version}, not ${WIRE_VERSION}.`);
    }
    const { keys, crypto, stream } = this.#state.options;
    const claims = verifyJoinToken(token, { keys, crypto }, { stream, now });
    if (claims.peer !== neighbour.id) {
      throw new StarlingError(
        "hello-wrong-peer",
        "The token is of another peer than the one dialled.",
      );
    }
    const message = helloProofMessage(neighbour.remoteFingerprint, neighbour.localFingerprint);
    if (!crypto.verify(proof, message, fromBase64Url(claims.peer))) {
      throw new StarlingError("hello-bad-proof", "The proof does not fit this very connection.");
    }
    return claims.role;
  }

  #message(
    now: InstantMs,
    neighbour: Neighbour,
    message: Exclude<Message, { type: "hello" | "bye" }>,
  ): void {
    switch (message.type) {
      case "manifest":
        this.#downloads.manifest(now, neighbour, message);
        break;
      case "have":
        this.#downloads.have(neighbour, message);
        break;
      case "request":
        this.#uploads.request(now, neighbour, message);
        break;
      case "symbol":
        this.#downloads.symbol(now, neighbour, message);
        break;
      case "cancel":
        this.#uploads.cancel(neighbour, message.block, message.esis);
        break;
      case "ping":
        this.#state.send(neighbour, { type: "pong", id: message.id });
        break;
      case "pong":
        break;
      default:
        message satisfies never;
    }
  }

  #buffered(id: string, bytes: number): void {
    const neighbour = this.#state.neighbours.get(id);
    if (neighbour !== undefined) neighbour.bufferedBytes = bytes;
  }

  #publish(now: InstantMs, input: Extract<Input, { kind: "publish" }>): void {
    const announced = this.#downloads.verify(now, input.jws, input.leaves);
    if (this.#state.cache.has(announced)) return;
    const block = this.#state.cache.addPublished(now, announced, input.symbols);
    if (block !== undefined) this.#downloads.tell(now, block);
  }

  /** Refuses what a neighbour sent, and cuts it off for what no honest peer sends. */
  #refuse(neighbour: Neighbour, error: unknown): void {
    const code = errorCode(error);
    if (!(error instanceof StarlingError) || code === undefined) throw error;
    this.#state.reject(neighbour, code, error.message);
    if (code.startsWith("wire-")) {
      this.#state.disconnect(neighbour, "protocol-error", error.message);
    } else if (!neighbour.isReady) {
      this.#state.disconnect(neighbour, "refused", error.message);
    } else if (code !== "manifest-equivocation") {
      neighbour.strikes += code === "symbol-bad-hash" ? STRIKES_MAX : 1;
      if (neighbour.strikes >= STRIKES_MAX) {
        this.#state.disconnect(neighbour, "bad-data", error.message);
      }
    }
  }

  #keepAlive(now: InstantMs): void {
    for (const neighbour of [...this.#state.neighbours.values()]) {
      if (!neighbour.isReady && after(neighbour.connectedAt, HELLO_TIMEOUT_MS) <= now) {
        this.#state.disconnect(neighbour, "silent", "no hello came in time");
      } else if (after(neighbour.heardAt, SILENCE_MAX_MS) <= now) {
        this.#state.disconnect(neighbour, "silent", "no sign of life");
      } else if (neighbour.isReady && after(lastSign(neighbour), PING_AFTER_SILENCE_MS) <= now) {
        neighbour.pingedAt = now;
        this.#pingId = (this.#pingId + 1) >>> 0;
        this.#state.send(neighbour, { type: "ping", id: this.#pingId });
      }
    }
  }
}

/** When the neighbour was last heard or asked for a sign of life. */
function lastSign({ heardAt, pingedAt }: Neighbour): InstantMs {
  return heardAt > pingedAt ? heardAt : pingedAt;
}
