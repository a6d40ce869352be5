import { mkdir, mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { toHex } from "../core/index.ts";
import { BlockStore } from "./index.ts";

let dir: string;
let store: BlockStore;
const record = { path: "demo/a/000000000.m4s", offset: 0, byteLength: 64 };

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "block-store-"));
  store = new BlockStore(dir);
  await mkdir(join(dir, "demo/a"), { recursive: true });
});
afterEach(async () => {
  await rm(dir, { recursive: true });
});

describe("BlockStore", () => {
  test("gives back what was written, and leaves no temporary file", async () => {
    const repair = new Uint8Array(100).fill(1);
    const leaves = new Uint8Array(64).map((_, at) => at);
    await store.writeCoded(record, { repair, leaves });
    const coded = await store.readCoded(record, 2);
    const expected = [toHex(leaves.subarray(0, 32)), toHex(leaves.subarray(32))];
    expect(toHex(coded.repair)).toBe(toHex(repair));
    expect(coded.leaves.map(toHex)).toEqual(expected);
    expect((await store.readLeaves(record, 2)).map(toHex)).toEqual(expected);
    expect(await readdir(join(dir, "demo/a"))).toEqual(["000000000.m4s.coded"]);
    await store.remove(record);
    await store.remove(record);
    expect(await readdir(join(dir, "demo/a"))).toEqual([]);
  });

  test("keeps the parts of a segment apart", async () => {
    const bytes = Uint8Array.from({ length: 64 }, (_, at) => at);
    const parts = [
      { ...record, byteLength: 40 },
      { ...record, offset: 40, byteLength: 24 },
    ];
    await writeFile(store.absolutePath(record), bytes);
    for (const part of parts) {
      const expected = bytes.subarray(part.offset, part.offset + part.byteLength);
      expect(toHex(await store.readBlock(part))).toBe(toHex(expected));
      const target = new Uint8Array(part.byteLength);
      store.readBlockInto(part, target);
      expect(toHex(target)).toBe(toHex(expected));
      await store.writeCoded(part, { repair: expected, leaves: new Uint8Array(32) });
    }
    for (const part of parts) {
      const { repair } = await store.readCoded(part, 1);
      expect(repair[0]).toBe(part.offset);
    }
    for (const part of parts) await store.remove(part);
    expect(await readdir(join(dir, "demo/a"))).toEqual([]);
  });

  test("says that a block is missing or truncated, on every way in", async () => {
    const target = new Uint8Array(64);
    await expect(store.readBlock(record)).rejects.toMatchObject({ code: "block-missing" });
    await expect(store.readLeaves(record, 2)).rejects.toMatchObject({ code: "block-missing" });
    expect(() => store.readBlockInto(record, target)).toThrow(/not there/);
    await store.writeCoded(record, { repair: target, leaves: target });
    await truncate(`${store.absolutePath(record)}.coded`, 33);
    await expect(store.readCoded(record, 2)).rejects.toMatchObject({ code: "block-truncated" });
    await expect(store.readLeaves(record, 2)).rejects.toMatchObject({ code: "block-truncated" });
    const shorter = { ...record, path: `${record.path}.coded` };
    expect(() => store.readBlockInto(shorter, new Uint8Array(65))).toThrow(/expected 65 bytes/);
  });
});
