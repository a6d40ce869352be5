import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { concatBytes } from "../../core/index.ts";
import type { FlvTag } from "../flv.ts";
import { type Amf0Value, decodeAmf0, encodeAmf0 } from "./amf0.ts";
import { ChunkReader } from "./chunk-reader.ts";
import { encodeChunks } from "./chunk-writer.ts";
import { HANDSHAKE_BYTES } from "./handshake.ts";
import { MESSAGE_TYPE } from "./message.ts";

const CHUNK_BYTES = 128;
const MESSAGE_BYTES_MAX = 64 * 1024;

/** C0, C1 and C2 of a client that does not wait for answers. */
export function clientHandshake(): Uint8Array {
  return concatBytes(Uint8Array.of(3), new Uint8Array(2 * HANDSHAKE_BYTES));
}

/** The chunks of one remote procedure call. */
export function clientCall(name: string, transaction: number, ...values: Amf0Value[]): Uint8Array {
  const payload = encodeAmf0(name, transaction, ...values);
  const message = { type: MESSAGE_TYPE.commandAmf0, messageStream: 0, timestampMs: 0, payload };
  return encodeChunks(message, 3, CHUNK_BYTES);
}

/** All calls of an encoder up to and with `publish`. */
export function clientPublish(streamName: string, app = "live"): Uint8Array {
  return concatBytes(
    clientCall("connect", 1, { app, type: "nonprivate", tcUrl: `rtmp://host/${app}` }),
    clientCall("releaseStream", 2, null, streamName),
    clientCall("FCPublish", 3, null, streamName),
    clientCall("createStream", 4, null),
    clientCall("publish", 5, null, streamName, app),
  );
}

/** The chunks of one audio, video or script tag. */
export function clientTag({ type, timestampMs, payload }: FlvTag): Uint8Array {
  return encodeChunks({ type, messageStream: 1, timestampMs, payload }, 4, CHUNK_BYTES);
}

/** An answer of the server: the values of one of its commands, names first. */
export type ServerCommand = readonly Amf0Value[];

/** Reads what a server sends, handshake included. */
export class ServerAnswers {
  readonly commands: ServerCommand[] = [];
  readonly #reader = new ChunkReader(MESSAGE_BYTES_MAX);
  #handshakeBytesLeft = 1 + 2 * HANDSHAKE_BYTES;

  push(bytes: Uint8Array): void {
    const skipped = Math.min(this.#handshakeBytesLeft, bytes.length);
    this.#handshakeBytesLeft -= skipped;
    this.#reader.push(bytes.subarray(skipped));
    for (let next = this.#reader.next(); next !== undefined; next = this.#reader.next()) {
      if (next.type === MESSAGE_TYPE.commandAmf0) this.commands.push(decodeAmf0(next.payload));
    }
  }

  /** The `code` of every status that the server gave, in order. */
  get codes(): string[] {
    return this.#information("code");
  }

  /** The `description` of every status that the server gave, in order. */
  get descriptions(): string[] {
    return this.#information("description");
  }

  #information(name: string): string[] {
    return this.commands.flatMap((values) => {
      const information = Object.entries(values.at(-1) ?? {}).find(([key]) => key === name)?.[1];
      return typeof information === "string" ? [information] : [];
    });
  }
}

/** A publisher on a real socket that sends what it is told; for tests of everything that is odd. */
export class ScriptedPublisher {
  readonly answers = new ServerAnswers();
  readonly socket: Socket;
  /** Settles when the server has closed the connection. */
  readonly closed: Promise<unknown>;

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = once(socket, "close");
    socket.on("data", (bytes: Uint8Array) => this.answers.push(bytes));
    socket.on("error", () => {}); // A reset is one of the ways in which a server may close.
  }

  static async connect(port: number): Promise<ScriptedPublisher> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new ScriptedPublisher(socket);
  }

  send(...pieces: readonly Uint8Array[]): void {
    this.socket.write(concatBytes(...pieces));
  }

  /** Waits until the server has given a status of this code. */
  async status(code: string): Promise<void> {
    while (!this.answers.codes.includes(code)) await once(this.socket, "data");
  }
}
