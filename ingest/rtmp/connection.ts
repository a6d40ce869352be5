import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { Logger } from "pino";
import { after, type InstantMs, instantMs, StarlingError } from "../../core/index.ts";
import type { FlvTag } from "../flv.ts";
import type { RtmpTimeouts } from "./patience.ts";
import type { PublishName } from "./publish-name.ts";
import { type RtmpInput, type RtmpOutput, RtmpSession } from "./session.ts";

/** Our answers are short; a client that leaves this much unread is not an encoder. */
const UNSENT_BYTES_MAX = 256 * 1024;
/** How long a closed connection may take to read our last words. */
const LINGER_MS = 1000;
/** How often a time-out is looked at again while it is we who do not read. */
const HELD_BACK_RETRY_MS = 1000;
const DISCONNECTED = "rtmp-disconnected";
const NEVER = instantMs(Number.POSITIVE_INFINITY);

/** Where an accepted publisher's media go. */
export interface TagSink {
  /** Takes one tag. False: call nothing more until `PublisherControl.resume`. */
  write(tag: FlvTag): boolean;
  /** The publisher is gone, for this reason. Called once, whoever ended it. */
  end(code: string, reason: string): void;
}

/** What the sink may ask of its publisher's connection. */
export interface PublisherControl {
  /** Read on after `write` gave false. */
  resume(): void;
  /** Ends the connection. */
  close(code: string, reason: string): void;
}

/** A publisher that has not been let in yet. */
export interface PublishRequest extends PublishName {
  readonly remoteAddress: string;
}

/**
 * Checks the stream key and takes the stream; called before any media are read. A StarlingError
 * refuses the publisher, and its message is what the broadcaster reads.
 */
export type OpenPublisher = (
  request: PublishRequest,
  control: PublisherControl,
) => Promise<TagSink>;

/** What a connection needs of its server. */
export interface ConnectionOptions {
  readonly timeouts: RtmpTimeouts;
  readonly open: OpenPublisher;
  readonly log: Logger;
  /** Told once, with `refused` when the publisher never got in. */
  readonly onClosed: (code: string, refused: boolean) => void;
}

/** Drives one RtmpSession with one socket and one timer. */
export class RtmpConnection {
  readonly #socket: Socket;
  readonly #options: ConnectionOptions;
  readonly #log: Logger;
  readonly #remoteAddress: string;
  readonly #session: RtmpSession;
  #sink: TagSink | undefined;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = NEVER;
  #heldBack = false;
  #closed = false;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#remoteAddress = socket.remoteAddress ?? "unknown";
    this.#log = options.log.child({ remoteAddress: this.#remoteAddress });
    this.#session = new RtmpSession(now(), options.timeouts, randomBytes);
    socket.setNoDelay(true);
    socket.on("data", (bytes: Uint8Array) => this.#handle({ type: "bytes", bytes }));
    socket.on("error", (error) => this.#log.debug({ err: error }, "the RTMP socket failed"));
    socket.on("close", () => this.close(DISCONNECTED, "The connection ended."));
    this.#armTimer();
  }

  /** Ends the connection, if it is open. */
  close(code: string, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#timer);
    const left = code === DISCONNECTED; // A port scan or health check, when nobody was let in.
    const refused = this.#sink === undefined && !left;
    const level = refused ? "warn" : this.#sink === undefined ? "debug" : "info";
    this.#log[level]({ code }, `publisher ${refused ? "refused" : "gone"}: ${reason}`);
    this.#socket.end();
    this.#socket.resume(); // What still comes is thrown away, so that the peer sees our end.
    setTimeout(() => this.#socket.destroy(), LINGER_MS).unref();
    this.#sink?.end(code, reason);
    this.#options.onClosed(code, refused);
  }

  #handle(input: RtmpInput): void {
    if (this.#closed) return;
    this.#session.handleInput(now(), input);
    let output = this.#session.pollOutput();
    while (output !== undefined && !this.#closed) {
      this.#act(output);
      output = this.#session.pollOutput();
    }
    this.#armTimer();
  }

  #act(output: RtmpOutput): void {
    switch (output.type) {
      case "send":
        this.#socket.write(output.bytes);
        if (this.#socket.writableLength > UNSENT_BYTES_MAX) {
          this.close("rtmp-limit", "The client does not read our answers.");
        }
        break;
      case "publish":
        this.#socket.pause();
        void this.#open(output);
        break;
      case "tag":
        if (this.#sink?.write(output.tag) === false) this.#holdBack();
        break;
      case "closed":
        this.close(output.code, output.reason);
        break;
      default:
        output satisfies never;
    }
  }

  async #open({ streamKey, filler, frontSecret }: PublishName): Promise<void> {
    const request = { streamKey, filler, frontSecret, remoteAddress: this.#remoteAddress };
    try {
      const sink = await this.#options.open(request, {
        resume: () => this.#resume(),
        close: (code, reason) => this.close(code, reason),
      });
      if (this.#closed) {
        sink.end(DISCONNECTED, "The connection ended before the publisher was let in.");
        return;
      }
      this.#sink = sink;
      this.#socket.resume();
      this.#handle({ type: "accept" });
    } catch (error) {
      this.#refuse(error);
    }
  }

  #refuse(error: unknown): void {
    if (error instanceof StarlingError) {
      this.#handle({ type: "refuse", code: error.code, description: error.message });
      return;
    }
    this.#log.error({ err: error }, "a publisher could not be let in");
    const description = "The origin has a fault of its own; try again in a moment.";
    this.#handle({ type: "refuse", code: "ingest-fault", description });
  }

  #holdBack(): void {
    this.#heldBack = true;
    this.#socket.pause();
  }

  #resume(): void {
    if (!this.#heldBack) return;
    this.#heldBack = false;
    this.#socket.resume();
    this.#handle({ type: "resumed" });
  }

  /** The deadline moves on with every packet, the timer only when it fires or would fire late. */
  #armTimer(): void {
    const { deadline } = this.#session;
    if (deadline === undefined || this.#closed || this.#timerAt <= deadline) return;
    clearTimeout(this.#timer);
    this.#timerAt = this.#heldBack ? after(now(), HELD_BACK_RETRY_MS) : deadline;
    this.#timer = setTimeout(
      () => {
        this.#timerAt = NEVER;
        if (this.#heldBack) this.#armTimer();
        else this.#handle({ type: "clock" });
      },
      Math.max(1, Math.ceil(this.#timerAt - now())),
    );
  }
}

function now(): InstantMs {
  return instantMs(performance.timeOrigin + performance.now());
}
