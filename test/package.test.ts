import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";

const ROOT = join(import.meta.dirname, "..");
const NPM = process.platform === "win32" ? "npm.cmd" : "npm";
const EXAMPLE = /```js\n(?<code>[\s\S]*?)```/;

const folder = mkdtempSync(join(tmpdir(), "starling-package-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a program in the folder and gives what it writes. */
function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { cwd: folder, encoding: "utf8" });
}

test("the codec's first example runs and type checks from the packed package", () => {
  const tarball = run(NPM, "pack", ROOT, "--ignore-scripts", "--silent").trim();
  run("tar", "xzf", tarball);
  // What `npm install` would make of it, without asking the registry.
  symlinkSync(join(ROOT, "node_modules"), join(folder, "package/node_modules"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(join(folder, "package"), join(folder, "node_modules/starling"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');

  const readme = readFileSync(join(ROOT, "core/fec/README.md"), "utf8");
  const example = `${EXAMPLE.exec(readme)?.groups?.["code"]}\nconsole.log(decoder.bytes().length);\n`;
  for (const name of ["example.js", "example.ts"]) writeFileSync(join(folder, name), example);
  const options = ["--module", "nodenext", "--target", "es2023", "--strict", "--noEmit"];
  run(join(ROOT, "node_modules/.bin/tsc"), ...options, "example.ts");
  expect(run(process.execPath, "example.js")).toBe("2000000\n");
});
