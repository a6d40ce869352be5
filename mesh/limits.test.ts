import { describe, expect, test } from "@jest/globals";
import { MESSAGE_BYTES_MAX, SYMBOL_BYTES_MAX } from "../core/index.ts";
import {
  CHANNEL_QUEUE_BYTES_MAX,
  PING_AFTER_SILENCE_MS,
  QUIET_MS,
  REQUESTED_BYTES_MAX,
  SILENCE_MAX_MS,
  STATUS_EVERY_MS,
} from "./limits.ts";

describe("the limits leave room for", () => {
  test("more than one ping before a neighbour is gone", () => {
    expect(SILENCE_MAX_MS).toBeGreaterThan(2 * PING_AFTER_SILENCE_MS);
  });

  test("a neighbour that is well not to seem quiet", () => {
    expect(QUIET_MS).toBeGreaterThan(STATUS_EVERY_MS);
  });

  test("some messages in a channel's queue", () => {
    expect(CHANNEL_QUEUE_BYTES_MAX).toBeGreaterThan(2 * MESSAGE_BYTES_MAX);
  });

  test("a symbol of any size to be asked for", () => {
    expect(REQUESTED_BYTES_MAX).toBeGreaterThanOrEqual(SYMBOL_BYTES_MAX);
  });
});
