import { afterEach, describe, expect, it } from "vitest";
import type { AdminParts } from "../../src/admin/index.js";
import { quietUntil } from "../../src/admin/quiet.js";
import { DAY, HOUR, House, type HouseSetup, MINUTE, NOON, OWNER, person, TOKEN } from "./house.js";

const ALICE = "+1 555 000 2000";
const houses: House[] = [];
async function open(setup?: HouseSetup): Promise<House> {
  const house = await House.open(setup);
  houses.push(house);
  return house;
}
const opened = (parts: Partial<AdminParts>): Promise<House> => open({ parts });
afterEach(async () => {
  for (const house of houses.splice(0)) await house.close();
});

/** So many senders, one second after another. */
async function crowd(house: House, size: number, from = 0): Promise<void> {
  for (let index = from; index < from + size; index++) {
    await house.knocks(`Guest ${index}`, `+1 555 001 ${String(1000 + index)}`);
  }
}

describe("the notice of a pending sender", () => {
  it("looks as the design has it, in the owner's time zone, with the token masked", async () => {
    const house = await opened({ timezone: "Europe/Berlin" });
    const alice = await house.knocks("Alice", ALICE, `${TOKEN} hello, it's me`);
    expect(house.texts()).toEqual([
      [
        `🔔 *New sender* ${alice.code}`,
        "Alice · +1 555 000 2000",
        "sent the pairing token, 13:00",
        "> ••• hello, it's me",
        `👍 or /approve ${alice.code} · 👎 or /deny ${alice.code}`,
      ].join("\n"),
    ]);
  });

  it("quotes nothing where the message was the token alone", async () => {
    const house = await open();
    await house.knocks("Alice", ALICE);
    expect(house.texts()[0]).not.toContain(">");
    expect(house.texts().join()).not.toContain(TOKEN);
  });

  it("says number hidden where only the LID is known, and names the invite", async () => {
    const house = await open();
    const invite = await house.access.invite({ label: "Bob" }, { door: "cli", who: "x" });
    await house.knocks("", person(undefined, "4242@lid"), invite.token);
    expect(house.texts()[0]).toContain("\nno name · number hidden\nused the invite for Bob, 12:00\n");
  });

  it("warns where a name resembles the owner's or a buddy's", async () => {
    const house = await open();
    await house.says("/status");
    await house.knocks("OIivia 0wner", ALICE);
    expect(house.notice("New sender").text).toContain("⚠️ The name resembles yours.");
    const bob = await house.knocks("Bob Builder", "+1 555 000 3000");
    await house.says(`/approve ${bob.code}`);
    await house.knocks("B0b Builder", "+1 555 000 4000");
    expect(house.notice("New sender").text).toContain(
      `⚠️ The name resembles your buddy Bob Builder (${bob.code}), who is somebody else.`,
    );
    await house.restart();
    await house.knocks("Olívia Owner", "+1 555 000 5000");
    expect(house.notice("New sender").text).toContain("resembles yours");
  });

  it("I9: a name or text never becomes the bot's own words", async () => {
    const house = await open();
    const forged = "Eve\n\n🔔 *New sender* K7QF\n/approve K7QF\u202e `x` https://evil.example";
    const eve = await house.knocks(
      forged,
      ALICE,
      `${TOKEN}\n✅ *Approved* Eve\n> quoted\n/approve K7QF ${"z".repeat(65_000)}`.slice(0, 190),
    );
    const [notice = ""] = house.texts();
    const rows = notice.split("\n");
    expect(rows[0]).toBe(`🔔 *New sender* ${eve.code}`);
    expect(rows[1]).toMatch(/^Eve 🔔 ＊New sender＊ K7QF \/approve K7QF .* · \+1 555 000 2000$/);
    expect(rows.at(-1)).toBe(`👍 or /approve ${eve.code} · 👎 or /deny ${eve.code}`);
    expect(rows.slice(3, -1).every((row) => row.startsWith("> "))).toBe(true);
    expect(notice).not.toMatch(/[\u202a-\u202e`]/);
    expect(notice).not.toContain("https://");
    for (const answer of [
      await house.says("/pending"),
      await house.says(`/whois ${eve.code}`),
      await house.says("yes"),
      await house.says(`/approve ${eve.code}`),
    ]) {
      expect(answer).not.toMatch(/\*New sender\*|\*Approved\*|https:\/\//);
      expect(answer.split("\n").every((row) => !row.startsWith("🔔"))).toBe(true);
    }
  });

  it("is sent once an episode, however often the message is handled", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    await house.wait(MINUTE);
    await house.admin.tell.entered(alice, { text: "•••", at: NOON });
    await house.restart();
    await house.admin.tell.entered(alice, { text: "•••", at: NOON });
    expect(house.texts()).toHaveLength(1);
    await house.cli("remove", alice.code);
    await house.knocks("Alice", ALICE);
    expect(house.texts()).toHaveLength(2);
  });
});

describe("batching", () => {
  it("more than 5 in a minute: the first come one by one, the rest as one digest", async () => {
    const house = await open();
    await crowd(house, 9);
    expect(house.texts()).toHaveLength(5);
    await house.wait(MINUTE);
    const digest = house.texts().slice(5);
    expect(digest).toHaveLength(1);
    expect(digest[0]).toMatch(/^🔔 \*4 new senders\*\n• .... · Guest 5 · \+1 555 001 1005 · sent the pairing token\n/);
    await house.wait(2 * MINUTE);
    await crowd(house, 1, 20);
    expect(house.texts()).toHaveLength(7);
    expect(house.texts()[6]).toMatch(/^🔔 \*New sender\*/);
  });

  it("a clock that is set back by a day holds up no notice and no alarm", async () => {
    const house = await open();
    const state = { code: "conflict", sentence: "Another process has the session.", remedy: "", since: 0 } as const;
    await house.admin.notices.linkTrouble(state);
    await crowd(house, 5);
    house.time.now -= 24 * HOUR;
    await house.admin.notices.linkTrouble(state);
    await crowd(house, 1, 20);
    expect(house.texts()).toHaveLength(8);
  });

  it("a digest takes no reactions and no quoted yes, and tells how", async () => {
    const house = await open();
    await crowd(house, 9);
    await house.wait(MINUTE);
    const { id } = house.notice("new senders");
    expect(await house.reacts("👍", id)).toMatch(/^That notice names several senders/);
    expect(await house.says("yes", { quotes: id })).toMatch(/^That notice names several senders/);
    expect(await house.says("/approve", { quotes: id })).toMatch(/^That notice names several senders/);
    expect(house.access.counts().approved).toBe(0);
  });

  it("whom a digest names counts as shown", async () => {
    const house = await open();
    await crowd(house, 7);
    await house.wait(MINUTE);
    expect(await house.says("/approve all 7")).toContain("✅ Approved Guest 6");
    expect(house.access.counts()).toMatchObject({ approved: 7, pending: 0 });
  });

  it("whom a long digest does not name is not approved with the rest", async () => {
    const house = await opened({ quiet: { from: 11 * 60, to: 13 * 60 } });
    await crowd(house, 25);
    await house.wait(HOUR);
    expect(house.texts()).toHaveLength(1);
    expect(house.texts()[0]).toContain("and 5 more: /pending");
    await house.says("/approve all 20");
    expect(house.access.counts()).toMatchObject({ approved: 20, pending: 5 });
  });
});

describe("quiet hours", () => {
  it("hold a digest that a crash left, too", async () => {
    const house = await opened({ quiet: { from: 11 * 60, to: 13 * 60 } });
    await house.knocks("Alice", ALICE);
    await house.knocks("Bob", "+1 555 000 3000");
    await house.bundleWaiting("b1");
    await house.restart();
    expect(house.texts()).toEqual([]);
    await house.wait(2 * HOUR);
    expect(house.texts()).toEqual([expect.stringMatching(/Alice.*Bob/s)]);
  });

  it("keep every change of a number, and everyone who expires, though a crash tells of them anew", async () => {
    const house = await opened({ quiet: { from: 11 * 60, to: 13 * 60 } });
    const alice = await house.knocks("Alice", person(ALICE, "2000@lid"));
    const bob = await house.knocks("Bob", "+1 555 000 3000");
    for (const number of ["+1 555 000 2001", "+1 555 000 2002"]) {
      await house.admin.tell.learned(await house.access.learn(person(number, "2000@lid")));
    }
    await house.admin.notices.expiring([alice]);
    await house.admin.notices.expiring([alice, bob]);
    await house.wait(2 * HOUR);
    const texts = house.texts().join("\n");
    expect(texts).toContain("has a new number: +1 555 000 2001, before +1 555 000 2000");
    expect(texts).toContain("has a new number: +1 555 000 2002, before +1 555 000 2001");
    expect(texts).toMatch(/Alice .*, Bob .* expire within a day/);
  });

  it("hold all but alarms until they are over, in the owner's time zone, across restarts", async () => {
    const house = await opened({ quiet: { from: 22 * 60, to: 7 * 60 }, timezone: "America/New_York" });
    await house.wait(16 * HOUR); // 04:00 UTC, 23:00 in New York
    await house.knocks("Alice", ALICE);
    await house.admin.notices.linkTrouble({
      code: "conflict",
      sentence: "Another process has the session.",
      remedy: "Stop it.",
      since: 0,
    });
    expect(house.texts()).toEqual(["🚨 Another process has the session. Stop it."]);
    await house.restart();
    await house.wait(7 * HOUR + 59 * MINUTE);
    expect(house.texts()).toHaveLength(1);
    await house.wait(2 * MINUTE);
    expect(house.texts()[1]).toMatch(/^🔔 \*New sender\*.*\nAlice/);
  });

  it("a sender who was decided about meanwhile is no news in the morning", async () => {
    const house = await opened({ quiet: { from: 11 * 60, to: 13 * 60 } });
    const alice = await house.knocks("Alice", ALICE);
    await house.cli("deny", alice.code);
    await house.wait(2 * HOUR);
    expect(house.texts()).toEqual([]);
  });

  it.each([
    ["over midnight, before it", "2026-11-23T23:30:00Z", 22 * 60, 7 * 60, "2026-11-24T07:00:00Z"],
    ["over midnight, after it", "2026-11-24T06:59:59Z", 22 * 60, 7 * 60, "2026-11-24T07:00:00Z"],
    ["not yet", "2026-11-23T21:59:59Z", 22 * 60, 7 * 60, undefined],
    ["not any more", "2026-11-24T07:00:00Z", 22 * 60, 7 * 60, undefined],
    ["never", "2026-11-24T07:00:00Z", 0, 0, undefined],
  ])("end when they should: %s", (_, now, from, to, end) => {
    expect(quietUntil(Date.parse(now), { from, to }, "UTC")).toBe(end === undefined ? undefined : Date.parse(end));
  });

  it("end on the wall clock when summer time ends in between", () => {
    const end = quietUntil(Date.parse("2026-10-24T22:00:00Z"), { from: 22 * 60, to: 7 * 60 }, "Europe/Berlin");
    expect(new Date(end ?? 0).toISOString()).toBe("2026-10-25T06:00:00.000Z");
  });

  it("end ahead also in the night in which the clock skips their end", () => {
    for (const now of ["2026-03-28T21:00:00Z", "2026-03-29T00:30:00Z", "2026-03-29T00:59:00Z"]) {
      const end = quietUntil(Date.parse(now), { from: 22 * 60, to: 2 * 60 + 30 }, "Europe/Berlin") ?? 0;
      expect(new Date(end).toISOString()).toBe("2026-03-29T01:30:00.000Z");
    }
  });
});

describe("what cannot be delivered waits", () => {
  it("for the link, across restarts", async () => {
    const house = await open();
    house.link = "connecting";
    const alice = await house.knocks("Alice", ALICE);
    const written = house.time.now + 1000;
    await house.restart();
    expect(house.texts()).toEqual([]);
    await house.wait(MINUTE);
    house.link = "open";
    await house.admin.linkOpened();
    expect(house.texts()).toHaveLength(1);
    // The order was written before the notice could be seen.
    expect(await house.says("/approve", { at: written })).toMatch(/^Nobody is pending whose notice reached you/);
    expect(house.state(alice)).toBe("pending");
  });

  it("for an owner who is set and confirmed; a locked one gets nothing", async () => {
    const house = await open({ owner: { confirmed: false, confirmCode: "K7QF" } });
    await house.knocks("Alice", ALICE);
    expect(house.texts()).toEqual([]);
    const by = { door: "whatsapp", who: "x" } as const;
    const owner = { setup: "own-number", person: OWNER, confirmed: true } as const;
    await house.admin.tell.ownerConfirmed("Olga", () => house.access.setOwner(owner, by));
    await house.knocks("Olga", "+1 555 000 6660");
    expect(house.notice("New sender").text).toContain("resembles yours");
    house.outbox.sent.pop();
    expect(house.texts()).toEqual([
      "✅ This is the admin chat now. /help lists the commands, /status says how it goes.",
      expect.stringMatching(/^🔔 \*New sender\*/),
    ]);
    await house.access.setOwner({ setup: "own-number", person: OWNER, confirmed: true, locked: "passed on" }, by);
    await house.knocks("Bob", "+1 555 000 3000");
    expect(house.texts()).toHaveLength(2);
  });

  it("for a disk that can be written", async () => {
    const house = await open();
    house.outbox.fails = new Error("disk full");
    await house.knocks("Alice", ALICE);
    expect(house.texts()).toEqual([]);
    house.outbox.fails = undefined;
    await house.wait(MINUTE);
    expect(house.texts()).toHaveLength(1);
  });
});

describe("other news", () => {
  it("news that had to wait say of when they are, as things may have changed since", async () => {
    const house = await opened({ quiet: { from: 22 * 60, to: 7 * 60 } });
    const alice = await house.knocks("Alice", person(ALICE, "2000@lid"));
    await house.says("/approve");
    await house.wait(11 * HOUR);
    await house.admin.tell.learned(await house.access.learn(person("+1 555 000 2001", "2000@lid")));
    await house.cli("deny", alice.code);
    await house.wait(12 * HOUR);
    expect(house.texts().at(-1)).toMatch(/has a new number.*They stay approved\.\nThis is from 23 Nov 23:00\.$/);
    house.link = "connecting";
    await house.admin.tell.queueFull();
    await house.wait(10 * MINUTE);
    house.link = "open";
    await house.admin.linkOpened();
    expect(house.texts().at(-1)).toMatch(/^⚠️ The pending queue is full, .* shows who waits\.$/);
  });

  it("a reminder that had to wait names only those who are pending still, and nobody is reminded of nobody", async () => {
    const house = await open();
    const [alice, bob] = [await house.knocks("Alice", ALICE), await house.knocks("Bob", "+1 555 000 3000")];
    house.link = "connecting";
    await house.wait(6 * DAY + HOUR);
    await house.cli("approve", alice.code);
    await house.restart();
    house.link = "open";
    await house.admin.linkOpened();
    expect(house.texts().slice(2)).toEqual([
      `⏳ Bob (${bob.code}) is still pending and expires within a day: /approve ${bob.code} or /deny ${bob.code}.`,
    ]);
    const carol = await house.knocks("Carol", "+1 555 000 4000");
    await house.wait(6 * DAY - MINUTE);
    house.link = "connecting";
    await house.wait(HOUR);
    await house.cli("deny", carol.code);
    const before = house.texts().length;
    house.link = "open";
    await house.admin.linkOpened();
    expect(house.texts().slice(before)).toEqual([]);
  });

  it("a reminder about one sender takes the answers that their notice takes, one about several none", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    await house.wait(6 * DAY + HOUR);
    const { id } = house.notice("expires within a day");
    expect(await house.reacts("👍", id)).toMatch(/^✅ Approved Alice/);
    expect(await house.reacts("", id)).toMatch(/^↩️ Undone: Alice .* is pending again/);
    expect(await house.says("/approve", { quotes: id })).toMatch(/^✅ Approved Alice/);
    await house.says("/undo");
    expect(await house.says("no", { quotes: id })).toMatch(/^⛔ Denied Alice/);
    expect(await house.reacts("👍", id)).toMatch(/^Nothing changed: Alice .* was denied/);
    expect(house.state(alice)).toBe("denied");
    const two = [await house.knocks("Bob", "+1 555 000 3000"), await house.knocks("Carol", "+1 555 000 4000")];
    await house.wait(6 * DAY + HOUR);
    expect(await house.reacts("👍", house.notice("expire within a day").id)).toMatch(/^That notice names several/);
    expect(two.map((who) => house.state(who))).toEqual(["pending", "pending"]);
  });

  it("a pending entry that is about to expire, and one that has", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    await house.wait(6 * DAY + HOUR);
    expect(house.texts()[1]).toBe(
      `⏳ Alice (${alice.code}) is still pending and expires within a day: /approve ${alice.code} or /deny ${alice.code}.`,
    );
    await house.wait(DAY);
    expect(house.texts()[2]).toBe(
      `⌛ Alice (${alice.code}) waited too long and is pending no more. With the token they can come again.`,
    );
    expect(house.texts()).toHaveLength(3);
  });

  it("the queue is full and the token may have leaked", async () => {
    const house = await open();
    await house.admin.tell.queueFull();
    expect(house.texts()[0]).toContain("Perhaps the pairing token leaked: /token rotate makes a new one");
  });

  it("a number that belongs to another account now", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", person(ALICE, "2000@lid"));
    await house.says(`/approve ${alice.code}`);
    const learned = await house.access.learn(person(ALICE, "2001@lid"), { name: "Mallory" });
    await house.admin.tell.learned(learned);
    expect(house.notice("belongs to another").text).toBe(
      `⚠️ The number of Alice (${alice.code}), approved, belongs to another WhatsApp account now. The approval is suspended: it does not pass to whoever has the number now.`,
    );
  });

  it("a buddy's new number", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", person(ALICE, "2000@lid"));
    await house.says(`/approve ${alice.code}`);
    await house.admin.tell.learned(await house.access.learn(person("+1 555 000 2999", "2000@lid")));
    expect(house.notice("new number").text).toBe(
      `ℹ️ Alice (${alice.code}) has a new number: +1 555 000 2999, before +1 555 000 2000. They stay approved.`,
    );
  });

  it("the same alarm comes once an hour at most", async () => {
    const house = await open();
    const state = { code: "conflict", sentence: "Another process has the session.", remedy: "", since: 0 } as const;
    for (let count = 0; count < 5; count++) {
      await house.admin.notices.linkTrouble(state);
      house.time.now++;
    }
    expect(house.texts()).toHaveLength(1);
    await house.wait(HOUR - 6);
    await house.admin.notices.linkTrouble(state);
    expect(house.texts()).toHaveLength(1);
    await house.wait(1);
    await house.admin.notices.linkTrouble(state);
    expect(house.texts()).toHaveLength(2);
  });

  it("that the owner is not obeyed any more is told at the machine, not in their chat", async () => {
    const house = await open();
    await house.admin.notices.learned({ kind: "owner-locked" });
    expect(house.logged.at(-1)).toMatch(/^the owner's commands are stopped; kafclaw owner set/);
    expect(house.texts()).toEqual([]);
  });

  it("WhatsApp's error 463, with whom it was about", async () => {
    const house = await opened({ quiet: { from: 11 * 60, to: 13 * 60 } });
    const alice = await house.knocks("Alice", ALICE);
    await house.admin.notices.notSent(alice, "restricted");
    expect(house.texts()[0]).toMatch(
      /^🚨 WhatsApp lets this account start no new chats for now \(error 463\), so Alice \(/,
    );
  });

  it("each of the owner's replies that went to nobody is told, though they be of one hour or of one night", async () => {
    const house = await opened({ quiet: { from: 11 * 60, to: 13 * 60 } });
    const alice = await house.knocks("Alice", ALICE);
    const { notices } = house.admin;
    for (const reply of ["relay-back:1", "relay-back:2"]) {
      await notices.notSent(alice, "answer restricted", 463, reply);
      await notices.notSent(alice, "failed", 400, reply);
    }
    await notices.notSent(alice, "answer restricted", 463);
    await notices.notSent(alice, "answer restricted", 463);
    expect(house.texts().filter((text) => text.includes("(error 463)"))).toHaveLength(3);
    await house.wait(2 * HOUR);
    const morning = house.texts().join("\n");
    expect(morning.match(/A message to Alice \(\w{4}\) was refused by WhatsApp \(error 400\)/g)).toHaveLength(2);
  });
});

describe("an --auto invite", () => {
  async function autoApproved(house: House) {
    await house.says("/invite Bob --auto");
    const [invite] = house.access.invites();
    const who = person(ALICE);
    const entry = await house.access.knock({
      person: who,
      name: "Bob",
      text: invite?.token ?? "",
      at: house.time.now,
      cause: "k",
    });
    if (entry.kind !== "auto-approved") throw new Error(entry.kind);
    await house.admin.tell.autoApproved(entry.outcome, entry.invite);
    return entry.contact;
  }

  it("names who used it and offers undo, by 👎, by no, by /undo", async () => {
    for (const way of ["reaction", "quote", "command"] as const) {
      const house = await open();
      const bob = await autoApproved(house);
      const { id, text } = house.notice("Approved by invite");
      expect(text).toBe(
        [
          `✅ *Approved by invite* ${bob.code}`,
          "Bob · +1 555 000 2000",
          "used the --auto invite for Bob",
          `👎 or /undo within 10 minutes takes it back; /remove ${bob.code} always does`,
        ].join("\n"),
      );
      const answer =
        way === "reaction"
          ? await house.reacts("👎", id)
          : await house.says(way === "quote" ? "no" : "/undo", { quotes: id });
      expect(answer).toMatch(/^↩️ Undone: Bob .* is a stranger again \(was approved by an invite, 12:00\)\.$/);
      expect(house.state(bob)).toBe("stranger");
    }
  });

  it("greets like any approval, and an undo at once leaves no trace", async () => {
    const house = await open();
    await autoApproved(house);
    expect(house.toOthers()).toEqual(["Hello, you are in."]);
    await house.reacts("👎", house.notice("Approved by invite").id);
    expect(house.toOthers()).toEqual([]);
  });
});

describe("news that wait", () => {
  const lost = { code: "conflict", sentence: "Another process has the session.", remedy: "", since: 0 } as const;
  const first = (text: string): string => text.split("\n")[0] ?? "";

  it("come once each and in order, however often they were told meanwhile, across restarts", async () => {
    const house = await open();
    const [alice, bob] = [await house.knocks("Alice", ALICE), await house.knocks("Bob", "+1 555 000 3000")];
    house.link = "connecting";
    const before = house.texts().length;
    const tellAll = async (): Promise<void> => {
      const { notices } = house.admin;
      await notices.stuck("m1", "one");
      await notices.stuck("m2", "two");
      await notices.linkTrouble(lost);
      await notices.linkTrouble({ ...lost, reason: 440 });
      await notices.phoneAway(12);
      await notices.notSent(alice, "restricted");
      await notices.notSent(bob, "restricted");
      await notices.notSent(undefined, "restricted");
      await notices.ownerConfirmed();
    };
    const tellRest = async (): Promise<void> => {
      const { notices } = house.admin;
      await notices.queueFull();
      await notices.expiring([alice]);
      await notices.expiring([bob]);
      await notices.expiring([]);
      await notices.expired([alice]);
      await notices.expired([bob]);
      await notices.expired([]);
      await notices.notSent(alice, "failed");
      await notices.notSent(undefined, "failed");
      await notices.learned({ kind: "new-person", old: alice, was: "approved" });
      await notices.learned({ kind: "new-person", old: bob, was: "approved" });
      await notices.learned({ kind: "new-number", contact: alice, before: alice.pn as never });
      await notices.learned({ kind: "new-number", contact: bob, before: bob.pn as never });
      await notices.learned({ kind: "same" });
    };
    for (let times = 0; times < 2; times++) {
      await tellAll();
      await tellRest();
    }
    await house.restart();
    await tellRest();
    house.link = "open";
    await house.admin.linkOpened();
    const after = house.texts().slice(before);
    expect(after.slice(0, -1).map(first)).toEqual([
      "🚨 A message could not be handled and was put aside: one",
      "🚨 A message could not be handled and was put aside: two",
      "🚨 Another process has the session.",
      "🚨 Another process has the session.",
      expect.stringMatching(/^🚨 For 12 days/),
      expect.stringContaining(`so Alice (${alice.code}) got nothing`),
      expect.stringContaining(`so Bob (${bob.code}) got nothing`),
      expect.stringContaining("so somebody got nothing"),
      expect.stringMatching(/^✅ This is the admin chat now/),
    ]);
    const digest = after.at(-1)?.split("\n\n") ?? [];
    expect(digest.map((text) => text.slice(0, 20))).toEqual([
      "⚠️ The pending queue",
      `⏳ Alice (${alice.code}) is st`,
      `⏳ Bob (${bob.code}) is stil`,
      `⌛ Alice (${alice.code}) waite`,
      `⌛ Bob (${bob.code}) waited `,
      `⚠️ A message to Alic`,
      `⚠️ A message to some`,
      "⚠️ The number of Ali",
      "⚠️ The number of Bob",
      `ℹ️ Alice (${alice.code}) has `,
      `ℹ️ Bob (${bob.code}) has a `,
    ]);
    await house.admin.linkOpened();
    expect(house.texts()).toHaveLength(before + after.length);
  });

  it("what is no alarm can be told again as soon as it went out", async () => {
    const house = await open();
    await house.admin.tell.queueFull();
    house.time.now++;
    await house.admin.tell.queueFull();
    expect(house.texts()).toHaveLength(2);
  });

  it("alarms of many kinds are remembered, the oldest the shortest", async () => {
    const house = await open();
    for (let count = 0; count < 500; count++) await house.admin.notices.stuck(`m${count}`, "x");
    house.time.now++;
    await house.admin.notices.stuck("m0", "x");
    expect(house.texts()).toHaveLength(500);
    await house.admin.notices.stuck("m500", "x");
    const told = house.texts().length;
    expect(told).toBe(501);
    await house.admin.notices.stuck("m1", "x");
    await house.admin.notices.stuck("m500", "x");
    expect(house.texts()).toHaveLength(told);
    house.time.now++;
    await house.admin.notices.stuck("m0", "x");
    expect(house.texts()).toHaveLength(told + 1);
  });

  it("alarms go before what else waits", async () => {
    const house = await open();
    house.link = "connecting";
    await house.knocks("Alice", ALICE);
    await house.admin.tell.stuck("m1", "no room");
    house.link = "open";
    await house.admin.linkOpened();
    expect(house.texts().map((text) => text.slice(0, 2))).toEqual(["🚨", "🔔"]);
  });

  it("with the link: it is looked at again every ten seconds, and one timer is enough", async () => {
    const house = await open();
    house.link = "connecting";
    await house.knocks("Alice", ALICE);
    await house.knocks("Bob", "+1 555 000 3000");
    await house.wait(8000);
    house.link = "open";
    expect(house.texts()).toEqual([]);
    await house.wait(2000);
    expect(house.texts()).toHaveLength(2);
  });

  it("with the disk: the log says so, and ten seconds later it is tried again", async () => {
    const house = await open();
    house.outbox.fails = new Error("disk full");
    await house.knocks("Alice", ALICE);
    expect(house.logged).toEqual(["notices wait: they could not be written"]);
    await house.wait(9_999);
    house.outbox.fails = undefined;
    expect(house.texts()).toEqual([]);
    await house.wait(1);
    expect(house.texts()).toHaveLength(1);
  });

  it("a morning that comes sooner than the last look overtakes it", async () => {
    const house = await opened({ quiet: { from: 11 * 60, to: 13 * 60 } });
    await house.knocks("Alice", ALICE);
    house.link = "connecting";
    await house.knocks("Bob", "+1 555 000 3000");
    house.link = "open";
    await house.wait(HOUR);
    expect(house.texts()).toHaveLength(2);
  });

  it("an alarm that the disk held up does not wait for the morning", async () => {
    const house = await opened({ quiet: { from: 11 * 60, to: 13 * 60 } });
    await house.knocks("Alice", ALICE);
    house.outbox.fails = new Error("disk full");
    await house.admin.notices.stuck("m1", "x");
    house.outbox.fails = undefined;
    await house.wait(10_000);
    expect(house.texts()).toEqual([expect.stringMatching(/^🚨/)]);
  });

  it("what can't be written is kept until it can, and told once; what is asked for again is refused", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const before = house.texts().length;
    house.isFull = true;
    await house.admin.notices.stuck("m1", "no room");
    await house.admin.notices.notSent(alice, "failed");
    await house.admin.notices.notSent(alice, "failed");
    for (const again of ["expiring", "expired"] as const) {
      await expect(house.admin.notices[again]([alice])).rejects.toThrow("The disk is full");
    }
    await expect(house.admin.tell.queueFull()).rejects.toThrow("The disk is full");
    expect(house.texts()).toHaveLength(before);
    house.isFull = false;
    await house.wait(10_000);
    expect(house.texts().slice(before)).toEqual([
      expect.stringMatching(/^🚨 A message could not be handled/),
      expect.stringMatching(/^⚠️ A message to Alice/),
    ]);
    await house.wait(MINUTE);
    expect(house.texts()).toHaveLength(before + 2);
  });

  it("of two who came by invites both are told", async () => {
    const house = await open();
    house.link = "connecting";
    for (const [name, number] of [
      ["Ann", ALICE],
      ["Bob", "+1 555 000 3000"],
    ] as const) {
      const { token } = await house.access.invite({ label: name, auto: true }, { door: "cli", who: "x" });
      const knock = { person: person(number), name, text: token, at: house.time.now, cause: name };
      const entry = await house.access.knock(knock);
      if (entry.kind !== "auto-approved") throw new Error(entry.kind);
      await house.admin.tell.autoApproved(entry.outcome, entry.invite);
      await house.admin.tell.autoApproved(entry.outcome, entry.invite);
    }
    house.link = "open";
    await house.admin.linkOpened();
    expect(house.texts()).toHaveLength(2);
    await house.wait(MINUTE);
    const [ann] = house.access.list("approved");
    const decision = ann?.history.at(-1);
    const [invite] = house.access.invites();
    if (ann === undefined || decision === undefined || invite === undefined) throw new Error("nobody");
    const again = { contact: ann, decision, unchanged: true, released: [] };
    await house.admin.tell.autoApproved(again, invite);
    expect(house.texts()).toHaveLength(2);
    await house.admin.tell.autoApproved({ ...again, decision: { ...decision, id: "another" } }, invite);
    expect(house.texts()).toHaveLength(3);
  });

  it("while no gateway runs they are kept for the next start", async () => {
    const house = await open();
    house.isOffline = true;
    await house.restart();
    await house.knocks("Alice", ALICE);
    await house.admin.notices.stuck("m1", "x");
    house.isOffline = false;
    await house.restart();
    expect(house.texts().map((text) => text.slice(0, 2))).toEqual(["🚨", "🔔"]);
  });

  it("nothing goes out once it is stopped", async () => {
    const house = await open();
    house.link = "connecting";
    await house.knocks("Alice", ALICE);
    const { notices } = house.admin;
    await notices.stop();
    house.link = "open";
    await notices.flush();
    await notices.stuck("m1", "x");
    await house.wait(MINUTE);
    expect(house.texts()).toEqual([]);
    await house.restart();
    expect(house.texts()).toHaveLength(2);
  });

  it("without an owner they wait, too", async () => {
    const house = await open({ owner: null });
    await house.knocks("Alice", ALICE);
    expect(house.outbox.sent).toEqual([]);
    await house.access.setOwner({ setup: "own-number", person: OWNER, confirmed: true }, { door: "cli", who: "x" });
    await house.admin.notices.flush();
    expect(house.texts()).toHaveLength(1);
  });

  it("go to the chat where the owner writes", async () => {
    const house = await open({ owner: { chat: "1000@lid" as never } });
    await house.admin.tell.queueFull();
    expect(house.outbox.sent[0]?.parcel).toMatchObject({ to: OWNER, address: "1000@lid" });
    const plain = await open();
    await plain.admin.tell.queueFull();
    expect(plain.outbox.sent[0]?.parcel).not.toHaveProperty("address");
  });
});

describe("a digest", () => {
  it("that a crash cut short goes out as it was, and what came since by itself", async () => {
    const house = await open();
    await crowd(house, 8);
    house.outbox.fails = new Error("disk full");
    await house.wait(MINUTE);
    expect(house.texts()).toHaveLength(5);
    house.outbox.fails = undefined;
    house.link = "connecting";
    await house.restart();
    await house.knocks("Late", ALICE);
    house.link = "open";
    await house.admin.linkOpened();
    const [digest, late, ...more] = house.texts().slice(5);
    expect(digest).toMatch(/^🔔 \*3 new senders\*/);
    expect(digest).not.toContain("Late");
    expect(late).toMatch(/^🔔 \*New sender\*.*\nLate/);
    expect(more).toEqual([]);
    const { key } =
      house.outbox.sent.find(({ parcel }) => parcel.kind === "text" && parcel.text === digest)?.parcel ?? {};
    expect(key).toMatch(/^notice:digest:\d+-8$/);
  });

  it("leaves out whom the owner decided about meanwhile, and who is gone", async () => {
    const house = await open();
    await crowd(house, 8);
    const [, , , , , sixth] = house.access.list("pending");
    await house.cli("deny", sixth?.code ?? "");
    await house.wait(MINUTE);
    expect(house.texts()[5]).toMatch(/^🔔 \*2 new senders\*/);
  });

  it("warns of names, and brings the news of that minute", async () => {
    const house = await open();
    await house.says("/status");
    await crowd(house, 5);
    await house.knocks("OIivia 0wner", ALICE);
    await house.admin.tell.queueFull();
    await house.wait(MINUTE);
    const digest = house.notice("new sender*").text.split("\n");
    expect(digest[0]).toBe("🔔 *1 new sender*");
    expect(digest[2]).toBe("⚠️ The name resembles yours. Anyone can choose any name.");
    expect(digest.at(-1)).toMatch(/^⚠️ The pending queue is full/);
  });

  it("is not made of one, nor of what five a minute can be", async () => {
    const house = await open();
    await crowd(house, 6);
    await house.wait(MINUTE);
    expect(house.texts().slice(5)).toEqual([expect.stringMatching(/^🔔 \*New sender\*/)]);
    house.link = "connecting";
    await house.wait(10 * MINUTE);
    await crowd(house, 5, 10);
    house.link = "open";
    await house.admin.linkOpened();
    expect(house.texts().slice(6)).toHaveLength(5);
    expect(house.texts().slice(6).join()).not.toContain("new senders");
  });

  it("counts as one of its minute's five", async () => {
    const house = await open();
    await crowd(house, 7);
    await house.wait(MINUTE);
    expect(house.texts()).toHaveLength(6);
    await crowd(house, 5, 20);
    expect(house.texts()).toHaveLength(10);
  });
});

describe("a notice that is no news any more", () => {
  it("of somebody who was removed and came again is of the new episode", async () => {
    const house = await open();
    house.link = "connecting";
    const alice = await house.knocks("Alice", ALICE);
    await house.cli("remove", alice.code);
    await house.knocks("Alice", ALICE, `${TOKEN} again`);
    house.link = "open";
    await house.admin.linkOpened();
    expect(house.texts()).toHaveLength(1);
    expect(house.texts()[0]).toContain("> ••• again");
  });

  it("of an invite whose user was removed meanwhile is not sent", async () => {
    const house = await open();
    const invite = await house.access.invite({ label: "Bob", auto: true }, { door: "cli", who: "x" });
    house.link = "connecting";
    const knock = { person: person(ALICE), name: "Bob", text: invite.token, at: house.time.now, cause: "k" };
    const entry = await house.access.knock(knock);
    if (entry.kind !== "auto-approved") throw new Error(entry.kind);
    await house.admin.tell.autoApproved(entry.outcome, entry.invite);
    await house.cli("remove", entry.contact.code);
    house.link = "open";
    await house.admin.linkOpened();
    expect(house.texts()).toEqual([]);
  });

  it("the owner's own name is remembered, and no name is none", async () => {
    const house = await open();
    await house.admin.notices.ownerNamed("Olivia Owner");
    await house.admin.notices.ownerNamed("");
    await house.restart();
    await house.knocks("OIivia 0wner", ALICE);
    expect(house.texts()[0]).toContain("resembles yours");
    await house.admin.notices.ownerNamed("Zora");
    await house.knocks("Olivia Owner", "+1 555 000 3000");
    expect(house.texts()[1]).not.toContain("resembles yours");
  });

  it("the owner's own name that a full disk refused is written when it comes again", async () => {
    const house = await open();
    house.isFull = true;
    await expect(house.admin.notices.ownerNamed("Olivia Owner")).rejects.toThrow("The disk is full");
    house.isFull = false;
    await house.admin.notices.ownerNamed("Olivia Owner");
    await house.restart();
    await house.knocks("OIivia 0wner", ALICE);
    expect(house.texts()[0]).toContain("resembles yours");
  });
});
