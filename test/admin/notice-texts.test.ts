/** The words of notices, to the letter. */
import { describe, expect, it } from "vitest";
import type { Contact, ContactState, Invite } from "../../src/access/types.js";
import {
  autoApproved,
  digest,
  expired,
  expiring,
  learned,
  likeness,
  link,
  newSender,
  noLonger,
  notSent,
  ownerConfirmed,
  phoneAway,
  queueFull,
  stuck,
} from "../../src/admin/notice-texts.js";
import { own, renderWhatsApp, say } from "../../src/text.js";
import { NOON, person } from "./house.js";

const WHEN = { now: NOON, timezone: "UTC" };
const alice = {
  _id: "alice",
  code: "K7QF",
  name: "Alice",
  state: "pending",
  since: NOON,
  via: { kind: "token", tokenId: "t" },
  ...person("+1 555 000 2000"),
} as unknown as Contact;
const bob = { ...alice, _id: "bob", code: "M2TX", name: "Bob" } as unknown as Contact;
const text = (message: Parameters<typeof renderWhatsApp>[0] | undefined) => message && renderWhatsApp(message);
const as = (state: ContactState) => ({ ...alice, state });

describe("a new sender", () => {
  it("with their words and a warning", () => {
    expect(text(newSender(alice, "let me in", own("⚠️ Look twice."), WHEN))).toBe(
      [
        "🔔 *New sender* K7QF",
        "Alice · +1 555 000 2000",
        "sent the pairing token, 12:00",
        "> let me in",
        "⚠️ Look twice.",
        "👍 or /approve K7QF · 👎 or /deny K7QF",
      ].join("\n"),
    );
  });

  it.each(["", "•••", " ••• ••• "])("who said nothing but tokens: %j", (words) => {
    expect(text(newSender(alice, words, undefined, WHEN))?.split("\n")).toHaveLength(4);
  });

  it("whose words stand beside the token keeps both", () => {
    expect(text(newSender(alice, "••• hello", undefined, WHEN))).toContain("\n> ••• hello\n");
  });
});

describe("a digest", () => {
  const none = new Map();
  it("of senders, with warnings, how to answer, and news below", () => {
    const warnings = new Map([["bob", own("⚠️ Look twice.")]]);
    expect(text(digest([alice, bob], warnings, [say`First news.`, say`Second.`]))).toBe(
      [
        "🔔 *2 new senders*",
        "• K7QF · Alice · +1 555 000 2000 · sent the pairing token",
        "• M2TX · Bob · +1 555 000 2000 · sent the pairing token",
        "⚠️ Look twice.",
        "/approve K7QF · /deny K7QF · /pending · /approve all",
        "",
        "First news.",
        "",
        "Second.",
      ].join("\n"),
    );
  });

  it("of news alone", () => {
    expect(text(digest([], none, [say`First.`, say`Second.`]))).toBe("First.\n\nSecond.");
  });

  it("names twenty, and says how many more", () => {
    const many = Array.from({ length: 21 }, (_, index) => ({ ...alice, _id: `${index}` }));
    const rows = text(digest(many, none, []))?.split("\n") ?? [];
    expect(rows[0]).toBe("🔔 *21 new senders*");
    expect(rows).toHaveLength(23);
    expect(rows[21]).toBe("and 1 more: /pending");
    expect(text(digest(many.slice(1), none, []))).not.toContain("more");
    expect(text(digest([alice], none, []))).toMatch(/^🔔 \*1 new sender\*\n/);
  });
});

describe("a name like another", () => {
  it("the owner's, a buddy's, or nobody's", () => {
    const eve = { ...bob, _id: "eve", name: "AIice" };
    expect(text(likeness(eve, "Alice", [alice]))).toBe("⚠️ The name resembles yours. Anyone can choose any name.");
    expect(text(likeness(eve, "Zora", [bob, alice]))).toBe(
      "⚠️ The name resembles your buddy Alice (K7QF), who is somebody else.",
    );
    expect(likeness(eve, undefined, [bob])).toBeUndefined();
    expect(likeness(alice, undefined, [alice])).toBeUndefined();
    expect(likeness({ ...eve, name: "" }, "", [{ ...alice, name: "" }])).toBeUndefined();
  });
});

describe("news", () => {
  it("of an invite that let somebody in", () => {
    const invite = { label: "Bob" } as Invite;
    expect(text(autoApproved(bob, invite, own("⚠️ Look twice.")))).toBe(
      [
        "✅ *Approved by invite* M2TX",
        "Bob · +1 555 000 2000",
        "used the --auto invite for Bob",
        "⚠️ Look twice.",
        "👎 or /undo within 10 minutes takes it back; /remove M2TX always does",
      ].join("\n"),
    );
  });

  it("of numbers that changed hands, by what the former one was", () => {
    const passed = (was: ContactState) => text(learned({ kind: "new-person", old: alice, was }));
    const start = (was: string) => `⚠️ The number of Alice (K7QF), ${was}, belongs to another WhatsApp account now.`;
    expect(passed("stranger")).toBeUndefined();
    expect(passed("denied")).toBe(`${start("denied")} The denial stays on both.`);
    expect(passed("approved")).toBe(
      `${start("approved")} The approval is suspended: it does not pass to whoever has the number now.`,
    );
    expect(passed("pending")).toBe(
      `${start("pending")} The pending entry is suspended: it does not pass to whoever has the number now.`,
    );
  });

  it("of a denied number that somebody let in has now", () => {
    const passed = { kind: "new-person", old: as("denied"), was: "denied", suspended: [bob] } as const;
    expect(text(learned(passed))).toMatch(
      /The denial stays on both\. That shuts out Bob \(M2TX\): \/remove K7QF takes it off the denylist\.$/,
    );
  });

  it("of a new number, and of nothing else that was learned", () => {
    const before = person("+1 555 000 1999").pn;
    if (before === undefined) throw new Error("no number");
    expect(text(learned({ kind: "new-number", contact: as("stranger"), before }))).toBe(
      "ℹ️ Alice (K7QF) has a new number: +1 555 000 2000, before +1 555 000 1999. They stay a stranger.",
    );
    expect(text(learned({ kind: "new-number", contact: { ...as("stranger"), name: "" }, before }))).toMatch(
      /^ℹ️ no name \(K7QF\) has a new number: \+1 555 000 2000, before/,
    );
    for (const news of [
      { kind: "owner-locked" } as const,
      { kind: "merged", contact: alice, gone: bob.code, was: "pending" } as const,
      { kind: "same" } as const,
    ]) {
      expect(learned(news)).toBeUndefined();
    }
  });

  it("of two who are one, where that changes what one of them may do", () => {
    const merged = (was: ContactState, state: ContactState) =>
      text(learned({ kind: "merged", contact: as(state), gone: bob.code, was }));
    expect(merged("approved", "denied")).toBe(
      "⚠️ M2TX, approved, turned out to be Alice (K7QF), who is denied. The denial holds, and the approval is void: /remove K7QF takes them off the denylist.",
    );
    expect(merged("pending", "denied")).toBe(
      "⚠️ M2TX, pending, turned out to be Alice (K7QF), who is denied. The denial holds, and they wait no more: /remove K7QF takes them off the denylist.",
    );
    for (const was of ["pending", "stranger"] as const) {
      expect(merged(was, "approved")).toBe(
        `⚠️ M2TX, ${was === "pending" ? was : "a stranger"}, turned out to be Alice (K7QF), who is approved. The approval holds for both: /deny K7QF shuts them out.`,
      );
    }
    for (const state of ["denied", "pending", "stranger"] as const) expect(merged("stranger", state)).toBeUndefined();
    for (const state of ["denied", "approved", "pending"] as const) expect(merged(state, state)).toBeUndefined();
  });

  it("of two who are one with a new number, where that changes nothing else, the number", () => {
    const before = person("+1 555 000 1999").pn;
    if (before === undefined) throw new Error("no number");
    const merged = { kind: "merged", contact: as("approved"), gone: bob.code, before } as const;
    expect(text(learned({ ...merged, was: "approved" }))).toMatch(/has a new number.*They stay approved\.$/);
    expect(text(learned({ ...merged, was: "pending" }))).toMatch(/^⚠️ M2TX, pending, turned out to be Alice/);
  });

  it("of entries that expire, and have", () => {
    expect(text(expiring([alice]))).toBe(
      "⏳ Alice (K7QF) is still pending and expires within a day: /approve K7QF or /deny K7QF.",
    );
    expect(text(expiring([alice, bob]))).toBe("⏳ Alice (K7QF), Bob (M2TX) expire within a day: /pending shows them.");
    expect(text(expired([alice]))).toBe(
      "⌛ Alice (K7QF) waited too long and is pending no more. With the token they can come again.",
    );
    expect(text(expired([alice, bob]))).toBe(
      "⌛ Alice (K7QF), Bob (M2TX) waited too long and are pending no more. With the token they can come again.",
    );
    const many = Array.from({ length: 21 }, () => alice);
    expect(text(expired(many))).toContain(" and 1 more waited");
    expect(text(expiring(many))).toContain(" and 1 more expire");
  });

  it("of the link, the phone, the queue, and what was put aside", () => {
    const state = { code: "conflict", sentence: "Another process has the session.", remedy: "", since: 0 } as const;
    expect(text(link(state))).toBe("🚨 Another process has the session.");
    expect(text(link({ ...state, remedy: "Stop it." }))).toBe("🚨 Another process has the session. Stop it.");
    expect(text(phoneAway(12))).toBe(
      "🚨 For 12 days I have seen no sign of the phone whose WhatsApp this is. After about 14 days without it, WhatsApp unlinks me: open WhatsApp on it once, with internet.",
    );
    expect(text(queueFull())).toBe(
      "⚠️ The pending queue is full, so the next senders are not queued. Perhaps the pairing token leaked: /token rotate makes a new one, /pending shows who waits.",
    );
    expect(text(ownerConfirmed())).toBe(
      "✅ This is the admin chat now. /help lists the commands, /status says how it goes.",
    );
    expect(text(stuck("*no* room"))).toBe("🚨 A message could not be handled and was put aside: ＊no＊ room");
  });

  it("of what could not be sent", () => {
    const none = "🚨 WhatsApp lets this account start no new chats for now (error 463), so";
    expect(text(notSent(alice, "restricted"))).toBe(
      `${none} Alice (K7QF) got nothing. It works once they write to the bot; don't retry.`,
    );
    expect(text(notSent(undefined, "restricted"))).toContain(`${none} somebody got nothing.`);
    expect(text(notSent(alice, "answer restricted"))).toBe(
      "🚨 WhatsApp lets this account send little for now (error 463), and Alice (K7QF) got no answer. It is not tried again; what they write next can be answered.",
    );
    const next = "It is not tried again; write to them from the bot's phone if it matters.";
    expect(text(notSent(alice, "failed"))).toBe(`⚠️ A message to Alice (K7QF) could not be sent. ${next}`);
    expect(text(notSent(undefined, "failed", 475))).toBe(
      `⚠️ A message to somebody was refused by WhatsApp (error 475). ${next}`,
    );
    expect(text(notSent(alice, "silent"))).toBe(
      "⚠️ Silent mode came on before your reply to Alice (K7QF) had surely gone out. If it is not in the chat on the bot's phone, send it again.",
    );
    expect(text(notSent(alice, "no-buddy"))).toBe(
      "⚠️ Alice (K7QF) was no buddy any more before your reply had surely gone out. It is not tried again.",
    );
  });
});

describe("an answer that came too late for its notice", () => {
  it.each([
    ["pending", "They are pending again: /approve K7QF or /deny K7QF."],
    ["stranger", "/approve K7QF lets them in."],
    ["approved", "/remove K7QF makes them a stranger again."],
    ["denied", "/remove K7QF makes them a stranger again."],
  ] as const)("says what is possible with somebody %s", (state, next) => {
    expect(text(noLonger(as(state), own("was removed, 12:00")))).toBe(
      `Nothing changed: Alice (K7QF) was removed, 12:00. ${next}`,
    );
  });
});
