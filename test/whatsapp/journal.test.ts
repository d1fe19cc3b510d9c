import { describe, expect, it } from "vitest";
import { Journal, type JournalRecord, journalId } from "../../src/whatsapp/journal.js";
import { tempStore } from "./temp-store.js";

const HOUR = 60 * 60 * 1000;

async function openJournal(now: { ms: number } = { ms: 1_000_000 }) {
  const collection = await (await tempStore()).open<JournalRecord>("journal");
  return { collection, now, journal: await Journal.open(collection, () => now.ms) };
}

const attrs = (id: string, from = "15550002000@s.whatsapp.net") => ({ id, from, t: "1000" });
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

  it("I10: after a restart hands out what was not handled, in order of arrival", async () => {
    const { journal, collection, now } = await openJournal();
    for (const id of ["A1", "A2", "A3"]) await journal.record([journal.draft(attrs(id), text(id))]);
    const second = await journal.get(journalId(attrs("A2")));
    if (second) await journal.handled(second, { verdict: "buddy", keepBody: true });
    const again = await Journal.open(collection, () => now.ms);
    expect((await again.unhandled()).map((record) => record.attrs.id)).toEqual(["A1", "A3"]);
    expect(again.draft(attrs("A4"), text("A4")).seq).toBeGreaterThan(second?.seq ?? 0);
  });

  it("I10: one person's message has one id, PN- or LID-addressed, from whichever device", () => {
    const lid = { id: "X", from: "77:3@lid", sender_pn: "15550002000@s.whatsapp.net" };
    const pn = { id: "X", from: "15550002000:3@s.whatsapp.net", sender_lid: "77@lid" };
    expect(journalId(pn)).toBe(journalId(lid));
  });

  it("I10: nobody can use up the id of somebody else's message", async () => {
    const { journal } = await openJournal();
    await journal.record([journal.draft(attrs("X", "1@s.whatsapp.net"), text("mine"))]);
    await journal.record([journal.draft(attrs("X", "2@s.whatsapp.net"), text("yours"))]);
    expect(await journal.unhandled()).toHaveLength(2);
  });

  it("leaves id and verdict only of strangers, and bounds them without touching contacts", async () => {
    const { journal, collection } = await openJournal();
    const buddy = journal.draft(attrs("B1", "9@lid"), text("keep me"));
    await journal.record([buddy]);
    await journal.handled(buddy, { verdict: "buddy", keepBody: true });
    for (let index = 0; index < 5_600; index += 1) {
      const record = journal.draft(attrs(`S${index}`, `${index}@lid`), text("spam"));
      await journal.handled(record, { verdict: "stranger", keepBody: false, who: "+1", what: "spam" });
    }
    const strangers = await collection.find({ verdict: "stranger" });
    expect(strangers.length).toBeLessThanOrEqual(5_500);
    expect(strangers.every(({ body, attrs }) => body === "" && Object.keys(attrs).length === 0)).toBe(true);
    expect((await journal.get(buddy._id))?.body).not.toBe("");
    expect((await journal.missed(2)).map(({ _id }) => _id)).toEqual(["5599@lid/S5599", "5598@lid/S5598"]);
  });

  it("drops handled bodies after a day and handled ids after a month", async () => {
    const { journal, now, collection } = await openJournal();
    const record = journal.draft(attrs("B1"), text("hello"));
    await journal.record([record]);
    await journal.handled(record, { verdict: "owner", keepBody: true });
    now.ms += 25 * HOUR;
    await journal.prune();
    expect((await journal.get(record._id))?.body).toBe("");
    now.ms += 32 * 24 * HOUR;
    await journal.prune();
    expect(await collection.count()).toBe(0);
  });
});
