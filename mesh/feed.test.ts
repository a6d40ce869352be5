import { describe, expect, test } from "@jest/globals";
import { LAG_STEP_MS, LAG_UNKNOWN, LAGS, MANIFEST_CLASS } from "../core/index.ts";
import { ClassFeed, Feed } from "./feed.ts";
import { at, neighbourOf } from "./testing/test-state.ts";

const PARENT = neighbourOf("parent");

describe("a class feed without a parent", () => {
  test("takes any that gets the class", () => {
    const feed = new ClassFeed();
    expect(feed.isFeasible(at(0), 5000)).toBe(true);
    expect(feed.isFeasible(at(0), Number.POSITIVE_INFINITY)).toBe(false);
  });

  test("that lost it just now takes only peers that were nearer to the origin than itself", () => {
    const feed = new ClassFeed();
    feed.choose(at(0), PARENT, 500);
    feed.drop(at(1000));
    expect(feed.isFeasible(at(1100), 500)).toBe(false);
    expect(feed.isFeasible(at(1100), 480)).toBe(true);
    expect(feed.isFeasible(at(3000), 900)).toBe(true);
  });
});

describe("a class feed with a parent", () => {
  test("would change only to one that is nearer than itself: others may be fed by it", () => {
    const feed = new ClassFeed();
    feed.choose(at(0), PARENT, 500);
    expect(feed.isFeasible(at(60_000), 500)).toBe(false);
    expect(feed.isFeasible(at(60_000), 499)).toBe(true);
  });

  test("learns how far behind the origin it is", () => {
    const feed = new ClassFeed();
    feed.choose(at(0), PARENT, 100);
    feed.misses = 3;
    for (let symbols = 0; symbols < 60; symbols++) feed.arrived(at(symbols), 300);
    expect(feed.lagMs).toBeCloseTo(300, 0);
    expect(feed.deviationMs).toBeLessThan(10);
    expect(feed.misses).toBe(0);
  });
});

test("a feed tells no lag of manifests before one came, for it would be told of no block", () => {
  const feed = new Feed(0);
  const manifests = feed.classes[MANIFEST_CLASS] as ClassFeed;
  manifests.choose(at(0), PARENT, 110);
  manifests.serve(at(50));
  expect(feed.lags(at(2000))[MANIFEST_CLASS]).toBe(Math.round(110 / LAG_STEP_MS));
  expect(feed.lags(at(2050))[MANIFEST_CLASS]).toBe(LAG_UNKNOWN);
  feed.blockMs = 1000; // There are blocks, and it has brought none.
  expect(feed.lags(at(100))[MANIFEST_CLASS]).toBe(LAG_UNKNOWN);
  manifests.arrived(at(3000), 110);
  expect(feed.lags(at(3000))[MANIFEST_CLASS]).toBe(Math.round(110 / LAG_STEP_MS));
});

test("a feed tells no lag of a class before it came, of a parent that has given nothing", () => {
  const feed = new Feed(0);
  const [symbols] = feed.classes;
  const stranger = neighbourOf("stranger");
  symbols?.choose(at(0), stranger, 100);
  symbols?.serve(at(10));
  expect(feed.lags(at(500))[0]).toBe(LAG_UNKNOWN);
  stranger.score.delivered(at(600)); // Of another class.
  expect(feed.lags(at(600))[0]).toBe(100 / LAG_STEP_MS);
  stranger.score.failed(at(700));
  stranger.score.failed(at(700));
  expect(feed.lags(at(700))[0]).toBe(LAG_UNKNOWN);
  symbols?.arrived(at(800), 100);
  expect(feed.lags(at(800))[0]).toBe(100 / LAG_STEP_MS);
});

test("a feed tells the lag of those classes only that are pushed", () => {
  const feed = new Feed(0);
  const [asked, served, late] = feed.classes;
  for (const classFeed of [asked, served, late]) classFeed?.choose(at(0), PARENT, 110);
  if (served !== undefined) Object.assign(served, { isServed: true, isProven: true });
  if (late !== undefined) Object.assign(late, { isServed: true, isProven: true, lagMs: 1e6 });
  const unknown = new Array(LAGS - 3).fill(LAG_UNKNOWN);
  const steps = Math.round(110 / LAG_STEP_MS);
  expect([...feed.lags(at(0))]).toEqual([LAG_UNKNOWN, steps, LAG_UNKNOWN - 1, ...unknown]);
  expect(feed.countOf(PARENT)).toBe(3);
});
