import { StarlingError } from "../errors.ts";
import { checkShape, type FecParameters } from "./parameters.ts";

/**
 * A kernel of the code. All kernels give the same bytes; see fixtures/vectors/leopard-gf8.json.
 * Parameters that cannot be throw StarlingError "fec-parameters", symbols that do not fit them
 * "fec-symbols"; nothing was written then.
 */
export interface FecKernel {
  /**
   * BLOCK_BYTES_MAX bytes of the kernel's own memory, if it has one. A block that lies at their start
   * is coded and decoded without being copied. Calls with other blocks overwrite them.
   */
  readonly workspace: Uint8Array | undefined;
  /**
   * The repair symbols of a block, end to end: (n - k) * symbolBytes bytes, in `target` or in fresh
   * memory. `source` holds the block's bytes; what it lacks of k * symbolBytes counts as zeros.
   */
  encode(source: Uint8Array, fec: FecParameters, target?: Uint8Array): Uint8Array;
  /** Only the repair symbols with `firstEsi` <= ESI < `endEsi`, end to end. */
  encodeRange(
    source: Uint8Array,
    fec: FecParameters,
    range: EsiRange,
    target?: Uint8Array,
  ): Uint8Array;
  /**
   * Fills in the missing source symbols. `padded` holds k * symbolBytes bytes, with received symbols
   * in place; `missing` lists the ESIs to make, and `repair` has at least as many repair symbols by
   * their ESI.
   */
  decode(
    padded: Uint8Array,
    missing: readonly number[],
    repair: ReadonlyMap<number, Uint8Array>,
    fec: FecParameters,
  ): void;
}

/** ESIs of repair symbols: k <= firstEsi < endEsi <= n. */
export interface EsiRange {
  readonly firstEsi: number;
  readonly endEsi: number;
}

/** Checks what `encodeRange` got, and gives the memory for its symbols. */
export function checkEncode(
  source: Uint8Array,
  fec: FecParameters,
  { firstEsi, endEsi }: EsiRange,
  target: Uint8Array | undefined,
): Uint8Array {
  checkShape(fec);
  const { k, n, symbolBytes } = fec;
  checkLength("block", source, (length) => length <= k * symbolBytes);
  const inOrder = firstEsi >= k && firstEsi < endEsi && endEsi <= n;
  if (!inOrder || !Number.isInteger(firstEsi) || !Number.isInteger(endEsi)) {
    throw symbolError(`Repair symbols of k=${k}, n=${n} cannot be ${firstEsi} to ${endEsi}.`);
  }
  const byteLength = (endEsi - firstEsi) * symbolBytes;
  if (target === undefined) return new Uint8Array(byteLength);
  checkLength("target", target, (length) => length === byteLength);
  return target;
}

/** Checks what `decode` got, and gives the repair symbols that it shall use: one for each lost one. */
export function checkDecode(
  padded: Uint8Array,
  missing: readonly number[],
  repair: ReadonlyMap<number, Uint8Array>,
  fec: FecParameters,
): Map<number, Uint8Array> {
  checkShape(fec);
  const { k, n, symbolBytes } = fec;
  checkLength("padded block", padded, (length) => length === k * symbolBytes);
  const isSource = (esi: number) => Number.isInteger(esi) && esi >= 0 && esi < k;
  if (new Set(missing).size !== missing.length || !missing.every(isSource)) {
    throw symbolError(`Missing source symbols must be different ones of 0 to ${k - 1}.`);
  }
  const used = new Map([...repair].slice(0, missing.length).sort(([a], [b]) => a - b));
  if (used.size < missing.length) {
    throw symbolError(`${missing.length} lost symbols need as many repair symbols.`);
  }
  for (const [esi, symbol] of used) {
    if (!Number.isInteger(esi) || esi < k || esi >= n) {
      throw symbolError(`${esi} is no repair symbol of k=${k}, n=${n}.`);
    }
    checkLength("repair symbol", symbol, (length) => length === symbolBytes);
  }
  return used;
}

function checkLength(what: string, bytes: Uint8Array, fits: (length: number) => boolean): void {
  if (bytes instanceof Uint8Array && fits(bytes.length)) return;
  throw symbolError(`A ${what} of ${bytes?.length} bytes does not fit its parameters.`);
}

function symbolError(message: string): StarlingError {
  return new StarlingError("fec-symbols", message);
}
