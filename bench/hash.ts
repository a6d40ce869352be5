import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { nodeCrypto } from "../core/node/index.ts";
import { launchChromium } from "../test/index.ts";
import { type HashSpeeds, measureHashes, syncWay } from "./hash-tasks.ts";

const HELP = `Usage: npm run bench:hash [-- --help]

Measures SHA-256 in Node.js and in headless Chromium, in one process each: @noble, crypto.subtle,
WebAssembly as Starling has it, WebAssembly with four messages at a time, and node:crypto. MB/s are
medians: of leaf hashes of symbols of 16 KiB, one after the other; of four of them at once; of the
digest of a block of 2 MB.

Prints a table for each and, as its last line, the results as JSON.`;

/** By a name that the type checker does not follow: the compiler's types change those of `console`. */
const COMPILER: string = "assemblyscript/asc";

if (process.argv.includes("--help")) console.log(HELP);
else await run();

async function run(): Promise<void> {
  const lanes = await compileLanes();
  const node = await measureHashes(lanes, [syncWay("node:crypto", nodeCrypto)]);
  print(`Node.js ${process.versions.node}`, node);
  const { version, speeds } = await measureInChromium(lanes);
  print(`Chromium ${version}`, speeds);
  console.log(JSON.stringify({ bench: "hash", node: rounded(node), chromium: rounded(speeds) }));
}

interface Compiler {
  main(
    options: readonly string[],
    port: {
      readFile(name: string): string | null;
      writeFile(name: string, contents: Uint8Array): void;
      listFiles(): string[];
    },
  ): Promise<{ readonly error: Error | null }>;
}

/** The four lanes' module as base64: only this benchmark has them. */
async function compileLanes(): Promise<string> {
  const source = new URL("../../bench/sha256-lanes.as", import.meta.url);
  const text = await readFile(source, "utf8");
  let module = "";
  const asc = (await import(COMPILER)) as Compiler;
  const { error } = await asc.main(
    [
      ...["lanes.ts", "--outFile", "lanes.wasm", "--runtime", "stub", "--noAssert"],
      ...["--optimizeLevel", "3", "--converge", "--enable", "simd", "--initialMemory", "2"],
    ],
    {
      readFile: (name) => (name === "lanes.ts" ? text : null),
      writeFile: (_name, contents) => {
        module = Buffer.from(contents).toString("base64");
      },
      listFiles: () => [],
    },
  );
  if (error !== null) throw error;
  return module;
}

async function measureInChromium(
  lanes: string,
): Promise<{ readonly version: string; readonly speeds: Record<string, HashSpeeds> }> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL("./hash-tasks.js", import.meta.url))],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "hashTasks",
  });
  const browser = await launchChromium();
  try {
    const page = await browser.newPage();
    // Only a page with a secure origin has crypto.subtle; nothing leaves this machine.
    await page.route("**/*", (route) => route.fulfill({ contentType: "text/html", body: "" }));
    await page.goto("https://localhost/");
    await page.addScriptTag({ content: outputFiles[0]?.text ?? "" });
    const speeds = await page.evaluate(measureInPage, lanes);
    return { version: browser.version(), speeds };
  } finally {
    await browser.close();
  }
}

function measureInPage(lanes: string): Promise<Record<string, HashSpeeds>> {
  const page = globalThis as unknown as {
    readonly hashTasks: { readonly measureHashes: typeof measureHashes };
  };
  return page.hashTasks.measureHashes(lanes);
}

function print(place: string, speeds: Record<string, HashSpeeds>): void {
  console.log(`\n${place}, MB/s`);
  console.table(rounded(speeds));
}

/** Whole MB/s, without what was not measured. */
function rounded(speeds: Record<string, HashSpeeds>): Record<string, Record<string, number>> {
  return Object.fromEntries(
    Object.entries(speeds).map(([name, byWork]) => [
      name,
      Object.fromEntries(
        Object.entries(byWork)
          .filter(([, value]) => Number.isFinite(value))
          .map(([work, value]) => [work, Math.round(value)]),
      ),
    ]),
  );
}
