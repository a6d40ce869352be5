import { describe, expect, test } from "@jest/globals";
import { placesOf } from "./mesh-picture.ts";

describe("the picture of the mesh", () => {
  test("gives each neighbour a place of its own, the first at the top", () => {
    const places = placesOf(["c", "a", "b", "d"]);
    expect(places.get("a")).toEqual({ x: 150, y: 20 });
    expect(new Set([...places.values()].map(({ x, y }) => `${x} ${y}`)).size).toBe(4);
  });

  test("does not depend on the order in which neighbours are told", () => {
    expect(placesOf(["b", "a"])).toEqual(placesOf(["a", "b"]));
    expect(placesOf([]).size).toBe(0);
  });
});
