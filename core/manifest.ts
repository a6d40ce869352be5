import { type BlockId, INIT_PART, isStreamId, RENDITION_MAX, SEQUENCE_MAX } from "./block-id.ts";
import { fromBase64Url } from "./bytes.ts";
import { SHA256_BYTES } from "./crypto.ts";
import { StarlingError } from "./errors.ts";
import { BLOCK_BYTES_MAX, checkFec, type FecParameters } from "./fec/parameters.ts";
import type { JsonFields } from "./json-fields.ts";
import { type JwsKind, signJws, type Trust, verifyJws } from "./jws.ts";
import type { InstantMs } from "./time.ts";
import { checkValidity } from "./validity.ts";

/** The origin's statement about one block: what it is, how it is coded and what its bytes hash to. */
export interface Manifest {
  readonly stream: string;
  readonly session: string;
  readonly block: BlockId;
  /** Whether no further part of the segment follows; true for a whole segment and an init segment. */
  readonly last: boolean;
  /** The public EXT-X-DISCONTINUITY-SEQUENCE number of the block's publish session. */
  readonly discontinuity: number;
  /** The init segment that a media block needs; null in the manifest of an init segment. */
  readonly init: InitReference | null;
  /** Media duration in milliseconds, 0 for an init segment. Those of a segment's parts add up. */
  readonly durationMs: number;
  /** EXT-X-PROGRAM-DATE-TIME of the first frame, milliseconds since the UNIX epoch. */
  readonly programDateTimeMs: number;
  /** When the segment was complete at the origin, milliseconds since the UNIX epoch. */
  readonly completedAtMs: number;
  readonly byteLength: number;
  /** SHA-256 of the block's bytes, base64url. */
  readonly sha256: string;
  readonly fec: FecParameters;
  /** Root of the Merkle tree over the N symbols, base64url. */
  readonly root: string;
  /** Seconds since the UNIX epoch (RFC 7519 `iat`, `exp`). */
  readonly issuedAtS: number;
  readonly expiresAtS: number;
}

export interface InitReference {
  /** The sequence number of the init segment's own block. */
  readonly sequence: number;
  /** SHA-256 of its bytes, base64url. */
  readonly sha256: string;
}

const KIND: JwsKind = { typ: "starling-manifest+jwt", purpose: "manifest", name: "manifest" };
const MALFORMED = "manifest-malformed";
const UNIX_MS_MAX = 8.64e15;
const UNIX_S_MAX = 8.64e12;

/** Signs a manifest as a compact JWS (PROTOCOL.md, "Manifest"). */
export function signManifest(
  manifest: Manifest,
  keyId: string,
  sign: (message: Uint8Array) => Uint8Array,
): string {
  return signJws(KIND, keyId, claimsOf(manifest), sign);
}

/**
 * Reads and checks a manifest for a peer of `stream` at `now`.
 * Throws StarlingError "manifest-malformed", "manifest-unknown-key", "manifest-bad-signature",
 * "manifest-wrong-stream", "manifest-expired" or "manifest-not-yet-valid".
 */
export function verifyManifest(
  jws: string,
  trust: Trust,
  { stream, now }: { readonly stream: string; readonly now: InstantMs },
): Manifest {
  const manifest = manifestOf(verifyJws(KIND, jws, trust));
  if (manifest.stream !== stream) {
    throw new StarlingError("manifest-wrong-stream", "The manifest is of another stream.");
  }
  // An init segment outlives its manifest: it is used only while a valid media manifest names its digest.
  if (manifest.block.part !== INIT_PART) checkValidity(manifest, now, KIND.name);
  return manifest;
}

function claimsOf({ block, issuedAtS, expiresAtS, ...manifest }: Manifest): object {
  const { stream, session, discontinuity, init, byteLength, sha256, fec, root } = manifest;
  return {
    stream,
    session,
    rendition: block.rendition,
    seq: block.sequence,
    part: block.part,
    last: manifest.last,
    discontinuity,
    init: init === null ? null : { seq: init.sequence, sha256: init.sha256 },
    durationMs: manifest.durationMs,
    programDateTimeMs: manifest.programDateTimeMs,
    completedAtMs: manifest.completedAtMs,
    bytes: byteLength,
    sha256,
    fec: { code: fec.code, k: fec.k, n: fec.n, symbolBytes: fec.symbolBytes },
    root,
    iat: issuedAtS,
    exp: expiresAtS,
  };
}

function manifestOf(claims: JsonFields): Manifest {
  const stream = claims.text("stream", 64);
  if (!isStreamId(stream)) throw new StarlingError(MALFORMED, "Not a stream id.");
  const byteLength = claims.integer("bytes", 1, BLOCK_BYTES_MAX);
  const block = {
    rendition: claims.integer("rendition", 0, RENDITION_MAX),
    sequence: claims.integer("seq", 0, SEQUENCE_MAX),
    part: claims.integer("part", 0, INIT_PART),
  };
  return {
    stream,
    session: claims.text("session", 64),
    block,
    last: claims.boolean("last"),
    discontinuity: claims.integer("discontinuity", 0, SEQUENCE_MAX),
    init: block.part === INIT_PART ? null : initOf(claims.object("init")),
    durationMs: claims.number("durationMs", 0, 3_600_000),
    programDateTimeMs: claims.number("programDateTimeMs", 0, UNIX_MS_MAX),
    completedAtMs: claims.number("completedAtMs", 0, UNIX_MS_MAX),
    byteLength,
    sha256: digestOf(claims, "sha256"),
    fec: fecOf(claims.object("fec"), byteLength),
    root: digestOf(claims, "root"),
    issuedAtS: claims.integer("iat", 0, UNIX_S_MAX),
    expiresAtS: claims.integer("exp", 0, UNIX_S_MAX),
  };
}

function initOf(claims: JsonFields): InitReference {
  return {
    sequence: claims.integer("seq", 0, SEQUENCE_MAX),
    sha256: digestOf(claims, "sha256"),
  };
}

function fecOf(claims: JsonFields, byteLength: number): FecParameters {
  const fec: FecParameters = {
    code: claims.oneOf("code", ["leopard-gf8"]),
    k: claims.integer("k", 1, 256),
    n: claims.integer("n", 1, 256),
    symbolBytes: claims.integer("symbolBytes", 1, BLOCK_BYTES_MAX),
  };
  checkFec(fec, byteLength);
  return fec;
}

function digestOf(claims: JsonFields, name: string): string {
  const text = claims.text(name, 43);
  if (fromBase64Url(text, MALFORMED).length !== SHA256_BYTES) {
    throw new StarlingError(MALFORMED, `Field "${name}": expected ${SHA256_BYTES} bytes.`);
  }
  return text;
}
