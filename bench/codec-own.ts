import { type FecKernel, plainKernel, wasmKernel } from "../core/index.ts";
import { type Codec, type CodecCase, lostOf, symbolsOf, worstLosses } from "./codec-case.ts";

/**
 * Starling's kernels: each in place, with the block in the kernel's own memory as the encoder keeps
 * it, and as "copied", with the block in ordinary memory as a peer has it. Repair symbols always go to
 * ordinary memory and come from there.
 */
export function ownCodecs(): Codec[] {
  const strict = wasmKernel("strict");
  const relaxed = wasmKernel("relaxed");
  return [
    ...(relaxed === undefined ? [] : [codecOf("relaxed", relaxed, true)]),
    ...(relaxed === undefined ? [] : [codecOf("relaxed, copied", relaxed, false)]),
    ...(strict === undefined ? [] : [codecOf("strict", strict, true)]),
    ...(strict === undefined ? [] : [codecOf("strict, copied", strict, false)]),
    codecOf("plain", plainKernel, false),
  ];
}

function codecOf(name: string, kernel: FecKernel, inPlace: boolean): Codec {
  return {
    name: `starling ${name}`,
    isPeer: false,
    tasksFor: (codecCase) => tasksOf(codecCase, kernel, inPlace),
  };
}

function tasksOf(codecCase: CodecCase, kernel: FecKernel, inPlace: boolean) {
  const { k, repairs, symbolBytes, source } = codecCase;
  const fec = { code: "leopard-gf8", k, n: k + repairs, symbolBytes } as const;
  const workspace = inPlace ? kernel.workspace : undefined;
  const block = workspace?.subarray(0, source.length) ?? new Uint8Array(source.length);
  const target = new Uint8Array(repairs * symbolBytes);
  block.set(source);
  const symbols = symbolsOf(kernel.encode(block, fec), symbolBytes);
  const decode = (losses: number) => {
    const missing = lostOf(codecCase, losses);
    const repair = new Map(symbols.slice(0, losses).map((symbol, row) => [k + row, symbol]));
    return () => {
      kernel.decode(block, missing, repair, fec);
      return block;
    };
  };
  return {
    // The workspace is shared by the cases: what it holds does not change how long coding takes.
    encode: () => void kernel.encode(block, fec, target),
    decodeWorst: decode(worstLosses(codecCase)),
    decodeOne: decode(1),
  };
}
