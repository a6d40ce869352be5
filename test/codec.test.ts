import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { Browser, Page } from "playwright-core";
import type * as Fec from "../core/index.ts";
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

let browser: Browser;
let page: Page;

beforeAll(async () => {
  const options = ["--bundle", "--format=iife", "--global-name=fec", "--log-level=error"];
  const bundle = execFileSync("node_modules/.bin/esbuild", ["core/fec/index.ts", ...options], {
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
    const { fec } = globalThis as unknown as { readonly fec: typeof Fec };
    return (await fec.loadBestKernel()) === fec.plainKernel;
  });
  expect(isPlain).toBe(false);
});

/** Runs inside the page: encodes, loses all that can be lost, and decodes; bytes are base64. */
function codeInPage(work: {
  readonly build: "relaxed" | "strict" | "plain";
  readonly vector: Vector;
  readonly source: string;
}): { repair: string; decoded: string } {
  const { fec } = globalThis as unknown as { readonly fec: typeof Fec };
  const { k, n, symbolBytes } = work.vector;
  const parameters = { code: "leopard-gf8", k, n, symbolBytes } as const;
  const kernel = work.build === "plain" ? fec.plainKernel : fec.wasmKernel(work.build);
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
