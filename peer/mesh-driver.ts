import {
  decodeMessage,
  encodeMessage,
  errorCode,
  type InstantMs,
  type Message,
} from "../core/index.ts";
import { type Input, type MeshPeer, type Output, TOLD_BYTES_MIN } from "../mesh/index.ts";
import { shortId } from "./identity.ts";
import type { Log } from "./log.ts";
import { type Channel, DRAINED_BYTES, QUEUED_BYTES_MAX } from "./transport.ts";
import type { UploadCap } from "./upload-cap.ts";

/** A channel in the mesh, and what the machine has sent on it since it last heard of the queue. */
interface Link {
  readonly channel: Channel;
  untoldBytes: number;
  /** Of all messages. */
  sentBytes: number;
  receivedBytes: number;
}

export interface MeshDriverOptions {
  readonly mesh: MeshPeer;
  readonly now: () => InstantMs;
  readonly log: Log;
  /** Told of every output that is not about channels. */
  readonly onOutput: (output: Output) => void;
  /** What keeps the mesh's uploads at a share of the line. */
  readonly uploadCap?: UploadCap | undefined;
}

/**
 * Gives a MeshPeer its channels, its clock and its one timer. It is the only caller of the machine:
 * each input is followed by all the outputs that it causes.
 */
export class MeshDriver {
  readonly #options: MeshDriverOptions;
  readonly #links = new Map<string, Link>();
  readonly #inputs: Input[] = [];
  /** Links whose queue the machine must hear of. */
  readonly #untold = new Set<Link>();
  /** Links with so little in their queue that no "drained" event will come: to be looked at again. */
  readonly #draining = new Set<Link>();
  /** What channels were ever given to send. */
  #givenBytes = 0;
  #isRunning = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(options: MeshDriverOptions) {
    this.#options = options;
  }

  get mesh(): MeshPeer {
    return this.#options.mesh;
  }

  /** What went over the open channels so far, by their neighbours, bytes of all messages. */
  traffic(): ReadonlyMap<string, { readonly sentBytes: number; readonly receivedBytes: number }> {
    return this.#links;
  }

  /** Brings an open channel into the mesh. */
  attach(channel: Channel, isInitiator: boolean): void {
    if (this.#isClosed) {
      channel.close();
      return;
    }
    const { peer } = channel;
    this.#links.get(peer)?.channel.close();
    const link: Link = { channel, untoldBytes: 0, sentBytes: 0, receivedBytes: 0 };
    this.#links.set(peer, link);
    this.input({
      kind: "connected",
      neighbour: peer,
      localFingerprint: channel.localFingerprint,
      remoteFingerprint: channel.remoteFingerprint,
      isInitiator,
    });
    channel.listen({
      message: (bytes) => {
        link.receivedBytes += bytes.length;
        this.input(inputOf(peer, bytes));
      },
      drained: () => {
        this.#untold.add(link);
        this.#lookAtUploads();
        this.#run();
      },
      closed: () => {
        if (this.#links.get(peer) !== link) return;
        this.#links.delete(peer);
        this.input({ kind: "closed", neighbour: peer });
      },
    });
  }

  /**
   * Feeds one input, and does what the machine then wants. An input that comes from within an output
   * waits for its turn. Throws StarlingError for a "publish" that does not verify.
   */
  input(input: Input): void {
    if (this.#isClosed) return;
    this.#inputs.push(input);
    this.#run();
  }

  /** Says goodbye, closes all channels and stops the timer. */
  close(): void {
    if (this.#isClosed) return;
    this.input({ kind: "leave" });
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const links = [...this.#links.values()];
    this.#links.clear();
    for (const { channel } of links) channel.close();
  }

  #run(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (const link of this.#draining) this.#untold.add(link);
    this.#draining.clear();
    const { mesh } = this;
    try {
      for (let input = this.#next(); input !== undefined; input = this.#next()) {
        mesh.handleInput(this.#options.now(), input);
        for (let output = mesh.pollOutput(); output; output = mesh.pollOutput()) {
          this.#perform(output);
        }
      }
    } finally {
      this.#isRunning = false;
      this.#arm();
    }
  }

  /** The next input. What waits on a channel is read last, when all has been sent. */
  #next(): Input | undefined {
    const input = this.#inputs.shift();
    if (input !== undefined) return input;
    for (const link of this.#untold) {
      this.#untold.delete(link);
      const { peer, bufferedAmount } = link.channel;
      if (this.#links.get(peer) !== link) continue;
      link.untoldBytes = 0;
      if (bufferedAmount > 0 && bufferedAmount <= DRAINED_BYTES) this.#draining.add(link);
      return { kind: "buffered", neighbour: peer, bytes: bufferedAmount };
    }
    return undefined;
  }

  #perform(output: Output): void {
    if (output.kind === "transmit") this.#transmit(output.neighbour, output.message);
    else if (output.kind === "disconnect") this.#disconnect(output);
    else {
      if (output.kind === "rejected") this.#logRejection(output);
      this.#options.onOutput(output);
    }
  }

  #transmit(neighbour: string, message: Message): void {
    const link = this.#links.get(neighbour);
    if (link === undefined) return;
    const bytes = encodeMessage(message);
    if (link.channel.bufferedAmount + bytes.length > QUEUED_BYTES_MAX) {
      // Symbols keep to the limit, so this peer makes us answer and does not read.
      this.#options.log.warn({ neighbour: shortId(neighbour) }, "neighbour does not read: cut");
      link.channel.close();
      return;
    }
    link.channel.send(bytes);
    this.#givenBytes += bytes.length;
    link.sentBytes += bytes.length;
    link.untoldBytes += bytes.length;
    // The "drained" event does not come for a queue that never rose above its threshold.
    const isLarge = bytes.length >= TOLD_BYTES_MIN;
    if (isLarge || link.untoldBytes >= DRAINED_BYTES / 4) this.#untold.add(link);
  }

  #disconnect({ neighbour, code, reason }: Extract<Output, { kind: "disconnect" }>): void {
    const link = this.#links.get(neighbour);
    if (link === undefined) return;
    this.#links.delete(neighbour);
    this.#options.log.info({ neighbour: shortId(neighbour), code, reason }, "neighbour gone");
    link.channel.close();
  }

  #logRejection({ neighbour, code, detail }: Extract<Output, { kind: "rejected" }>): void {
    this.#options.log.warn({ neighbour: shortId(neighbour), code, detail }, `refused: ${code}`);
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    const at = this.mesh.pollTimeout();
    if (at === undefined) return;
    const waitMs = Math.max(0, Math.ceil(at - this.#options.now()));
    this.#timer = setTimeout(() => {
      this.#lookAtUploads();
      this.input({ kind: "timeout" });
    }, waitMs);
  }

  #lookAtUploads(): void {
    const { uploadCap, now } = this.#options;
    if (uploadCap === undefined) return;
    let waitingBytes = 0;
    for (const { channel } of this.#links.values()) waitingBytes += channel.bufferedAmount;
    uploadCap.look(now(), this.#givenBytes, waitingBytes);
  }
}

/** What a channel's bytes are to the machine. */
function inputOf(neighbour: string, bytes: Uint8Array): Input {
  try {
    return { kind: "message", neighbour, message: decodeMessage(bytes) };
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return { kind: "malformed", neighbour, detail: String(error) };
  }
}
