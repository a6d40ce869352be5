import { expect, test } from "@jest/globals";
import { runReconnects } from "./reconnect.ts";

test("a viewer plays on, without a reload, when the publisher was killed and came back with another picture", async () => {
  const run = await runReconnects({
    ...{ reconnects: 1, resized: 1, seed: 1 },
    ...{ gapS: [6, 6], liveS: [0, 0] },
  });
  expect(run.loads).toBe(1);
  expect(run.results).toMatchObject([{ widthPx: 960 }]);
  expect(run.playlists).toMatchObject({ violations: [], discontinuities: 1, maps: 2 });
}, 150_000);
