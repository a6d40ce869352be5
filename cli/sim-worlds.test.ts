import { describe, expect, test } from "@jest/globals";
import { simSide, simWorld, sweptWorlds } from "./sim-worlds.ts";

describe("a world", () => {
  test("has the protocol that its settings name", () => {
    expect(simWorld("x", "steady", ["peers=20", "protocol=pull"])).toEqual({
      label: "x",
      scenario: "steady",
      assignments: ["peers=20"],
      protocol: "pull",
    });
  });

  test("that is shorter fills and warms up as much sooner, unless it is told when", () => {
    const times = (...assignments: readonly string[]) =>
      simWorld("x", "steady", assignments).assignments;
    expect(times("durationS=15")).toEqual(["durationS=15", "warmUpS=5", "joinOverS=2.5"]);
    expect(times("durationS=15", "warmUpS=2", "joinOverS=1")).toEqual([
      "durationS=15",
      "warmUpS=2",
      "joinOverS=1",
    ]);
    expect(times("durationS=60")).toEqual(["durationS=60"]);
  });

  test.each([
    [["stedy", []], "did you mean steady?"],
    [["steady", ["per=20"]], "did you mean peers?"],
    [["steady", ["protocol=pul"]], "did you mean pull?"],
    [["steady", ["peers"]], "expected key=value"],
    [["steady", ["peers=-1"]], "peers=-1: expected"],
    [["steady", ["mix=tite"]], "mix=tite: expected one of"],
  ] as const)("of %j is refused with what was meant", ([name, assignments], message) => {
    expect(() => simWorld("x", name, assignments)).toThrow(message);
  });
});

describe("a side of a comparison", () => {
  const first = simSide("steady:peers=20", []);

  test.each([
    ["pull", { scenario: "steady", assignments: ["peers=20"], protocol: "pull" }],
    [
      "supply=2",
      { scenario: "steady", assignments: ["peers=20", "supply=2"], protocol: "starling" },
    ],
    ["pull:peers=9", { scenario: "steady", assignments: ["peers=9"], protocol: "pull" }],
    ["lossy:peers=9", { scenario: "lossy", assignments: ["peers=9"], protocol: "starling" }],
  ])("%s is read beside steady:peers=20", (text, world) => {
    expect(simSide(text, [], first)).toEqual({ kind: "world", world: { label: text, ...world } });
  });

  test("is a file of results if it ends so", () => {
    expect(simSide("a/b.json", [])).toEqual({ kind: "file", file: "a/b.json" });
  });

  test("needs a scenario if it is the first", () => {
    expect(() => simSide("pull", [])).toThrow(
      "name a scenario first, such as tight-1k:protocol=pull",
    );
  });
});

describe("a sweep", () => {
  test("has a world for each combination", () => {
    const worlds = sweptWorlds("steady", [], ["supply=1.1,1.2", "blockMs=333,1000"]);
    expect(worlds.map(({ label }) => label)).toEqual([
      "supply=1.1 blockMs=333",
      "supply=1.1 blockMs=1000",
      "supply=1.2 blockMs=333",
      "supply=1.2 blockMs=1000",
    ]);
  });

  test("can go over protocols", () => {
    const worlds = sweptWorlds("steady", [], ["protocol=starling,push"]);
    expect(worlds.map(({ protocol }) => protocol)).toEqual(["starling", "push"]);
  });

  test("refuses what is no list", () => {
    expect(() => sweptWorlds("steady", [], ["supply"])).toThrow("expected key=a,b,c");
  });
});
