import { expect, test } from "@jest/globals";
import { eventually } from "./eventually.ts";
import { LadderStage, runLadder } from "./ladder-run.ts";

test("three renditions are cut at the same pictures, and viewers change between them without a gap", async () => {
  const run = await runLadder({ seconds: 20, stayS: 5, viewers: 1, tell: () => undefined });
  expect(run.renditions).toEqual([
    { codecs: "avc1.64001e,mp4a.40.2", resolution: "640x360" },
    { codecs: "avc1.640015,mp4a.40.2", resolution: "426x240" },
    { codecs: "avc1.64000c,mp4a.40.2", resolution: "256x144" },
  ]);
  expect(run.segments).toBeGreaterThan(20);
  expect(run).toMatchObject({ misaligned: 0, gaps: 0, stalls: 0, consoleErrors: [] });
  expect(run.slowestPace).toBeGreaterThan(0.9);
  for (const share of run.meshShares) expect(share).toBeGreaterThan(0);
  expect(run.peer.missing).toBe(0);
  expect(run.peer.segments).toBeGreaterThan(15);
}, 180_000);

test("a viewer of the worst rendition plays on when the broadcaster comes back with one rendition alone", async () => {
  const stage = await LadderStage.open();
  try {
    await stage.publish();
    await stage.watch(1);
    const { origin, viewers } = stage;
    const state = async () => (await viewers.states())[0];
    await viewers.load(2);
    await eventually(async () => (await state())?.rendition === 2, 20_000);
    const change = await fetch(`${origin.httpUrl}/api/v1/streams/main`, {
      method: "PATCH",
      headers: { Authorization: `Bearer ${origin.apiKey}`, "Content-Type": "application/json" },
      body: JSON.stringify({ renditions: "passthrough" }),
    });
    expect(await change.json()).toMatchObject({ renditions: "passthrough" });
    await stage.endPublisher();
    await stage.publish();
    await eventually(async () => (await state())?.rendition === 0, 30_000);
    const { timeS = 0 } = (await state()) ?? {};
    await eventually(async () => ((await state())?.timeS ?? 0) > timeS + 8, 30_000);
    const master = await (await fetch(`${origin.httpUrl}/live/main/master.m3u8`)).text();
    expect(master.match(/^.*media\.m3u8$/gm)).toEqual(["media.m3u8"]);
    expect(viewers.errors).toEqual([]);
  } finally {
    await stage.close();
  }
}, 180_000);
