import { createDecipheriv } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { contentKeyOf, encryptFile } from "./segment-cipher.ts";

const STREAM = { id: "locked", contentSecret: "a".repeat(32) };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "starling-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("each publish session of each stream has a key of its own, and no stream one without a secret", () => {
  const keys = [
    contentKeyOf(STREAM, "one"),
    contentKeyOf(STREAM, "two"),
    contentKeyOf({ ...STREAM, id: "other" }, "one"),
    contentKeyOf({ ...STREAM, contentSecret: "b".repeat(32) }, "one"),
  ].map((content) => Buffer.from(content?.key ?? []).toString("hex"));
  expect(new Set(keys).size).toBe(4);
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(contentKeyOf({ ...STREAM, contentSecret: "" }, "one")).toBeUndefined();
});

test.each([0, 1, 15, 16, 100_000])(
  "a file of %i bytes comes back by the key, as the same bytes each time",
  async (length) => {
    const content = contentKeyOf(STREAM, "one");
    if (content === undefined) throw new Error("the stream has a secret");
    const plain = Buffer.from(Array.from({ length }, (_, at) => at % 251));
    const [source, target] = [join(folder, "plain"), join(folder, "encrypted")];
    await writeFile(source, plain);
    await encryptFile(source, target, content);
    const first = await readFile(target);
    await encryptFile(source, target, content);
    expect((await readFile(target)).toString("hex")).toBe(first.toString("hex"));
    expect(first.length).toBe(Math.floor(length / 16) * 16 + 16);
    const decipher = createDecipheriv("aes-128-cbc", content.key, content.iv);
    const opened = Buffer.concat([decipher.update(first), decipher.final()]);
    expect(opened.toString("hex")).toBe(plain.toString("hex"));
    expect((await readdir(folder)).sort()).toEqual(["encrypted", "plain"]);
  },
);
