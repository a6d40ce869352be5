import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";

const MAIN = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const TINY = ["--peers", "8", "--duration", "16", "--set", "joinOverS=1"];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "starling-sim-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function sim(...args: string[]) {
  const child = spawn(process.execPath, [MAIN, "sim", ...args], { cwd: folder });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const [status] = await once(child, "close");
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  return { status, stdout, stderr, line: last.startsWith("{") ? JSON.parse(last) : undefined };
}

describe("starling sim", () => {
  test("gives the same run for the same seed, says it, and ends in one line of JSON", async () => {
    const first = await sim("run", "steady", ...TINY, "--seed", "7", "--json");
    const second = await sim("run", "steady", ...TINY, "--seed", "7");
    expect(first.status).toBe(0);
    expect(first.stdout.trimEnd().split("\n")).toHaveLength(1);
    const [run] = first.line.runs;
    expect(run).toMatchObject({ seed: 7, traceHash: expect.stringMatching(/^[0-9a-f]+$/) });
    expect(first.line).toMatchObject({ bench: "sim", scenario: "steady", peers: 8, durationS: 16 });
    expect(second.line.runs[0].traceHash).toBe(run.traceHash);
    expect(second.stderr).toContain(`seed 7, trace hash ${run.traceHash}`);
    expect(second.stdout).toContain("measured / bound");
  });

  test("compares results of files, seed by seed, and writes a page", async () => {
    const args = ["run", "steady", ...TINY, "--seeds", "2", "--json"];
    await sim(...args, "a.json");
    await sim(...args, "b.json", "--baseline", "pull");
    const { stdout, line } = await sim("compare", "a.json", "b.json", "--report", "page.html");
    expect(stdout).toMatch(/^block delay p99 .*±/m);
    expect(line.worlds.map(({ protocol }: { protocol: string }) => protocol)).toEqual([
      "starling",
      "pull",
    ]);
    expect(readFileSync(join(folder, "page.html"), "utf8")).toContain("Measured and bound: b.json");
  });

  test.each([
    [["run", "stedy"], "did you mean steady?"],
    [["run", "steady", "--set", "per=1"], "did you mean peers?"],
    [["run", "steady", "--seeds", "0"], "--seeds: expected a whole number"],
    [["compare", "steady", "none.json"], "none.json: there is no such file."],
    [["sweep", "steady", "supply"], "expected key=a,b,c"],
  ])("refuses %j with the cure and status 2", async (args, message) => {
    const { status, stderr } = await sim(...args);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });

  test("stops cleanly at Ctrl-C", async () => {
    const child = spawn(process.execPath, [MAIN, "sim", "run", "steady", "--duration", "10m"]);
    let stderr = "";
    for await (const chunk of child.stderr) {
      stderr += chunk;
      if (stderr.includes("0 of 1 run") && !child.killed) child.kill("SIGINT");
    }
    if (child.exitCode === null) await once(child, "exit");
    expect(stderr).toContain("Stopped by SIGINT; nothing was written.");
    expect(child.exitCode).toBe(130);
  });

  test("lists scenarios, protocols and settings", async () => {
    const { stdout, status } = await sim("list");
    expect(status).toBe(0);
    for (const word of ["tight-1k", "push-pull", "lossRate", "tuning.degree"]) {
      expect(stdout).toContain(word);
    }
  });
});
