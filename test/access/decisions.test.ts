import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { distance } from "../../src/access/code.js";
import {
  ALICE,
  BOB,
  chat,
  cli,
  DAY,
  dashboard,
  House,
  MINUTE,
  OWNER,
  person,
  refusal,
  seeded,
  TOKEN,
} from "./house.js";

let house: House;
beforeEach(async () => {
  house = await House.open();
});
afterEach(() => house.close());

const held = (id: string, at = 0) => ({ journalId: id, at, preview: `words of ${id}` });

describe("codes", () => {
  it("I8: are nobody else's, of whatever state, and differ in two places from all that are pending", async () => {
    // The worst chance there is: each try for a code gives the same.
    const others = seeded();
    house.random = (size) => (size === 4 ? new Uint8Array(size).fill(10) : others(size));
    const approved = await house.pending(ALICE, "Alice");
    await house.access.approve(approved, chat);
    const pending = [];
    for (let index = 0; index < 6; index++) {
      pending.push((await house.pending(person(`1555000400${index}@s.whatsapp.net`))).code);
    }
    expect(new Set([approved.code, ...pending]).size).toBe(7);
    for (const one of pending) {
      for (const other of pending) if (one !== other) expect(distance(one, other)).toBeGreaterThanOrEqual(2);
    }
  });
});

describe("approve", () => {
  it("lets a pending sender in and releases what was held", async () => {
    const alice = await house.pending(ALICE, "Alice");
    expect(house.verdict(ALICE)).toBe("pending");
    await house.access.hold(alice, held("m1"));
    const outcome = await house.access.approve(alice, chat);
    expect(outcome).toMatchObject({ unchanged: false, released: [held("m1")], contact: { state: "approved" } });
    expect(outcome.wasNotPending).toBeUndefined();
    expect(house.verdict(ALICE)).toBe("buddy");
  });

  it("lets in a number that never wrote, and says that it was not pending", async () => {
    const outcome = await house.access.approve(person("15550009999@s.whatsapp.net"), cli, { name: "Zoe" });
    expect(outcome).toMatchObject({ wasNotPending: true, contact: { state: "approved", name: "Zoe" } });
    await house.restart();
    expect(house.verdict(person("15550009999@s.whatsapp.net"))).toBe("buddy");
  });

  it("I6: says who decided when another door was faster, and records one decision", async () => {
    const alice = await house.pending(ALICE, "Alice");
    const [first, second] = await Promise.all([
      house.access.approve(alice, dashboard),
      house.access.approve(alice, chat),
    ]);
    expect(first.unchanged).toBe(false);
    expect(second).toMatchObject({ unchanged: true, decision: { id: first.decision.id, by: dashboard } });
    expect(await house.access.audit({ contact: alice._id })).toHaveLength(2);
  });

  it("refuses the denied until they are removed", async () => {
    const alice = await house.denied(ALICE, "Alice");
    expect(await refusal(() => house.access.approve(alice, chat))).toEqual({
      code: "denied",
      message: `Alice (${alice.code}) is denied: /remove ${alice.code} first, then /approve ${alice.code}.`,
    });
    await house.access.remove(alice, chat);
    expect((await house.access.approve(alice, chat)).contact.state).toBe("approved");
  });

  it("or deny of the same cause again changes nothing, and says what it did the first time", async () => {
    const alice = await house.pending(ALICE, "Alice");
    const by = { ...chat, cause: "m1" };
    const denied = await house.access.deny(alice, by);
    await house.access.remove(alice, cli);
    const again = await house.access.deny(alice, by);
    expect(again).toMatchObject({ unchanged: true, decision: { id: denied.decision.id } });
    expect(house.verdict(ALICE)).toBe("stranger");
  });

  it("on a notice counts only during the pending episode that the notice announced", async () => {
    const first = await house.pending(ALICE, "Alice");
    await house.access.remove(first, dashboard);
    const second = await house.pending(ALICE, "Alice");
    const late = await refusal(() => house.access.approve(first, chat, { expect: { episode: first.episode } }));
    expect(late.code).toBe("already-decided");
    await house.access.deny(second, dashboard);
    const decided = await refusal(() =>
      house.access
        .deny(first, chat, { expect: { episode: first.episode } })
        .then(() => house.access.approve(second, chat, { expect: { episode: second.episode } })),
    );
    expect(decided.code).toBe("denied");
  });
});

describe("deny", () => {
  it("I2: shuts out a buddy over both addresses, and over each alone", async () => {
    await house.approved(ALICE, "Alice");
    const outcome = await house.access.deny(ALICE, chat, { block: true });
    expect(outcome).toMatchObject({ contact: { state: "denied", blocked: true, blockDue: true } });
    for (const address of [ALICE, person("2000@lid"), person("15550002000@s.whatsapp.net")]) {
      expect(house.verdict(address)).toBe("denied");
    }
  });

  it("denies a number that never wrote", async () => {
    await house.access.deny(person("15550009999@s.whatsapp.net"), cli);
    expect(house.verdict(person("15550009999@s.whatsapp.net", "77@lid"))).toBe("denied");
  });

  it("drops what was held", async () => {
    const alice = await house.pending(ALICE);
    await house.access.hold(alice, held("m1"));
    expect((await house.access.deny(alice, chat)).contact.held).toEqual([]);
  });

  it("changes nothing for somebody denied already, unless a block is new", async () => {
    const alice = await house.denied(ALICE);
    expect((await house.access.deny(alice, chat)).unchanged).toBe(true);
    expect(await house.access.deny(alice, chat, { block: true })).toMatchObject({
      unchanged: false,
      contact: { blockDue: true },
    });
    expect((await house.access.deny(alice, chat, { block: true })).unchanged).toBe(true);
  });
});

describe("remove", () => {
  it("I8: makes a stranger whose code stays their own", async () => {
    const alice = await house.denied(ALICE, "Alice");
    const outcome = await house.access.remove(alice, chat);
    expect(outcome.contact).toMatchObject({ state: "stranger", code: alice.code, held: [] });
    expect(house.verdict(ALICE)).toBe("stranger");
    expect((await house.pending(BOB)).code).not.toBe(alice.code);
    expect((await house.pending(ALICE)).code).toBe(alice.code);
  });

  it("unblocks who was blocked", async () => {
    const { contact } = await house.access.deny(ALICE, chat, { block: true });
    const removed = (await house.access.remove(contact, chat)).contact;
    expect(removed).toMatchObject({ blockDue: true });
    expect(removed).not.toHaveProperty("blocked");
  });

  it("what WhatsApp is still to be told of a block outlives a restart, and what was told before a later decision", async () => {
    const alice = await house.pending(ALICE);
    await house.approved(BOB);
    const { contact: blocked } = await house.access.deny(alice, chat, { block: true });
    const due = () => house.access.blocksDue().map(({ _id, blocked: is }) => [_id, is]);
    expect(due()).toEqual([[alice._id, true]]);
    await house.restart();
    expect(due()).toEqual([[alice._id, true]]);
    await house.access.remove(alice, chat);
    await house.access.blockTold(blocked);
    expect(due()).toEqual([[alice._id, undefined]]);
    const removed = house.access.byId(alice._id) ?? alice;
    await house.access.blockTold(removed);
    expect(due()).toEqual([]);
    expect(house.access.byId(alice._id)).not.toHaveProperty("blockDue");
  });

  it("says that an unknown number is on no list", async () => {
    expect(await refusal(() => house.access.remove(person("15550009999@s.whatsapp.net"), cli))).toEqual({
      code: "unknown-reference",
      message: "+1 555 000 9999 is on no list, so there is nothing to remove; /list shows who is.",
    });
  });
});

describe("the owner", () => {
  it("can't be approved, denied or removed, by either address", async () => {
    await house.owned();
    for (const target of [OWNER, person("1000@lid"), person("15550001000@s.whatsapp.net")]) {
      for (const call of [house.access.approve, house.access.deny, house.access.remove]) {
        expect((await refusal(() => call.call(house.access, target, dashboard))).code).toBe("owner");
      }
    }
    expect(house.access.counts()).toEqual({ approved: 0, denied: 0, pending: 0 });
  });
});

describe("I10: a message that comes twice", () => {
  const caused = { ...chat, cause: "3EB0C767" };

  it("decides once, also after a restart and a decision in between", async () => {
    const alice = await house.pending(ALICE, "Alice");
    const first = await house.access.approve(alice, caused);
    await house.access.remove(alice, dashboard);
    await house.restart();
    const again = await house.access.approve(alice, caused);
    expect(again).toMatchObject({ unchanged: true, released: [], decision: { id: first.decision.id } });
    expect(house.verdict(ALICE)).toBe("stranger");
  });

  it("decides once about each of several contacts", async () => {
    const [alice, bob] = [await house.pending(ALICE), await house.pending(BOB)];
    expect((await house.access.approve(alice, caused)).unchanged).toBe(false);
    expect((await house.access.approve(bob, caused)).unchanged).toBe(false);
  });

  it("takes back one decision, not a second", async () => {
    await house.approved(ALICE);
    await house.approved(BOB);
    const first = await house.access.undo(caused);
    await house.restart();
    expect(await house.access.undo(caused)).toMatchObject({ unchanged: true, decision: { id: first.decision.id } });
    expect(house.verdict(ALICE)).toBe("buddy");
  });

  it("makes one invite and rotates the token once", async () => {
    const first = await house.access.invite({ label: "Carol" }, caused);
    expect(await house.access.invite({ label: "Carol" }, caused)).toEqual(first);
    const { token } = await house.access.rotateToken(caused);
    expect((await house.access.rotateToken(caused)).token).toBe(token);
  });

  it("queues its sender once", async () => {
    await house.pending(BOB);
    const entry = await house.knock(ALICE, "KAF-7QF2-M9TX", "Alice", "m-1");
    await house.restart();
    expect(await house.knock(ALICE, "KAF-7QF2-M9TX", "Alice", "m-1")).toEqual(entry);
    await house.access.remove(ALICE, chat);
    expect((await house.knock(ALICE, "KAF-7QF2-M9TX", "Alice", "m-1")).kind).toBe("nothing");
  });
});

describe("I6: a decision is on disk before anybody hears of it", () => {
  it("a failed write leaves everything as it was", async () => {
    const alice = await house.pending(ALICE, "Alice");
    house.full.access = true;
    for (const call of [
      () => house.access.approve(alice, chat),
      () => house.access.deny(alice, chat),
      () => house.access.hold(alice, held("m1")),
      () => house.access.learn(ALICE, { name: "Mallory" }),
      () => house.access.invite({ label: "Bob" }, chat),
      () => house.access.rotateToken(chat),
    ]) {
      expect((await refusal(call)).code).toBe("disk-full");
    }
    expect(house.verdict(ALICE)).toBe("pending");
    expect(house.access.byCode(alice.code)).toEqual(alice);
    expect(house.access.revealToken()).toBe("KAF-7QF2-M9TX");
    house.full.access = false;
    await house.restart();
    expect(house.access.byCode(alice.code)).toEqual(alice);
    expect(house.access.invites()).toEqual([]);
    expect((await house.access.audit()).map(({ action }) => action)).toEqual(["enter", "token-set"]);
  });

  it("a decision stands when the audit can't be written, and gets its record with the next one", async () => {
    const alice = await house.pending(ALICE);
    house.full.audit = true;
    const outcome = await house.access.approve(alice, dashboard);
    expect(house.verdict(ALICE)).toBe("buddy");
    expect(house.warnings).toEqual(["The audit could not be written; it will be tried again."]);
    house.full.audit = false;
    await house.access.learn(ALICE, { name: "Alice" });
    expect((await house.access.audit())[0]).toMatchObject({
      _id: outcome.decision.id,
      action: "approve",
      by: dashboard,
    });
  });

  it("a decision whose audit record a crash kept back gets it at the next start", async () => {
    house.full.audit = true;
    const { contact } = await house.access.approve(ALICE, cli, { name: "Alice" });
    await house.access.setToken("KAF-7QF2-M9TX", cli);
    await house.owned();
    house.full.audit = true;
    await house.restart();
    house.full.audit = false;
    await house.restart();
    const records = await house.access.audit();
    expect(records.map(({ action }) => action).sort()).toEqual(["approve", "owner-set", "token-set"]);
    const approve = records.find(({ action }) => action === "approve");
    expect(approve).toMatchObject({
      contact: contact._id,
      code: contact.code,
      name: "Alice",
      from: "stranger",
      to: "approved",
    });
    await house.restart();
    expect(await house.access.audit()).toHaveLength(3);
  });

  it("every door leaves who, through which door, what and when", async () => {
    const alice = await house.pending(ALICE, "Alice");
    house.now += MINUTE;
    await house.access.deny(alice, dashboard);
    house.now += MINUTE;
    await house.access.record("silent-off", chat, "for 2 h");
    expect(await house.access.audit({ limit: 2 })).toMatchObject([
      { action: "silent-off", by: chat, at: house.now, note: "for 2 h" },
      {
        action: "deny",
        by: dashboard,
        at: house.now - MINUTE,
        code: alice.code,
        name: "Alice",
        from: "pending",
        to: "denied",
      },
    ]);
  });
});

describe("held messages", () => {
  it("are the last five, each once, with tokens masked", async () => {
    const alice = await house.pending(ALICE);
    for (const n of [1, 2, 3, 3, 4, 5, 6]) await house.access.hold(alice, held(`m${n}`, n));
    await house.access.hold(alice, { journalId: "m7", at: 7, preview: "is kaf-7qf2–m9tx right?" });
    const kept = house.access.byId(alice._id)?.held ?? [];
    expect(kept.map(({ journalId }) => journalId)).toEqual(["m3", "m4", "m5", "m6", "m7"]);
    expect(kept.at(-1)?.preview).toBe("is ••• right?");
  });

  it("are edited and deleted by who waits, and nothing is written about what is not held", async () => {
    await house.access.setToken(TOKEN, cli);
    const alice = await house.pending(ALICE);
    for (const id of ["m1", "m2"]) {
      await house.access.hold(alice, { journalId: `2000@lid/${id}`, at: 1, preview: `was ${id}` });
    }
    const edit = { journalId: "2000@lid/e1", at: 2, preview: `now ${TOKEN}` };
    expect(await house.access.amend(alice, "m1", edit)).toBe(true);
    const { held } = house.access.byId(alice._id) ?? alice;
    expect(held).toMatchObject([{ journalId: "2000@lid/m1", at: 1, edit: "2000@lid/e1" }, { preview: "was m2" }]);
    expect(held[0]?.preview).toMatch(/^now /);
    expect(held[0]?.preview).not.toContain(TOKEN);
    expect(await house.access.amend(alice, "m1")).toBe(true);
    expect(house.access.byId(alice._id)?.held).toMatchObject([{ journalId: "2000@lid/m2" }]);
    const { writes } = house;
    expect([await house.access.amend(alice, "other"), await house.access.amend(alice, "other", edit)]).toEqual([
      true,
      true,
    ]);
    expect(house.writes).toBe(writes);
  });

  it("of who waits no more are not edited, and what is deleted is gone for an undo as well", async () => {
    const alice = await house.pending(ALICE);
    for (const id of ["m1", "m2"]) {
      await house.access.hold(alice, { journalId: `2000@lid/${id}`, at: 1, preview: `was ${id}` });
    }
    await house.access.deny(alice, chat);
    const { writes } = house;
    const edit = { journalId: "2000@lid/e1", at: 2, preview: "now" };
    expect([await house.access.amend(alice, "m1", edit), await house.access.amend(alice, "other")]).toEqual([
      false,
      false,
    ]);
    expect(house.writes).toBe(writes);
    expect(await house.access.amend(alice, "m1")).toBe(false);
    const { held } = (await house.access.undo(chat)).contact;
    expect(held).toEqual([{ journalId: "2000@lid/m2", at: 1, preview: "was m2" }]);
  });

  it("are refused for who is not pending any more", async () => {
    const alice = await house.approved(ALICE);
    expect(await house.access.hold(alice, held("m1"))).toBe(false);
  });

  it("of which none was handled cost no write", async () => {
    const alice = await house.pending(ALICE);
    await house.access.hold(alice, held("m1"));
    await house.access.approve(alice, chat);
    const { writes } = house;
    await house.access.settle(alice, ["other"]);
    expect([house.writes, house.access.find(ALICE)?.held.length]).toEqual([writes, 1]);
  });

  it("I10: stay on record after an approval until they were handled, also over a crash", async () => {
    const alice = await house.pending(ALICE);
    await house.access.hold(alice, held("m1", 1));
    await house.access.hold(alice, held("m2", 2));
    await house.access.approve(alice, chat);
    await house.access.settle(alice, ["m1"]);
    await house.restart();
    expect(house.access.unsettled()).toMatchObject([{ code: alice.code, held: [held("m2", 2)] }]);
    await house.access.settle(alice, ["m2"]);
    expect(house.access.unsettled()).toEqual([]);
  });
});

describe("messages that somebody may still want", () => {
  it("are those held, and those that an undo brings back, step by step, while it can", async () => {
    const wanted = () => [...house.access.wanted()].sort();
    const alice = await house.pending(ALICE);
    const bob = await house.pending(BOB);
    await house.access.hold(alice, held("m1", 1));
    await house.access.hold(bob, held("m2", 2));
    expect(wanted()).toEqual(["m1", "m2"]);
    await house.access.deny(alice, chat);
    await house.access.remove(alice, chat);
    await house.access.approve(bob, chat);
    house.now += 10 * MINUTE;
    await house.restart();
    expect(wanted()).toEqual(["m1", "m2"]);
    house.now += 1;
    expect(wanted()).toEqual(["m2"]);
    await house.access.settle(bob, ["m2"]);
    expect(wanted()).toEqual([]);
  });
});

describe("expiry", () => {
  it("reminds nobody where all expire within a day from the first", async () => {
    const short = await House.open({ expiryDays: 1 });
    await short.pending(ALICE, "Alice");
    short.now += DAY - 1;
    expect(await short.access.tick()).toEqual({ expired: [], expiring: [] });
    short.now += 1;
    expect((await short.access.tick()).expired).toHaveLength(1);
    await short.close();
  });

  it("reminds nobody of what is over already, as after a week without a gateway", async () => {
    const alice = await house.pending(ALICE);
    house.now += 7 * DAY;
    expect(await house.access.tick()).toMatchObject({
      expired: [{ code: alice.code, state: "stranger" }],
      expiring: [],
    });
    expect(house.access.byCode(alice.code)).not.toHaveProperty("reminded");
  });

  it("reminds once a day before, and lets go after seven days", async () => {
    const alice = await house.pending(ALICE, "Alice");
    house.now += 6 * DAY - 1;
    expect(await house.access.tick()).toEqual({ expired: [], expiring: [] });
    house.now += 1;
    expect((await house.access.tick()).expiring).toMatchObject([{ code: alice.code }]);
    await house.restart();
    expect((await house.access.tick()).expiring).toEqual([]);
    house.now += DAY;
    expect((await house.access.tick()).expired).toMatchObject([{ code: alice.code, state: "stranger", held: [] }]);
    expect(house.verdict(ALICE)).toBe("stranger");
    expect((await house.access.audit())[0]).toMatchObject({ action: "expire", by: { door: "gateway", who: "expiry" } });
  });
});

describe("a decision", () => {
  const stranger = person("15550009999@s.whatsapp.net");

  it("says in its refusals who is meant, and what happened", async () => {
    await house.owned();
    for (const [call, what] of [
      [house.access.approve, "who needs no approval"],
      [house.access.deny, "who can't be denied"],
      [house.access.remove, "who can't be removed"],
    ] as const) {
      expect((await refusal(() => call.call(house.access, OWNER, chat))).message).toBe(
        `That is the owner, ${what}; name somebody else.`,
      );
    }
    expect(await refusal(() => house.access.remove(stranger, chat))).toEqual({
      code: "unknown-reference",
      message: "+1 555 000 9999 is on no list, so there is nothing to remove; /list shows who is.",
    });
    const nameless = await house.denied(ALICE);
    expect((await refusal(() => house.access.approve(nameless, chat))).message).toBe(
      `+1 555 000 2000 (${nameless.code}) is denied: /remove ${nameless.code} first, then /approve ${nameless.code}.`,
    );
    const bob = await house.pending(BOB, "Bob");
    await house.access.remove(bob, dashboard);
    const expect1 = { expect: { episode: bob.episode } };
    for (const call of [house.access.approve, house.access.deny]) {
      expect(await refusal(() => call.call(house.access, bob, chat, expect1))).toEqual({
        code: "already-decided",
        message: `Nothing changed: Bob (${bob.code}) is stranger by now (removed on the dashboard). /whois ${bob.code} tells more.`,
      });
    }
  });

  it("about a contact whom this house doesn't know is refused", async () => {
    const alice = await house.pending(ALICE);
    await house.close();
    house = await House.open();
    expect(await refusal(() => house.access.deny(alice, chat))).toEqual({
      code: "unknown-reference",
      message: `No contact has the code ${alice.code}; look at the list and try again.`,
    });
    const other = await house.pending(BOB);
    expect((await house.access.deny({ ...alice, code: other.code }, chat)).contact._id).toBe(other._id);
  });

  it("on a notice counts while the sender waits", async () => {
    const alice = await house.pending(ALICE);
    expect((await house.access.approve(alice, chat, { expect: { episode: 1 } })).contact.state).toBe("approved");
    const bob = await house.pending(BOB);
    expect((await house.access.deny(bob, chat, { expect: { episode: 1 } })).contact.state).toBe("denied");
  });

  it("on a notice of another episode counts for nothing, though the sender waits again", async () => {
    const alice = await house.pending(ALICE);
    await house.access.remove(alice, chat);
    await house.pending(ALICE);
    for (const call of [house.access.approve, house.access.deny]) {
      const { code } = await refusal(() => call.call(house.access, alice, chat, { expect: { episode: 1 } }));
      expect(code).toBe("already-decided");
    }
    expect(house.verdict(ALICE)).toBe("pending");
  });

  it("that is so already changes nothing, whatever the notice said, and names the one that made it so", async () => {
    const alice = await house.pending(ALICE);
    const approved = await house.access.approve(alice, chat);
    const again = await house.access.approve(alice, dashboard, { expect: { episode: 7 } });
    expect(again).toEqual({ contact: approved.contact, decision: approved.decision, unchanged: true, released: [] });
    const denied = await house.access.deny(alice, chat);
    const still = await house.access.deny(alice, dashboard, { expect: { episode: 7 } });
    expect(still).toMatchObject({ unchanged: true, decision: { id: denied.decision.id } });
    const removed = await house.access.remove(alice, chat);
    const gone = await house.access.remove(alice, dashboard);
    expect(gone).toMatchObject({ unchanged: true, decision: { id: removed.decision.id } });
  });

  it("of each kind has its effect once for one message", async () => {
    const caused = { ...chat, cause: "m-1" };
    const alice = await house.pending(ALICE);
    const approved = await house.access.approve(alice, caused);
    const denied = await house.access.deny(alice, caused);
    expect(denied).toMatchObject({ unchanged: false, contact: { state: "denied" } });
    const removed = await house.access.remove(alice, caused);
    expect(removed.unchanged).toBe(false);
    await house.pending(ALICE);
    for (const [call, first] of [
      [house.access.approve, approved],
      [house.access.deny, denied],
      [house.access.remove, removed],
    ] as const) {
      const again = await call.call(house.access, alice, caused);
      expect(again).toMatchObject({ unchanged: true, decision: { id: first.decision.id } });
    }
    expect(house.verdict(ALICE)).toBe("pending");
  });

  it("on a notice of somebody who never waited is refused", async () => {
    const refused = await refusal(() => house.access.deny(stranger, chat, { expect: { episode: 1 } }));
    expect(refused.code).toBe("already-decided");
    expect(refused.message).toMatch(
      /^Nothing changed: \+1 555 000 9999 \((\w{4})\) is stranger by now\. \/whois \1 tells more\.$/,
    );
  });

  it("of one message is taken back by the same message, once", async () => {
    const caused = { ...chat, cause: "m-1" };
    await house.approved(BOB);
    await house.access.approve(await house.pending(ALICE), caused);
    await house.restart();
    expect(await house.access.undo(caused)).toMatchObject({ unchanged: false, contact: ALICE });
    expect(await house.access.undo(caused)).toMatchObject({ unchanged: true, contact: ALICE });
    expect([house.verdict(ALICE), house.verdict(BOB)]).toEqual(["pending", "buddy"]);
  });

  it("that nobody's message caused is new each time", async () => {
    const alice = await house.pending(ALICE);
    for (let n = 0; n < 2; n++) {
      expect((await house.access.approve(alice, cli)).unchanged).toBe(false);
      expect((await house.access.remove(alice, cli)).unchanged).toBe(false);
    }
    await house.access.undo(cli);
    expect((await house.access.undo(cli)).unchanged).toBe(false);
  });

  it("moves the time of the state that it makes, and a block alone doesn't", async () => {
    const start = house.now;
    const alice = await house.pending(ALICE);
    house.now += MINUTE;
    expect((await house.access.approve(alice, chat)).contact.since).toBe(start + MINUTE);
    house.now += MINUTE;
    expect((await house.access.deny(alice, chat)).contact.since).toBe(start + 2 * MINUTE);
    house.now += MINUTE;
    const blocked = await house.access.deny(alice, chat, { block: true, expect: { episode: 7 } });
    expect(blocked.contact.since).toBe(start + 2 * MINUTE);
    expect(blocked.decision.note).toBe("blocked at WhatsApp");
    house.now += MINUTE;
    expect((await house.access.remove(alice, chat)).contact.since).toBe(start + 4 * MINUTE);
  });

  it("has no more to say than there is", async () => {
    const alice = await house.pending(ALICE, "Alice");
    const approved = await house.access.approve(alice, chat, { name: "Somebody" });
    expect(approved.contact.name).toBe("Alice");
    expect(approved).not.toHaveProperty("wasNotPending");
    const denied = await house.access.deny(alice, chat);
    expect(denied.contact).not.toHaveProperty("blockDue");
    expect(denied.decision).not.toHaveProperty("note");
    expect(denied.contact).not.toHaveProperty("blocked");
    expect(denied.released).toEqual([]);
    const undone = await house.access.undo(chat);
    expect(undone.contact).not.toHaveProperty("blockDue");
    expect(undone.decision.note).toBe("took back: deny by whatsapp");
    expect(undone.released).toEqual([]);
    const removed = await house.access.remove(alice, chat);
    expect(removed.contact).not.toHaveProperty("blockDue");
    expect(removed.released).toEqual([]);
    for (const key of ["via", "blocked", "also", "reminded"]) expect(removed.contact).not.toHaveProperty(key);
  });

  it("forgets the reminder of who waited, however it goes", async () => {
    for (const action of ["approve", "deny", "remove"] as const) {
      const alice = await house.pending(ALICE);
      house.now += 6 * DAY;
      expect((await house.access.tick()).expiring).toHaveLength(1);
      expect((await house.access[action](alice, chat)).contact).not.toHaveProperty("reminded");
      if (action !== "remove") await house.access.remove(alice, chat);
    }
  });

  it("to remove lets go of the numbers that a denial covers", async () => {
    await house.denied(ALICE);
    await house.access.learn(person("15550002000@s.whatsapp.net", "9999@lid"));
    expect(house.verdict(person("9999@lid"))).toBe("denied");
    const { contact } = await house.access.remove(ALICE, chat);
    expect(contact).not.toHaveProperty("also");
    expect(house.verdict(person("9999@lid"))).toBe("stranger");
  });
});
