import { mkdtemp, readdir, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { toHex } from "../core/index.ts";
import { BlockStore } from "./index.ts";

let dir: string;
let store: BlockStore;
const record = { path: "demo/a/000000000.m4s", byteLength: 64 };

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "block-store-"));
  store = new BlockStore(dir);
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

  test("says that a block is missing or truncated, on every way in", async () => {
    const target = new Uint8Array(64);
    await expect(store.readSegment(record)).rejects.toMatchObject({ code: "block-missing" });
    await expect(store.readLeaves(record, 2)).rejects.toMatchObject({ code: "block-missing" });
    expect(() => store.readSegmentInto(record, target)).toThrow(/not there/);
    await store.writeCoded(record, { repair: target, leaves: target });
    await truncate(`${store.absolutePath(record)}.coded`, 33);
    await expect(store.readCoded(record, 2)).rejects.toMatchObject({ code: "block-truncated" });
    await expect(store.readLeaves(record, 2)).rejects.toMatchObject({ code: "block-truncated" });
    const shorter = { path: `${record.path}.coded` };
    expect(() => store.readSegmentInto(shorter, new Uint8Array(65))).toThrow(/expected 65 bytes/);
  });
});
