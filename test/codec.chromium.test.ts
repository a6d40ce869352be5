import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import type * as Core from "../core/index.ts";
import { launchChromium } from "./chromium.ts";

const ROOT = `${import.meta.dirname}/..`;

interface Vector {
  readonly k: number;
  readonly n: number;
  readonly symbolBytes: number;
  readonly repairSha256: string;
}

const FILE = `${ROOT}/fixtures/vectors/leopard-gf8.json`;
const { vectors } = JSON.parse(readFileSync(FILE, "utf8")) as { readonly vectors: Vector[] };

let bundle: string;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  const options = ["--bundle", "--format=iife", "--global-name=core", "--log-level=error"];
  bundle = execFileSync("node_modules/.bin/esbuild", ["core/index.ts", ...options], {
    cwd: ROOT,
    encoding: "utf8",
  });
  browser = await launchChromium();
  page = await browser.newPage();
  await page.addScriptTag({ content: bundle });
});

afterAll(() => browser.close());

describe.each(["relaxed", "strict", "plain"] as const)("in Chromium the %s kernel", (build) => {
  test.each(vectors)("makes and decodes Leopard's repair symbols, k=$k, n=$n", async (vector) => {
    const source = sourceOf(vector.k * vector.symbolBytes).toString("base64");
    const { repair, decoded } = await page.evaluate(codeInPage, { build, vector, source });
    expect(createHash("sha256").update(repair, "base64").digest("hex")).toBe(vector.repairSha256);
    expect(decoded).toBe(source);
  });
});

test("Chromium does not need the plain kernel", async () => {
  const isPlain = await page.evaluate(async () => {
    const { core } = globalThis as unknown as { readonly core: typeof Core };
    return (await core.loadBestKernel()) === core.plainKernel;
  });
  expect(isPlain).toBe(false);
});

test("Chromium hashes in WebAssembly, and gives what Node.js gives", async () => {
  const lengths = [0, 1, 55, 56, 64, 16_384, 60_000];
  const digests = await page.evaluate(digestsInPage, lengths);
  expect(digests).toEqual(
    lengths.map((length) => ({ inWasm: digestOf(length), best: digestOf(length) })),
  );
});

test("where a page's policy forbids WebAssembly the plain kernel and @noble take over", async () => {
  const strictPage = await browser.newPage();
  const policy = "script-src 'unsafe-inline'";
  await strictPage.setContent(`<meta http-equiv="Content-Security-Policy" content="${policy}">`);
  await strictPage.addScriptTag({ content: bundle });
  const isPlain = await strictPage.evaluate(async () => {
    const { core } = globalThis as unknown as { readonly core: typeof Core };
    return (
      core.bestKernel() === core.plainKernel && (await core.loadBestKernel()) === core.plainKernel
    );
  });
  expect(isPlain).toBe(true);
  const [digest] = await strictPage.evaluate(digestsInPage, [100]);
  expect(digest).toEqual({ inWasm: undefined, best: digestOf(100) });
});

/** Runs inside the page: the SHA-256 of as many bytes 7, as hexadecimal. */
function digestsInPage(lengths: readonly number[]): { inWasm: string | undefined; best: string }[] {
  const { core } = globalThis as unknown as { readonly core: typeof Core };
  const wasmSha256 = core.wasmSha256();
  return lengths.map((length) => {
    const bytes = new Uint8Array(length).fill(7);
    const inWasm = wasmSha256 === undefined ? undefined : core.toHex(wasmSha256(bytes));
    return { inWasm, best: core.toHex(core.browserCrypto.sha256(bytes)) };
  });
}

function digestOf(length: number): string {
  return createHash("sha256").update(Buffer.alloc(length, 7)).digest("hex");
}

/** Runs inside the page: encodes, loses all that can be lost, and decodes; bytes are base64. */
function codeInPage(work: {
  readonly build: "relaxed" | "strict" | "plain";
  readonly vector: Vector;
  readonly source: string;
}): { repair: string; decoded: string } {
  const { core } = globalThis as unknown as { readonly core: typeof Core };
  const { k, n, symbolBytes } = work.vector;
  const parameters = { code: "leopard-gf8", k, n, symbolBytes } as const;
  const kernel = work.build === "plain" ? core.plainKernel : core.wasmKernel(work.build);
  if (kernel === undefined) throw new Error("The platform does not take this build.");
  const base64 = (bytes: Uint8Array) =>
    btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  const source = Uint8Array.from(atob(work.source), (character) => character.charCodeAt(0));
  const repair = kernel.encode(source, parameters);
  const losses = Math.min(k, n - k);
  const missing = Array.from({ length: losses }, (_, index) => index);
  const received = missing.map((row): [number, Uint8Array] => {
    return [k + row, repair.slice(row * symbolBytes, (row + 1) * symbolBytes)];
  });
  source.fill(0, 0, losses * symbolBytes);
  kernel.decode(source, missing, new Map(received), parameters);
  return { repair: base64(repair), decoded: base64(source) };
}

/** Byte i is byte i mod 32 of SHA-256(u32be(i div 32)). */
function sourceOf(length: number): Buffer {
  const hashes = Array.from({ length: Math.ceil(length / 32) }, (_, index) => {
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(index);
    return createHash("sha256").update(counter).digest();
  });
  return Buffer.concat(hashes).subarray(0, length);
}
