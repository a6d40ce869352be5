/**
 * Builds `dist/player/mesh.worker.js`, the code of a peer, and the pages viewers open:
 * `dist/player/*.bundle.js` (hls.js inside), beside the HTML, the style sheet and the worker that hls.js loads. The names differ from what `tsc` writes into the same folder.
 */
import { copyFile, mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

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

await mkdir(out, { recursive: true });
await build({ ...options, entryPoints: [here("mesh.worker.js")] });
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
const worker = fileURLToPath(import.meta.resolve("hls.js/dist/hls.worker.js"));
await Promise.all(
  [...copies, [worker, "hls.worker.js"]].map(([from, name]) => copyFile(from, `${out}${name}`)),
);
console.log(`player: ${copies.length + 5} files in dist/player`);
