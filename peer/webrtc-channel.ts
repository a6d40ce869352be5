import { assert, MESSAGE_BYTES_MAX, type Signal, StarlingError } from "../core/index.ts";
import { CHANNEL_LABEL, type Connection, type Connector } from "./connection.ts";
import { fingerprintOf } from "./session-description.ts";
import {
  type Channel,
  type ChannelEvents,
  CONNECT_TIMEOUT_MS,
  DRAINED_BYTES,
  QUEUED_BYTES_MAX,
} from "./transport.ts";

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
  readonly connector: Connector;
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
  readonly #connection: Connection;
  readonly #connectTimer: ReturnType<typeof setTimeout>;
  readonly #onClosed: () => void;
  readonly #sendSignal: (signal: Signal) => void;
  /**
   * Candidates of the offering side wait for the answer, so that ICE starts from there, once that side
   * knows the other's fingerprint, and its DTLS is ready when the ClientHello comes. Else it may come while
   * the library takes the answer in, which fails the handshake, or before, which costs a second.
   */
  readonly #heldCandidates: Signal[] = [];
  #state: "connecting" | "open" | "closed" = "connecting";
  #events: ChannelEvents | undefined;
  /** Messages that came before anybody listened. */
  readonly #early: Uint8Array[] = [];
  #localFingerprint: Uint8Array | undefined;
  #remoteFingerprint: Uint8Array | undefined;
  #candidates = 0;
  #lingerTimer: ReturnType<typeof setTimeout> | undefined;
  #settleOpened: (failure?: StarlingError) => void = () => undefined;
  #settleFinished: () => void = () => undefined;

  constructor(options: WebRtcChannelOptions) {
    const { peer, offering } = options;
    this.peer = peer;
    this.offering = offering;
    this.via = options.via;
    this.#onClosed = options.onClosed;
    this.#sendSignal = options.sendSignal;
    this.opened = new Promise((resolve, reject) => {
      this.#settleOpened = (failure) => (failure === undefined ? resolve() : reject(failure));
    });
    this.opened.catch(() => undefined); // Whoever cares awaits it; nobody has to.
    this.finished = new Promise((resolve) => {
      this.#settleFinished = resolve;
    });
    this.#connectTimer = setTimeout(() => {
      this.#vanish(failure("transport-timeout", peer));
    }, options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS);
    this.#connection = this.#connect(options);
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
    return this.#connection.bufferedAmount;
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
      this.#connection.send(bytes);
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
      this.#connection.applyDescription(sdpType, sdp);
    } catch (cause) {
      this.#vanish(failure("transport-failed", this.peer, cause));
      return;
    }
    for (const candidate of this.#heldCandidates.splice(0)) this.#sendSignal(candidate);
  }

  #addCandidate(candidate: string, mid: string): void {
    if (this.#remoteFingerprint === undefined || candidate === "") return;
    this.#candidates++;
    if (this.#candidates > CANDIDATES_MAX) return;
    this.#connection.addCandidate(candidate, mid);
  }

  #connect({ connector }: WebRtcChannelOptions): Connection {
    const { offering, peer } = this;
    return connector.connect(
      { offering, name: peer.slice(0, 8) },
      {
        description: (sdpType, sdp) => {
          if (this.#state !== "connecting") return;
          this.#localFingerprint = fingerprintOf(sdp);
          this.#sendSignal({ kind: "description", sdpType, sdp });
        },
        candidate: (candidate, mid) => {
          if (this.#state !== "connecting") return;
          const signal = { kind: "candidate", candidate, mid } as const;
          if (offering && this.#remoteFingerprint === undefined) this.#heldCandidates.push(signal);
          else this.#sendSignal(signal);
        },
        open: (label, messageByteLengthMax) => this.#open(label, messageByteLengthMax),
        message: (message) => this.#receive(message),
        drained: () => this.#drained(),
        failed: (cause) => {
          const code = this.#state === "connecting" ? "transport-failed" : "transport-closed";
          if (this.#state !== "closed") this.#vanish(failure(code, peer, cause));
        },
      },
    );
  }

  #open(label: string, messageByteLengthMax: number): void {
    if (this.#state !== "connecting") return;
    if (label !== CHANNEL_LABEL || messageByteLengthMax < MESSAGE_BYTES_MAX) {
      this.#vanish(failure("transport-failed", this.peer));
      return;
    }
    clearTimeout(this.#connectTimer);
    this.#state = "open";
    this.#settleOpened();
  }

  #receive(message: Uint8Array | string): void {
    if (this.#state === "closed") return;
    if (typeof message === "string")
      this.close(); // The protocol has no text messages.
    else if (this.#events === undefined) this.#early.push(message);
    else this.#events.message(message);
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
