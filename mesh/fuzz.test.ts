import { expect, test } from "@jest/globals";
import { MeshFuzz } from "./testing/mesh-fuzz.ts";

test.each([1, 2, 3, 4, 5, 6])("a peer takes any inputs in any order (seed %d)", (seed) => {
  const fuzz = new MeshFuzz(seed);
  fuzz.run(1000);
  expect(fuzz.summary.outputs).toBeGreaterThan(500);
});
