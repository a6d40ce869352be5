import { assert, type InstantMs, StarlingError } from "../../core/index.ts";
import { FLV_TAG, type FlvTag } from "../flv.ts";
import { ChunkReader } from "./chunk-reader.ts";
import { encodeChunks } from "./chunk-writer.ts";
import * as command from "./command.ts";
import { Handshake } from "./handshake.ts";
import * as message from "./message.ts";
import { Patience, type RtmpTimeouts } from "./patience.ts";
import { applicationProblem, type PublishName, parsePublishName } from "./publish-name.ts";
import { scriptPayload } from "./script-data.ts";

const { MESSAGE_TYPE, CHUNK_STREAM } = message;

/** Bytes that a publisher may send before it is accepted; real ones need about 5 kB. */
export const SETUP_BYTES_MAX = 64 * 1024;
const SETUP_MESSAGE_BYTES_MAX = 16 * 1024;
/** The largest message of an accepted publisher: a key frame of a very good picture. */
export const MEDIA_MESSAGE_BYTES_MAX = 8 << 20;
const OUR_CHUNK_BYTES = 4096;
const CHUNK_BYTES_BEFORE_CHANGE = 128;
const ACKNOWLEDGEMENT_WINDOW_BYTES = 2_500_000;

/** What the driver tells the session. `resumed`: it reads again after holding the socket back. */
export type RtmpInput =
  | { readonly type: "bytes"; readonly bytes: Uint8Array }
  | { readonly type: "accept" }
  | { readonly type: "refuse"; readonly code: string; readonly description: string }
  | { readonly type: "resumed" }
  | { readonly type: "clock" };

/**
 * What the session asks of its driver. `publish` is answered with `accept` or `refuse`; until then
 * nothing more is read. After `closed` there is nothing more, and the driver ends the socket.
 */
export type RtmpOutput =
  | { readonly type: "send"; readonly bytes: Uint8Array }
  | ({ readonly type: "publish" } & PublishName)
  | { readonly type: "tag"; readonly tag: FlvTag }
  | { readonly type: "closed"; readonly code: string; readonly reason: string };

type State = "handshake" | "connecting" | "authorising" | "publishing" | "closed";

/**
 * One publisher's connection without IO (RTMP 1.0). Call `handleInput`, then `pollOutput` until it
 * gives nothing, and `handleInput` with `clock` when `deadline` has come.
 */
export class RtmpSession {
  readonly #patience: Patience;
  readonly #handshake: Handshake;
  readonly #reader = new ChunkReader(SETUP_MESSAGE_BYTES_MAX);
  readonly #outputs: RtmpOutput[] = [];
  #state: State = "handshake";
  #connected = false;
  #chunkBytes = CHUNK_BYTES_BEFORE_CHANGE;
  #receivedBytes = 0;
  #acknowledgedBytes = 0;
  #windowBytes = ACKNOWLEDGEMENT_WINDOW_BYTES;

  /** `random` gives that many random bytes, for the handshake. */
  constructor(now: InstantMs, timeouts: RtmpTimeouts, random: (byteLength: number) => Uint8Array) {
    this.#patience = new Patience(now, timeouts);
    this.#handshake = new Handshake(random);
  }

  /** When the session wants to hear `clock`; undefined once it is closed. */
  get deadline(): InstantMs | undefined {
    return this.#state === "closed" ? undefined : this.#patience.deadline;
  }

  /** Takes one input. Bad bytes close the session; only broken invariants are thrown. */
  handleInput(now: InstantMs, input: RtmpInput): void {
    if (this.#state === "closed") return;
    try {
      this.#handle(now, input);
    } catch (error) {
      if (!(error instanceof StarlingError)) throw error;
      this.#close(error.code, error.message);
    }
  }

  /** The next thing to do, in order. */
  pollOutput(): RtmpOutput | undefined {
    return this.#outputs.shift();
  }

  #handle(now: InstantMs, input: RtmpInput): void {
    switch (input.type) {
      case "bytes":
        this.#receive(now, input.bytes);
        break;
      case "accept":
        this.#accept(now);
        break;
      case "refuse":
        this.#send(command.publishDenied(input.description), CHUNK_STREAM.status);
        this.#close(input.code, input.description);
        break;
      case "resumed":
        this.#patience.resumed(now);
        break;
      case "clock":
        this.#patience.check(now);
        break;
      default:
        input satisfies never;
    }
  }

  #receive(now: InstantMs, bytes: Uint8Array): void {
    this.#receivedBytes += bytes.length;
    if (this.#state === "handshake") this.#shakeHands(bytes);
    else this.#reader.push(bytes);
    this.#readMessages(now);
    this.#acknowledge();
    if (this.#state === "connecting" && this.#receivedBytes > SETUP_BYTES_MAX) {
      throw new StarlingError(
        "rtmp-limit",
        `${SETUP_BYTES_MAX} bytes came and no publish command: this is no encoder.`,
      );
    }
  }

  #shakeHands(bytes: Uint8Array): void {
    const reply = this.#handshake.push(bytes);
    if (reply !== undefined) this.#outputs.push({ type: "send", bytes: reply });
    if (!this.#handshake.done) return;
    this.#state = "connecting";
    this.#patience.handshaken();
    this.#reader.push(this.#handshake.rest);
  }

  #readMessages(now: InstantMs): void {
    while (this.#state === "connecting" || this.#state === "publishing") {
      const next = this.#reader.next();
      if (next === undefined) return;
      this.#dispatch(now, next);
    }
  }

  #dispatch(now: InstantMs, next: message.RtmpMessage): void {
    switch (next.type) {
      case MESSAGE_TYPE.commandAmf0:
      case MESSAGE_TYPE.commandAmf3:
        this.#call(command.parseCommand(next));
        break;
      case MESSAGE_TYPE.audio:
      case MESSAGE_TYPE.video:
        this.#patience.media(now);
        this.#tag(next.type, next.timestampMs, next.payload);
        break;
      case MESSAGE_TYPE.dataAmf0:
      case MESSAGE_TYPE.dataAmf3:
        this.#tag(FLV_TAG.script, next.timestampMs, scriptPayload(next));
        break;
      case MESSAGE_TYPE.windowAcknowledgementSize:
        this.#windowBytes = Math.max(1, message.controlValue(next.payload));
        break;
      case MESSAGE_TYPE.userControl:
        this.#send(message.pingResponse(next.payload), CHUNK_STREAM.control);
        break;
      case MESSAGE_TYPE.aggregate:
        throw new StarlingError(
          "rtmp-aggregate",
          "The encoder sends aggregate messages, which are not supported; turn them off.",
        );
      default: // Acknowledgements and the like need no answer.
    }
  }

  #call(call: command.Command): void {
    switch (call.name) {
      case "connect":
        this.#connect(call);
        break;
      case "createStream":
        this.#reply(command.result(call.transaction, null, command.PUBLISH_STREAM));
        break;
      case "releaseStream":
        this.#reply(command.result(call.transaction, null, undefined));
        break;
      case "FCPublish":
        this.#reply(command.onFcPublish());
        this.#reply(command.result(call.transaction, null, undefined));
        break;
      case "publish":
        this.#publish(call);
        break;
      case "FCUnpublish":
      case "deleteStream":
      case "closeStream":
        if (this.#state === "publishing") this.#close("rtmp-unpublished", "The publisher stopped.");
        break;
      case "play":
        throw new StarlingError(
          "rtmp-play",
          "A player tried to watch over RTMP; this port only takes publishers. Watch over HTTP.",
        );
      default: // Calls that some encoders make and none depends on, such as _checkbw.
    }
  }

  #connect({ transaction, values }: command.Command): void {
    const problem = applicationProblem(command.textMember(values[0], "app"));
    if (problem !== undefined) {
      this.#reply(command.connectRejected(transaction, problem));
      throw new StarlingError("rtmp-application", problem);
    }
    this.#connected = true;
    const windowBytes = ACKNOWLEDGEMENT_WINDOW_BYTES;
    this.#send(message.windowAcknowledgementSize(windowBytes), CHUNK_STREAM.control);
    this.#send(message.setPeerBandwidth(windowBytes), CHUNK_STREAM.control);
    this.#send(message.setChunkSize(OUR_CHUNK_BYTES), CHUNK_STREAM.control);
    this.#chunkBytes = OUR_CHUNK_BYTES;
    this.#reply(command.connectAccepted(transaction));
  }

  #publish({ values }: command.Command): void {
    if (!this.#connected || this.#state !== "connecting") {
      throw new StarlingError("rtmp-command", "A publish command came out of turn.");
    }
    this.#outputs.push({ type: "publish", ...parsePublishName(values[1]) });
    this.#state = "authorising";
  }

  #accept(now: InstantMs): void {
    assert(this.#state === "authorising", "only a publish command is accepted");
    this.#state = "publishing";
    this.#reader.messageBytesMax = MEDIA_MESSAGE_BYTES_MAX;
    this.#send(message.streamBegin(command.PUBLISH_STREAM), CHUNK_STREAM.control);
    this.#send(command.publishStarted(), CHUNK_STREAM.status);
    this.#readMessages(now);
  }

  #tag(type: FlvTag["type"], timestampMs: number, payload: Uint8Array | undefined): void {
    if (this.#state !== "publishing") {
      throw new StarlingError("rtmp-command", "Media came before the publish command.");
    }
    if (payload === undefined || payload.length === 0) return;
    this.#outputs.push({ type: "tag", tag: { type, timestampMs, payload } });
  }

  #acknowledge(): void {
    if (this.#receivedBytes - this.#acknowledgedBytes < this.#windowBytes) return;
    this.#acknowledgedBytes = this.#receivedBytes;
    this.#send(message.acknowledgement(this.#receivedBytes), CHUNK_STREAM.control);
  }

  #reply(reply: message.RtmpMessage): void {
    this.#send(reply, CHUNK_STREAM.command);
  }

  #send(outgoing: message.RtmpMessage | undefined, chunkStream: number): void {
    if (outgoing === undefined || this.#state === "closed") return;
    const bytes = encodeChunks(outgoing, chunkStream, this.#chunkBytes);
    this.#outputs.push({ type: "send", bytes });
  }

  #close(code: string, reason: string): void {
    this.#state = "closed";
    this.#outputs.push({ type: "closed", code, reason });
  }
}
