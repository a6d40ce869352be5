import { assert, StarlingError } from "../errors.ts";

/** How a block is coded (PROTOCOL.md, "Erasure code"). ESI 0..k-1 are source, k..n-1 repair symbols. */
export interface FecParameters {
  readonly code: "leopard-gf8";
  /** Source symbols. */
  readonly k: number;
  /** All symbols. */
  readonly n: number;
  /** Bytes of a symbol, a multiple of 64. Only the last source symbol may be shorter on the wire. */
  readonly symbolBytes: number;
}

export interface FecPolicy {
  /** Aim for the bytes of a symbol; small blocks take smaller ones. */
  readonly symbolBytesTarget: number;
  /** Repair symbols per source symbol. */
  readonly repairRatio: number;
}

export const DEFAULT_FEC_POLICY: FecPolicy = { symbolBytesTarget: 16_384, repairRatio: 0.25 };

export const SYMBOL_BYTES_UNIT = 64;
/** A symbol message stays under 64 KiB, the largest that every WebRTC stack takes. */
export const SYMBOL_BYTES_MAX = 65_472;
export const SOURCE_SYMBOLS_MAX = 192;
export const REPAIR_SYMBOLS_MAX = 64;
export const SYMBOLS_MAX: number = SOURCE_SYMBOLS_MAX + REPAIR_SYMBOLS_MAX;
export const BLOCK_BYTES_MAX: number = SOURCE_SYMBOLS_MAX * SYMBOL_BYTES_MAX;

/** Fewer source symbols than this spread a block over too few peers, unless symbols get tiny. */
const SOURCE_SYMBOLS_AIM = 32;
const SMALL_SYMBOL_BYTES = 1024;

/**
 * The byte lengths of the blocks, its parts, that a segment of `byteLength` bytes is coded in: as few
 * as BLOCK_BYTES_MAX allows, because each must be completed on its own, and equal but for a byte, so
 * that chooseFec protects them all alike.
 */
export function splitSegment(byteLength: number): number[] {
  assert(Number.isInteger(byteLength) && byteLength >= 1, "a segment has bytes");
  const partCount = Math.ceil(byteLength / BLOCK_BYTES_MAX);
  const partBytes = Math.floor(byteLength / partCount);
  const longerCount = byteLength % partCount;
  return Array.from({ length: partCount }, (_, part) => partBytes + (part < longerCount ? 1 : 0));
}

/**
 * The sizing policy: how a block of `byteLength` bytes is coded. splitSegment gives blocks of larger
 * segments.
 *
 * - K = clamp(bytes / 16 KiB, 32, 192), so that a block spreads over many peers, a symbol is sent
 *   within milliseconds, and N stays small enough for the code. Below 32 KiB a symbol has 1 KiB.
 * - A symbol has bytes / K, rounded up to whole 64 bytes.
 * - R is about K / 4. The cost of the code goes by M, the power of two that holds R, so an R that
 *   would fill less than three quarters of M falls to M / 2.
 *
 * 20 kB are 20 + 4 symbols of 1 KiB, 375 kB 32 + 8 of 11.5 KiB, 2 MB 123 + 31 of 15.9 KiB, 8 MB 192 +
 * 48 of 40.8 KiB, and 16 MB two such blocks. The policy moves the 16 KiB and the quarter.
 * Throws StarlingError "fec-block-size" for an empty block or one over BLOCK_BYTES_MAX,
 * and "fec-parameters" for a policy that is no policy.
 */
export function chooseFec(
  byteLength: number,
  { symbolBytesTarget, repairRatio }: FecPolicy = DEFAULT_FEC_POLICY,
): FecParameters {
  if (!Number.isInteger(byteLength) || byteLength < 1 || byteLength > BLOCK_BYTES_MAX) {
    throw new StarlingError(
      "fec-block-size",
      `A block has 1 to ${BLOCK_BYTES_MAX} bytes, got ${byteLength}: split the segment.`,
    );
  }
  const byTarget = Math.ceil(byteLength / symbolBytesTarget);
  const bySmallest = Math.ceil(byteLength / SMALL_SYMBOL_BYTES);
  const wanted = Math.max(byTarget, Math.min(SOURCE_SYMBOLS_AIM, bySmallest));
  const perSymbol = Math.ceil(byteLength / Math.min(wanted, SOURCE_SYMBOLS_MAX));
  const symbolBytes = Math.ceil(perSymbol / SYMBOL_BYTES_UNIT) * SYMBOL_BYTES_UNIT;
  const k = Math.ceil(byteLength / symbolBytes); // Rounding symbols up can make the last one needless.
  const fec = {
    code: "leopard-gf8",
    k,
    n: k + repairCountFor(k, repairRatio),
    symbolBytes,
  } as const;
  checkFec(fec, byteLength);
  return fec;
}

function repairCountFor(k: number, repairRatio: number): number {
  const wanted = Math.min(REPAIR_SYMBOLS_MAX, Math.max(1, Math.round(k * repairRatio)));
  const space = repairSpace(wanted);
  return wanted < 0.75 * space ? space / 2 : wanted;
}

/** M: the smallest power of two that is at least `repairCount`. */
export function repairSpace(repairCount: number): number {
  return 2 ** Math.ceil(Math.log2(repairCount));
}

/** Throws StarlingError "fec-parameters" unless a kernel can work with `fec`. */
export function checkShape({ k, n, symbolBytes }: FecParameters): void {
  const fits =
    isCount(k, SOURCE_SYMBOLS_MAX) &&
    isCount(n - k, REPAIR_SYMBOLS_MAX) &&
    isCount(symbolBytes, SYMBOL_BYTES_MAX) &&
    symbolBytes % SYMBOL_BYTES_UNIT === 0;
  if (fits) return;
  throw new StarlingError(
    "fec-parameters",
    `k=${k}, n=${n}, symbolBytes=${symbolBytes} are beyond the code's limits.`,
  );
}

/** Throws StarlingError "fec-parameters" unless `fec` can code a block of `byteLength` bytes. */
export function checkFec(fec: FecParameters, byteLength: number): void {
  checkShape(fec);
  const { k, n, symbolBytes } = fec;
  if (isCount(byteLength, k * symbolBytes) && byteLength > (k - 1) * symbolBytes) return;
  throw new StarlingError(
    "fec-parameters",
    `k=${k}, n=${n}, symbolBytes=${symbolBytes} cannot code ${byteLength} bytes.`,
  );
}

function isCount(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= max;
}

/** The bytes of symbol `esi` on the wire and under its leaf hash: padding is neither sent nor hashed. */
export function symbolLength(fec: FecParameters, byteLength: number, esi: number): number {
  if (esi !== fec.k - 1) return fec.symbolBytes;
  return byteLength - esi * fec.symbolBytes;
}

/** A view of symbol `esi` as it travels, in the block's own bytes or in its repair symbols. */
export function symbolOf(
  fec: FecParameters,
  source: Uint8Array,
  repair: Uint8Array,
  esi: number,
): Uint8Array {
  const from = esi < fec.k ? source : repair;
  const start = (esi < fec.k ? esi : esi - fec.k) * fec.symbolBytes;
  return from.subarray(start, start + symbolLength(fec, source.length, esi));
}
