import { describe, expect, test } from "@jest/globals";
import { toHex } from "../bytes.ts";
import { codeOf, KERNELS, shape } from "./testing/kernels.ts";
import { bytesFrom } from "./testing/samples.ts";

describe.each(KERNELS)("the %s kernel", (_name, kernel) => {
  test("refuses parameters that cannot be", () => {
    const bad = [
      shape(0, 1),
      shape(193, 1),
      shape(1e9, 64),
      shape(4, 0),
      shape(4, 65),
      shape(4, -1),
      shape(4.5, 2),
      shape(Number.NaN, 2),
      shape(4, 2, 0),
      shape(4, 2, 65),
      shape(4, 2, 65_536),
    ];
    for (const fec of bad) {
      const calls = [
        () => kernel.encode(new Uint8Array(64), fec),
        () => kernel.decode(new Uint8Array(256), [0], new Map([[4, new Uint8Array(64)]]), fec),
      ];
      for (const call of calls) expect(codeOf(call)).toBe("fec-parameters");
    }
  });

  test("refuses symbols that do not fit their parameters, and writes nothing", () => {
    const fec = shape(4, 2);
    const padded = bytesFrom(1, 256);
    const before = toHex(padded);
    const repair = new Map([
      [4, new Uint8Array(64)],
      [5, new Uint8Array(64)],
    ]);
    const only = (esi: number, length = 64) => new Map([[esi, new Uint8Array(length)]]);
    const range = (firstEsi: number, endEsi: number) => () =>
      kernel.encodeRange(padded, fec, { firstEsi, endEsi });
    const calls = [
      () => kernel.encode(new Uint8Array(257), fec),
      () => kernel.encode(padded, fec, new Uint8Array(127)),
      () => kernel.encode(JSON.parse("[1, 2]"), fec),
      ...[
        range(3, 5),
        range(4, 4),
        range(5, 4),
        range(4, 7),
        range(4.5, 5.5),
        range(Number.NaN, 6),
      ],
      () => kernel.decode(new Uint8Array(255), [0], repair, fec),
      () => kernel.decode(padded, [0, 1, 2], repair, fec),
      () => kernel.decode(padded, [0, 0], repair, fec),
      () => kernel.decode(padded, [4], repair, fec),
      () => kernel.decode(padded, [-1], repair, fec),
      () => kernel.decode(padded, [0.5], repair, fec),
      () => kernel.decode(padded, [0], only(3), fec),
      () => kernel.decode(padded, [0], only(6), fec),
      () => kernel.decode(padded, [0], only(Number.NaN), fec),
      () => kernel.decode(padded, [0], only(4, 63), fec),
      () => kernel.decode(padded, [0], new Map(), fec),
    ];
    for (const call of calls) expect(codeOf(call)).toBe("fec-symbols");
    expect(toHex(padded)).toBe(before);
  });
});
