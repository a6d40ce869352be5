#!/usr/bin/env node
// Compiles the codec's kernel from AssemblyScript, with and without the relaxed SIMD instructions, and
// writes both modules as hexadecimal into ../wasm-modules.ts. The same source gives the same bytes.
import { readFile, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import asc from "assemblyscript/asc";

const SOURCE_FOLDER = `${import.meta.dirname}/`;
const TARGET_FILE = `${import.meta.dirname}/../wasm-modules.ts`;
const LINE_LENGTH = 94;
/** Pages of 64 KiB: the tables and tiles, and the largest block with its repair symbols. */
const MEMORY_PAGES = 258;

/** The bytes of a module. Throws what the compiler has to say. */
export async function compile({ relaxed }) {
  let binary;
  const { error, stderr } = await asc.main(
    [
      ...["kernel.ts", "--outFile", "kernel.wasm", "--runtime", "stub", "--noAssert"],
      ...["--optimizeLevel", "3", "--shrinkLevel", "1", "--enable", "simd"],
      ...(relaxed ? ["--enable", "relaxed-simd"] : []),
      ...["--initialMemory", `${MEMORY_PAGES}`, "--maximumMemory", `${MEMORY_PAGES}`],
    ],
    {
      readFile: (name) => readFile(SOURCE_FOLDER + name, "utf8").catch(() => null),
      writeFile: (_name, contents) => {
        binary = contents;
      },
      listFiles: () => [],
    },
  );
  if (error !== null || binary === undefined) throw new Error(`${error}\n${stderr}`);
  return binary;
}

/** The TypeScript module that embeds both. */
export async function embeddedModules() {
  const strict = await compile({ relaxed: false });
  const relaxed = await compile({ relaxed: true });
  return `// Written by core/fec/wasm/build.js from the AssemblyScript beside it: change that, and build.

/** The kernel with the SIMD instructions of WebAssembly 2.0, hexadecimal. */
export const STRICT_MODULE: string =${literal(strict)};

/** The kernel with relaxed SIMD instructions (WebAssembly 3.0), hexadecimal. */
export const RELAXED_MODULE: string =${literal(relaxed)};
`;
}

function literal(bytes) {
  const text = Buffer.from(bytes).toString("hex");
  const lines = text.match(new RegExp(`.{1,${LINE_LENGTH}}`, "g"));
  // Constants that a minifier makes one of, of whole bytes: compression finds what both modules have in common.
  return `\n${lines.map((line) => `  "${line}"`).join(" +\n")}`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const text = await embeddedModules();
  // Written only when it changes, so that a build without changes leaves the tree as it was.
  const known = await readFile(TARGET_FILE, "utf8").catch(() => "");
  if (text !== known) await writeFile(TARGET_FILE, text);
}
