import {
  BlockDecoder,
  type Crypto,
  equalBytes,
  fromBase64Url,
  type InstantMs,
  type KeySet,
  leafHash,
  leavesMatchRoot,
  type Manifest,
  StarlingError,
  verifyManifest,
} from "../core/index.ts";

/** Collects verified symbols until any K of them give the block. */
export interface SymbolDecoder {
  /** How many more symbols are needed. */
  readonly needed: number;
  /** Whether it has a symbol, or has decoded the block and so can make it. */
  has(esi: number): boolean;
  /** Adds a symbol that `BlockPort.isSymbol` found right. */
  add(esi: number, symbol: Uint8Array): void;
  /** A symbol that `has` tells of, or undefined. */
  symbol(esi: number): Uint8Array | undefined;
  /** The block, once none is needed. */
  bytes(): Uint8Array;
}

/**
 * How a peer checks and decodes blocks. A simulation of thousands of peers shares the results of what
 * all of them would compute alike.
 */
export interface BlockPort {
  /** Verifies a manifest and that the leaf hashes give its Merkle root, or throws StarlingError. */
  verify(now: InstantMs, jws: string, leaves: readonly Uint8Array[]): Manifest;
  /** Whether `bytes` hash to `leaf`. */
  isSymbol(bytes: Uint8Array, leaf: Uint8Array): boolean;
  /** Whether `bytes` are the whole block of `manifest`. */
  isBlock(bytes: Uint8Array, manifest: Manifest): boolean;
  decoder(manifest: Manifest): SymbolDecoder;
}

/** The real thing, for peers of one stream. `keys` may change while it is in use. */
export function blockPort(stream: string, keys: KeySet, crypto: Crypto): BlockPort {
  return {
    verify: (now, jws, leaves) => {
      const manifest = verifyManifest(jws, { keys, crypto }, { stream, now });
      const { fec, root } = manifest;
      if (leaves.length === fec.n && leavesMatchRoot(crypto, leaves, fromBase64Url(root))) {
        return manifest;
      }
      throw new StarlingError(
        "manifest-bad-leaves",
        "The leaf hashes do not give the Merkle root.",
      );
    },
    isSymbol: (bytes, leaf) => equalBytes(leafHash(crypto, bytes), leaf),
    isBlock: (bytes, { sha256 }) => equalBytes(crypto.sha256(bytes), fromBase64Url(sha256)),
    decoder: ({ fec, byteLength }) => collector(new BlockDecoder(fec, byteLength)),
  };
}

/** A decoder that has all N symbols once it has decoded: any repair symbol can be made again. */
function collector(decoder: BlockDecoder): SymbolDecoder {
  let isWhole = false;
  return {
    get needed() {
      return decoder.needed;
    },
    has: (esi) => decoder.has(esi) || (isWhole && esi < decoder.fec.n),
    add: (esi, symbol) => decoder.add(esi, symbol),
    symbol: (esi) => {
      const symbol = decoder.symbol(esi);
      return symbol !== undefined || !isWhole || esi >= decoder.fec.n
        ? symbol
        : decoder.repair(esi);
    },
    bytes: () => {
      const bytes = decoder.bytes();
      isWhole = true;
      return bytes;
    },
  };
}
