import { type Crypto, toBase64Url } from "../core/index.ts";

const SECRET_KEY_BYTES = 32;

/** Who a peer is: its Ed25519 key. */
export interface Identity {
  /** The public key, base64url. */
  readonly id: string;
  /** 32 bytes. */
  readonly secretKey: Uint8Array;
}

/** A new identity: by default each run of a peer has its own. */
export function createIdentity({ publicKeyOf }: Pick<Crypto, "publicKeyOf">): Identity {
  const secretKey = crypto.getRandomValues(new Uint8Array(SECRET_KEY_BYTES));
  return { id: toBase64Url(publicKeyOf(secretKey)), secretKey };
}

/** A peer id short enough to read in a log. */
export function shortId(peer: string): string {
  return peer.slice(0, 8);
}
