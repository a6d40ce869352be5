import { describe, expect, test } from "@jest/globals";
import { placesOf, widthOf } from "./mesh-picture.ts";

describe("the picture of the mesh", () => {
  test("gives each neighbour a place of its own, the first at the top", () => {
    const places = placesOf(["c", "a", "b", "d"]);
    expect(places.get("a")).toEqual({ x: 150, y: 14 });
    expect(new Set([...places.values()].map(({ x, y }) => `${x} ${y}`)).size).toBe(4);
  });

  test("does not depend on the order in which neighbours are told", () => {
    expect(placesOf(["b", "a"])).toEqual(placesOf(["a", "b"]));
    expect(placesOf([]).size).toBe(0);
  });

  test("draws more as thicker, within bounds, and no line for mere talk", () => {
    expect([0, 19_999, 250_000, 1_000_000, 50_000_000].map(widthOf)).toEqual([0, 0, 2, 3, 4]);
  });
});
