import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ALICE, BOB, chat, cli, House, OWNER, person } from "./house.js";

let house: House;
beforeEach(async () => {
  house = await House.open();
});
afterEach(() => house.close());

const ALICE_PN = person("15550002000@s.whatsapp.net");
const ALICE_LID = person("2000@lid");
/** Alice's number, on another account. */
const NEWCOMER = person("15550002000@s.whatsapp.net", "9999@lid");
/** Alice's account, with another number. */
const MOVED = person("15550002222@s.whatsapp.net", "2000@lid");

describe("what was learned before a crash", () => {
  it("is told when the message comes again: a new number, a number passed on, a denial that grew", async () => {
    await house.approved(ALICE, "Alice");
    const bob = await house.denied(BOB, "Bob");
    const moved = await house.access.learn(MOVED, { cause: "m1" });
    expect(moved).toMatchObject({ kind: "new-number", before: ALICE.pn });
    const grown = await house.access.learn(person("15550003000@s.whatsapp.net", "8888@lid"), { cause: "m2" });
    expect(grown).toMatchObject({ kind: "new-person", was: "denied", old: { _id: bob._id } });
    const passed = await house.access.learn(person("15550002222@s.whatsapp.net", "9999@lid"), { cause: "m3" });
    expect(passed).toMatchObject({ kind: "new-person", was: "approved" });
    await house.restart();
    for (const [cause, news] of [
      ["m1", { kind: "new-number", before: ALICE.pn }],
      ["m2", { kind: "new-person", was: "denied" }],
      ["m3", { kind: "new-person", was: "approved" }],
    ] as const) {
      expect(await house.access.learn(person("7@lid"), { cause })).toMatchObject(news);
    }
  });

  it("a new number is told of also where a record with it was there already", async () => {
    await house.approved(ALICE, "Alice");
    await house.approved(person("15550002222@s.whatsapp.net"), "Alice again");
    expect(await house.access.learn(MOVED)).toMatchObject({ kind: "merged", before: ALICE.pn });
  });
});

describe("the other address", () => {
  it.each([
    ["number", ALICE_PN, ALICE_LID],
    ["LID", ALICE_LID, ALICE_PN],
  ])("is stored as soon as it is known, for who came with the %s alone", async (_, first, other) => {
    const alice = await house.approved(first, "Alice");
    expect(house.verdict(other)).toBe("stranger");
    expect(await house.access.learn(ALICE)).toMatchObject({ kind: "same", contact: { ...ALICE, code: alice.code } });
    await house.restart();
    expect(house.verdict(other)).toBe("buddy");
  });

  it("brings name and chat along, and costs no write when nothing is new", async () => {
    await house.approved(ALICE, "Alice");
    const facts = { name: "Alice B.", ...(ALICE.lid ? { chat: ALICE.lid } : {}) };
    await house.access.learn(ALICE, facts);
    expect(house.access.find(ALICE)).toMatchObject({ name: "Alice B.", chat: "2000@lid" });
    const { writes } = house;
    for (let n = 0; n < 100; n++) await house.access.learn(ALICE, facts);
    expect(house.writes).toBe(writes);
  });

  it("of a stranger leaves nothing", async () => {
    const { writes } = house;
    expect(await house.access.learn(ALICE, { name: "Alice" })).toEqual({ kind: "same" });
    expect(house.writes).toBe(writes);
    expect(house.access.find(ALICE)).toBeUndefined();
  });
});

describe("two records that turn out to be one person", () => {
  it.each([
    ["denied", "approved", "denied"],
    ["approved", "denied", "denied"],
    ["pending", "approved", "buddy"],
    ["denied", "pending", "denied"],
    ["pending", "pending", "pending"],
  ] as const)("I2: %s and %s are %s", async (first, second, verdict) => {
    const a = await house[first](ALICE_PN, "Alice");
    house.now += 1;
    const b = await house[second](ALICE_LID, "Al");
    const learned = await house.access.learn(ALICE, { cause: "m9" });
    const winner = learned.kind === "merged" ? learned.contact : undefined;
    const loser = winner?.code === a.code ? b : a;
    expect(learned).toMatchObject({ gone: loser.code, was: loser.state });
    // The message comes again where a crash kept the news from the owner.
    expect(await house.access.learn(ALICE, { cause: "m9" })).toEqual(learned);
    expect(winner).toMatchObject(ALICE);
    for (const who of [ALICE, ALICE_PN, ALICE_LID]) expect(house.verdict(who)).toBe(verdict);
    await house.restart();
    expect(await house.access.learn(ALICE, { cause: "m9" })).toEqual(learned);
    for (const code of [a.code, b.code]) expect(house.access.byCode(code)?.code).toBe(winner?.code);
    for (const id of [a._id, b._id]) expect(house.access.byId(id)?._id).toBe(winner?._id);
    const { pending, approved, denied } = house.access.counts();
    expect(pending + approved + denied).toBe(1);
    expect((await house.access.audit())[0]).toMatchObject({ action: "merge", contact: winner?._id });
    expect(winner?.history.filter(({ action }) => action === "enter")).toHaveLength(2);
  });

  it("I8: the merged code is nobody else's, and a decision by it reaches the one", async () => {
    const a = await house.pending(ALICE_PN, "Alice");
    const b = await house.approved(ALICE_LID);
    await house.access.learn(ALICE);
    await house.access.deny(a, chat);
    expect(house.access.byCode(b.code)).toMatchObject({ state: "denied", aliases: [a.code] });
  });

  it("a merge that a crash cut short is finished at the next start", async () => {
    const a = await house.pending(ALICE_PN, "Alice");
    const b = await house.denied(ALICE_LID);
    house.failRemove = true;
    await house.access.learn(ALICE);
    house.failRemove = false;
    await house.restart();
    expect(house.access.byCode(a.code)?._id).toBe(b._id);
    expect(house.access.counts()).toEqual({ approved: 0, denied: 1, pending: 0 });
    await house.restart();
    expect(house.access.byId(a._id)?._id).toBe(b._id);
  });

  it("keeps messages of the pending one for handling, where the other is a buddy", async () => {
    const pending = await house.pending(ALICE_PN);
    await house.access.hold(pending, { journalId: "m1", at: 1, preview: "hi" });
    await house.approved(ALICE_LID);
    await house.access.learn(ALICE);
    expect(house.access.unsettled()).toMatchObject([{ held: [{ journalId: "m1" }] }]);
  });
});

describe("a number that comes with another LID", () => {
  it.each(["approved", "pending"] as const)("I1: suspends who was %s, and its writer is a stranger", async (state) => {
    const alice = await house[state](ALICE, "Alice");
    const learned = await house.access.learn(NEWCOMER, { cause: "m1" });
    expect(learned).toMatchObject({ kind: "new-person", was: state, old: { code: alice.code, state: "stranger" } });
    expect(house.verdict(NEWCOMER)).toBe("stranger");
    expect(house.verdict(ALICE_PN)).toBe("stranger");
    expect(house.verdict(ALICE_LID)).toBe("stranger");
    const old = house.access.byCode(alice.code);
    expect(old).toMatchObject({ lid: "2000@lid", name: "Alice" });
    expect(old?.pn).toBeUndefined();
    expect(old?.history.map(({ action }) => action)).toContain("enter");
    const newcomer = await house.pending(NEWCOMER, "Nina");
    expect(newcomer.code).not.toBe(alice.code);
  });

  it("is told again when a crash came between the record and the news", async () => {
    await house.approved(ALICE);
    const learned = await house.access.learn(NEWCOMER, { cause: "m1" });
    await house.restart();
    expect(await house.access.learn(NEWCOMER, { cause: "m1" })).toEqual(learned);
    expect((await house.access.learn(NEWCOMER, { cause: "m2" })).kind).toBe("same");
  });

  it("I1: is found out by a knock too, before anything is decided on it", async () => {
    await house.approved(ALICE);
    const entry = await house.knock(NEWCOMER, house.access.revealToken() ?? "", "Nina");
    expect(entry).toMatchObject({ kind: "entered", contact: { ...NEWCOMER, name: "Nina" } });
    expect(house.verdict(ALICE_LID)).toBe("stranger");
  });

  it("I2: stays denied where it was, on both addresses, and on the new account", async () => {
    const alice = await house.denied(ALICE, "Alice");
    const learned = await house.access.learn(NEWCOMER);
    expect(learned).toMatchObject({ kind: "new-person", was: "denied", old: { code: alice.code, state: "denied" } });
    await house.restart();
    for (const who of [ALICE, ALICE_PN, ALICE_LID, NEWCOMER, person("9999@lid")])
      expect(house.verdict(who)).toBe("denied");
    expect((await house.access.learn(NEWCOMER)).kind).toBe("same");
    await house.access.remove(alice, chat);
    for (const who of [ALICE, NEWCOMER, person("9999@lid")]) expect(house.verdict(who)).toBe("stranger");
  });

  it("I2: suspends a buddy who turns up with a denied number", async () => {
    await house.denied(ALICE, "Alice");
    const buddy = await house.approved(person("9999@lid"), "Nina");
    const learned = await house.access.learn(NEWCOMER);
    expect(learned).toMatchObject({ kind: "new-person", was: "denied", suspended: [{ code: buddy.code }] });
    expect(house.verdict(person("9999@lid"))).toBe("denied");
    expect(house.access.byCode(buddy.code)).toMatchObject({ state: "stranger", name: "Nina" });
    expect((await house.access.learn(NEWCOMER)).kind).toBe("same");
  });

  it("goes to a buddy whose LID was known", async () => {
    const alice = await house.approved(ALICE, "Alice");
    const nina = await house.approved(person("9999@lid"), "Nina");
    await house.access.learn(NEWCOMER);
    expect(house.verdict(NEWCOMER)).toBe("buddy");
    expect(house.access.find(ALICE_PN)?.code).toBe(nina.code);
    expect(house.access.byCode(alice.code)?.state).toBe("stranger");
  });
});

describe("a known LID with another number", () => {
  it("is the same person, whose state stays, and is told", async () => {
    const alice = await house.approved(ALICE, "Alice");
    const learned = await house.access.learn(MOVED);
    expect(learned).toMatchObject({
      kind: "new-number",
      before: ALICE.pn,
      contact: { code: alice.code, state: "approved" },
    });
    expect(house.verdict(MOVED)).toBe("buddy");
    expect(house.verdict(ALICE_PN)).toBe("stranger");
    expect((await house.access.audit())[0]).toMatchObject({ action: "identity", from: "approved", to: "approved" });
    expect((await house.access.learn(MOVED)).kind).toBe("same");
  });

  it("I2: stays denied under the old number too", async () => {
    await house.denied(ALICE);
    await house.access.learn(MOVED);
    await house.restart();
    for (const who of [MOVED, ALICE_LID, ALICE_PN, person("15550002222@s.whatsapp.net")]) {
      expect(house.verdict(who)).toBe("denied");
    }
    await house.access.learn(ALICE);
    for (const who of [MOVED, ALICE, ALICE_PN]) expect(house.verdict(who)).toBe("denied");
  });

  it("takes the number over from a record that had it alone", async () => {
    await house.approved(ALICE);
    await house.denied(person("15550002222@s.whatsapp.net"));
    expect(await house.access.learn(MOVED)).toMatchObject({ kind: "merged", contact: { state: "denied" } });
    expect(house.verdict(MOVED)).toBe("denied");
  });
});

describe("the owner's addresses", () => {
  it("are filled in, and so is the admin chat, but not another chat they write in", async () => {
    await house.access.setOwner(
      { setup: "own-number", person: person("15550001000@s.whatsapp.net"), confirmed: true },
      cli,
    );
    await house.access.learn(OWNER, OWNER.lid ? { chat: OWNER.lid } : {});
    await house.access.learn(OWNER, ALICE.lid ? { chat: ALICE.lid } : {});
    await house.restart();
    expect(house.access.owner()).toMatchObject({ person: OWNER, chat: "1000@lid" });
    expect(house.verdict(person("1000@lid"))).toBe("owner");
    const { writes } = house;
    await house.access.learn(OWNER, OWNER.lid ? { chat: OWNER.lid } : {});
    expect(house.writes).toBe(writes);
  });

  it.each([
    ["another account on their number", person("15550001000@s.whatsapp.net", "666@lid")],
    ["another number on their account", person("15550006666@s.whatsapp.net", "1000@lid")],
  ])("I7: %s stops commands until they are confirmed at the machine", async (_, stranger) => {
    await house.owned();
    expect(await house.access.learn(stranger)).toEqual({ kind: "owner-locked" });
    await house.restart();
    expect(house.verdict(OWNER)).toBe("stranger");
    expect(house.verdict(stranger)).toBe("stranger");
    expect((await house.access.learn(stranger)).kind).toBe("same");
    expect((await house.access.audit())[0]).toMatchObject({ action: "owner-locked" });
    await house.owned();
    expect(house.verdict(OWNER)).toBe("owner");
  });

  it("another owner than before voids the invites; the same one confirmed doesn't", async () => {
    await house.access.setOwner({ setup: "own-number", person: OWNER, confirmed: false, confirmCode: "1234" }, cli);
    await house.access.invite({ label: "Carol" }, cli);
    await house.owned();
    expect(house.access.invites()[0]?.revoked).toBeUndefined();
    await house.access.setOwner({ setup: "own-number", person: BOB, confirmed: true }, cli);
    expect(house.access.invites()[0]?.revoked).toBe(house.now);
  });

  it("of `self` are filled in when the link is known, which voids nothing", async () => {
    await house.access.setOwner({ setup: "self", person: {}, confirmed: true }, cli);
    await house.access.invite({ label: "Carol" }, cli);
    await house.access.setOwner({ setup: "self", person: OWNER, confirmed: true }, { door: "gateway", who: "link" });
    expect(house.access.invites()[0]?.revoked).toBeUndefined();
    expect(house.access.judge({ place: "person", sender: OWNER, fromMe: true }).kind).toBe("owner");
  });
});
