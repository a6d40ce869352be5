import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { ask, type TestApi, TestOrigin } from "./test-origin.ts";

let origin: TestOrigin;
let api: TestApi;
beforeAll(async () => {
  origin = await TestOrigin.start();
  const staticDir = join(origin.dir, "pages");
  await mkdir(staticDir);
  await writeFile(join(staticDir, "home.html"), "<title>home</title>");
  await writeFile(join(staticDir, "watch.html"), "<title>watch</title>");
  await writeFile(join(staticDir, "watch.bundle.js"), "export {};");
  await writeFile(join(staticDir, "mesh.worker.js"), "export {};");
  await writeFile(join(staticDir, "tsconfig.tsbuildinfo"), "{}");
  api = await origin.startApi({ staticDir });
});
afterAll(() => origin.stop());

describe("the pages", () => {
  test("are HTML that may load only our own files and hls.js blobs", async () => {
    for (const [path, text] of [
      ["/", "home"],
      ["/watch/demo", "watch"],
    ]) {
      const response = await fetch(`${api.url}${path}`);
      expect(response.headers.get("content-type")).toMatch(/^text\/html/);
      expect(await response.text()).toContain(text);
      const policy = response.headers.get("content-security-policy");
      expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';");
      expect(policy).toContain("media-src 'self' blob:");
      expect(response.headers.get("referrer-policy")).toBe("no-referrer");
    }
  });

  test("load their files from /player/, and nothing else is there", async () => {
    const script = await fetch(`${api.url}/player/watch.bundle.js`);
    expect(script.headers.get("content-type")).toMatch(/^text\/javascript/);
    for (const name of ["tsconfig.tsbuildinfo", "missing.css", ".hidden.js", "watch.html"]) {
      expect([name, (await fetch(`${api.url}/player/${name}`)).ok]).toEqual([name, false]);
    }
  });

  test("have a worker that may run the codec and talk to the origin", async () => {
    const worker = await fetch(`${api.url}/player/mesh.worker.js`);
    const policy = worker.headers.get("content-security-policy");
    expect(policy).toBe(
      "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ws: wss:",
    );
  });

  test("that are not built say what to run", async () => {
    const unbuilt = await origin.startApi({ staticDir: join(origin.dir, "nowhere") });
    const answer = await ask(`${unbuilt.url}/watch/demo`);
    expect([answer.status, answer.body["code"]]).toEqual([503, "player-not-built"]);
    expect(answer.body["detail"]).toBe("Run npm run build.");
  });
});
