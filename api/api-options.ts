import type { Logger } from "pino";
import { type IceServer, INTRODUCTIONS_MAX, StarlingError } from "../core/index.ts";
import { checkIceServers } from "./ice-servers.ts";
import { defaultStaticDir } from "./page-routes.ts";

/** What `runApi` needs, and what it may be told. */
export interface ApiOptions {
  readonly redisUrl: string;
  /** The folder of the block store. */
  readonly mediaRoot: string;
  readonly log: Logger;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Private key that signs join tokens; made at the first start with mode 0600. */
  readonly tokenKeyFile: string;
  /** Address of this API as viewers see it; left out, the one each request came to. */
  readonly publicUrl?: string | undefined;
  /** Segments in a playlist. */
  readonly playlistWindow?: number | undefined;
  /** The least EXT-X-TARGETDURATION, seconds. */
  readonly targetDurationS?: number | undefined;
  /** A stream without a new segment for this long is offline, milliseconds. */
  readonly offlineAfterMs?: number | undefined;
  readonly tokenTtlS?: number | undefined;
  /** Newcomers of one address that are let in without an API key. */
  readonly tokensPerMinute?: number | undefined;
  /** Hashes that a viewer without a key does on average for its first token of a stream; 0: none. */
  readonly joinWork?: number | undefined;
  /** Joins a second from which on that becomes more. */
  readonly joinsPerSecond?: number | undefined;
  /** Tokens may be bound to it; left out, none that is bound to a region is good here. */
  readonly region?: string | undefined;
  /** Who hears of seeds: with "relays", only those whose token says that they are one. Default "anyone". */
  readonly seedersFor?: "anyone" | "relays" | undefined;
  /** False: no viewer gets a token, so that all play plain HLS. Default true. */
  readonly p2p?: boolean | undefined;
  /** Lets webhooks be in private networks, such as this machine's own. Default false. */
  readonly webhookPrivate?: boolean | undefined;
  /** How many reverse proxies stand in front and set X-Forwarded-*; 0 believes no such header. */
  readonly trustedProxies?: number | undefined;
  /** STUN and TURN servers for peers. */
  readonly iceServers?: readonly IceServer[] | undefined;
  /** Seeds and viewers that a newcomer is introduced to. */
  readonly seedsMax?: number | undefined;
  readonly viewersMax?: number | undefined;
  readonly trackerConnectionsMax?: number | undefined;
  /** Of one IPv4 address or IPv6 /64. A seeder needs one for each stream. Default 2,000. */
  readonly trackerConnectionsPerAddressMax?: number | undefined;
  readonly joinTimeoutMs?: number | undefined;
  /** Roles without which `/readyz` is not ready. */
  readonly requiredRoles?: readonly string[] | undefined;
  /** Free bytes on the media disk without which `/readyz` is not ready. */
  readonly freeBytesMin?: number | undefined;
  /** The built pages; left out, dist/player of this package. */
  readonly staticDir?: string | undefined;
}

/** The options with every default filled in. */
export type ResolvedOptions = {
  readonly [Name in keyof ApiOptions]-?: Name extends "publicUrl" | "region"
    ? string | undefined
    : Exclude<ApiOptions[Name], undefined>;
};

/**
 * Fills in the defaults, and refuses what would only fail at the peers. Throws StarlingError
 * "ice-server-invalid", "introductions-too-many" or "public-url-invalid".
 */
export function resolveOptions(options: ApiOptions): ResolvedOptions {
  const resolved = withDefaults(options);
  checkIceServers(resolved.iceServers);
  if (resolved.seedsMax + resolved.viewersMax > INTRODUCTIONS_MAX) {
    throw new StarlingError(
      "introductions-too-many",
      `seedsMax and viewersMax are at most ${INTRODUCTIONS_MAX} together: peers refuse more.`,
    );
  }
  if (resolved.publicUrl !== undefined && !/^https?:\/\/[^/]/.test(resolved.publicUrl)) {
    throw new StarlingError(
      "public-url-invalid",
      "Expected the public address of this API, such as https://live.example.",
    );
  }
  return resolved;
}

function withDefaults(options: ApiOptions): ResolvedOptions {
  return {
    ...options,
    publicUrl: options.publicUrl,
    region: options.region,
    playlistWindow: options.playlistWindow ?? 12,
    targetDurationS: options.targetDurationS ?? 2,
    offlineAfterMs: options.offlineAfterMs ?? 60_000,
    ...joinDefaults(options),
    webhookPrivate: options.webhookPrivate === true,
    trustedProxies: options.trustedProxies ?? 0,
    seedersFor: options.seedersFor ?? "anyone",
    iceServers: options.iceServers ?? [],
    seedsMax: options.seedsMax ?? 4,
    viewersMax: options.viewersMax ?? 8,
    trackerConnectionsMax: options.trackerConnectionsMax ?? 20_000,
    trackerConnectionsPerAddressMax: options.trackerConnectionsPerAddressMax ?? 2000,
    joinTimeoutMs: options.joinTimeoutMs ?? 10_000,
    requiredRoles: options.requiredRoles ?? ["ingest", "encoder", "signer", "seeder"],
    freeBytesMin: options.freeBytesMin ?? 512_000_000,
    staticDir: options.staticDir ?? defaultStaticDir(),
  };
}

function joinDefaults(options: ApiOptions) {
  return {
    tokenTtlS: options.tokenTtlS ?? 300,
    tokensPerMinute: options.tokensPerMinute ?? 60,
    joinWork: options.joinWork ?? 400,
    joinsPerSecond: options.joinsPerSecond ?? 100,
    p2p: options.p2p !== false,
  };
}
