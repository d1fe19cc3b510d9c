import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pacesOf, TokenBucket } from "../../src/whatsapp/pace.js";

const PACE = { burst: 3, everyMs: 1_000, jitter: 0.2 };

describe("pace", () => {
  it("of buddies is what the configuration says, and the admin chat's is its own", () => {
    const { buddies, admin } = pacesOf({ perMinute: 20, burst: 5 });
    expect(buddies).toMatchObject({ burst: 5, everyMs: 3_000 });
    expect(pacesOf({ perMinute: 1, burst: 1 }).admin).toEqual(admin);
  });

  it("a burst leaves at once, then one by one", () => {
    let now = 0;
    const bucket = new TokenBucket(
      PACE,
      () => now,
      () => 0.5,
    );
    expect([bucket.take(), bucket.take(), bucket.take()]).toEqual([0, 0, 0]);
    expect(bucket.take()).toBe(1_000);
    now = 999;
    expect(bucket.take()).toBe(1);
    now = 1_000;
    expect([bucket.take(), bucket.take()]).toEqual([0, 1_000]);
  });

  it("after a rest there is a whole burst again, and never more", () => {
    let now = 0;
    const bucket = new TokenBucket(
      PACE,
      () => now,
      () => 0.5,
    );
    for (let i = 0; i < 3; i++) bucket.take();
    now = 3_600_000;
    expect([bucket.take(), bucket.take(), bucket.take()]).toEqual([0, 0, 0]);
    expect(bucket.take()).toBeGreaterThan(0);
  });

  it("pauses vary by chance within the jitter", () => {
    const wait = (chance: number) => {
      const bucket = new TokenBucket(
        { ...PACE, burst: 1 },
        () => 0,
        () => chance,
      );
      bucket.take();
      return bucket.take();
    };
    expect([wait(0), wait(0.5), wait(1)]).toEqual([800, 1_000, 1_200]);
  });

  it("a clock that is set back does not stop the messages", () => {
    let now = 1_000_000;
    const bucket = new TokenBucket(
      PACE,
      () => now,
      () => 0.5,
    );
    for (let i = 0; i < 3; i++) bucket.take();
    now = 0;
    expect(bucket.take()).toBe(1_000);
    now = 1_000;
    expect(bucket.take()).toBe(0);
  });

  it("in any stretch of time no more leave than the burst and the pauses allow", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(3_000), fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 60 }),
        (steps) => {
          let now = 0;
          let chance = 0.5;
          const bucket = new TokenBucket(
            PACE,
            () => now,
            () => chance,
          );
          let left = 0;
          for (const [step, random] of steps) {
            now += step;
            chance = random;
            if (bucket.take() === 0) left += 1;
          }
          expect(left).toBeLessThanOrEqual(PACE.burst + now / (PACE.everyMs * (1 - PACE.jitter)) + 1);
        },
      ),
    );
  });
});
