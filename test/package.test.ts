import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";

const ROOT = join(import.meta.dirname, "..");
const NPM = process.platform === "win32" ? "npm.cmd" : "npm";
const EXAMPLE = /```js\n(?<code>[\s\S]*?)```/;

const folder = mkdtempSync(join(tmpdir(), "starling-package-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a program in the folder and gives what it writes. */
function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { cwd: folder, encoding: "utf8", maxBuffer: 16_777_216 });
}

beforeAll(() => {
  const tarball = run(NPM, "pack", ROOT, "--ignore-scripts", "--silent").trim();
  run("tar", "xzf", tarball);
  // What `npm install` would make of it, without asking the registry.
  symlinkSync(join(ROOT, "node_modules"), join(folder, "package/node_modules"));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(join(folder, "package"), join(folder, "node_modules/starling"));
  symlinkSync(join(ROOT, "node_modules/hls.js"), join(folder, "node_modules/hls.js"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
});

/** Type checks a file as a user of the package would. */
function check(file: string): void {
  const options = ["--module", "nodenext", "--target", "es2023", "--strict", "--noEmit"];
  run(join(ROOT, "node_modules/.bin/tsc"), ...options, file);
}

/** The first JavaScript in a page of the documentation. */
function exampleOf(page: string): string {
  return EXAMPLE.exec(readFileSync(join(ROOT, page), "utf8"))?.groups?.["code"] ?? "";
}

test("the codec's first example runs and type checks from the packed package", () => {
  const example = `${exampleOf("core/fec/README.md")}\nconsole.log(decoder.bytes().length);\n`;
  for (const name of ["example.js", "example.ts"]) writeFileSync(join(folder, name), example);
  check("example.ts");
  expect(run(process.execPath, "example.js")).toBe("2000000\n");
});

test("the player's first example type checks and bundles from the packed package", () => {
  const example = exampleOf("docs/player.md");
  expect(example).toContain("createStarling(hls");
  writeFileSync(
    join(folder, "player.ts"),
    example.replace('querySelector("video")', 'createElement("video")'),
  );
  check("player.ts");
  const options = ["--bundle", "--format=esm", "--log-level=error"];
  const bundle = run(join(ROOT, "node_modules/.bin/esbuild"), "player.ts", ...options);
  expect(bundle).toContain("RTCPeerConnection");
});
