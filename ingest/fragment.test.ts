import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { concatBytes, fromHex, utf8 } from "../core/index.ts";
import { fragmentProblem } from "./fragment.ts";

let dir = "";
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "fragment-"));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

function box(type: string, payloadBytes: number): Uint8Array {
  const size = (8 + payloadBytes).toString(16).padStart(8, "0");
  return concatBytes(fromHex(size), utf8(type), new Uint8Array(payloadBytes));
}

async function problemOf(...boxes: Uint8Array[]): Promise<string | undefined> {
  const path = join(dir, "segment.m4s");
  await writeFile(path, concatBytes(...boxes));
  return fragmentProblem(path);
}

describe("a segment file", () => {
  test("is good when it has a moof box, after whatever comes before", async () => {
    expect(await problemOf(box("styp", 16), box("sidx", 44), box("moof", 100))).toBeUndefined();
    const large = concatBytes(
      fromHex("00000001"),
      utf8("free"),
      fromHex("0000000000000012"),
      new Uint8Array(2),
    );
    expect(await problemOf(large, box("moof", 8))).toBeUndefined();
  });

  test("is refused when it is empty, cut short or without media", async () => {
    expect(await problemOf()).toBe("it is empty");
    expect(await problemOf(box("styp", 16), box("moof", 100).subarray(0, 50))).toContain(
      "cut short",
    );
    expect(await problemOf(box("styp", 16))).toBe("it holds no moof box");
    expect(await problemOf(fromHex("0000000000000000000000"))).toBe("it holds no moof box");
    expect(await problemOf(fromHex("00000004"), utf8("styp"))).toContain("cut short");
  });
});
