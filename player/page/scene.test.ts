import { describe, expect, test } from "@jest/globals";
import { STALL_PATIENCE_MS, sceneOf } from "./scene.ts";
import type { StreamStatus } from "./stream-status.ts";

const stream = (state: StreamStatus["state"]): StreamStatus => ({
  id: "demo",
  title: "Demo",
  state,
  viewers: 0,
});
const noPicture = { started: false, stalledMs: 0 };

describe("the scene", () => {
  test("is the bare picture while it moves, whatever the origin says", () => {
    for (const status of [stream("live"), stream("interrupted"), "unreachable", undefined] as const)
      expect(sceneOf(status, { started: true, stalledMs: 0 }).name).toBe("live");
  });

  test("keeps quiet during a short hiccup and speaks after it", () => {
    const at = (stalledMs: number) => sceneOf(stream("live"), { started: true, stalledMs }).name;
    expect([at(STALL_PATIENCE_MS - 1), at(STALL_PATIENCE_MS)]).toEqual(["live", "paused"]);
  });

  test("blames the broadcaster only when the broadcaster is gone", () => {
    const stalled = { started: true, stalledMs: 10_000 };
    expect(sceneOf(stream("interrupted"), stalled).title).toMatch(/broadcast was interrupted/);
    expect(sceneOf(stream("live"), stalled).title).toBe("Catching up");
  });

  test("knows the end of what was watched from a stream that has not begun", () => {
    const ended = sceneOf(stream("offline"), noPicture, { hasPlayed: true });
    expect([ended.badge, ended.title]).toEqual(["Ended", "The broadcast has ended"]);
    expect(sceneOf(stream("live"), noPicture, { hasPlayed: true }).badge).toBe("Connecting");
  });

  test("says so where the browser cannot play at all", () => {
    expect(sceneOf(stream("live"), noPicture, { canPlay: false }).title).toMatch(/cannot play/);
  });

  test("tells an offline, a missing and an unreachable stream apart", () => {
    const badges = [undefined, stream("offline"), "missing" as const, "unreachable" as const].map(
      (status) => sceneOf(status, noPicture).badge,
    );
    expect(badges).toEqual(["Connecting", "Offline", "Not found", "No connection"]);
  });
});
