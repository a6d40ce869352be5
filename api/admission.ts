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
import type { PeerDirectory } from "./peer-directory.ts";
import type { TrustedKeys } from "./trusted-keys.ts";

/** Decides who may join. */
export class Admission {
  readonly #keys: Pick<TrustedKeys, "keySet">;
  readonly #directory: Pick<PeerDirectory, "claimToken">;

  constructor(keys: Pick<TrustedKeys, "keySet">, directory: Pick<PeerDirectory, "claimToken">) {
    this.#keys = keys;
    this.#directory = directory;
  }

  /**
   * Checks the token, that the caller holds the key the token is bound to (RFC 7800), and that no
   * other key used the token before. Throws StarlingError "token-…", "proof-invalid" or "token-replayed".
   */
  async admit(join: { token: string; proof: string }, nonce: string): Promise<JoinClaims> {
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
    const leftMs = claims.expiresAtS * 1000 - nowMs;
    if (!(await this.#directory.claimToken(claims.tokenId, claims.peer, leftMs))) {
      throw new StarlingError(
        "token-replayed",
        "Another key has used this token: ask for one of your own.",
      );
    }
    return claims;
  }
}

function signatureOf(proof: string): Uint8Array {
  try {
    return fromBase64Url(proof);
  } catch {
    return new Uint8Array();
  }
}
