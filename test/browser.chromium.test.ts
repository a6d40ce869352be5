import { expect, test } from "@jest/globals";
import { runBrowsers } from "./browser-run.ts";

test("three viewers in Chromium play without a stall, mostly from the mesh, and leave nothing behind", async () => {
  const run = await runBrowsers({ viewers: 3, seconds: 12 });
  expect(run).toMatchObject({ stalls: 0, rejected: 0, workers: 3, consoleErrors: [] });
  expect(run.p2pShare).toBeGreaterThan(0.5);
  expect(run.peersShare).toBeGreaterThan(0.1);
  expect(run.originCopies).toBeLessThan(3);
  expect(run.connections.made).toBeGreaterThan(1);
  expect(run.connections.open).toBe(0);
}, 240_000);
