import { gzipSync } from "node:zlib";
import { expect, test } from "@jest/globals";
import { build } from "esbuild";
import { packageFile } from "./origin-process.ts";

const GZIPPED_BYTES_MAX = 60_000;

/** What a site's bundler makes of `code`, minified; hls.js stays outside. */
async function bundled(code: string): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: packageFile("player"), loader: "ts" },
    ...{ bundle: true, minify: true, format: "esm", target: "es2022", write: false },
    external: ["hls.js"],
  });
  return outputFiles[0]?.contents ?? new Uint8Array();
}

test("all of the player with its WebAssembly fits into 60 kB, minified and compressed", async () => {
  const code = await bundled('export * from "./index.ts";');
  const byteLength = gzipSync(code, { level: 9 }).length;
  console.log(`starling/player: ${byteLength} bytes, ${code.length} before compression`);
  expect(byteLength).toBeGreaterThan(10_000);
  expect(byteLength).toBeLessThanOrEqual(GZIPPED_BYTES_MAX);
});

test("what a site does not use is not in its bundle", async () => {
  const all = await bundled('export * from "./index.ts";');
  const viewer = await bundled('export { Viewer } from "./index.ts";');
  expect(viewer.length).toBeLessThan(all.length);
  const text = new TextDecoder().decode(viewer);
  for (const name of ["liveSyncDuration", "attachShadow"]) expect(text).not.toContain(name);
});
