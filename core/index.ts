export { AddressLimiter } from "./address-limiter.ts";
export {
  type BlockId,
  blockKey,
  INIT_PART,
  isBlockId,
  isStreamId,
  parseBlockKey,
  RENDITION_MAX,
  RENDITIONS_MAX,
  SEQUENCE_MAX,
} from "./block-id.ts";
export {
  concatBytes,
  equalBytes,
  fromBase64Url,
  fromHex,
  toBase64Url,
  toHex,
  utf8,
} from "./bytes.ts";
export {
  browserCrypto,
  type Crypto,
  nobleCrypto,
  PUBLIC_KEY_BYTES,
  SHA256_BYTES,
  SIGNATURE_BYTES,
} from "./crypto.ts";
export { assert, errorCode, StarlingError } from "./errors.ts";
export {
  BLOCK_BYTES_MAX,
  BlockDecoder,
  bestKernel,
  checkFec,
  chooseFec,
  DEFAULT_FEC_POLICY,
  type EsiRange,
  type FecKernel,
  type FecParameters,
  type FecPolicy,
  loadBestKernel,
  plainKernel,
  SYMBOL_BYTES_MAX,
  SYMBOLS_MAX,
  splitSegment,
  symbolLength,
  symbolOf,
  wasmKernel,
  wasmSha256,
} from "./fec/index.ts";
export {
  type JoinClaims,
  type PeerRole,
  signJoinToken,
  trackerProofMessage,
  verifyJoinToken,
} from "./join-token.ts";
export {
  CHALLENGE_LENGTH_MAX,
  COUNTER_MAX,
  isWorkDone,
  JOIN_WORK_SCRYPT,
  type JoinPuzzle,
  type JoinWork,
  joinWorkInput,
  WORK_MAX,
} from "./join-work.ts";
export { JsonFields, parseJson } from "./json-fields.ts";
export {
  CERTIFICATE_LENGTH_MAX,
  type Ed25519Jwk,
  type Jwks,
  jwkOf,
  type KeyPurpose,
  type KeySet,
  keyIdOf,
  parseJwks,
  parsePublicKey,
  type TrustedKey,
} from "./jwk.ts";
export { JWS_LENGTH_MAX, type Trust } from "./jws.ts";
export {
  certificateEndS,
  certifiedKeys,
  type KeyClaims,
  type PinnedRoot,
  signKeyCertificate,
  verifyKeyCertificate,
} from "./key-certificate.ts";
export { type InitReference, type Manifest, signManifest, verifyManifest } from "./manifest.ts";
export {
  type ListedKey,
  type ListedSegment,
  renderMediaPlaylist,
  renditionFolder,
} from "./media-playlist.ts";
export { leafHash, leavesMatchRoot, merkleRoot, nodeHash } from "./merkle.ts";
export {
  type ByeCode,
  CLASSES,
  type ClassSet,
  classOf,
  EVIDENCE_MAX,
  type EvidenceRecord,
  FEEDS_MAX,
  type FeedStatus,
  KNOWN_PEERS_MAX,
  type KnownPeer,
  LAG_STEP_MS,
  LAG_UNKNOWN,
  LAGS,
  MANIFEST_CLASS,
  MESSAGE_BYTES_MAX,
  type Message,
  RELAY_BYTES_MAX,
  SYMBOL_CLASSES,
  WHOLE_BLOCK,
  WIRE_VERSION,
} from "./messages.ts";
export { networkOf, plainAddress, wideNetworkOf } from "./network.ts";
export { Random } from "./random.ts";
export {
  parseRenditionPolicy,
  RENDITION_POLICY,
  type RenditionPolicy,
  type Rung,
} from "./rendition-policy.ts";
export { type Revocation, signRevocation, verifyRevocation } from "./revocation.ts";
export { after, type InstantMs, instantMs } from "./time.ts";
export { type Rate, TokenBucket } from "./token-bucket.ts";
export {
  type IceServer,
  INTRODUCTIONS_MAX,
  type Introduction,
  type PeerToTracker,
  parseClientMessage,
  parseSignal,
  parseTrackerMessage,
  type Signal,
  TRACKER_MESSAGE_LENGTH_MAX,
  type TrackerToPeer,
  type ViewerStats,
} from "./tracker-messages.ts";
export { CLOCK_SKEW_MAX_S, checkValidity } from "./validity.ts";
export {
  decodeMessage,
  encodeMessage,
  evidenceMessage,
  helloProofMessage,
  messageByteLength,
} from "./wire.ts";
