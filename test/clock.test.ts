import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY, realScheduler } from "../src/clock.js";

const NOON = Date.UTC(2026, 10, 23, 12);

describe("the scheduler of a running gateway", () => {
  beforeEach(() => void vi.useFakeTimers({ now: NOON }));
  afterEach(() => void vi.useRealTimers());

  it("does things when they are due, once, at once where that is past, and not when taken back", () => {
    const { at } = realScheduler(Date.now);
    const done: string[] = [];
    at(NOON + 1000, () => done.push("a second"));
    at(NOON - 1000, () => done.push("past"));
    const cancel = at(NOON + 500, () => done.push("taken back"));
    at(NOON + 60 * DAY, () => done.push("two months"));
    vi.advanceTimersByTime(0);
    expect(done).toEqual(["past"]);
    cancel();
    vi.advanceTimersByTime(999);
    expect(done).toEqual(["past"]);
    vi.advanceTimersByTime(1);
    expect(done).toEqual(["past", "a second"]);
    vi.advanceTimersByTime(60 * DAY - 1001);
    expect(done).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(done).toEqual(["past", "a second", "two months"]);
    cancel();
  });

  it("takes back what is months away, too", () => {
    const { at } = realScheduler(Date.now);
    const done: string[] = [];
    const cancel = at(NOON + 60 * DAY, () => done.push("two months"));
    vi.advanceTimersByTime(30 * DAY);
    cancel();
    vi.advanceTimersByTime(60 * DAY);
    expect(done).toEqual([]);
  });
});
