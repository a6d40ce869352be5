import { assert, equalBytes } from "../../index.ts";
import type { FecKernel } from "../kernel.ts";
import type { FecParameters } from "../parameters.ts";
import { plainKernel } from "../plain-kernel.ts";
import { shape } from "./kernels.ts";
import { bytesFrom, pickedFrom } from "./samples.ts";

interface CodedBlock {
  readonly source: Uint8Array;
  readonly repair: Uint8Array;
  readonly fec: FecParameters;
}

function blockOf(seed: number, fec: FecParameters): CodedBlock {
  const source = bytesFrom(seed, fec.k * fec.symbolBytes);
  return { source, repair: plainKernel.encode(source, fec), fec };
}

/** Loses the source symbols `lost`, decodes from the repair symbols `kept`, and compares. */
function checkDecoding(
  { source, repair, fec }: CodedBlock,
  kernel: FecKernel,
  lost: readonly number[],
  kept: readonly number[],
): void {
  const { k, symbolBytes } = fec;
  const symbol = (esi: number) =>
    repair.subarray((esi - k) * symbolBytes, (esi - k + 1) * symbolBytes);
  const padded = source.slice();
  for (const esi of lost) padded.fill(0xa5, esi * symbolBytes, (esi + 1) * symbolBytes);
  kernel.decode(padded, lost, new Map(kept.map((esi) => [esi, symbol(esi)])), fec);
  const pattern = `k=${k}, n=${fec.n}, lost ${lost}, kept ${kept}`;
  assert(equalBytes(padded, source), `a block is decoded right: ${pattern}`);
}

/** Decodes every pattern of losses of every shape of at most `symbolsMax` symbols; gives their count. */
export function checkEveryPattern(kernel: FecKernel, symbolsMax: number): number {
  let patterns = 0;
  for (let n = 2; n <= symbolsMax; n++) {
    for (let k = 1; k < n; k++) {
      const block = blockOf(n * 256 + k, shape(k, n - k));
      const esis = Array.from({ length: n }, (_, esi) => esi);
      for (let received = 0; received < 2 ** n; received++) {
        const lost = esis.filter((esi) => esi < k && ((received >>> esi) & 1) === 0);
        const kept = esis.filter((esi) => esi >= k && ((received >>> esi) & 1) === 1);
        if (kept.length < lost.length) continue;
        checkDecoding(block, kernel, lost, kept);
        patterns++;
      }
    }
  }
  return patterns;
}

/** Decodes `count` random patterns of one shape: any number of losses, from any repair symbols. */
export function checkRandomPatterns(
  kernel: FecKernel,
  fec: FecParameters,
  { seed, count }: { readonly seed: number; readonly count: number },
): void {
  const block = blockOf(seed, fec);
  const repairs = fec.n - fec.k;
  const losses = bytesFrom(seed, count);
  for (const [index, byte] of losses.entries()) {
    const length = 1 + (byte % Math.min(fec.k, repairs));
    const lost = pickedFrom(seed + 2 * index, fec.k, length);
    const kept = pickedFrom(seed + 2 * index + 1, repairs, length).map((row) => fec.k + row);
    checkDecoding(block, kernel, lost, kept);
  }
}
