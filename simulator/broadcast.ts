import {
  assert,
  type BlockId,
  equalBytes,
  type FecParameters,
  type InstantMs,
  instantMs,
  type KeySet,
  keyIdOf,
  type Manifest,
  type PeerRole,
  type Random,
  SHA256_BYTES,
  StarlingError,
  signJoinToken,
  signManifest,
  toBase64Url,
} from "../core/index.ts";
import type { BlockPort } from "../mesh/index.ts";
import { SharedDecoder } from "./shared-decoder.ts";
import { worldCrypto } from "./world-crypto.ts";

export const STREAM = "simulated";
const TOKEN_VALID_S = 86_400;
const MANIFEST_VALID_S = 120;
const INIT_SHA256: string = toBase64Url(new Uint8Array(SHA256_BYTES));
/** The media of all blocks are views of this many random bytes. */
const MEDIA_BYTES: number = 4 * 1024 * 1024;
/** Where a block's media and its repair symbols begin, far enough from those of the blocks near it. */
const BLOCK_STRIDE_BYTES = 64 * 7919;
const REPAIR_STRIDE_BYTES = 64 * 7907;
const VIEW_BYTES_MAX: number = 2 * 1024 * 1024;

/** What the broadcaster sends and how it is coded. */
export interface BroadcastOptions {
  readonly bytesPerS: number;
  readonly blockMs: number;
  readonly symbolBytes: number;
  /** Repair symbols per source symbol. */
  readonly repairRatio: number;
  /** Blocks are up to this share larger or smaller than the mean. */
  readonly rateSwing: number;
}

/** A block that the origin released. Its number is the sequence number of its id. */
export interface ReleasedBlock {
  readonly number: number;
  readonly releasedAt: InstantMs;
  readonly manifest: Manifest;
  readonly jws: string;
  readonly leaves: readonly Uint8Array[];
  readonly symbols: readonly Uint8Array[];
  readonly bytes: Uint8Array;
}

/** The origin's blocks and permits, and the port by which all peers check them against the one original. */
export class Broadcast {
  readonly keys: KeySet;
  readonly blocks: ReleasedBlock[] = [];
  readonly #options: BroadcastOptions;
  readonly #random: Random;
  readonly #media: Uint8Array;
  readonly #manifestKey = secretKey(1);
  readonly #tokenKey = secretKey(2);
  readonly #byJws = new Map<string, ReleasedBlock>();

  constructor(random: Random, options: BroadcastOptions) {
    this.#random = random;
    this.#options = options;
    this.#media = new Uint8Array(
      Uint32Array.from({ length: MEDIA_BYTES / 4 }, () => random.u32()).buffer,
    );
    this.keys = new Map([
      [
        keyId(this.#manifestKey),
        { publicKey: worldCrypto.publicKeyOf(this.#manifestKey), purpose: "manifest" },
      ],
      [
        keyId(this.#tokenKey),
        { publicKey: worldCrypto.publicKeyOf(this.#tokenKey), purpose: "token" },
      ],
    ]);
  }

  /** A join token for a peer, valid for a day. */
  token(now: InstantMs, peer: string, role: PeerRole): string {
    const issuedAtS = Math.floor(now / 1000);
    const claims = {
      stream: STREAM,
      peer,
      role,
      tokenId: peer,
      issuedAtS,
      expiresAtS: issuedAtS + TOKEN_VALID_S,
    };
    return signJoinToken(claims, keyId(this.#tokenKey), (message) =>
      worldCrypto.sign(message, this.#tokenKey),
    );
  }

  /** Releases the next block. */
  release(now: number): ReleasedBlock {
    const number = this.blocks.length;
    const { bytesPerS, blockMs, rateSwing } = this.#options;
    const swing = 1 + rateSwing * (2 * this.#random.next() - 1);
    const byteLength = Math.max(1, Math.round(((bytesPerS * blockMs) / 1000) * swing));
    assert(byteLength <= VIEW_BYTES_MAX, "a block has at most 2 MiB");
    const fec = this.#fecFor(byteLength);
    const bytes = this.#view(number * BLOCK_STRIDE_BYTES, byteLength);
    const symbols = Array.from({ length: fec.n }, (_, esi) =>
      esi < fec.k
        ? bytes.subarray(esi * fec.symbolBytes, (esi + 1) * fec.symbolBytes)
        : this.#view(
            number * BLOCK_STRIDE_BYTES + (esi + 1) * REPAIR_STRIDE_BYTES,
            fec.symbolBytes,
          ),
    );
    const manifest = this.#manifest(now, number, byteLength, fec);
    const jws = signManifest(manifest, keyId(this.#manifestKey), (message) =>
      worldCrypto.sign(message, this.#manifestKey),
    );
    const leaves = symbols.map((_, esi) => leafOf(number, esi));
    const releasedAt = instantMs(now);
    const block = { number, releasedAt, manifest, jws, leaves, symbols, bytes };
    this.blocks.push(block);
    this.#byJws.set(jws, block);
    return block;
  }

  /** The block of an id, if it was released. */
  block(id: BlockId): ReleasedBlock | undefined {
    return this.blocks[id.sequence];
  }

  /** Whether these are the bytes of that symbol. */
  isSymbol(id: BlockId, esi: number, bytes: Uint8Array): boolean {
    const expected = this.block(id)?.symbols[esi];
    return expected !== undefined && (bytes === expected || equalBytes(bytes, expected));
  }

  /** Whether these are the bytes of the whole block. */
  isBlock(id: BlockId, bytes: Uint8Array): boolean {
    const expected = this.block(id)?.bytes;
    return expected !== undefined && (bytes === expected || equalBytes(bytes, expected));
  }

  /** The port for peers: what they would compute each for themselves is looked up. */
  port(): BlockPort {
    return {
      verify: (now, jws, leaves) => this.#verify(now, jws, leaves),
      isSymbol: (bytes, leaf) => {
        const expected = this.blocks[numberOf(leaf)]?.symbols[esiOf(leaf)];
        return expected !== undefined && (bytes === expected || equalBytes(bytes, expected));
      },
      isBlock: (bytes, { block }) => this.isBlock(block, bytes),
      decoder: ({ block: id }) => {
        const block = this.block(id);
        assert(block !== undefined, "a manifest that was verified is of a released block");
        return new SharedDecoder(block);
      },
    };
  }

  #verify(now: InstantMs, jws: string, leaves: readonly Uint8Array[]): Manifest {
    const block = this.#byJws.get(jws);
    if (block === undefined) {
      throw new StarlingError("manifest-bad-signature", "The signature does not verify.");
    }
    if (block.manifest.expiresAtS * 1000 <= now) {
      throw new StarlingError("manifest-expired", "The manifest has expired.");
    }
    const { number } = block;
    const isRight =
      leaves.length === block.leaves.length &&
      (leaves === block.leaves ||
        leaves.every((leaf, esi) => numberOf(leaf) === number && esiOf(leaf) === esi));
    if (isRight) return block.manifest;
    throw new StarlingError("manifest-bad-leaves", "The leaf hashes do not give the Merkle root.");
  }

  #fecFor(byteLength: number): FecParameters {
    const { symbolBytes, repairRatio } = this.#options;
    const k = Math.ceil(byteLength / symbolBytes);
    const n = k + Math.max(1, Math.round(k * repairRatio));
    return { code: "leopard-gf8", k, n, symbolBytes };
  }

  #manifest(now: number, number: number, byteLength: number, fec: FecParameters): Manifest {
    const issuedAtS = Math.floor(now / 1000);
    return {
      stream: STREAM,
      session: "session",
      block: { rendition: 0, sequence: number, part: 0 },
      discontinuity: 0,
      last: true,
      init: { sequence: 0, sha256: INIT_SHA256 },
      durationMs: this.#options.blockMs,
      programDateTimeMs: now - this.#options.blockMs,
      completedAtMs: now,
      byteLength,
      sha256: toBase64Url(leafOf(number, 0)),
      fec,
      root: toBase64Url(leafOf(number, 1)),
      issuedAtS,
      expiresAtS: issuedAtS + MANIFEST_VALID_S,
    };
  }

  #view(offset: number, byteLength: number): Uint8Array {
    const start = offset % (MEDIA_BYTES - VIEW_BYTES_MAX);
    return this.#media.subarray(start, start + byteLength);
  }
}

/** A key that is the same in every run. */
export function secretKey(number: number): Uint8Array {
  const bytes = new Uint8Array(32);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

function keyId(secret: Uint8Array): string {
  return keyIdOf(worldCrypto.publicKeyOf(secret), worldCrypto);
}

/** A leaf hash of the world: it says of which symbol it is. */
function leafOf(number: number, esi: number): Uint8Array {
  const leaf = new Uint8Array(SHA256_BYTES);
  const view = new DataView(leaf.buffer);
  view.setUint32(0, number);
  leaf[4] = esi;
  return leaf;
}

function numberOf(leaf: Uint8Array): number {
  const [a = 0, b = 0, c = 0, d = 0] = leaf;
  return ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
}

function esiOf(leaf: Uint8Array): number {
  return leaf[4] as number;
}
