import { expect, test } from "@jest/globals";
import { PONG_WAIT_MS, QUIET_MS, RTT_START_MS } from "./limits.ts";
import { Liveness } from "./liveness.ts";
import { at, TestState } from "./testing/test-state.ts";

function world() {
  const mesh = new TestState("viewer");
  const liveness = new Liveness(mesh.state);
  const pinged = () => mesh.sent("ping").map(({ to }) => to);
  return { mesh, liveness, pinged };
}

test("who has told nothing for a while is quiet until it is heard", () => {
  const { mesh } = world();
  const neighbour = mesh.join("neighbour");
  expect(neighbour.isQuiet(at(QUIET_MS))).toBe(false);
  expect(neighbour.isQuiet(at(QUIET_MS + 1))).toBe(true);
  neighbour.heardAt = at(QUIET_MS + 1);
  expect(neighbour.isQuiet(at(QUIET_MS + 2))).toBe(false);
});

test("when one seems to be gone, those that are silent are pinged, once", () => {
  const { mesh, liveness, pinged } = world();
  const silent = mesh.join("silent");
  mesh.join("heard").heardAt = at(100);
  liveness.doubt(at(300));
  expect(pinged()).toEqual([silent.id]);
  liveness.doubt(at(300));
  expect(pinged()).toEqual([]);
});

test("who does not answer a ping is quiet soon, and whatever it sends is a sign of life", () => {
  const { mesh, liveness } = world();
  const [gone, alive] = [mesh.join("gone"), mesh.join("alive")];
  liveness.doubt(at(300));
  const late = at(300 + RTT_START_MS + PONG_WAIT_MS + 1);
  alive.heardAt = at(350);
  expect([gone.owesPong, alive.owesPong]).toEqual([true, false]);
  expect(gone.isQuiet(at(300 + RTT_START_MS + PONG_WAIT_MS))).toBe(false);
  expect([gone.isQuiet(late), alive.isQuiet(late)]).toEqual([true, false]);
});

test("who stays silent is cut", () => {
  const { mesh, liveness } = world();
  mesh.join("gone");
  liveness.run(at(5999));
  expect(mesh.state.neighbours.size).toBe(1);
  liveness.run(at(6000));
  expect(mesh.state.neighbours.size).toBe(0);
});
