import { readFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";
import { expect, test } from "@jest/globals";
import { build } from "esbuild";
import { packageFile } from "./origin-process.ts";

const GZIPPED_BYTES_MAX = 60_000;

/**
 * What a site's bundler makes of `code`, minified; hls.js stays outside, and so does the code of the peer when
 * the bundler makes a chunk of what is imported on demand.
 */
async function bundled(code: string, canSplit = false): Promise<Uint8Array> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: packageFile("player"), loader: "ts" },
    ...{ bundle: true, minify: true, format: "esm", target: "es2022", write: false },
    external: ["hls.js", ...(canSplit ? ["./mesh-service.ts"] : [])],
  });
  return outputFiles[0]?.contents ?? new Uint8Array();
}

const compressed = (code: Uint8Array): number => gzipSync(code, { level: 9 }).length;

test("all of the player with its worker and WebAssembly fits into 60 kB, minified and compressed", async () => {
  const page = compressed(await bundled('export * from "./index.ts";', true));
  const worker = compressed(await readFile(packageFile("dist/player/mesh.worker.js")));
  const whole = compressed(await bundled('export * from "./index.ts";'));
  console.log(`starling/player: ${page} bytes, worker ${worker}; without one ${whole}`);
  expect(page).toBeGreaterThan(5000);
  expect(worker).toBeGreaterThan(10_000);
  expect(page + worker).toBeLessThanOrEqual(GZIPPED_BYTES_MAX);
});

test("what a site does not use is not in its bundle", async () => {
  const all = await bundled('export * from "./index.ts";');
  const viewer = await bundled('export { Viewer } from "./index.ts";');
  expect(viewer.length).toBeLessThan(all.length);
  const text = new TextDecoder().decode(viewer);
  for (const name of ["liveSyncDuration", "attachShadow"]) expect(text).not.toContain(name);
});
