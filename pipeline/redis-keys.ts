/** Every Redis key of Starling. Nothing outside of this file spells one. */

const ROOT = "starling";

export const BULL_PREFIX = `${ROOT}:bull`;
/** Hash: stream id -> Stream as JSON. */
export const STREAMS_KEY = `${ROOT}:streams`;
/** Hash: key id -> public JWK as JSON. */
export const JWKS_KEY = `${ROOT}:jwks`;
/** Hash: id of an API key -> its scopes and scrypt hash as JSON. */
export const API_KEYS_KEY = `${ROOT}:api-keys:scrypt`;
/** String: the secret that the origin's own roles show to the API. */
export const INTERNAL_KEY = `${ROOT}:internal-key`;
/** Hash: "role instance" -> its last report as JSON. */
export const ROLES_KEY = `${ROOT}:roles`;
/** Sorted set: "role instance" by the time of its last report. */
export const ROLES_SEEN_KEY = `${ROOT}:roles:seen`;

/** String with a time to live: the lease of the stream's one publisher. */
export function publisherKey(stream: string): string {
  return `${ROOT}:stream:${stream}:publisher`;
}

/** Sorted set with a time to live: viewers by what their lines carry, as told in that stretch of time. */
export function viewerLinesKey(stream: string, stretch: number): string {
  return `${ROOT}:stream:${stream}:viewer-lines:${stretch}`;
}

/** String with a time to live: the last lines of the stream's ffmpeg as a JSON array. */
export function childLogKey(stream: string): string {
  return `${ROOT}:stream:${stream}:child-log`;
}

/** The keys of one rendition's public order. */
/** The keys of a stream's public order, which all of its renditions share. */
export interface TimelineKeys {
  /** Hash: the counters. Never deleted, so that no sequence number is ever given twice. */
  readonly state: string;
  /** Hash: block key -> record. */
  readonly records: string;
  /** Hash: "session/index" -> block keys of its parts in every rendition, with a space after each. */
  readonly blocks: string;
  /** List: the newest publish sessions, newest first. */
  readonly sessions: string;
  /** List: numbers of the init segments that have a record, oldest first. */
  readonly inits: string;
}

export function timelineKeys(stream: string): TimelineKeys {
  const prefix = `${ROOT}:stream:${stream}:timeline`;
  return {
    state: `${prefix}:state`,
    records: `${prefix}:records`,
    blocks: `${prefix}:blocks`,
    sessions: `${prefix}:sessions`,
    inits: `${prefix}:inits`,
  };
}

/** Hash: block key -> id of its entry in the manifest log. */
export function manifestIndexKey(stream: string): string {
  return `${ROOT}:stream:${stream}:manifests`;
}

/** Redis Stream of { block, jws }, in the order of publication. */
export function manifestLogKey(stream: string): string {
  return `${ROOT}:stream:${stream}:manifest-log`;
}
