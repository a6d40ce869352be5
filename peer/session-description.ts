import { fromHex, StarlingError } from "../core/index.ts";

const FINGERPRINT_LINE = /^a=fingerprint:(\S+) ([0-9a-f]{2}(?::[0-9a-f]{2})*)\s*$/gim;
const SHA256_BYTES = 32;

/**
 * The SHA-256 fingerprint of the certificate that a session description promises (RFC 8122
 * section 5): 32 bytes. Throws StarlingError "transport-fingerprint" unless there is just one.
 */
export function fingerprintOf(sdp: string): Uint8Array {
  const [line, ...more] = sdp.matchAll(FINGERPRINT_LINE);
  if (line === undefined || more.length > 0 || line[1]?.toLowerCase() !== "sha-256") {
    throw refused();
  }
  const fingerprint = fromHex((line[2] ?? "").replaceAll(":", ""));
  if (fingerprint.length !== SHA256_BYTES) throw refused();
  return fingerprint;
}

function refused(): StarlingError {
  return new StarlingError(
    "transport-fingerprint",
    "The session description must hold one SHA-256 fingerprint.",
  );
}
