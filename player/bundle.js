/**
 * Builds `dist/player/mesh.worker.js`, the code of a peer, and the pages viewers open:
 * `dist/player/*.bundle.js` (hls.js inside), beside the HTML, the style sheet and the worker that hls.js loads. The names differ from what `tsc` writes into the same folder.
 */
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { minify } from "@swc/core";
import { build } from "esbuild";
import { STRICT_MODULE } from "../dist/core/fec/wasm-modules.js";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const out = here("../dist/player/");

const options = {
  outdir: out,
  bundle: true,
  format: "esm",
  target: ["es2022", "safari16"],
  minify: true,
  sourcemap: true,
  legalComments: "none",
  logLevel: "warning",
};
/** The code of a peer is in no page: where there can be no worker, the page imports the same file. */
const peerOutside = {
  name: "peer-outside",
  setup: ({ onResolve }) => {
    onResolve({ filter: /\/mesh-service\.ts$/ }, ({ kind }) =>
      kind === "dynamic-import" ? { path: "./mesh.worker.js", external: true } : undefined,
    );
  },
};
/** The kernel is put in front of all code, where it does not part what compression finds alike. */
const kernelInFront = {
  name: "kernel-in-front",
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/wasm-modules\.ts$/ }, () => ({
      // One build will do: what relaxed SIMD gains is nothing beside a video's bytes a second.
      contents: 'export const STRICT_MODULE = KERNEL; export const RELAXED_MODULE = "";',
    }));
  },
};

await mkdir(out, { recursive: true });
await build({
  ...options,
  entryPoints: [here("mesh.worker.js")],
  plugins: [kernelInFront],
  sourcemap: false,
});
const worker = `${out}mesh.worker.js`;
// A second minifier, which inlines what the first does not: 2 kB less when compressed.
const compress = {
  ecma: 2020,
  module: true,
  passes: 6,
  sequences: false,
  unsafe: true, // Takes String(x) for "" + x, and the like.
  unsafe_arrows: true,
  unsafe_methods: true,
};
const { code } = await minify(await readFile(worker, "utf8"), {
  ...{ module: true, mangle: true, compress },
});
await writeFile(worker, `const KERNEL="${STRICT_MODULE}";${code}`);
await build({
  ...options,
  entryPoints: [here("page/watch.ts"), here("page/home.ts"), here("page/starling-player.ts")],
  entryNames: "[name].bundle",
  plugins: [peerOutside],
});

const copies = ["watch.html", "home.html", "watch.css", "mesh.css", "starling.svg"].map((name) => [
  here(`page/${name}`),
  name,
]);
const hlsWorker = fileURLToPath(import.meta.resolve("hls.js/dist/hls.worker.js"));
await Promise.all(
  [...copies, [hlsWorker, "hls.worker.js"]].map(([from, name]) => copyFile(from, `${out}${name}`)),
);
console.log(`player: ${copies.length + 5} files in dist/player`);
