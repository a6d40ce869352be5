import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { openTokenKey } from "./token-key.ts";

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "starling-key-"));
  path = join(dir, "keys", "token.json");
});
afterEach(() => rm(dir, { recursive: true, force: true }));

describe("the token key", () => {
  test("is made once, readable by its owner only, and stays the same", async () => {
    const first = await openTokenKey(path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(first.jwk).toMatchObject({ kty: "OKP", crv: "Ed25519", starling_purpose: "token" });
    expect(first.jwk).not.toHaveProperty("d");
    expect((await openTokenKey(path)).jwk).toEqual(first.jwk);
  });

  test("is one key when two processes start at once", async () => {
    const keys = await Promise.all(Array.from({ length: 20 }, () => openTokenKey(path)));
    expect(new Set(keys.map(({ jwk }) => jwk.kid)).size).toBe(1);
    expect(await readdir(dirname(path))).toEqual(["token.json"]);
  });

  test("is refused when others may read it", async () => {
    await openTokenKey(path);
    await chmod(path, 0o640);
    await expect(openTokenKey(path)).rejects.toMatchObject({ code: "key-file-readable" });
  });

  test("that is damaged is refused without quoting it", async () => {
    await openTokenKey(path);
    const secret = String(JSON.parse(await readFile(path, "utf8")).d);
    await writeFile(path, `{"kty":"OKP","crv":"Ed25519","x":"${secret}","d":"${secret}"}`);
    const refusal = openTokenKey(path);
    await expect(refusal).rejects.toMatchObject({ code: "key-file-damaged" });
    await expect(refusal).rejects.not.toThrow(secret);
  });
});
