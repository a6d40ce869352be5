import { type DataChannel, type IceServer, PeerConnection } from "node-datachannel";
import { assert, MESSAGE_BYTES_MAX, type Signal, StarlingError } from "../core/index.ts";
import { fingerprintOf, offererAsDtlsClient } from "./session-description.ts";
import {
  type Channel,
  type ChannelEvents,
  CONNECT_TIMEOUT_MS,
  DRAINED_BYTES,
  QUEUED_BYTES_MAX,
} from "./transport.ts";
import { guarded } from "./webrtc-library.ts";

/** The name of the one data channel of a pair: the version of what is spoken on it. */
export const CHANNEL_LABEL = "starling/1";

const RECEIVED_BYTES_MAX = 128 * 1024;
const CANDIDATES_MAX = 64;

/** How long a closing connection waits for the other end to take what was queued. */
const LINGER_MS = 1000;
/** The same when only SCTP itself may still hold something. */
const LINGER_IDLE_MS = 200;

export interface WebRtcChannelOptions {
  readonly peer: string;
  /** True at the side that makes the offer. */
  readonly offering: boolean;
  /** The neighbour that carries the signals; undefined: the tracker does. */
  readonly via: string | undefined;
  readonly iceServers: readonly (string | IceServer)[];
  readonly bindAddress?: string | undefined;
  readonly connectTimeoutMs?: number | undefined;
  readonly sendSignal: (signal: Signal) => void;
  /** The channel is of no more use: told once, whether or not it was ever open. */
  readonly onClosed: () => void;
}

/**
 * One peer connection with its one data channel. It goes from connecting to open to closed and
 * never back: `opened` settles at the first step, `finished` when the connection is freed.
 */
export class WebRtcChannel implements Channel {
  readonly peer: string;
  readonly offering: boolean;
  readonly via: string | undefined;
  readonly opened: Promise<void>;
  readonly finished: Promise<void>;
  readonly #connection: PeerConnection;
  readonly #connectTimer: NodeJS.Timeout;
  readonly #onClosed: () => void;
  #state: "connecting" | "open" | "closed" = "connecting";
  #channel: DataChannel | undefined;
  #events: ChannelEvents | undefined;
  /** Messages that came before anybody listened. */
  readonly #early: Uint8Array[] = [];
  #localFingerprint: Uint8Array | undefined;
  #remoteFingerprint: Uint8Array | undefined;
  #candidates = 0;
  #lingerTimer: NodeJS.Timeout | undefined;
  #settleOpened: (failure?: StarlingError) => void = () => undefined;
  #settleFinished: () => void = () => undefined;

  constructor(options: WebRtcChannelOptions) {
    const { peer, offering, iceServers, bindAddress } = options;
    this.peer = peer;
    this.offering = offering;
    this.via = options.via;
    this.#onClosed = options.onClosed;
    this.opened = new Promise((resolve, reject) => {
      this.#settleOpened = (failure) => (failure === undefined ? resolve() : reject(failure));
    });
    this.opened.catch(() => undefined); // Whoever cares awaits it; nobody has to.
    this.finished = new Promise((resolve) => {
      this.#settleFinished = resolve;
    });
    this.#connection = new PeerConnection(peer.slice(0, 8), {
      iceServers: [...iceServers],
      maxMessageSize: RECEIVED_BYTES_MAX,
      ...(bindAddress === undefined ? {} : { bindAddress }),
    });
    this.#connectTimer = setTimeout(() => {
      this.#vanish(failure("transport-timeout", peer));
    }, options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS);
    this.#observe(options.sendSignal);
    if (offering)
      this.#adopt(this.#connection.createDataChannel(CHANNEL_LABEL, { unordered: true }));
  }

  get state(): "connecting" | "open" | "closed" {
    return this.#state;
  }

  get localFingerprint(): Uint8Array {
    assert(this.#localFingerprint !== undefined, "an open channel has a local description");
    return this.#localFingerprint;
  }

  get remoteFingerprint(): Uint8Array {
    assert(this.#remoteFingerprint !== undefined, "an open channel has a remote description");
    return this.#remoteFingerprint;
  }

  get bufferedAmount(): number {
    return this.#channel?.bufferedAmount() ?? 0;
  }

  listen(events: ChannelEvents): void {
    assert(this.#events === undefined, "a channel has one listener");
    assert(this.#state !== "connecting", "a channel is listened to once it is open");
    this.#events = events;
    if (this.#state === "closed") queueMicrotask(() => events.closed());
    for (const bytes of this.#early.splice(0)) events.message(bytes);
  }

  send(bytes: Uint8Array): void {
    assert(bytes.length <= MESSAGE_BYTES_MAX, "a message fits into MESSAGE_BYTES_MAX");
    const queued = this.bufferedAmount + bytes.length;
    assert(queued <= QUEUED_BYTES_MAX, "no more than QUEUED_BYTES_MAX waits on a channel");
    if (this.#state !== "open") return;
    try {
      this.#channel?.sendMessageBinary(bytes);
    } catch {
      this.close(); // The other end went away and its `closed` has not been delivered yet.
    }
  }

  close(): void {
    if (this.#state === "closed") return;
    const reason = failure("transport-closed", this.peer);
    if (this.#state === "connecting") {
      this.#vanish(reason);
      return;
    }
    const lingerMs = this.bufferedAmount > 0 ? LINGER_MS : LINGER_IDLE_MS;
    this.#lingerTimer = setTimeout(() => this.#free(), lingerMs);
    // Closing the channel itself would overtake what was sent last: the connection ends after it.
    this.#end(reason);
  }

  /** Takes one message of the other end's signalling. What does not fit the state is dropped. */
  handleSignal(signal: Signal): void {
    if (this.#state === "closed") return;
    if (signal.kind === "candidate") this.#addCandidate(signal.candidate, signal.mid);
    else this.#applyDescription(signal.sdpType, signal.sdp);
  }

  #applyDescription(sdpType: "offer" | "answer", sdp: string): void {
    const expected = this.offering ? "answer" : "offer";
    if (sdpType !== expected || this.#remoteFingerprint !== undefined) return;
    try {
      this.#remoteFingerprint = fingerprintOf(sdp);
      const applied = sdpType === "offer" ? offererAsDtlsClient(sdp) : sdp;
      this.#connection.setRemoteDescription(applied, sdpType);
    } catch (cause) {
      this.#vanish(failure("transport-failed", this.peer, cause));
    }
  }

  #addCandidate(candidate: string, mid: string): void {
    if (this.#remoteFingerprint === undefined || candidate === "") return;
    this.#candidates++;
    if (this.#candidates > CANDIDATES_MAX) return;
    try {
      this.#connection.addRemoteCandidate(candidate, mid);
    } catch {
      // An address that the library cannot read is one way less to reach the peer, no more.
    }
  }

  #observe(sendSignal: (signal: Signal) => void): void {
    this.#connection.onLocalDescription(
      guarded((sdp, type) => {
        if (this.#state !== "connecting" || (type !== "offer" && type !== "answer")) return;
        this.#localFingerprint = fingerprintOf(sdp);
        sendSignal({ kind: "description", sdpType: type, sdp });
      }),
    );
    this.#connection.onLocalCandidate(
      guarded((candidate, mid) => {
        if (this.#state !== "connecting") return;
        sendSignal({ kind: "candidate", candidate: candidate.replace(/^a=/, ""), mid });
      }),
    );
    this.#connection.onStateChange(
      guarded((state) => {
        if (state !== "failed" && state !== "disconnected" && state !== "closed") return;
        // Messages that came before are delivered first.
        setImmediate(() => this.#vanish(failure("transport-failed", this.peer)));
      }),
    );
    this.#connection.onDataChannel(
      guarded((channel) => {
        if (!this.offering && this.#channel === undefined) this.#adopt(channel);
        else channel.close();
      }),
    );
  }

  #adopt(channel: DataChannel): void {
    this.#channel = channel;
    channel.setBufferedAmountLowThreshold(DRAINED_BYTES);
    // When several events wait, the library delivers them by kind, in the order of registration:
    // the last messages before the end.
    channel.onMessage(guarded((message) => this.#receive(message)));
    channel.onBufferedAmountLow(guarded(() => this.#drained()));
    channel.onClosed(
      guarded(() => {
        if (this.#state !== "closed") this.#vanish(failure("transport-closed", this.peer));
      }),
    );
    if (channel.isOpen()) this.#open(channel);
    else channel.onOpen(guarded(() => this.#open(channel)));
  }

  #open(channel: DataChannel): void {
    if (this.#state !== "connecting") return;
    if (channel.getLabel() !== CHANNEL_LABEL || channel.maxMessageSize() < MESSAGE_BYTES_MAX) {
      this.#vanish(failure("transport-failed", this.peer));
      return;
    }
    clearTimeout(this.#connectTimer);
    this.#state = "open";
    this.#settleOpened();
  }

  #receive(message: string | Buffer | ArrayBuffer): void {
    if (this.#state === "closed") return;
    if (typeof message === "string") {
      this.close(); // The protocol has no text messages.
      return;
    }
    const bytes =
      message instanceof ArrayBuffer
        ? new Uint8Array(message)
        : new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
    if (this.#events === undefined) this.#early.push(bytes);
    else this.#events.message(bytes);
  }

  #drained(): void {
    // An event that was on its way while the queue was filled again: another one follows.
    const isStale = this.bufferedAmount > DRAINED_BYTES;
    if (this.#state === "open" && !isStale) this.#events?.drained();
  }

  /** The other end is gone, or never came: there is nobody to linger for. */
  #vanish(reason: StarlingError): void {
    this.#end(reason);
    this.#free();
  }

  #end(reason: StarlingError): void {
    if (this.#state === "closed") return;
    this.#settleOpened(reason); // Without effect on one that has opened.
    this.#state = "closed";
    clearTimeout(this.#connectTimer);
    this.#onClosed();
    this.#events?.closed();
  }

  #free(): void {
    clearTimeout(this.#lingerTimer);
    this.#connection.close();
    this.#settleFinished();
  }
}

const FAILURES = {
  "transport-timeout": "did not answer in time; it may be behind a firewall that needs TURN",
  "transport-failed": "could not be connected",
  "transport-closed": "was given up while it was being connected",
} as const;

function failure(code: keyof typeof FAILURES, peer: string, cause?: unknown): StarlingError {
  return new StarlingError(code, `Peer ${peer.slice(0, 8)} ${FAILURES[code]}.`, { cause });
}
