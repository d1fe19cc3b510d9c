/** How people, times and decisions are called. */
import { describe, expect, it } from "vitest";
import { lastChange } from "../../src/access/index.js";
import type { Contact, Decision } from "../../src/access/types.js";
import {
  byAndWhen,
  count,
  doorOf,
  formatDuration,
  formatTime,
  label,
  labels,
  nameAndNumber,
  parseDuration,
  stateName,
  toData,
  viaOf,
  whatHappened,
} from "../../src/admin/words.js";
import { renderPlain } from "../../src/text.js";
import { DAY, HOUR, MINUTE, NOON, person } from "./house.js";

const alice = { code: "K7QF", name: "Alice" } as Contact;
const bob = { code: "M2TX", name: "" } as Contact;
const decision = (facts: Partial<Decision>): Decision => ({
  id: "d",
  action: "approve",
  from: "pending",
  to: "approved",
  at: NOON,
  by: { door: "whatsapp", who: "owner" },
  ...facts,
});

describe("durations", () => {
  it.each([
    ["1m", MINUTE],
    [" 2H ", 2 * HOUR],
    ["1d1h1m", DAY + HOUR + MINUTE],
    ["31d", 31 * DAY],
    ["31d1m", undefined],
    ["99999m", undefined],
    ["044640m", undefined],
    ["0h", undefined],
    ["x1h", undefined],
    ["1hx", undefined],
    ["h", undefined],
    ["", undefined],
  ])("%j", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    [MINUTE - 1, "under a minute"],
    [MINUTE, "1 min"],
    [59 * MINUTE, "59 min"],
    [HOUR, "1 h"],
    [HOUR + MINUTE, "1 h 1 min"],
    [DAY - 1, "23 h 59 min"],
    [DAY + 59 * MINUTE, "1 day"],
    [2 * DAY + HOUR, "2 days 1 h"],
  ])("%i ms", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it("counts", () => {
    expect([0, 1, 2].map((number) => count(number, "day"))).toEqual(["0 days", "1 day", "2 days"]);
    expect(count(2, "buddy", "buddies")).toBe("2 buddies");
  });
});

describe("times", () => {
  it.each([
    ["2026-11-23T09:05:00Z", "09:05"],
    ["2026-11-23T00:00:00Z", "00:00"],
    ["2026-11-22T23:59:00Z", "22 Nov 23:59"],
    ["2026-10-23T12:00:00Z", "23 Oct 12:00"],
    ["2025-11-23T12:00:00Z", "23 Nov 2025 12:00"],
  ])("%s, seen at noon of 23 November 2026", (at, text) => {
    expect(formatTime(Date.parse(at), NOON, "UTC")).toBe(text);
  });

  it("in the owner's time zone", () => {
    expect(formatTime(Date.parse("2026-11-22T23:30:00Z"), NOON, "Europe/Berlin")).toBe("00:30");
  });
});

describe("people", () => {
  it("by name and code, by name and number, or in one line", () => {
    expect([label(alice), label(bob)].map(renderPlain)).toEqual(["Alice (K7QF)", "no name (M2TX)"]);
    expect(renderPlain(label({ ...bob, ...person("+15550003000") }))).toBe("+1 555 000 3000 (M2TX)");
    expect(renderPlain(nameAndNumber({ name: "Alice", ...person("+15550002000") }))).toBe("Alice · +1 555 000 2000");
    expect(renderPlain(nameAndNumber({ name: "" }))).toBe("no name · number hidden");
    expect(renderPlain(labels([alice, bob]))).toBe("Alice (K7QF), no name (M2TX)");
    expect(renderPlain(labels([alice, bob, bob], 2))).toBe("Alice (K7QF), no name (M2TX) and 1 more");
    expect(renderPlain(labels([alice, bob, alice, bob, alice, bob, alice]))).toMatch(/ and 2 more$/);
  });

  it("by state, by how they came, and as data", () => {
    expect([stateName("stranger"), stateName("denied")]).toEqual(["a stranger", "denied"]);
    expect(
      [
        { kind: "token", tokenId: "t" } as const,
        { kind: "invite", inviteId: "i", label: "Bob" } as const,
        { kind: "open" } as const,
      ].map((via) => renderPlain(viaOf({ ...alice, via }))),
    ).toEqual(["sent the pairing token", "used the invite for Bob", "wrote (pairing is open)"]);
    expect(renderPlain(viaOf(alice))).toBe("wrote");
    const facts = { state: "pending", since: 5, ...person("+15550002000", "2000@lid") } as const;
    expect(toData({ ...alice, ...facts })).toEqual({ code: "K7QF", name: "Alice", ...facts });
    expect(toData({ ...alice, state: "denied", since: 5 })).toMatchObject({ pn: null, lid: null });
  });
});

describe("decisions", () => {
  it("name the door", () => {
    const by = (door: Decision["by"]["door"], who = "x") => doorOf({ by: { door, who } });
    expect(by("whatsapp")).toBe("by you on WhatsApp");
    expect(by("gateway", "invite abc")).toBe("by an invite");
    expect(by("cli")).toBe("at the command line");
    expect(by("cli", "invite abc")).toBe("at the command line");
    expect(by("dashboard")).toBe("on the dashboard");
    expect(by("gateway", "timer")).not.toBe("by an invite");
  });

  it.each([
    [{}, "was approved by you on WhatsApp, 12:00"],
    [{ action: "deny", to: "denied" }, "was denied by you on WhatsApp, 12:00"],
    [{ action: "remove", to: "stranger" }, "was removed by you on WhatsApp, 12:00"],
    [{ action: "undo", to: "stranger" }, "was set back to a stranger by you on WhatsApp, 12:00"],
    [{ action: "undo", to: "pending" }, "was set back to pending by you on WhatsApp, 12:00"],
    [{ action: "enter" }, "entered the queue, 12:00"],
    [{ action: "expire" }, "expired, 12:00"],
    [{ action: "suspend" }, "was suspended, 12:00"],
    [{ action: "merge" }, "was merged, 12:00"],
    [{ action: "identity" }, "changed address, 12:00"],
  ] as const)("%j", (facts, text) => {
    expect(renderPlain(whatHappened(decision(facts), NOON, "UTC"))).toBe(text);
  });

  it("in few words", () => {
    expect(renderPlain(byAndWhen(decision({}), NOON + DAY, "UTC"))).toBe("by you on WhatsApp, 23 Nov 12:00");
  });

  it("the last that changed what somebody may do is no new address", () => {
    const history = (["approve", "identity", "merge"] as const).map((action) => decision({ id: action, action }));
    expect(lastChange({ ...alice, history })?.id).toBe("approve");
    expect(lastChange({ ...alice, history: history.slice(1) })).toBeUndefined();
  });
});
