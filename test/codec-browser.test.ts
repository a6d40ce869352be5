import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { build } from "esbuild";
import type { Browser, Page } from "playwright-core";
import { launchChromium } from "./chromium.ts";

const CORE = fileURLToPath(new URL("../core/index.ts", import.meta.url));
const VECTORS = fileURLToPath(new URL("../fixtures/vectors/leopard-gf8.json", import.meta.url));

/** Runs in the page: codes each vector, then loses as many source symbols as can be, and decodes. */
const PAGE_SCRIPT = `
import { nobleCrypto, plainKernel, toHex, wasmKernel } from ${JSON.stringify(CORE)};

function sourceOf(length) {
  const bytes = new Uint8Array(Math.ceil(length / 32) * 32);
  const counter = new DataView(new ArrayBuffer(4));
  for (let index = 0; index * 32 < length; index++) {
    counter.setUint32(0, index);
    bytes.set(nobleCrypto.sha256(new Uint8Array(counter.buffer)), index * 32);
  }
  return bytes.subarray(0, length);
}

globalThis.check = (name, vectors) => {
  const kernel = name === "plain" ? plainKernel : wasmKernel(name);
  if (kernel === undefined) return undefined;
  return vectors.map(({ k, n, symbolBytes, repairSha256 }) => {
    const fec = { code: "leopard-gf8", k, n, symbolBytes };
    const source = sourceOf(k * symbolBytes);
    const repair = kernel.encode(source, fec).slice();
    const lost = Array.from({ length: Math.min(k, n - k) }, (_, esi) => esi);
    const padded = source.slice().fill(0, 0, lost.length * symbolBytes);
    const symbols = Array.from({ length: n - k }, (_, index) => [
      k + index,
      repair.slice(index * symbolBytes, (index + 1) * symbolBytes),
    ]);
    kernel.decode(padded, lost, new Map(symbols), fec);
    return {
      isEncoded: toHex(nobleCrypto.sha256(repair)) === repairSha256,
      isDecoded: toHex(padded) === toHex(source),
    };
  });
};
`;

let browser: Browser;
let page: Page;

beforeAll(async () => {
  const bundle = await build({
    stdin: { contents: PAGE_SCRIPT, resolveDir: fileURLToPath(new URL(".", import.meta.url)) },
    bundle: true,
    write: false,
    format: "iife",
    target: "es2022",
  });
  browser = await launchChromium();
  page = await browser.newPage();
  await page.addScriptTag({ content: bundle.outputFiles[0]?.text ?? "" });
}, 60_000);
afterAll(() => browser.close());

describe("in Chromium", () => {
  const { vectors } = JSON.parse(readFileSync(VECTORS, "utf8")) as { vectors: object[] };

  test.each(["relaxed", "strict", "plain"])("the %s kernel gives Leopard's bytes", async (name) => {
    const results = await page.evaluate(
      `check(${JSON.stringify(name)}, ${JSON.stringify(vectors)})`,
    );
    expect(results).toEqual(vectors.map(() => ({ isEncoded: true, isDecoded: true })));
  });
});
