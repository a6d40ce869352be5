import {
  type BlockId,
  chooseFec,
  INIT_PART,
  type InstantMs,
  jwkOf,
  type KeySet,
  keyIdOf,
  leafHash,
  type Manifest,
  merkleRoot,
  nobleCrypto,
  type PeerRole,
  plainKernel,
  Random,
  signJoinToken,
  signManifest,
  symbolOf,
  type TokenBucket,
  toBase64Url,
  utf8,
} from "../../core/index.ts";
import { blockPort } from "../block-port.ts";
import type { Input } from "../mesh-io.ts";
import { MeshPeer } from "../mesh-peer.ts";
import type { MeshLimits, MeshOptions } from "../mesh-state.ts";
import { uploadBudget } from "../uploads.ts";

const { sha256, sign, publicKeyOf } = nobleCrypto;

/** A secret key that is the same in each run. */
export function secretKeyOf(name: string): Uint8Array {
  return sha256(utf8(name));
}

export const TEST_LIMITS: MeshLimits = {
  perPeerUploadBytesPerS: 100_000_000,
  cacheBytesMax: 64 * 1024 * 1024,
  maxDelayMs: 4000,
};

/** An origin with fixed keys that makes blocks, tokens and peers for tests. */
export class TestOrigin {
  readonly stream: string;
  readonly manifestKey: Uint8Array = secretKeyOf("manifest key");
  readonly tokenKey: Uint8Array = secretKeyOf("token key");

  constructor(stream = "demo") {
    this.stream = stream;
  }

  get keys(): KeySet {
    const manifest = jwkOf(publicKeyOf(this.manifestKey), "manifest", nobleCrypto);
    const token = jwkOf(publicKeyOf(this.tokenKey), "token", nobleCrypto);
    return new Map([
      [manifest.kid, { publicKey: publicKeyOf(this.manifestKey), purpose: "manifest" }],
      [token.kid, { publicKey: publicKeyOf(this.tokenKey), purpose: "token" }],
    ]);
  }

  /** A join token for the peer named `name`. */
  token(now: InstantMs, name: string, role: PeerRole): string {
    const issuedAtS = Math.floor(now / 1000);
    return signJoinToken(
      {
        stream: this.stream,
        peer: toBase64Url(publicKeyOf(secretKeyOf(name))),
        role,
        tokenId: name,
        issuedAtS,
        expiresAtS: issuedAtS + 300,
      },
      keyIdOf(publicKeyOf(this.tokenKey), nobleCrypto),
      (message) => sign(message, this.tokenKey),
    );
  }

  /** A peer with the key of its name. */
  peer(
    now: InstantMs,
    name: string,
    role: PeerRole,
    limits: Partial<MeshLimits> = {},
    uploads: TokenBucket = uploadBudget(now, 100_000_000),
  ): MeshPeer {
    return new MeshPeer(this.options(now, name, role, limits, uploads));
  }

  /** What a peer with the key of its name is made of. */
  options(
    now: InstantMs,
    name: string,
    role: PeerRole,
    limits: Partial<MeshLimits> = {},
    uploads: TokenBucket = uploadBudget(now, 100_000_000),
  ): MeshOptions {
    const secretKey = secretKeyOf(name);
    return {
      stream: this.stream,
      peer: { id: toBase64Url(publicKeyOf(secretKey)), secretKey },
      role,
      token: this.token(now, name, role),
      keys: this.keys,
      crypto: nobleCrypto,
      blocks: blockPort(this.stream, this.keys, nobleCrypto),
      random: new Random(name.length),
      uploads,
      limits: { ...TEST_LIMITS, ...limits },
    };
  }

  /** A block of `source`, as a seed publishes it; `changes` are made to the manifest before it is signed. */
  block(
    now: InstantMs,
    block: BlockId,
    source: Uint8Array,
    changes: Partial<Manifest> = {},
    signingKey: Uint8Array = this.manifestKey,
  ): Extract<Input, { kind: "publish" }> {
    const fec = chooseFec(source.length, { symbolBytesTarget: 2048, repairRatio: 0.25 });
    const repair = plainKernel.encode(source, fec);
    const leaves = Array.from({ length: fec.n }, (_, esi) =>
      leafHash(nobleCrypto, symbolOf(fec, source, repair, esi)),
    );
    const issuedAtS = Math.floor(now / 1000);
    const manifest: Manifest = {
      stream: this.stream,
      session: "session",
      block,
      last: true,
      discontinuity: 0,
      init:
        block.part === INIT_PART
          ? null
          : { sequence: 0, sha256: toBase64Url(sha256(initSegment())) },
      durationMs: 1000,
      programDateTimeMs: now,
      completedAtMs: now,
      byteLength: source.length,
      sha256: toBase64Url(sha256(source)),
      fec,
      root: toBase64Url(merkleRoot(nobleCrypto, leaves)),
      issuedAtS,
      expiresAtS: issuedAtS + 120,
      ...changes,
    };
    const keyId = keyIdOf(publicKeyOf(signingKey), nobleCrypto);
    const jws = signManifest(manifest, keyId, (message) => sign(message, signingKey));
    const symbols = leaves.map((_, esi) => symbolOf(fec, source, repair, esi));
    return { kind: "publish", jws, leaves, symbols };
  }
}

/** The init segment of every test stream. */
export function initSegment(): Uint8Array {
  return utf8("init segment ".repeat(80));
}

/** Bytes that differ from block to block. */
export function segmentOf(sequence: number, byteLength = 60_000): Uint8Array {
  return Uint8Array.from(
    { length: byteLength },
    (_, at) => (at * (sequence * 2 + 7) + (at >>> 8)) & 0xff,
  );
}

/** The public key of the peer named `name`, base64url. */
export function peerIdOf(name: string): string {
  return toBase64Url(publicKeyOf(secretKeyOf(name)));
}
