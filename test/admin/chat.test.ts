import { afterEach, describe, expect, it } from "vitest";
import { KafclawError } from "../../src/errors.js";
import { type Message, own } from "../../src/text.js";
import type { Inbound } from "../../src/whatsapp/types.js";
import { DAY, HOUR, House, type HouseSetup, MINUTE, NOON, OWNER, person, SECOND } from "./house.js";

const ALICE = "+1 555 000 2000";
const BOB = "+1 555 000 3000";
const houses: House[] = [];
async function open(setup?: HouseSetup): Promise<House> {
  const house = await House.open(setup);
  houses.push(house);
  return house;
}
afterEach(async () => {
  for (const house of houses.splice(0)) await house.close();
});

describe("the owner decides about a pending sender", () => {
  const ways: readonly [string, (house: House, code: string, notice: string) => Promise<string>][] = [
    ["👍 as a reaction", (house, _, id) => house.reacts("👍", id)],
    ["👍🏿 as a reaction", (house, _, id) => house.reacts("👍🏿", id)],
    ["a quoted yes", (house, _, id) => house.says("Yes", { quotes: id })],
    ["a quoted 👍🏽", (house, _, id) => house.says("👍🏽", { quotes: id })],
    ["a quoted approve", (house, _, id) => house.says("approve", { quotes: id })],
    ["/approve quoting the notice", (house, _, id) => house.says("/approve", { quotes: id })],
    ["/approve and the code", (house, code) => house.says(`/approve ${code.toLowerCase()}`)],
    ["/approve and the number", (house) => house.says(`/approve ${ALICE}`)],
    ["/approve and the name", (house) => house.says("/approve alice")],
    ["/approve alone", (house) => house.says("/approve")],
    ["/approve all", (house) => house.says("/approve all")],
    ["a full-width slash, spaces and capitals", (house, code) => house.says(` \u200b／APPROVE  ${code} `)],
  ];
  it.each(ways)("by %s", async (_, way) => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const answer = await way(house, alice.code, house.notice(alice.code).id);
    expect(answer).toMatch(
      new RegExp(`^✅ Approved Alice \\(${alice.code}\\)\\. Silent mode is on: nothing is sent to them\\.$`),
    );
    expect(house.state(alice)).toBe("approved");
    const [decision] = house.access.byId(alice._id)?.history.slice(-1) ?? [];
    expect(decision?.by).toMatchObject({ door: "whatsapp", cause: expect.stringMatching(/^chat\|OWNER/) });
  });

  it.each([
    ["👎 as a reaction", (house: House, id: string) => house.reacts("👎🏻", id)],
    ["a quoted no", (house: House, id: string) => house.says("no", { quotes: id })],
    ["a quoted 👎", (house: House, id: string) => house.says("👎", { quotes: id })],
    ["/deny quoting the notice", (house: House, id: string) => house.says("/deny", { quotes: id })],
  ])("denies by %s", async (_, way) => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const answer = await way(house, house.notice(alice.code).id);
    expect(answer).toBe(`⛔ Denied Alice (${alice.code}): they hear nothing, and /remove ${alice.code} frees them.`);
    expect(house.state(alice)).toBe("denied");
  });

  it("several at once, each reported, and a wrong one keeps no other from it", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const bob = await house.knocks("Bob", BOB);
    const answer = await house.says(`/approve ${alice.code} nobody ${bob.code}`);
    const [first, second, third] = answer.split("\n");
    expect(first).toMatch(/^✅ Approved Alice/);
    expect(second).toMatch(/^No pending sender matches "nobody"\. Pending: /);
    expect(third).toMatch(/^✅ Approved Bob/);
  });

  it("a name of several words is one name, with quotes or without", async () => {
    const house = await open();
    const anna = await house.knocks("Anna Maria", ALICE);
    const bob = await house.knocks("Bob", BOB);
    expect(await house.says("/approve anna maria")).toMatch(/^✅ Approved Anna Maria/);
    expect(await house.says("/deny “Bob”")).toMatch(/^⛔ Denied Bob/);
    expect([house.state(anna), house.state(bob)]).toEqual(["approved", "denied"]);
  });

  it("a number that never wrote is approved, and the answer says so", async () => {
    const house = await open();
    const answer = await house.says("/approve +1 555 000 4000");
    expect(answer).toMatch(/^✅ Approved no name · \+1 555 000 4000 \([0-9A-Z]{4}\), who was not pending\./);
  });

  it("a typed number is taken in WhatsApp's own form, and refused where WhatsApp doesn't know it", async () => {
    const house = await open();
    house.onWhatsApp = (pn) => (pn === "5511987654321@s.whatsapp.net" ? "551187654321@s.whatsapp.net" : null);
    await house.says("/approve +55 11 98765-4321");
    expect(house.access.list("approved").map(({ pn }) => pn)).toEqual(["551187654321@s.whatsapp.net"]);
    expect(await house.says("/approve +1 555 000 4000")).toBe("+1 555 000 4000 is not on WhatsApp: check the number.");
    expect(house.access.counts().approved).toBe(1);
  });

  it("the denied are not approved before they are removed", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    await house.says(`/deny ${alice.code}`);
    expect(await house.says(`/approve ${alice.code}`)).toContain(`remove ${alice.code}`);
    expect(house.state(alice)).toBe("denied");
    expect(await house.says(`/remove ${alice.code}`)).toBe(
      `Removed Alice (${alice.code}), who was denied and is a stranger now.`,
    );
  });

  it("the owner can't be denied or removed", async () => {
    const house = await open();
    expect(await house.says("/deny +1 555 000 1000")).toMatch(/owner/);
    expect(await house.says("/remove 1000@lid")).toMatch(/owner/);
  });
});

describe("who is meant", () => {
  it("/approve alone asks where several are pending", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const bob = await house.knocks("Bob", BOB);
    const answer = await house.says("/approve");
    expect(answer).toBe(
      `Approve whom? Alice (${alice.code}), Bob (${bob.code}) are pending: /approve and a code, say /approve ${alice.code}.`,
    );
    expect(house.access.counts()).toMatchObject({ approved: 0, pending: 2 });
  });

  it("alone, by name or all means only those whose notice was sent before the command, by the name it showed", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    await house.wait(10_000);
    const written = house.time.now;
    await house.wait(10_000);
    const bob = await house.knocks("Bob", BOB);
    expect(await house.says("/approve bob", { at: written })).toMatch(/^Somebody pending matches "bob", but no notice/);
    await house.access.learn({ ...bob }, { name: "Alice" });
    await house.access.learn({ ...alice }, { name: "Carol" });
    expect(await house.says("/approve carol")).toMatch(/^Somebody pending matches "carol", but no notice/);
    expect(await house.says("/approve all", { at: written })).toMatch(
      new RegExp(`^✅ Approved Carol \\(${alice.code}\\)`),
    );
    expect(house.state(bob)).toBe("pending");
  });

  it("nobody is approved whose notice waits for the morning", async () => {
    const house = await open({ parts: { quiet: { from: 11 * 60, to: 13 * 60 } } });
    const alice = await house.knocks("Alice", ALICE);
    expect(await house.says("/approve")).toBe(
      "Nobody is pending whose notice reached you before this: /pending shows who waits.",
    );
    expect(await house.says("/approve all")).toMatch(/^Nobody is pending whose notice/);
    expect(await house.says(`/approve ${alice.code}`)).toMatch(/^✅/);
  });

  it("/approve all with more than three names lists them and wants the number", async () => {
    const house = await open();
    for (const [index, name] of ["Alice", "Bob", "Carol", "Dave"].entries())
      await house.knocks(name, `+1 555 000 200${index}`);
    const asked = await house.says("/approve all");
    expect(asked).toMatch(
      /^4 are pending: Alice \(.*\), Bob \(.*\), Carol \(.*\), Dave \(.*\)\. To approve them all: \/approve all 4$/,
    );
    expect(await house.says("/approve all 5")).toMatch(/^4 are pending/);
    expect(house.access.counts().approved).toBe(0);
    const done = await house.says("/approve all ٤");
    expect(done.split("\n")).toHaveLength(4);
    expect(house.access.counts().approved).toBe(4);
  });

  it("/approve says of whom no notice has come yet: all counts them apart, and a name is refused for that", async () => {
    const house = await open();
    for (const [index, name] of ["Alice", "Bob", "Carol", "Dave"].entries())
      await house.knocks(name, `+1 555 000 200${index}`);
    const at = house.time.now;
    await house.wait(2 * MINUTE);
    await house.knocks("Erin", "+1 555 000 2004");
    const asked = await house.says("/approve all", { at });
    expect(asked).toMatch(
      /^4 of 5 pending are those whose notice you got: Alice \(.*\), .*Dave \(.*\)\. To approve them: \/approve all 4\. \/pending shows all\.$/,
    );
    expect(await house.says("/approve all 5", { at })).toMatch(/^4 of 5 pending/);
    const unseen =
      'Somebody pending matches "erin", but no notice under that name had reached you before this: /pending shows who waits.';
    for (const order of ["/approve erin", "/deny erin"]) expect(await house.says(order, { at })).toBe(unseen);
    expect(await house.says("/approve eric", { at })).toMatch(/^No pending sender matches "eric"/);
    expect(house.access.counts()).toMatchObject({ approved: 0, denied: 0 });
    expect(await house.says("/approve erin")).toMatch(/^✅/);
  });

  it("I8: a name that fits two changes nothing and lists both", async () => {
    const house = await open();
    const one = await house.knocks("Alice A", ALICE);
    const two = await house.knocks("Alice B", BOB);
    const answer = await house.says("/approve alice");
    expect(answer).toContain(one.code);
    expect(answer).toContain(two.code);
    expect(house.access.counts().approved).toBe(0);
  });

  it("a bare yes or no changes nothing and gets a question, while someone is pending", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    expect(await house.says("Yes")).toBe(
      `Yes to whom? Pending: Alice (${alice.code}). Quote the notice with it, or /approve ${alice.code}, /deny ${alice.code}.`,
    );
    expect(await house.says("no")).toMatch(/^No to whom\?/);
    expect(house.state(alice)).toBe("pending");
  });

  it("a quote of anything but a notice decides nothing", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    expect(await house.says("yes", { quotes: "someone-else" })).toMatch(/^Yes to whom\?/);
    expect(await house.says("/approve", { quotes: "someone-else" })).toMatch(/^The quoted message is not the notice/);
    expect(await house.says("/deny", { quotes: "someone-else" })).toMatch(/^The quoted message is not the notice/);
    expect(house.state(alice)).toBe("pending");
  });
});

describe("I7: only the owner's own new words command", () => {
  it("a forwarded command, a forwarded yes and an edit decide nothing", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    expect(await house.says(`/approve ${alice.code}`, { forwarded: true })).toBe(
      "A forwarded message is never a command. If you mean it, type it yourself.",
    );
    expect(await house.says("yes", { forwarded: true, quotes: id })).toMatch(/^Yes or no about Alice/);
    const edit = house.message({ kind: "edit", text: `/approve ${alice.code}`, target: "x" }, { quotes: id });
    expect(await house.handle(edit)).toBe("An edited message is never a command. Send it as a new message.");
    expect(await house.handle(house.message({ kind: "edit", text: "yes", target: "x" }, { quotes: id }))).toBe("");
    expect(house.state(alice)).toBe("pending");
  });

  it.each(["own-number", "self"] as const)("other words that quote a notice are asked back, %s", async (setup) => {
    const house = await open({ setup });
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    const asked = `Yes or no about Alice (${alice.code})? Nothing changed, and they hear nothing of this: /approve ${alice.code} or /deny ${alice.code}.`;
    for (const text of ["ja", "sí", "yes please", "👍👍", "👌", "yes or no?"]) {
      expect(await house.says(text, { quotes: id })).toBe(asked);
    }
    const sticker = { kind: "media", media: "sticker", caption: "" } as const;
    expect(await house.handle(house.message(sticker, { quotes: id }))).toBe(asked);
    expect(house.state(alice)).toBe("pending");
    await house.says("yes", { quotes: id });
    expect(await house.says("thanks", { quotes: id })).not.toContain("Yes or no");
    house.time.now += MINUTE;
    for (let guest = 0; guest < 7; guest++) await house.knocks(`Guest ${guest}`, `+1 555 001 000${guest}`);
    await house.wait(MINUTE);
    expect(await house.says("let them in", { quotes: house.notice("2 new senders").id })).toMatch(/^That notice names/);
  });

  it("nothing that answers the owner, a model say, is asked about words that quote a notice", async () => {
    const house = await open();
    const heard: string[] = [];
    house.fromOwner = async ({ id }) => {
      heard.push(id);
      return "taken";
    };
    await house.restart();
    const alice = await house.knocks("Alice", ALICE);
    expect(await house.says("sure, let her in", { quotes: house.notice(alice.code).id })).toMatch(/^Yes or no about/);
    expect(heard).toEqual([]);
  });

  it("captions, deletions and other reactions decide nothing", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    const caption = { kind: "media", media: "image", caption: `/approve ${alice.code}` } as const;
    expect(await house.handle(house.message(caption))).toBe("");
    expect(await house.handle(house.message({ kind: "revoke", target: id }))).toBe("");
    expect(await house.reacts("❤️", id)).toBe("");
    expect(await house.reacts("👍", "a message of mine")).toBe("");
    expect(house.state(alice)).toBe("pending");
  });

  it("nothing counts while the owner is not confirmed or locked", async () => {
    for (const owner of [{ confirmed: false, confirmCode: "K7QF" }, { locked: "the number passed on" }]) {
      const house = await open({ owner });
      expect(await house.says("/silent off")).toBe("");
      expect(house.gateway.silent.on()).toBe(true);
    }
  });
});

describe("I10: exactly once", () => {
  it("the same message twice has one effect and one answer", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const message = house.message({ kind: "text", text: `/approve ${alice.code}` });
    await Promise.all([house.admin.chat.handle(message), house.admin.chat.handle(message)]);
    await house.restart();
    expect(await house.handle(message)).toBe("");
    expect(house.texts().filter((text) => text.includes("Approved"))).toHaveLength(1);
    expect(house.access.byId(alice._id)?.history.filter(({ action }) => action === "approve")).toHaveLength(1);
  });

  it("a command that a crash cut short is carried out to the end when it comes again", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const bob = await house.knocks("Bob", BOB);
    const message = house.message({ kind: "text", text: "/approve all 2" });
    // As far as it came: one of the two was approved, and nobody was told.
    await house.access.approve(alice, { door: "whatsapp", who: "owner", cause: message.journalId });
    await house.restart();
    const answer = await house.handle(message);
    expect(answer).toMatch(/^✅ Approved Alice .*\n✅ Approved Bob /);
    expect(house.access.byId(alice._id)?.history.filter(({ action }) => action === "approve")).toHaveLength(1);
    expect(house.state(bob)).toBe("approved");
  });

  it("a rotated token is told as it is, also when the disk refused the answer at first", async () => {
    const house = await open();
    const message = house.message({ kind: "text", text: "/token rotate" });
    house.outbox.fails = new Error("disk full");
    await expect(house.admin.chat.handle(message)).rejects.toThrow("disk full");
    house.outbox.fails = undefined;
    await house.restart();
    const answer = await house.handle(message);
    expect(answer).toContain(house.access.revealToken() ?? "no token");
  });

  it("a command that is repeated after a restart does not undo a second decision", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const bob = await house.knocks("Bob", BOB);
    await house.says(`/approve ${alice.code} ${bob.code}`);
    const undo = house.message({ kind: "text", text: "/undo" });
    await house.handle(undo);
    await house.restart();
    await house.handle(undo);
    expect([house.state(alice), house.state(bob)]).toEqual(["approved", "pending"]);
  });
});

describe("I11: old orders don't fire", () => {
  it("a late approval changes nothing and asks to send it again", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    const at = house.time.now + 1000;
    await house.wait(16 * MINUTE);
    expect(await house.says(`/approve ${alice.code}`, { at })).toBe(
      "/approve reached me more than 15 minutes late, so nothing changed. Send it again if you still mean it.",
    );
    expect(await house.says("yes", { at, quotes: id })).toMatch(
      /^yes about Alice .* reached me more than 15 minutes late/,
    );
    expect(await house.reacts("👍", id, { at })).toMatch(/^👍 about Alice .* so nothing changed/);
    for (const late of ["/silent off", "/resume", "/token rotate", "/undo", `/remove ${alice.code}`, "/invite Bob"]) {
      expect(await house.says(late, { at })).toContain("Send it again");
    }
    expect(house.state(alice)).toBe("pending");
    expect(house.gateway.silent.on()).toBe(true);
  });

  it("I4: an order to end silent mode from before the start does not end it; a new one does", async () => {
    const house = await open();
    const at = house.time.now;
    await house.wait(MINUTE);
    await house.restart();
    expect(await house.says("/silent off", { at, waited: true })).toMatch(
      /silent mode is on since .* Send \/silent off/i,
    );
    expect(house.gateway.silent.on()).toBe(true);
    await house.says("/silent off");
    expect(house.gateway.silent.on()).toBe(false);
  });

  it("exactly 15 minutes is not too late", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const at = house.time.now;
    await house.wait(15 * MINUTE);
    expect(await house.says(`/approve ${alice.code}`, { at })).toMatch(/^✅/);
  });

  it("what makes things stricter, and what only looks, is obeyed at any age", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const bob = await house.knocks("Bob", BOB);
    const carol = await house.knocks("Carol", "+1 555 000 4000");
    const at = house.time.now;
    await house.says("/silent off");
    await house.wait(HOUR);
    expect(await house.says("/silent on", { at })).toMatch(/^🔇 Silent mode is on/);
    expect(await house.says("/pause", { at })).toMatch(/^⏸/);
    expect(await house.says(`/deny ${alice.code} --block`, { at })).toMatch(/^⛔ Denied Alice/);
    expect(await house.says(`/deny ${BOB}`, { at })).toMatch(/^⛔ Denied Bob/);
    expect(await house.reacts("👎", house.notice(carol.code).id, { at })).toMatch(/^⛔ Denied Carol/);
    expect(await house.says("/status", { at })).toContain("Silent mode: on");
    expect(house.state(bob)).toBe("denied");
  });

  it("a late /deny of a buddy waits for a second word", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const at = house.time.now;
    await house.says(`/approve ${alice.code}`);
    await house.wait(HOUR);
    expect(await house.says(`/deny ${alice.code}`, { at })).toContain("more than 15 minutes late");
    expect(house.state(alice)).toBe("approved");
  });
});

describe("answers to a notice act only during its episode", () => {
  it("afterwards they change nothing and say who decided what, through which door", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const bob = await house.knocks("Bob", BOB);
    const { id } = house.notice(alice.code);
    await house.cli("approve", alice.code);
    const expected = `Nothing changed: Alice (${alice.code}) was approved at the command line, 12:00. /remove ${alice.code} makes them a stranger again.`;
    expect(await house.reacts("👎", id)).toBe(expected);
    expect(await house.says("no", { quotes: id })).toBe(expected);
    expect(await house.says("/deny", { quotes: id })).toBe(expected);
    expect(await house.says("/approve", { quotes: id })).toBe(expected);
    expect([house.state(alice), house.state(bob)]).toEqual(["approved", "pending"]);
  });

  it("an old notice does not decide about a new episode", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    await house.says(`/remove ${alice.code}`);
    await house.wait(MINUTE);
    await house.knocks("Alice", ALICE);
    expect(await house.reacts("👍", id)).toMatch(/^Nothing changed: Alice .* They are pending again/);
    expect(house.state(alice)).toBe("pending");
    expect(await house.reacts("👍", house.notice("New sender").id)).toMatch(/^✅ Approved Alice/);
  });

  it("an expired entry says so", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice("New sender");
    await house.wait(8 * DAY);
    expect(await house.reacts("👍", id)).toMatch(/^Nothing changed: Alice \(....\) expired, 30 Nov/);
    expect(house.state(alice)).toBe("stranger");
  });

  it("another owner's notices answer nobody", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    const owner = house.access.owner();
    if (owner === undefined) throw new Error("no owner");
    const { pn, ...rest } = owner.person;
    expect(pn).toBeDefined();
    await house.access.setOwner({ ...owner, person: { ...rest, lid: "77@lid" as never } }, { door: "cli", who: "x" });
    expect(await house.reacts("👍", id)).toBe("");
    expect(house.state(alice)).toBe("pending");
  });
});

describe("reactions that change", () => {
  it("taking the reaction away undoes its decision", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    await house.reacts("👍", id);
    await house.wait(MINUTE);
    expect(await house.reacts("", id)).toMatch(
      new RegExp(
        `^↩️ Undone: Alice \\(${alice.code}\\) is pending again \\(was approved by you on WhatsApp, 12:00\\)\\.`,
      ),
    );
    expect(house.state(alice)).toBe("pending");
    expect(await house.reacts("👍", id)).toMatch(/^✅ Approved Alice/);
  });

  it("swapping it replaces the decision", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    await house.reacts("👍", id);
    const answer = await house.reacts("👎", id);
    expect(answer.split("\n")[0]).toMatch(/^↩️ Undone: Alice/);
    expect(answer.split("\n")[1]).toMatch(/^⛔ Denied Alice/);
    expect(house.state(alice)).toBe("denied");
    expect(await house.reacts("❤️", id)).toMatch(/^↩️ Undone: Alice/);
    expect(house.state(alice)).toBe("pending");
  });

  it("after 10 minutes it changes nothing and says what does", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    await house.reacts("👍", id);
    await house.wait(11 * MINUTE);
    const answer = await house.reacts("", id);
    expect(answer).toContain("nothing changed");
    expect(answer).toContain(`/remove ${alice.code}`);
    expect(house.state(alice)).toBe("approved");
  });

  it("a decision that came after it stays", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    await house.reacts("👍", id);
    await house.cli("deny", alice.code);
    expect(await house.reacts("", id)).toMatch(/^Nothing changed: Alice .* was denied at the command line/);
    expect(house.state(alice)).toBe("denied");
  });

  it("after an /undo, a new reaction counts again", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    await house.reacts("👍", id);
    await house.says("/undo");
    expect(await house.reacts("👎", id)).toMatch(/^⛔ Denied Alice/);
    expect(house.state(alice)).toBe("denied");
  });

  it("what was decided and undone since is as if it had not been: the reaction still takes its decision back", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    await house.reacts("👍", id);
    await house.says(`/deny ${alice.code}`);
    await house.says("/undo");
    expect(await house.reacts("", id)).toMatch(/^↩️ Undone: Alice .* is pending again/);
    expect(house.state(alice)).toBe("pending");
  });

  it("works across a restart", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    await house.restart();
    await house.reacts("👍", id);
    await house.restart();
    expect(await house.reacts("", id)).toMatch(/^↩️ Undone/);
    expect(house.state(alice)).toBe("pending");
  });
});

describe("the chat itself", () => {
  it("an unknown command names the nearest one", async () => {
    const house = await open();
    expect(await house.says("/aprove K7QF")).toBe("There is no command /aprove. Did you mean /approve?");
    expect(await house.says("/xyzzyxyzzy")).toBe("There is no command /xyzzyxyzzy. /help lists them.");
    expect(await house.says("/")).toBe("/help lists the commands.");
    expect(await house.says("/silence")).toContain("Did you mean /silent?");
  });

  it("an option that isn't one is refused, with those that are", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    expect(await house.says(`/deny ${alice.code} --ban`)).toBe("--ban is not an option here; there is --block.");
    expect(house.state(alice)).toBe("pending");
    expect(await house.says(`/deny ${alice.code} —block`)).toContain("Blocked at WhatsApp too.");
  });

  it("talk gets a hint once in a while on the bot's own number, and none in the chat with oneself", async () => {
    const house = await open();
    expect(await house.says("hello bot")).toBe("I only know commands here: /help lists them.");
    expect(await house.says("hello again")).toBe("");
    await house.wait(7 * HOUR);
    expect(await house.says("hello?")).toMatch(/^I only know commands/);
    const self = await open({ setup: "self" });
    expect(await self.says("buy milk")).toBe("");
    expect(await self.says("/status")).toContain("Link: open");
  });

  it("answers in the chat where it was asked, disappearing like the rest of it", async () => {
    const house = await open();
    await house.says("/status", { expiration: 86_400 });
    const [last] = house.outbox.sent.slice(-1);
    expect(last?.parcel).toMatchObject({
      address: "1000@lid",
      expiration: 86_400,
      key: expect.stringMatching(/^reply:chat\|/),
    });
  });

  it("/help lists every command and explains each", async () => {
    const house = await open();
    const help = await house.says("/help");
    for (const name of [
      "status",
      "approve",
      "deny",
      "undo",
      "silent",
      "invite",
      "token",
      "dashboard",
      "pause",
      "missed",
    ]) {
      expect(help).toContain(`/${name}`);
    }
    expect(await house.says("/help approve")).toContain("/approve all 7");
    expect(await house.says("/help aprove")).toContain("Did you mean /help approve?");
  });
});

describe("talk", () => {
  /** A house whose responder says that to what is no command. */
  async function relaying(taken: "taken" | "unmeant" | Message, setup?: HouseSetup) {
    const heard: Inbound[] = [];
    const house = await open(setup);
    house.fromOwner = async (message) => {
      heard.push(message);
      return taken;
    };
    house.mode = "relay";
    await house.restart();
    return { house, heard };
  }
  const photo = { kind: "media", media: "image", caption: "yes" } as const;

  it("goes to the responder: words, media, and what can't be read, forwarded or not", async () => {
    const { house, heard } = await relaying("taken");
    expect(await house.says("hello")).toBe("");
    expect(await house.handle(house.message(photo))).toBe("");
    expect(await house.handle(house.message({ kind: "other", type: "poll" }))).toBe("");
    expect(heard.map(({ content }) => content.kind)).toEqual(["text", "media", "other"]);
    await house.handle(house.message(photo, { forwarded: true }));
    await house.says("hello", { forwarded: true });
    await house.says("yes", { forwarded: true });
    expect(heard).toHaveLength(6);
    expect(await house.says("/status", { forwarded: true })).toMatch(/^A forwarded message is never a command/);
    await house.handle(house.message({ kind: "edit", text: "hello", target: "x" }));
    await house.handle(house.message({ kind: "revoke", target: "x" }));
    expect(heard.slice(6).map(({ content }) => content.kind)).toEqual(["edit", "revoke"]);
  });

  it("a yes that quotes a buddy's message is for the responder, and one that quotes nothing while nobody is pending", async () => {
    const { house, heard } = await relaying("taken");
    expect(await house.says("yes")).toBe("");
    expect(await house.says("👍")).toBe("");
    expect(heard.splice(0)).toHaveLength(2);
    const { id } = house.notice((await house.knocks("Alice", ALICE)).code);
    expect(await house.says("yes", { quotes: "a relayed message" })).toBe("");
    expect(heard).toHaveLength(1);
    expect(await house.says("yes")).toMatch(/^Yes to whom\?/);
    expect(await house.says("yes", { quotes: id })).toMatch(/^✅/);
    expect(heard).toHaveLength(1);
  });

  it("gets what the responder has to say of it", async () => {
    const { house } = await relaying(own("That buddy was removed."));
    expect(await house.says("hello")).toBe("That buddy was removed.");
    expect(await house.handle(house.message(photo))).toBe("That buddy was removed.");
    expect(await house.handle(house.message({ kind: "edit", text: "hello", target: "x" }))).toBe(
      "That buddy was removed.",
    );
    expect(await house.handle(house.message({ kind: "revoke", target: "x" }))).toBe("That buddy was removed.");
  });

  it("that quotes what is no buddy's message is told each time to have gone to nobody, media and late words too", async () => {
    const { house } = await relaying("unmeant");
    const toNobody =
      "That went to nobody: what you quoted is no buddy's message (💬) of the last week. Quote a newer one of theirs, or write to them from the bot's phone.";
    const quotes = "something";
    for (const text of ["ok", "ok", "on Monday"]) expect(await house.says(text, { quotes })).toBe(toNobody);
    expect(await house.says("on Monday", { quotes, at: house.time.now - HOUR })).toBe(toNobody);
    expect(await house.handle(house.message(photo, { quotes }))).toBe(toNobody);
    expect(await house.handle(house.message({ kind: "other", type: "location" }, { quotes }))).toBe(toNobody);
    expect(await house.handle(house.message({ kind: "edit", text: "on Friday", target: "x" }, { quotes }))).toBe("");
    expect(await house.handle(house.message({ kind: "revoke", target: "x" }))).toBe("");
    const alice = await house.knocks("Alice", ALICE);
    expect(await house.says("hello Alice", { quotes: house.notice(alice.code).id })).toMatch(
      /^Yes or no about Alice .*they hear nothing of this/,
    );
    house.mode = "model";
    await house.restart();
    expect(await house.handle(house.message(photo, { quotes }))).toBe("");
    expect(await house.says("hm", { quotes })).toBe("I only know commands here: /help lists them.");
    expect(await house.says("hm", { quotes })).toBe("");
  });

  it("that is for nobody gets a hint, media none, and a yes the question whom, while somebody waits", async () => {
    const { house } = await relaying("unmeant");
    expect(await house.handle(house.message(photo))).toBe("");
    expect(await house.says("hello")).toBe(
      "I only know commands here: /help lists them, or quote a buddy's message to reply to them.",
    );
    await house.wait(6 * HOUR - 1);
    expect(await house.says("ok")).toBe("");
    await house.wait(1);
    expect(await house.says("ok")).toMatch(/^I only know commands here/);
    const alice = await house.knocks("Alice", ALICE);
    expect(await house.says("OK", { quotes: "something" })).toMatch(
      new RegExp(`^Ok to whom\\? Pending: Alice \\(${alice.code}`),
    );
  });

  it("that comes late gets no hint", async () => {
    const house = await open();
    const at = house.time.now;
    await house.wait(16 * MINUTE);
    expect(await house.says("hello", { at })).toBe("");
    expect(await house.says("hello")).toMatch(/^I only know commands/);
  });
});

describe("what goes wrong", () => {
  it("a failure of the machine is no answer: the message is handled again, and the next one all the same", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { approve } = house.access;
    const broken = { approve: () => Promise.reject(new KafclawError("disk-full", "The disk is full.", "failed")) };
    Object.assign(house.access, broken);
    const message = house.message({ kind: "text", text: `/approve ${alice.code}` });
    await expect(house.admin.chat.handle(message)).rejects.toThrow("The disk is full.");
    expect(house.texts()).toHaveLength(1);
    Object.assign(house.access, { approve });
    expect(await house.handle(message)).toMatch(/^✅ Approved Alice/);
    expect(await house.says("/status")).toContain("1 approved");
  });

  it("a refusal is an answer, escaped like any foreign text", async () => {
    const house = await open();
    expect(await house.says("/silent off --for")).toBe("--for wants a value behind it.");
    expect(await house.says("/approve B*o*b")).toContain('"B＊o＊b"');
  });

  it("an answer that was made and not sent goes out as it was, and once", async () => {
    const house = await open();
    const message = house.message({ kind: "text", text: "/status" });
    house.outbox.fails = new Error("disk full");
    await expect(house.admin.chat.handle(message)).rejects.toThrow("disk full");
    house.outbox.fails = undefined;
    await house.knocks("Alice", ALICE);
    expect(await house.handle(message)).toContain("0 approved, 0 pending");
    await house.wait(20 * MINUTE);
    expect(await house.handle(message)).toBe("");
  });

  it("the last 500 orders are known when they come again, across restarts", async () => {
    const house = await open();
    const [first, second] = [1, 2].map(() => house.message({ kind: "text", text: "/pause" }));
    if (first === undefined || second === undefined) throw new Error("no messages");
    const handles = async (message = house.message({ kind: "text", text: "/" })) => {
      house.time.now++;
      return house.handle(message);
    };
    await handles(first);
    await handles(second);
    for (let count = 0; count < 249; count++) await handles();
    await house.restart();
    for (let count = 0; count < 250; count++) await handles();
    house.gateway.responder.resume();
    await house.handle(second);
    expect(house.gateway.responder.paused).toBe(false);
    await house.handle(first);
    expect(house.gateway.responder.paused).toBe(true);
  });
});

describe("where answers go", () => {
  it("to the chat where the owner wrote, or to the owner where the chat is none of one person", async () => {
    const house = await open();
    await house.says("/token rotate", { expiration: 7 });
    expect(house.outbox.sent.at(-1)?.parcel).toMatchObject({ to: OWNER, address: "1000@lid", expiration: 7 });
    await house.says("/token rotate");
    expect(house.outbox.sent.at(-2)?.parcel).toMatchObject({ kind: "delete", to: OWNER, address: "1000@lid" });
    const group = { kind: "other", jid: "1@g.us" } as never;
    await house.handle({ ...house.message({ kind: "text", text: "/status" }), chat: group });
    const { parcel } = house.outbox.sent.at(-1) ?? {};
    expect(parcel).toMatchObject({ to: OWNER });
    expect(parcel).not.toHaveProperty("address");
    expect(parcel).not.toHaveProperty("expiration");
  });

  it("in the owner's name: by number where it is known, else by LID", async () => {
    const house = await open();
    const makers = async () => (await house.access.audit()).slice(0, 1).map(({ by }) => by.who);
    await house.says("/pause");
    expect(await makers()).toEqual([OWNER.pn]);
    const hidden = { ...house.message({ kind: "text", text: "/resume" }), sender: { lid: "1000@lid" } as never };
    await house.handle(hidden);
    expect(await makers()).toEqual(["1000@lid"]);
    await house.handle({ ...house.message({ kind: "text", text: "/pause" }), sender: {} });
    expect(await makers()).toEqual(["owner"]);
  });
});

describe("an order from before the start", () => {
  it("ends silent mode where it was heard at once, and where it was given after the start", async () => {
    for (const extras of [{ waited: false }, { waited: true, at: NOON + 2 * HOUR + SECOND }]) {
      const house = await open();
      await house.wait(2 * HOUR);
      await house.restart();
      expect(await house.says("/silent off", extras)).toMatch(/^🔊/);
    }
    const house = await open();
    await house.wait(MINUTE);
    // WhatsApp's times are whole seconds: this one may be from before the start.
    const at = house.time.now + SECOND - 1;
    await house.restart();
    expect(await house.says("/silent off", { waited: true, at })).toMatch(
      /^🔇 Silent mode is on since the gateway started/,
    );
    Object.assign(house.gateway, { startedAt: undefined });
    expect(await house.says("/silent off", { waited: true, at })).toMatch(/^🔊/);
  });

  it("other orders of those minutes count", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const at = house.time.now;
    await house.wait(MINUTE);
    await house.restart();
    expect(await house.says(`/approve ${alice.code}`, { waited: true, at })).toMatch(/^✅/);
  });
});

describe("reactions, late or swapped", () => {
  it("taken away late, it changes nothing and says how", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    const at = house.time.now;
    await house.reacts("👍", id);
    await house.wait(16 * MINUTE);
    expect(await house.reacts("", id, { at })).toBe(
      `the change of your reaction about Alice (${alice.code}) reached me more than 15 minutes late, so nothing changed: /approve ${alice.code} or /deny ${alice.code}.`,
    );
    expect(house.state(alice)).toBe("approved");
  });

  it("the same again changes nothing and says nothing", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    await house.reacts("👍", id);
    expect(await house.reacts("👍🏽", id)).toBe("");
    expect(await house.reacts("", "no notice")).toBe("");
    expect(house.access.byId(alice._id)?.history).toHaveLength(2);
  });

  it("an emoji taken away from a notice that it decided nothing about does nothing", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    expect(await house.reacts("", id)).toBe("");
    expect(await house.reacts("❤️", id)).toBe("");
    await house.says(`/approve ${alice.code}`);
    expect(await house.reacts("", id)).toBe("");
    expect(house.state(alice)).toBe("approved");
  });

  it.each([
    ["👍", "approved", (code: string) => `/deny ${code} or /remove ${code}`],
    ["👎", "denied", (code: string) => `/remove ${code}`],
  ])("after ten minutes %s stays, and the answer says what changes it", async (emoji, state, way) => {
    const house = await open();
    const alice = await house.knocks("", ALICE);
    const { id } = house.notice(alice.code);
    await house.reacts(emoji, id);
    await house.wait(11 * MINUTE);
    expect(await house.reacts("", id)).toBe(
      `A reaction takes its decision back for 10 minutes only, so nothing changed: no name (${alice.code}) stays ${state}. ${way(alice.code)} changes that.`,
    );
    expect(house.state(alice)).toBe(state);
  });

  it("a late 👎 still denies; a swap to 👍 that comes late does not approve", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    const at = house.time.now;
    await house.wait(16 * MINUTE);
    expect(await house.reacts("👎", id, { at })).toMatch(/^⛔/);
    expect(await house.reacts("👍", id, { at })).toMatch(/^the change of your reaction about Alice/);
    expect(house.state(alice)).toBe("denied");
    const bob = await house.knocks("Bob", BOB);
    const late = house.time.now;
    await house.wait(16 * MINUTE);
    expect(await house.says("no", { quotes: house.notice(bob.code).id, at: late })).toMatch(/^⛔ Denied Bob/);
  });

  it("on the notice of an invite that let somebody in: 👍 changes nothing, a late 👎 neither", async () => {
    const house = await open();
    await house.says("/invite Bob --auto");
    const [invite] = house.access.invites();
    const knock = { person: person(BOB), name: "Bob", text: invite?.token ?? "", at: house.time.now, cause: "k" };
    const entry = await house.access.knock(knock);
    if (entry.kind !== "auto-approved") throw new Error(entry.kind);
    await house.admin.tell.autoApproved(entry.outcome, entry.invite);
    const { id } = house.notice("Approved by invite");
    const { code } = entry.contact;
    const over = `Nothing changed: Bob (${code}) was approved by an invite, 12:00. /remove ${code} makes them a stranger again.`;
    expect(await house.reacts("👍", id)).toBe(over);
    expect(await house.says("yes", { quotes: id })).toBe(over);
    expect(await house.says("/approve", { quotes: id })).toBe(
      `Bob (${code}) is approved already, by an invite, 12:00.`,
    );
    const at = house.time.now;
    await house.wait(16 * MINUTE);
    expect(await house.reacts("👎", id, { at })).toBe(
      `👎 about Bob (${code}) reached me more than 15 minutes late, so nothing changed: /approve ${code} or /deny ${code}.`,
    );
    expect(await house.reacts("👎", id)).toMatch(/too long to undo/);
    await house.says(`/remove ${code}`);
    expect(await house.reacts("👎", id)).toBe(
      `Nothing changed: Bob (${code}) was removed by you on WhatsApp, 12:16. /approve ${code} lets them in.`,
    );
  });

  it("what is quoted must be a notice about somebody: other messages of the bot mean nobody", async () => {
    const house = await open();
    await house.admin.tell.queueFull();
    const { id } = house.notice("queue is full");
    const nobody =
      "The quoted message is not the notice of somebody who waits: use a code, say /approve K7QF, or /pending.";
    expect(await house.says("/approve", { quotes: id })).toBe(nobody);
    expect(await house.reacts("👍", id)).toBe("");
    expect(await house.says("yes", { quotes: id })).toMatch(/^I only know commands/);
  });

  it("a swap that a crash cut short is finished when it comes again", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    await house.reacts("👍", id);
    const swap = house.message({ kind: "reaction", emoji: "👎", target: id });
    house.outbox.fails = new Error("disk full");
    await expect(house.admin.chat.handle(swap)).rejects.toThrow("disk full");
    house.outbox.fails = undefined;
    await house.restart();
    expect(await house.handle(swap)).toMatch(/^↩️ Undone: Alice .*\n⛔ Denied Alice/);
    expect(house.access.byId(alice._id)?.history.map(({ action }) => action)).toEqual([
      "enter",
      "approve",
      "undo",
      "deny",
    ]);
  });
});

describe("a quoted answer and a reaction", () => {
  it("a quoted yes is no reaction: none can be taken away from it or swapped", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    await house.says("yes", { quotes: id });
    expect(await house.reacts("", id)).toBe("");
    expect(await house.reacts("👎", id)).toMatch(/^Nothing changed: Alice .* was approved by you on WhatsApp/);
    expect(house.state(alice)).toBe("approved");
  });

  it("a quoted no after a 👍 takes nothing back", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    await house.reacts("👍", id);
    expect(await house.says("no", { quotes: id })).toMatch(
      /^Nothing changed: Alice .* was approved by you on WhatsApp/,
    );
    expect(house.state(alice)).toBe("approved");
  });

  it.each(["reaction", "quote"])(
    "a %s whose decision a crash cut short is answered when it comes again",
    async (way) => {
      const house = await open();
      const alice = await house.knocks("Alice", ALICE);
      const { id } = house.notice(alice.code);
      const answer =
        way === "reaction"
          ? house.message({ kind: "reaction", emoji: "👍", target: id })
          : house.message({ kind: "text", text: "yes" }, { quotes: id });
      await house.access.approve(alice, { door: "whatsapp", who: "owner", cause: answer.journalId });
      await house.restart();
      expect(await house.handle(answer)).toMatch(/^✅ Approved Alice/);
      expect(await house.reacts("👎", id)).toMatch(way === "reaction" ? /^↩️ Undone: Alice/ : /^Nothing changed: Alice/);
    },
  );

  it("the notice of an invite says nothing of the queue, to which its user went back", async () => {
    const house = await open();
    const bob = await house.knocks("Bob", BOB);
    const { token } = await house.access.invite({ label: "Bob", auto: true }, { door: "cli", who: "x" });
    const entry = await house.access.knock({ person: bob, name: "Bob", text: token, at: house.time.now, cause: "k" });
    if (entry.kind !== "auto-approved") throw new Error(entry.kind);
    await house.admin.tell.autoApproved(entry.outcome, entry.invite);
    const { id } = house.notice("Approved by invite");
    await house.says("/undo");
    expect(await house.reacts("👍", id)).toMatch(/^Nothing changed: Bob .* They are pending again/);
    expect(house.state(bob)).toBe("pending");
  });

  it("a reaction that counted after an undo can be taken away again", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    await house.reacts("👍", id);
    await house.says("/undo");
    await house.reacts("👎", id);
    expect(await house.reacts("", id)).toMatch(/^↩️ Undone: Alice .* is pending again \(was denied by you/);
    await house.reacts("👍", id);
    await house.says("/undo");
    expect(await house.reacts("", id)).toMatch(/^Nothing changed: Alice .* was set back to pending by you on WhatsApp/);
    expect(house.state(alice)).toBe("pending");
  });

  it("swapped after another decision changes nothing and says which", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { id } = house.notice(alice.code);
    await house.reacts("👍", id);
    await house.cli("remove", alice.code);
    expect(await house.reacts("👎", id)).toMatch(/^Nothing changed: Alice .* was removed at the command line/);
    expect(house.state(alice)).toBe("stranger");
  });
});
