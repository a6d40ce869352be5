import { describe, expect, test } from "@jest/globals";
import { simChoices } from "./sim-flags.ts";

describe("the flags of a simulation", () => {
  test("are all optional", () => {
    expect(simChoices({}, 1)).toEqual({
      assignments: [],
      baseline: undefined,
      seeds: [1],
      workers: undefined,
      isJson: false,
      jsonFile: undefined,
      reportFile: undefined,
    });
  });

  test("give settings in order, the repeated ones last", () => {
    const { assignments } = simChoices({ peers: "20", duration: "2m", set: ["a=1", "b=2"] }, 1);
    expect(assignments).toEqual(["peers=20", "durationS=120", "a=1", "b=2"]);
  });

  test("count seeds from the first one", () => {
    expect(simChoices({ seed: "7", seeds: "3" }, 1).seeds).toEqual([7, 8, 9]);
  });

  test("tell JSON on the standard output from JSON in a file", () => {
    expect(simChoices({ json: true }, 1)).toMatchObject({ isJson: true, jsonFile: undefined });
    expect(simChoices({ json: "a.json" }, 1)).toMatchObject({ isJson: true, jsonFile: "a.json" });
  });

  test.each([
    [{ seeds: "0" }, "--seeds: expected a whole number from 1 to 1000"],
    [{ seed: "1.5" }, "--seed: expected a whole number"],
    [{ duration: "1h" }, "--duration: expected seconds or minutes such as 60, 60s or 2m"],
  ])("refuse %j", (flags, message) => {
    expect(() => simChoices(flags, 1)).toThrow(message);
  });
});
