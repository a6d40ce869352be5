import {
  fromBase64Url,
  instantMs,
  type JoinClaims,
  parsePublicKey,
  StarlingError,
  trackerProofMessage,
  verifyJoinToken,
} from "../core/index.ts";
import { nodeCrypto } from "../core/node/index.ts";
import { isInNetwork } from "./bound-network.ts";
import type { PeerDirectory } from "./peer-directory.ts";
import type { TrustedKeys } from "./trusted-keys.ts";

/** Decides who may join. */
export class Admission {
  readonly #keys: Pick<TrustedKeys, "keySet">;
  readonly #directory: Pick<PeerDirectory, "claimToken" | "isRevoked">;
  readonly #region: string | undefined;

  /** `region` is the tracker's own. */
  constructor(
    keys: Pick<TrustedKeys, "keySet">,
    directory: Pick<PeerDirectory, "claimToken" | "isRevoked">,
    region?: string,
  ) {
    this.#keys = keys;
    this.#directory = directory;
    this.#region = region;
  }

  /**
   * Checks the token and what it is bound to: the key, which the caller must hold (RFC 7800), the network
   * and region that it comes to; and that no other key used the token before. Throws StarlingError "token-…"
   * or "proof-invalid".
   */
  async admit(
    join: { token: string; proof: string },
    { nonce, address }: { readonly nonce: string; readonly address: string },
  ): Promise<JoinClaims> {
    const nowMs = Date.now();
    const trust = { keys: await this.#keys.keySet(), crypto: nodeCrypto };
    const claims = verifyJoinToken(join.token, trust, { now: instantMs(nowMs) });
    const isProven = nodeCrypto.verify(
      signatureOf(join.proof),
      trackerProofMessage(nonce),
      parsePublicKey(claims.peer),
    );
    if (!isProven) {
      throw new StarlingError(
        "proof-invalid",
        "The proof is not a signature of this challenge by the key that the token names.",
      );
    }
    this.#checkBindings(claims, address);
    if (await this.#directory.isRevoked(claims.tokenId)) {
      throw new StarlingError("token-revoked", "The token was revoked: ask for another one.");
    }
    const leftMs = claims.expiresAtS * 1000 - nowMs;
    if (!(await this.#directory.claimToken(claims.tokenId, claims.peer, leftMs))) {
      throw new StarlingError(
        "token-replayed",
        "Another key has used this token: ask for one of your own.",
      );
    }
    return claims;
  }

  #checkBindings({ network, region }: JoinClaims, address: string): void {
    if (network !== undefined && !isInNetwork(address, network)) {
      throw new StarlingError(
        "token-wrong-network",
        "The token is for another network than yours.",
      );
    }
    if (region !== undefined && region !== this.#region) {
      throw new StarlingError("token-wrong-region", "The token is for trackers of another region.");
    }
  }
}

function signatureOf(proof: string): Uint8Array {
  try {
    return fromBase64Url(proof);
  } catch {
    return new Uint8Array();
  }
}
