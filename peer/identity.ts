import { randomBytes } from "node:crypto";
import { toBase64Url } from "../core/index.ts";
import { nodeCrypto } from "./node-crypto.ts";

/** Who a peer is: its Ed25519 key. */
export interface Identity {
  /** The public key, base64url. */
  readonly id: string;
  /** 32 bytes. */
  readonly secretKey: Uint8Array;
}

/** A new identity: by default each run of a peer has its own. */
export function createIdentity(): Identity {
  const secretKey = Uint8Array.from(randomBytes(32));
  return { id: toBase64Url(nodeCrypto.publicKeyOf(secretKey)), secretKey };
}

/** A peer id short enough to read in a log. */
export function shortId(peer: string): string {
  return peer.slice(0, 8);
}
