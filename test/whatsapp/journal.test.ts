import { proto } from "@whiskeysockets/baileys";
import { describe, expect, it } from "vitest";
import { Journal, type JournalRecord, journalId, senderOf } from "../../src/whatsapp/journal.js";
import { tempStore } from "./temp-store.js";

const HOUR = 60 * 60 * 1000;

async function openJournal(now: { ms: number } = { ms: 1_000_000 }) {
  const collection = await (await tempStore()).open<JournalRecord>("journal");
  return { collection, now, journal: await Journal.open(collection, () => now.ms) };
}

const attrs = (id: string, from = "15550002000@s.whatsapp.net") => ({ id, from, t: "1000" });
const bounds = (verdict: string) => (verdict === "group" ? "denied" : verdict);
const text = (words: string) => new TextEncoder().encode(words);

describe("Journal", () => {
  it("I10: keeps the first record of a message and tells of it once, however often it is recorded", async () => {
    const { journal } = await openJournal();
    const told: string[] = [];
    journal.onRecord((record) => told.push(record._id));
    await journal.record([journal.draft(attrs("A1"), text("hello"))]);
    await journal.record([journal.draft(attrs("A1"), text("hello again"))]);
    expect(told).toHaveLength(1);
    const [left] = await journal.unhandled();
    expect(Buffer.from(left?.body ?? "", "base64").toString()).toBe("hello");
  });

  it("I10: tells once of a message that comes in two ways at the same time, as itself and with the history", async () => {
    const { journal } = await openJournal();
    const told: string[] = [];
    journal.onRecord((record) => told.push(record._id));
    const twice = ["live", "history"].map((way) => journal.record([journal.draft(attrs("A1"), text(way))]));
    await Promise.all(twice);
    expect(told).toHaveLength(1);
    const [left] = await journal.unhandled();
    expect(Buffer.from(left?.body ?? "", "base64").toString()).toBe("live");
  });

  it("I10: after a restart hands out what was not handled, in order of arrival", async () => {
    const { journal, collection, now } = await openJournal();
    for (const id of ["A1", "A2", "A3"]) await journal.record([journal.draft(attrs(id), text(id))]);
    const second = await journal.get(journalId(attrs("A2")));
    if (second) await journal.handled(second, { verdict: "buddy" });
    const again = await Journal.open(collection, () => now.ms);
    expect((await again.unhandled()).map((record) => record.attrs.id)).toEqual(["A1", "A3"]);
    expect(again.draft(attrs("A4"), text("A4")).seq).toBeGreaterThan(second?.seq ?? 0);
  });

  it("I10: one person's message has one id, PN- or LID-addressed, from whichever device", () => {
    const lid = { id: "X", from: "77:3@lid", sender_pn: "15550002000@s.whatsapp.net" };
    const pn = { id: "X", from: "15550002000:3@s.whatsapp.net", sender_lid: "77@lid" };
    expect(journalId(pn)).toBe(journalId(lid));
  });

  it("I10: one person's messages are of one sender, from the device that Meta hosts for a business as from the phone", () => {
    const senders = ["77@lid", "77:99@hosted.lid", "77_1:3@lid"].map((from) => senderOf(journalId({ id: "X", from })));
    expect(senders).toEqual(["77@lid", "77@lid", "77@lid"]);
    const hosted = { id: "X", from: "15550002000:99@hosted", sender_lid: "77@lid" };
    expect(journalId(hosted)).toBe("77@lid/X");
    expect(journalId({ id: "X", from: "15550002000:99@hosted" })).toBe("15550002000@s.whatsapp.net/X");
  });

  it("I10: knows a message by LID that came by number when nobody could tell the LID", async () => {
    const { journal } = await openJournal();
    await journal.record([journal.draft({ id: "X", from: "15550002000:3@s.whatsapp.net" }, text("once"))]);
    const again = { id: "X", from: "77:3@lid", sender_pn: "15550002000@s.whatsapp.net" };
    await journal.record([journal.draft(again, text("twice"))]);
    await journal.record([journal.draft({ ...again, id: "Y" }, text("another"))]);
    expect((await journal.unhandled()).map(({ attrs }) => attrs.id)).toEqual(["X", "Y"]);
  });

  it("I10: nobody can use up the id of somebody else's message", async () => {
    const { journal } = await openJournal();
    await journal.record([journal.draft(attrs("X", "1@s.whatsapp.net"), text("mine"))]);
    await journal.record([journal.draft(attrs("X", "2@s.whatsapp.net"), text("yours"))]);
    expect(await journal.unhandled()).toHaveLength(2);
  });

  it("leaves no text of what was handled, and tells who wrote it", async () => {
    const { journal } = await openJournal();
    const record = journal.draft(attrs("B1", "9:2@lid"), text("between us"));
    await journal.record([record]);
    await journal.handled(record, { verdict: "buddy", what: "text" });
    expect(await journal.get(record._id)).toMatchObject({ attrs: {}, body: "", verdict: "buddy", what: "text" });
    expect(senderOf(record._id)).toBe("9@lid");
  });

  it("keeps of contacts' messages what their edits are sealed with, found by whichever address the edit names", async () => {
    const { journal } = await openJournal();
    const sealing = proto.Message.encode({ messageContextInfo: { messageSecret: new Uint8Array(32) } }).finish();
    const left = async (id: string, verdict: string) => {
      const record = journal.draft(attrs(id), Buffer.concat([sealing, Buffer.of(1)]));
      await journal.record([record]);
      await journal.handled(record, { verdict });
      const edit = journal.draft({ id: "E1", from: "77@lid", sender_pn: attrs(id).from }, text("edit"));
      return (await journal.bySameSender(edit, id))?.body;
    };
    expect(await left("B1", "buddy")).not.toBe("");
    expect(await left("S1", "stranger")).toBe("");
    expect(await journal.bySameSender(journal.draft(attrs("E1", "9@lid"), text("edit")), "B1")).toBeUndefined();
  });

  it.each([
    { verdict: "stranger", most: 5_500 },
    { verdict: "denied", most: 5_500 },
    { verdict: "group", most: 5_500 },
    { verdict: "buddy", most: 20_500 },
  ])("bounds what a flood of $verdict leaves, and what is held or of others stays", async ({ verdict, most }) => {
    const { journal, collection } = await openJournal();
    const waits = journal.draft(attrs("H1", "8@lid"), text("hold me"));
    await journal.record([waits]);
    await journal.handled(waits, { verdict: "pending", held: true });
    // The denied and groups share a bound.
    const others = ["stranger", "denied", "buddy"].filter((other) => bounds(other) !== bounds(verdict));
    for (const other of others) {
      await journal.handled(journal.draft(attrs(other), text("hello")), { verdict: other, who: "+1", what: "hello" });
    }
    const count = most + 600;
    for (let index = 0; index < count; index += 1) {
      await journal.handled(journal.draft(attrs(`F${index}`), text("spam")), { verdict });
    }
    const left = await collection.find({ verdict }, { sort: { seq: -1 } });
    expect(left.length).toBeLessThanOrEqual(most);
    expect(left[0]?._id).toBe(journalId(attrs(`F${count - 1}`)));
    expect(Buffer.from((await journal.get(waits._id))?.body ?? "", "base64").toString()).toBe("hold me");
    const known = await Promise.all(others.map((other) => journal.get(journalId(attrs(other)))));
    expect(known.map((record) => record?.verdict)).toEqual(others);
  });

  it("tells the last strangers, the newest first, each once, however often they wrote", async () => {
    const { journal } = await openJournal();
    for (const [index, who] of ["1", "2", "3", "2", "4", "2"].entries()) {
      const record = journal.draft(attrs(`M${index}`, `${who}@lid`), text("spam"));
      await journal.handled(record, { verdict: "stranger", what: "spam" });
    }
    await journal.handled(journal.draft(attrs("B1", "5@lid"), text("hello")), { verdict: "buddy" });
    const found = await journal.missed(2, (jid) => jid !== "4@lid");
    expect(found.map(({ _id, messages }) => [_id, messages])).toEqual([
      ["2@lid/M5", 3],
      ["3@lid/M2", 1],
    ]);
  });

  it("drops handled ids after a month, and what is held stays", async () => {
    const { journal, now, collection } = await openJournal();
    const record = journal.draft(attrs("B1"), text("hello"));
    await journal.record([record]);
    await journal.handled(record, { verdict: "owner" });
    const waits = journal.draft(attrs("H1"), text("hold me"));
    await journal.handled(waits, { verdict: "pending", held: true });
    now.ms += 30 * 24 * HOUR;
    await journal.prune();
    expect(await collection.count()).toBe(2);
    now.ms += 2 * 24 * HOUR;
    await journal.prune();
    expect((await collection.find()).map(({ _id }) => _id)).toEqual([waits._id]);
  });
});
