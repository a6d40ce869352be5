import { describe, expect, test } from "@jest/globals";
import { instantMs } from "./time.ts";
import { TokenBucket } from "./token-bucket.ts";

describe("a token bucket", () => {
  test("gives its burst at once and its rate in the long run", () => {
    const bucket = new TokenBucket(instantMs(0), { burst: 3, perSecond: 2 });
    const takes = [0, 0, 0, 0, 499, 500, 600].map((ms) => bucket.take(instantMs(ms)));
    expect(takes).toEqual([true, true, true, false, false, true, false]);
  });

  test("never holds more than its burst, and a clock that goes back takes nothing away", () => {
    const bucket = new TokenBucket(instantMs(0), { burst: 2, perSecond: 1 });
    const takes = [3_600_000, 3_600_000, 3_600_000, 0, 1000].map((ms) =>
      bucket.take(instantMs(ms)),
    );
    expect(takes).toEqual([true, true, false, false, true]);
  });

  test("says when an amount will be there", () => {
    const bucket = new TokenBucket(instantMs(0), { burst: 1000, perSecond: 500 });
    expect(bucket.take(instantMs(0), 900)).toBe(true);
    expect(bucket.readyAt(instantMs(0), 100)).toBe(0);
    const readyAt = bucket.readyAt(instantMs(0), 600);
    expect(readyAt).toBe(1000);
    expect(bucket.take(instantMs(999), 600)).toBe(false);
    expect(bucket.take(readyAt, 600)).toBe(true);
  });

  test("goes on at another rate, with no more than the new burst", () => {
    const bucket = new TokenBucket(instantMs(0), { burst: 100, perSecond: 10 });
    bucket.adjust(instantMs(0), { burst: 20, perSecond: 40 });
    expect(bucket.perSecond).toBe(40);
    expect(bucket.readyAt(instantMs(0), 20)).toBe(0);
    expect(bucket.take(instantMs(0), 20)).toBe(true);
    expect(bucket.readyAt(instantMs(0), 20)).toBe(500);
  });
});
