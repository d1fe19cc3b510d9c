/** Silent mode by itself: what holds while the disk is slow or full, and when a timer is late (I4). */
import { describe, expect, it } from "vitest";
import type { Actor } from "../../src/access/types.js";
import { createSilentMode } from "../../src/admin/index.js";

const OWNER: Actor = { door: "whatsapp", who: "+1 555 000 1000" };
const HOUR = 3_600_000;

function open() {
  const state = { now: 0, audit: [] as string[], logged: [] as string[], full: false };
  const timers: { at: number; work: () => void; cancelled: boolean }[] = [];
  const writes: (() => void)[] = [];
  const silent = createSilentMode({
    clock: () => state.now,
    scheduler: {
      at(at, work) {
        const timer = { at, work, cancelled: false };
        timers.push(timer);
        return () => {
          timer.cancelled = true;
        };
      },
    },
    log: { error: (_, message) => void state.logged.push(message) },
    async record(action, by, note) {
      if (writes.length > 0) await new Promise<void>((resolve) => writes.push(resolve));
      if (state.full) throw new Error("full");
      state.audit.push([action, by.door, by.who, note].join("|"));
    },
  });
  return { silent, state, timers, writes };
}

describe("silent mode", () => {
  it("I4: is on from the start, off when told, and on again at once", async () => {
    const { silent, state } = open();
    expect([silent.on(), silent.until()]).toEqual([true, undefined]);
    await silent.set(false, OWNER);
    expect([silent.on(), silent.until()]).toEqual([false, undefined]);
    state.now += 1_000 * HOUR;
    expect(silent.on()).toBe(false);
    await silent.set(true, OWNER);
    expect(silent.on()).toBe(true);
    const who = "whatsapp|+1 555 000 1000";
    expect(state.audit).toEqual([`silent off|${who}|`, `silent on|${who}|`]);
  });

  it("for a while ends by itself, and by the clock where the timer is late", async () => {
    const { silent, state, timers } = open();
    await silent.set(false, OWNER, 2 * HOUR);
    expect([silent.on(), silent.until(), timers[0]?.at]).toEqual([false, 2 * HOUR, 2 * HOUR]);
    expect(state.audit).toEqual(["silent off|whatsapp|+1 555 000 1000|for 2 h"]);
    state.now = 2 * HOUR - 1;
    expect(silent.on()).toBe(false);
    state.now += 1;
    expect([silent.on(), silent.until()]).toEqual([true, undefined]);
    timers[0]?.work();
    state.now = 0;
    expect([silent.on(), silent.until()]).toEqual([true, undefined]);
    expect(state.audit.at(-1)).toBe("silent on|gateway|timer|");
  });

  it("a timer of an earlier order changes nothing", async () => {
    const { silent, timers } = open();
    await silent.set(false, OWNER, HOUR);
    await silent.set(false, OWNER);
    expect(timers.map(({ cancelled }) => cancelled)).toEqual([true]);
    timers[0]?.work();
    expect(silent.on()).toBe(false);
    await silent.set(false, OWNER, HOUR);
    await silent.set(true, OWNER);
    expect(timers.map(({ cancelled }) => cancelled)).toEqual([true, true]);
  });

  it("I4: an off that is still being written does not overrule a later on", async () => {
    const { silent, writes } = open();
    writes.push(() => {});
    const off = silent.set(false, OWNER);
    const on = silent.set(true, OWNER);
    expect(silent.on()).toBe(true);
    for (const written of writes) written();
    await Promise.all([off, on]);
    expect(silent.on()).toBe(true);
  });

  it("I4: on a full disk goes on all the same, and never off", async () => {
    const { silent, state } = open();
    await silent.set(false, OWNER);
    state.full = true;
    await silent.set(true, OWNER);
    expect(silent.on()).toBe(true);
    expect(state.logged).toEqual(["silent mode is on, but the audit could not be written"]);
    await expect(silent.set(false, OWNER)).rejects.toThrow("full");
    expect(silent.on()).toBe(true);
  });
});
