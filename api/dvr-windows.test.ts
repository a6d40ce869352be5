import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { DvrWindows } from "./dvr-windows.ts";
import { LiveStreams } from "./live-streams.ts";
import { TestOrigin } from "./test-origin.ts";

let origin: TestOrigin;
beforeAll(async () => {
  origin = await TestOrigin.start();
});
afterAll(() => origin.stop());

test("Viewers go back as far as the stream's policy says, whatever is added, trimmed or changed", async () => {
  const { registry, timeline } = origin;
  const stream = await registry.create({ id: "dvr", dvrS: 6 });
  const windows = new DvrWindows(timeline);
  const listed = async (one = stream) => {
    const newest = await timeline.window("dvr", 0, 3);
    return (await windows.window(one, 0, newest)).map(({ block }) => block.sequence);
  };
  let index = 0;
  const publish = async (count: number) => {
    const segment = { stream: "dvr", session: "one", bytes: new Uint8Array(randomBytes(9)) };
    if (index === 0) await origin.publish({ ...segment, index: "init" });
    for (const end = index + count; index < end; index += 1) {
      await origin.publish({ ...segment, index });
    }
  };
  expect(await listed()).toEqual([]);
  await publish(4);
  expect(await listed()).toEqual([0, 1, 2, 3]);
  await publish(1);
  expect(await listed()).toEqual([0, 1, 2, 3, 4]);
  await publish(5); // More than a playlist window at once.
  expect(await listed()).toEqual([4, 5, 6, 7, 8, 9]);
  const options = { playlistWindow: 3, targetDurationS: 2, offlineAfterMs: 60_000 };
  const view = await new LiveStreams(registry, timeline, options).view("dvr");
  expect(view?.playlist?.match(/^\d+\.m4s$/gm)).toHaveLength(6);
  await timeline.trim("dvr", 4);
  expect(await listed()).toEqual([6, 7, 8, 9]);
  expect(await listed(await registry.update("dvr", { dvrS: null }))).toEqual([7, 8, 9]);
});

test.each([0, 1.5, 3601])("A stream refuses a window of %d s", async (dvrS) => {
  const updated = origin.registry.update("dvr", { dvrS });
  await expect(updated).rejects.toMatchObject({ code: "stream-dvr-invalid" });
});
