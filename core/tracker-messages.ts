import { StarlingError } from "./errors.ts";
import type { PeerRole } from "./join-token.ts";
import { JsonFields, parseJson } from "./json-fields.ts";
import { JWS_LENGTH_MAX } from "./jws.ts";

/** The longest tracker message, in characters. */
export const TRACKER_MESSAGE_LENGTH_MAX = 65_536;
/** The most neighbours that one introduction names. */
export const INTRODUCTIONS_MAX = 64;
/** The most viewers for which a seed says that it has room. */
const ROOM_MAX = 100_000;
const ICE_SERVERS_MAX = 8;
const PEER_LENGTH_MAX = 43;
const SDP_LENGTH_MAX = 16_384;
const CANDIDATE_LENGTH_MAX = 1024;

/** A STUN or TURN server, as RTCIceServer has it. */
export interface IceServer {
  readonly urls: string;
  readonly username?: string;
  readonly credential?: string;
}

/** One step of an offer/answer exchange (JSEP, RFC 9429). */
export type Signal =
  | { readonly kind: "description"; readonly sdpType: "offer" | "answer"; readonly sdp: string }
  | { readonly kind: "candidate"; readonly candidate: string; readonly mid: string };

export interface Introduction {
  /** Public key, base64url. */
  readonly peer: string;
  readonly role: PeerRole;
}

/** What a viewer has played and where it came from, since it joined. All of it only grows. */
export interface ViewerStats {
  readonly playedBytes: number;
  readonly fromPeersBytes: number;
  readonly fromSeedsBytes: number;
  readonly fromHttpBytes: number;
  readonly blocks: number;
  readonly missing: number;
  readonly rejected: number;
  /** What its line carries at the least: the fastest load of a segment over HTTP, kb/s, if there was one. */
  readonly downlinkKbps?: number | undefined;
}

/** What a peer sends to the tracker (PROTOCOL.md, "Tracker"). */
export type PeerToTracker =
  | { readonly type: "join"; readonly token: string; readonly proof: string }
  | { readonly type: "signal"; readonly peer: string; readonly signal: Signal }
  | { readonly type: "want"; readonly count: number }
  | { readonly type: "room"; readonly count: number }
  | ({ readonly type: "stats" } & ViewerStats)
  | { readonly type: "equivocation"; readonly first: string; readonly second: string };

/** What the tracker sends to a peer, which dials those of the neighbours named that it has a use for. */
export type TrackerToPeer =
  | { readonly type: "challenge"; readonly nonce: string }
  | {
      readonly type: "joined";
      readonly peer: string;
      readonly iceServers: readonly IceServer[];
      readonly neighbours: readonly Introduction[];
    }
  | { readonly type: "peers"; readonly neighbours: readonly Introduction[] }
  | { readonly type: "signal"; readonly peer: string; readonly signal: Signal }
  | { readonly type: "left"; readonly peer: string }
  /** Signed by the origin: see verifyRevocation. */
  | { readonly type: "revoked"; readonly revocation: string }
  | { readonly type: "error"; readonly code: string; readonly detail: string };

const CODE = "tracker-bad-message";

/** Reads what a peer sent. Throws StarlingError "tracker-bad-message". */
export function parseClientMessage(text: string): PeerToTracker {
  const fields = fieldsOf(text);
  const type = fields.oneOf("type", ["join", "signal", "want", "room", "stats", "equivocation"]);
  switch (type) {
    case "join":
      return { type, token: fields.text("token", 4096), proof: fields.text("proof", 86) };
    case "signal":
      return { type, peer: fields.text("peer", PEER_LENGTH_MAX), signal: signalIn(fields) };
    case "want":
      return { type, count: fields.integer("count", 1, INTRODUCTIONS_MAX) };
    case "room":
      return { type, count: fields.integer("count", 0, ROOM_MAX) };
    case "stats":
      return { type, ...statsOf(fields) };
    case "equivocation":
      return { type, first: jwsIn(fields, "first"), second: jwsIn(fields, "second") };
    default:
      return type satisfies never;
  }
}

/** Reads what the tracker sent. Throws StarlingError "tracker-bad-message". */
export function parseTrackerMessage(text: string): TrackerToPeer {
  const fields = fieldsOf(text);
  const type = fields.oneOf("type", [
    "challenge",
    "joined",
    "peers",
    "signal",
    "left",
    "revoked",
    "error",
  ]);
  switch (type) {
    case "challenge":
      return { type, nonce: fields.text("nonce", 128) };
    case "joined":
      return {
        type,
        peer: fields.text("peer", PEER_LENGTH_MAX),
        iceServers: fields.array("iceServers", ICE_SERVERS_MAX).map(iceServerOf),
        neighbours: neighboursIn(fields),
      };
    case "peers":
      return { type, neighbours: neighboursIn(fields) };
    case "signal":
      return { type, peer: fields.text("peer", PEER_LENGTH_MAX), signal: signalIn(fields) };
    case "left":
      return { type, peer: fields.text("peer", PEER_LENGTH_MAX) };
    case "revoked":
      return { type, revocation: jwsIn(fields, "revocation") };
    case "error":
      return { type, code: fields.text("code", 64), detail: fields.text("detail", 1024) };
    default:
      return type satisfies never;
  }
}

function fieldsOf(text: string): JsonFields {
  if (text.length > TRACKER_MESSAGE_LENGTH_MAX) {
    throw new StarlingError(CODE, `Longer than ${TRACKER_MESSAGE_LENGTH_MAX} characters.`);
  }
  return new JsonFields(parseJson(text, CODE), CODE);
}

/** Reads signalling that a neighbour relayed. Throws StarlingError "tracker-bad-message". */
export function parseSignal(text: string): Signal {
  return signalOf(fieldsOf(text));
}

function signalIn(message: JsonFields): Signal {
  return signalOf(message.object("signal"));
}

function signalOf(fields: JsonFields): Signal {
  const kind = fields.oneOf("kind", ["description", "candidate"]);
  if (kind === "candidate") {
    return {
      kind,
      candidate: fields.text("candidate", CANDIDATE_LENGTH_MAX),
      mid: fields.text("mid", 64),
    };
  }
  return {
    kind,
    sdpType: fields.oneOf("sdpType", ["offer", "answer"]),
    sdp: fields.text("sdp", SDP_LENGTH_MAX),
  };
}

function jwsIn(fields: JsonFields, name: string): string {
  return fields.text(name, JWS_LENGTH_MAX);
}

function statsOf(fields: JsonFields): ViewerStats {
  const count = (name: string): number => fields.integer(name, 0, Number.MAX_SAFE_INTEGER);
  return {
    playedBytes: count("playedBytes"),
    fromPeersBytes: count("fromPeersBytes"),
    fromSeedsBytes: count("fromSeedsBytes"),
    fromHttpBytes: count("fromHttpBytes"),
    blocks: count("blocks"),
    missing: count("missing"),
    rejected: count("rejected"),
    ...(fields.has("downlinkKbps") ? { downlinkKbps: count("downlinkKbps") } : {}),
  };
}

function iceServerOf(value: unknown): IceServer {
  const fields = new JsonFields(value, CODE);
  return {
    urls: fields.text("urls", 512),
    ...(fields.has("username") ? { username: fields.text("username", 512) } : {}),
    ...(fields.has("credential") ? { credential: fields.text("credential", 512) } : {}),
  };
}

function neighboursIn(message: JsonFields): Introduction[] {
  return message.array("neighbours", INTRODUCTIONS_MAX).map(introductionOf);
}

function introductionOf(value: unknown): Introduction {
  const fields = new JsonFields(value, CODE);
  return {
    peer: fields.text("peer", PEER_LENGTH_MAX),
    role: fields.oneOf("role", ["viewer", "seed"]),
  };
}
