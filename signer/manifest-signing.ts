import { type Manifest, StarlingError, signManifest, toBase64Url } from "../core/index.ts";
import type { SigningKey, SignJob } from "../pipeline/index.ts";
import { merkleTreeOf } from "./merkle-tree.ts";

/**
 * The signed manifest of a coded block, as a compact JWS, valid for `ttlS` seconds from `nowMs`.
 * Throws StarlingError "leaves-count" when the leaf list is not that of the job.
 */
export function signBlock(
  { record, sha256, fec }: SignJob,
  leaves: readonly Uint8Array[],
  key: SigningKey,
  validity: { readonly nowMs: number; readonly ttlS: number },
): string {
  if (leaves.length !== fec.n) {
    throw new StarlingError("leaves-count", `Expected ${fec.n} leaves, found ${leaves.length}.`);
  }
  const issuedAtS = Math.floor(validity.nowMs / 1000);
  const { path: _path, offset: _offset, format: _format, ...segment } = record;
  const manifest: Manifest = {
    ...segment,
    sha256,
    fec,
    root: toBase64Url(merkleTreeOf(leaves).getRoot()),
    issuedAtS,
    expiresAtS: issuedAtS + validity.ttlS,
  };
  return signManifest(manifest, key.jwk.kid, key.sign);
}
