/** What stays on record, and in the audit, when addresses change hands. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { present } from "../../src/present.js";
import { ALICE, BOB, chat, DAY, House, person } from "./house.js";

let house: House;
beforeEach(async () => {
  house = await House.open();
});
afterEach(() => house.close());

/** Alice's number, on another account. */
const NEWCOMER = person("15550002000@s.whatsapp.net", "9999@lid");
const BY = { door: "gateway", who: "WhatsApp", cause: "m1" };

/** The newest record of the audit, without what the clock and chance made. */
async function lastRecord() {
  const [{ _id, at, contact, code, ...record } = {} as never] = await house.access.audit();
  return record;
}

describe("a number that passed to somebody else", () => {
  const NOTE = "the number now belongs to another account: 15550002000@s.whatsapp.net";

  it("takes from the old contact what let them in, and the number; name, LID and history stay", async () => {
    const alice = await house.approved(ALICE, "Alice");
    await house.access.learn(ALICE, present({ chat: ALICE.pn }));
    house.now += 5;
    const learned = await house.access.learn(NEWCOMER, { cause: "m1" });
    const { pn: _pn, via: _via, before: _before, ...kept } = alice;
    const history = [...alice.history, expect.objectContaining({ action: "suspend", by: BY, note: NOTE })];
    const old = { ...kept, state: "stranger", since: house.now, held: [], history };
    expect(learned).toEqual({ kind: "new-person", was: "approved", old });
    expect(await lastRecord()).toEqual({
      action: "suspend",
      by: BY,
      from: "approved",
      to: "stranger",
      name: "Alice",
      note: NOTE,
    });
  });

  it("keeps the chat that is not that number", async () => {
    await house.approved(ALICE, "Alice");
    await house.access.learn(ALICE, present({ chat: ALICE.lid }));
    const learned = await house.access.learn(NEWCOMER);
    expect(learned).toMatchObject({ old: { chat: "2000@lid" } });
  });

  it("lets go of what they wrote while they waited", async () => {
    const alice = await house.pending(ALICE);
    await house.access.hold(alice, { journalId: "m0", at: 1, preview: "hi" });
    expect(await house.access.learn(NEWCOMER)).toMatchObject({ was: "pending", old: { held: [] } });
  });

  it("is the writer's from then on: without a record of it where they had none, with one where it replaced another", async () => {
    await house.approved(ALICE);
    const nina = await house.approved(person("9999@lid"), "Nina");
    await house.access.learn(NEWCOMER, { cause: "m1" });
    expect(house.access.find(NEWCOMER)).toEqual({ ...nina, pn: NEWCOMER.pn });
    const mover = await house.approved(person("7777@lid", "15550007777@s.whatsapp.net"), "Mo");
    await house.access.learn(person("7777@lid", "15550002000@s.whatsapp.net"), { cause: "m1" });
    expect(house.access.byCode(mover.code)).toMatchObject({ pn: NEWCOMER.pn, state: "approved" });
    expect(await lastRecord()).toEqual({
      action: "identity",
      by: BY,
      from: "approved",
      to: "approved",
      name: "Mo",
      note: "number was 15550007777@s.whatsapp.net",
    });
  });

  it("is told again for the same message only, and only for a day after it", async () => {
    const alice = await house.approved(ALICE);
    await house.access.learn(NEWCOMER, { cause: "m1" });
    await house.restart();
    const again = { kind: "new-person", was: "approved", old: house.access.byCode(alice.code) };
    expect(await house.access.learn(NEWCOMER, { cause: "m1" })).toEqual(again);
    expect(await house.access.learn(NEWCOMER, { cause: "m2" })).toEqual({ kind: "same" });
    expect(await house.access.learn(NEWCOMER)).toEqual({ kind: "same" });
    house.now += 40 * DAY;
    await house.restart();
    expect(await house.access.learn(NEWCOMER, { cause: "m1" })).toEqual({ kind: "same" });
  });

  it("without a cause is not told again", async () => {
    await house.approved(ALICE);
    await house.access.learn(NEWCOMER);
    expect((await house.access.audit())[0]?.by).toEqual({ door: "gateway", who: "WhatsApp" });
    await house.restart();
    expect(await house.access.learn(NEWCOMER)).toEqual({ kind: "same" });
  });
});

describe("a new number of a known account", () => {
  const moved = person("15550002222@s.whatsapp.net", "2000@lid");

  it.each(["approved", "pending"] as const)(
    "leaves who was %s as they are, without further addresses",
    async (state) => {
      const alice = await house[state](ALICE, "Alice");
      expect(await house.access.learn(moved, { cause: "m1" })).toEqual({
        kind: "new-number",
        before: ALICE.pn,
        contact: {
          ...alice,
          pn: moved.pn,
          history: [...alice.history, expect.objectContaining({ action: "identity" })],
        },
      });
      expect(await lastRecord()).toMatchObject({ by: BY, note: "number was 15550002000@s.whatsapp.net" });
    },
  );

  it("I2: of the denied goes on denying the old number, each of several", async () => {
    const alice = await house.denied(ALICE, "Alice");
    await house.access.learn(moved);
    await house.access.learn(person("15550002333@s.whatsapp.net", "2000@lid"));
    expect(house.access.byCode(alice.code)).toMatchObject({
      pn: "15550002333@s.whatsapp.net",
      also: [ALICE.pn, moved.pn],
    });
  });
});

describe("a denial", () => {
  it("I2: grows over the account that writes with its number, and says so", async () => {
    const alice = await house.denied(ALICE, "Alice");
    expect(await house.access.learn(NEWCOMER, { cause: "m1" })).toEqual({
      kind: "new-person",
      was: "denied",
      old: { ...alice, also: ["9999@lid"], history: [...alice.history, expect.objectContaining({ to: "denied" })] },
    });
    expect(await lastRecord()).toEqual({
      action: "identity",
      by: BY,
      from: "denied",
      to: "denied",
      name: "Alice",
      note: "the denial now covers 9999@lid",
    });
  });

  it("I2: suspends who was let in under an address that it covers, and names the code", async () => {
    const alice = await house.denied(ALICE, "Alice");
    const bob = await house.approved(BOB, "Bob");
    await house.access.learn(person("15550002000@s.whatsapp.net", "3000@lid"), { cause: "m1" });
    expect(house.access.byCode(bob.code)).toMatchObject({ state: "stranger", pn: BOB.pn, lid: BOB.lid });
    expect(await lastRecord()).toMatchObject({ note: `shares an address with ${alice.code}, who is denied` });
    expect(house.verdict(BOB)).toBe("denied");
  });
});

describe("records that come together or apart", () => {
  it("a merge is noted with whom it was about", async () => {
    await house.approved(person("2000@lid"), "Alice");
    const byNumber = await house.pending(person("15550002000@s.whatsapp.net"), "Alice");
    const learned = await house.access.learn(ALICE);
    if (learned.kind !== "merged") throw new Error(learned.kind);
    const record = await lastRecord();
    expect(record).toMatchObject({ action: "merge", note: `${learned.gone} (${byNumber.state}) is the same person` });
  });

  it("a merge that brought a new number is told again, with the old one, when the message comes again", async () => {
    const old = "15550002222@s.whatsapp.net";
    const byLid = await house.approved(person(old, "2000@lid"), "Alice");
    const byNumber = await house.pending(person("15550002000@s.whatsapp.net"));
    const news = { kind: "merged", gone: byNumber.code, was: "pending", before: old };
    expect(await house.access.learn(ALICE, { cause: "m1" })).toMatchObject(news);
    expect(await lastRecord()).toMatchObject({
      note: `${byNumber.code} (pending) is the same person, number was ${old}`,
    });
    await house.restart();
    const contact = house.access.byCode(byLid.code);
    expect(await house.access.learn(ALICE, { cause: "m1" })).toEqual({ ...news, contact });
  });

  it("a merge without a new number is told again without one", async () => {
    await house.approved(person("2000@lid"), "Alice");
    await house.pending(person("15550002000@s.whatsapp.net"));
    const first = await house.access.learn(ALICE, { cause: "m1" });
    expect(first).not.toHaveProperty("before");
    await house.restart();
    expect(await house.access.learn(ALICE, { cause: "m1" })).toEqual(first);
  });

  it("who lost a number is the news, also when the message of who has it now comes again", async () => {
    const alice = await house.approved(ALICE, "Alice");
    const moved = person("15550002000@s.whatsapp.net", "7777@lid");
    await house.approved(person("15550007777@s.whatsapp.net", "7777@lid"), "Mo");
    for (const isAgain of [false, true]) {
      if (isAgain) await house.restart();
      const news = { kind: "new-person", was: "approved", old: { code: alice.code } };
      expect(await house.access.learn(moved, { cause: "m1" })).toMatchObject(news);
    }
  });

  it("what an order decided is no news about addresses", async () => {
    const alice = await house.pending(ALICE);
    await house.access.approve(alice, { ...chat, cause: "m1" });
    expect(await house.access.learn(ALICE, { cause: "m1" })).toMatchObject({ kind: "same" });
  });

  it("what was learned comes with the name and chat that the message brought", async () => {
    const facts = present({ name: "Ali", chat: ALICE.lid, cause: "m1" });
    const moved = person("15550002222@s.whatsapp.net", "2000@lid");
    await house.approved(person("15550002000@s.whatsapp.net", "2000@lid"), "Alice");
    for (const isAgain of [false, true]) {
      if (isAgain) await house.restart();
      const learned = await house.access.learn(moved, facts);
      const contact = house.access.find(moved);
      expect(contact).toMatchObject({ name: "Ali", chat: ALICE.lid, pn: moved.pn });
      expect(learned).toEqual({ kind: "new-number", before: ALICE.pn, contact });
    }
    const named = await house.access.learn(moved, { ...facts, name: "Alina" });
    expect(named).toEqual({ kind: "new-number", before: ALICE.pn, contact: house.access.find(moved) });
    expect(house.access.find(moved)?.name).toBe("Alina");
    expect(await house.access.learn(moved, { name: "Alba" })).toEqual({
      kind: "same",
      contact: house.access.find(moved),
    });
    await house.pending(person("15550003000@s.whatsapp.net"));
    await house.approved(person("3000@lid"), "Bob");
    const merged = await house.access.learn(BOB, { name: "Bobby" });
    expect(merged).toMatchObject({ kind: "merged", contact: house.access.find(BOB) });
    expect(house.access.find(BOB)?.name).toBe("Bobby");
  });

  it("who is suspended keeps no reminder and no block", async () => {
    await house.pending(ALICE);
    house.now += 6 * DAY;
    await house.access.tick();
    expect(house.access.find(ALICE)).toHaveProperty("reminded");
    const learned = await house.access.learn(NEWCOMER);
    if (learned.kind !== "new-person") throw new Error(learned.kind);
    expect(learned.was).toBe("pending");
    for (const gone of ["reminded", "blocked", "also", "via", "before"]) expect(learned.old).not.toHaveProperty(gone);
  });
});
