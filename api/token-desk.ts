import { randomUUID } from "node:crypto";
import type { Request, Response } from "express";
import {
  instantMs,
  type JoinClaims,
  type JoinWork,
  type Jwks,
  networkOf,
  type PeerRole,
  type Rate,
  signJoinToken,
  signRevocation,
  verifyJoinToken,
  wideNetworkOf,
} from "../core/index.ts";
import { nodeCrypto } from "../core/node/index.ts";
import type { SigningKey, Stream, StreamRegistry } from "../pipeline/index.ts";
import { type AccessControl, type Caller, checkScope, keyMissing } from "./access-control.ts";
import { FreshCache } from "./fresh-cache.ts";
import type { JoinDoor, Newcomer } from "./join-door.ts";
import type { ApiMetrics } from "./metrics.ts";
import { type PeerDirectory, tokenFamily } from "./peer-directory.ts";
import { refusal, sendProblem } from "./problems.ts";
import type { RateLimiter } from "./rate-limiter.ts";
import { namedStream } from "./stream-routes.ts";
import { TRACKER_PATH, type Tracker } from "./tracker.ts";
import type { TrustedKeys } from "./trusted-keys.ts";

export interface TokenDeskParts {
  readonly registry: StreamRegistry;
  readonly access: AccessControl;
  readonly key: SigningKey;
  readonly trusted: TrustedKeys;
  readonly door: JoinDoor;
  readonly limiter: RateLimiter;
  readonly directory: PeerDirectory;
  readonly tracker: Pick<Tracker, "expel">;
  readonly metrics: ApiMetrics;
  readonly tokenTtlS: number;
  /** Newcomers of one address, an IPv4 address or an IPv6 /64, that are let in without a key. */
  readonly tokensPerMinute: number;
  /** False: no viewer gets a token, but for the content key of an encrypted stream. */
  readonly p2p: boolean;
  /** Address of this API as viewers see it; undefined: as the request names it. */
  readonly publicUrl: string | undefined;
}

/** What somebody asks for; its form is checked. */
export interface TokenRequest {
  readonly publicKey: string;
  readonly role?: PeerRole | undefined;
  readonly renew?: string | undefined;
  readonly work?: JoinWork | undefined;
  readonly network?: string | undefined;
  readonly region?: string | undefined;
  readonly relay?: boolean | undefined;
}

/** What a token says that only a key can get into it; its renewals say it too. */
type Bindings = Pick<JoinClaims, "network" | "region" | "relay">;

interface Permit extends Bindings, Pick<JoinClaims, "stream" | "peer" | "role"> {
  /** The token that this one renews. */
  readonly renewed?: JoinClaims | undefined;
}

/** How long a deleted stream, or one whose access was changed, may still be joined. */
const STREAM_MAX_AGE_MS = 1000;
/** Requests for tokens that are answered at a time. */
const ANSWERING_MAX = 96;

/** Decides who gets a join token, and signs it. */
export class TokenDesk {
  readonly #parts: TokenDeskParts;
  readonly #rate: Rate;
  readonly #streams: FreshCache<Stream | undefined>;
  #answering = 0;

  constructor(parts: TokenDeskParts) {
    this.#parts = parts;
    this.#rate = { burst: parts.tokensPerMinute, perSecond: parts.tokensPerMinute / 60 };
    this.#streams = new FreshCache(STREAM_MAX_AGE_MS, (id) => parts.registry.get(id));
  }

  /**
   * Answers with a token, a puzzle, or throws the StarlingError of a refusal: "overloaded" at once when so many
   * are being answered that one more would wait for long.
   */
  async answer(request: Request, response: Response, wanted: TokenRequest): Promise<void> {
    if (this.#answering >= ANSWERING_MAX) {
      throw refusal("overloaded", "Wait for as long as Retry-After says.");
    }
    this.#answering += 1;
    try {
      await this.#answer(request, response, wanted);
    } finally {
      this.#answering -= 1;
    }
  }

  async #answer(request: Request, response: Response, wanted: TokenRequest): Promise<void> {
    const { access, p2p } = this.#parts;
    const caller = await access.callerOf(request, response);
    const found = await namedStream(request, this.#streams);
    const { id: stream, access: kind, contentSecret } = found;
    const { publicKey: peer, role = "viewer" } = wanted;
    authorise({ caller, access: kind, wanted }, response);
    // Without the mesh, a token still is what a content key is given for.
    const isUseful = p2p || role === "seed" || contentSecret !== "";
    if (!isUseful) throw refusal("p2p-off", "Play plain HLS.");
    const permit: Permit = { stream, peer, role, ...bindingsOf(wanted) };
    if (caller !== "anybody") return this.#issue(request, response, permit);

    const renewed = await this.#renewable(wanted, stream);
    if (renewed !== undefined) {
      return this.#issue(request, response, { ...permit, ...bindingsOf(renewed), renewed });
    }
    await this.#admit(request, response, permit, wanted.work);
  }

  /** Makes a token worthless, and lets the mesh part from its peer. Throws StarlingError "token-not-found" for what is no id of one. */
  async revoke(stream: string, tokenId: string): Promise<void> {
    const { directory, key, tracker, tokenTtlS } = this.#parts;
    if (!/^[\w-]{1,40}(~\d{1,16})?$/.test(tokenId)) {
      throw refusal("token-not-found", "Name it by the tokenId that came with it.");
    }
    // When that is over, so is the life of the last token of its family.
    const ttlS = tokenTtlS + 1;
    const peer = await directory.revoke(tokenId, ttlS * 1000);
    if (peer === undefined) return;
    const issuedAtS = Math.floor(Date.now() / 1000);
    const claims = { stream, peer, issuedAtS, expiresAtS: issuedAtS + ttlS };
    const revocation = signRevocation(claims, key.jwk.kid, key.sign);
    await tracker.expel({ stream, peer }, revocation, ttlS * 1000);
  }

  /** Lets a newcomer in who did its work; gives it some otherwise. */
  async #admit(
    request: Request,
    response: Response,
    permit: Permit,
    work: JoinWork | undefined,
  ): Promise<void> {
    const { door, limiter } = this.#parts;
    const address = request.ip ?? "unknown";
    const newcomer: Newcomer = { ...permit, network: wideNetworkOf(address) };
    if (door.isGuarded && work === undefined) return this.#giveWork(response, newcomer);
    await limiter.take(response, networkOf(address), this.#rate);
    if (work !== undefined && door.isGuarded && !(await door.admits(work, newcomer))) {
      return this.#giveWork(response, newcomer);
    }
    await this.#issue(request, response, permit);
  }

  async #giveWork(response: Response, newcomer: Newcomer): Promise<void> {
    const puzzle = await this.#parts.door.puzzle(newcomer);
    const detail = "Solve the puzzle and ask again with its answer (PROTOCOL.md, Work).";
    sendProblem(response, "work-needed", detail, puzzle);
  }

  /** The claims of the token by which a peer asks for the next one, if it is in good standing. */
  async #renewable(
    { renew, publicKey, role }: TokenRequest,
    stream: string,
  ): Promise<JoinClaims | undefined> {
    if (renew === undefined || role === "seed") return undefined;
    const { directory, trusted } = this.#parts;
    const claims = await claimsOf(renew, trusted, stream);
    if (claims?.peer !== publicKey || claims.role !== "viewer") return undefined;
    const [connection, isRevoked] = await Promise.all([
      directory.connectionOf(claims),
      directory.isRevoked(claims.tokenId),
    ]);
    return connection === undefined || isRevoked ? undefined : claims;
  }

  async #issue(request: Request, response: Response, permit: Permit): Promise<void> {
    const { key, trusted, metrics, tokenTtlS, publicUrl } = this.#parts;
    const { renewed, ...rest } = permit;
    const issuedAtS = Math.floor(Date.now() / 1000);
    const expiresAtS = issuedAtS + tokenTtlS;
    const tokenId =
      renewed === undefined ? randomUUID() : `${tokenFamily(renewed.tokenId)}~${issuedAtS}`;
    const token = signJoinToken({ ...rest, tokenId, issuedAtS, expiresAtS }, key.jwk.kid, key.sign);
    metrics.tokens.inc({ role: permit.role });
    const base = publicUrl ?? `${request.protocol}://${request.get("host") ?? "localhost"}`;
    const answer: TokenAnswer = {
      ...{ token, peer: permit.peer, role: permit.role, tokenId },
      expiresAt: new Date(expiresAtS * 1000).toISOString(),
      tracker: `${base.replace(/^http/, "ws").replace(/\/$/, "")}${TRACKER_PATH}`,
      jwks: await trusted.jwks(),
    };
    response.status(201).set("Cache-Control", "no-store").json(answer);
  }
}

interface TokenAnswer {
  readonly token: string;
  readonly peer: string;
  readonly role: PeerRole;
  readonly tokenId: string;
  readonly expiresAt: string;
  readonly tracker: string;
  readonly jwks: Jwks;
}

function authorise(
  {
    caller,
    access,
    wanted,
  }: {
    readonly caller: Caller;
    readonly access: Stream["access"];
    readonly wanted: TokenRequest;
  },
  response: Response,
): void {
  // A backend may pass on what its viewers ask for: a key for viewers makes no relay.
  if (typeof caller === "object") checkScope(caller, wanted.relay === true ? "relays" : "tokens");
  if (wanted.role === "seed" && caller !== "origin") {
    throw refusal("seed-role-refused", `Ask for the role "viewer".`);
  }
  if (access === "backend" && caller === "anybody") throw keyMissing(response);
  const isBound = Object.values(bindingsOf(wanted)).some((binding) => binding !== undefined);
  if (caller === "anybody" && isBound) {
    throw refusal("binding-refused", "Leave out network, region and relay, or send an API key.");
  }
}

async function claimsOf(
  token: string,
  trusted: TrustedKeys,
  stream: string,
): Promise<JoinClaims | undefined> {
  const trust = { keys: await trusted.keySet(), crypto: nodeCrypto };
  try {
    return verifyJoinToken(token, trust, { stream, now: instantMs(Date.now()) });
  } catch {
    return undefined; // Who has no good token is a newcomer.
  }
}

function bindingsOf({ network, region, relay }: Bindings): Bindings {
  return { network, region, relay: relay === true ? true : undefined };
}
