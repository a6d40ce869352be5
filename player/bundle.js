/**
 * Builds the pages viewers open: `dist/player/*.bundle.js` (hls.js inside), beside the HTML, the style
 * sheet and the worker that hls.js loads. The names differ from what `tsc` writes into the same folder.
 */
import { copyFile, mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const out = here("../dist/player/");

await mkdir(out, { recursive: true });
await build({
  entryPoints: [here("page/watch.ts"), here("page/home.ts"), here("page/starling-player.ts")],
  entryNames: "[name].bundle",
  outdir: out,
  bundle: true,
  format: "esm",
  target: ["es2022", "safari16"],
  minify: true,
  sourcemap: true,
  legalComments: "none",
  logLevel: "warning",
});

const copies = ["watch.html", "home.html", "watch.css", "mesh.css", "starling.svg"].map((name) => [
  here(`page/${name}`),
  name,
]);
const worker = fileURLToPath(import.meta.resolve("hls.js/dist/hls.worker.js"));
await Promise.all(
  [...copies, [worker, "hls.worker.js"]].map(([from, name]) => copyFile(from, `${out}${name}`)),
);
console.log(`player: ${copies.length + 4} files in dist/player`);
