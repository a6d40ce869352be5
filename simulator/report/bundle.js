/** Builds what a report holds in itself: `dist/simulator/report/page.bundle.js` and `page.bundle.css`. */
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

await build({
  entryPoints: [here("page/page.ts"), here("page/page.css")],
  entryNames: "[name].bundle",
  outdir: here("../../dist/simulator/report/"),
  bundle: true,
  format: "iife",
  target: ["es2022", "safari16"],
  minify: true,
  legalComments: "inline",
  logLevel: "warning",
});
