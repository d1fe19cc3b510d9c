/** Contacts on disk and in memory: how much of their past they keep, in which order, and what a failing disk leaves. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type AccessDoc, createAccess } from "../../src/access/index.js";
import { ALICE, BOB, chat, House, person } from "./house.js";

let house: House;
beforeEach(async () => {
  house = await House.open();
});
afterEach(() => house.close());

const HIDDEN = person("2000@lid");
const SHOWN = person("15550002000@s.whatsapp.net");

describe("a contact", () => {
  it("keeps its last fifty decisions, the audit all", async () => {
    const alice = await house.pending(ALICE);
    for (let count = 0; count < 30; count++) {
      await house.access.deny(alice, chat);
      await house.access.remove(alice, chat);
    }
    const { history = [] } = house.access.byId(alice._id) ?? {};
    expect(history.map(({ action }) => action)).toEqual(Array(25).fill(["deny", "remove"]).flat());
    expect(await house.access.audit({ limit: 1000 })).toHaveLength(62);
  });

  it("keeps fifty of two that were merged", async () => {
    const one = await house.pending(SHOWN);
    const other = await house.pending(HIDDEN);
    for (let count = 0; count < 20; count++) {
      for (const contact of [one, other]) {
        await house.access.deny(contact, chat);
        await house.access.remove(contact, chat);
      }
    }
    await house.access.learn(ALICE);
    const { history = [] } = house.access.find(ALICE) ?? {};
    expect(history).toHaveLength(50);
    expect(history.at(-1)?.action).toBe("merge");
  });

  it("new begins as nothing but its addresses", async () => {
    const { contact, decision } = await house.access.deny(BOB, chat);
    expect(contact).toEqual({
      _id: expect.stringMatching(/^c[0-9B-DF-HJ-NP-TV-Z]{12}$/),
      code: contact.code,
      aliases: [],
      ...BOB,
      name: "",
      state: "denied",
      since: house.now,
      episode: 0,
      held: [],
      history: [decision],
      before: { decision: decision.id, since: house.now, held: [], also: [] },
    });
  });

  it("decisions have ids in the order of their making, also within one millisecond", async () => {
    const alice = await house.pending(ALICE);
    for (let count = 0; count < 40; count++) {
      await house.access.deny(alice, chat);
      await house.access.remove(alice, chat);
      if (count === 20) house.now += 1;
    }
    const ids = (await house.access.audit({ limit: 1000 })).map(({ _id }) => _id).reverse();
    expect([...ids].sort()).toEqual(ids);
    for (const id of ids) expect(id).toMatch(/^[0-9a-z]{9}[0-9a-z]{4}[0-9B-DF-HJ-NP-TV-Z]{6}$/);
  });
});

describe("the record that a merge left over", () => {
  it("goes at the next start where the disk failed, the log says so, and other records stay", async () => {
    const one = await house.pending(SHOWN);
    const other = await house.pending(HIDDEN);
    const bob = await house.pending(BOB);
    house.failRemove = true;
    const learned = await house.access.learn(ALICE);
    if (learned.kind !== "merged") throw new Error(learned.kind);
    expect(house.warnings).toEqual(["Records that are no longer needed could not be removed yet."]);
    const [gone] = [one, other].filter(({ _id }) => _id !== learned.contact._id);
    await house.restart();
    expect(house.warnings).toHaveLength(2);
    house.failRemove = false;
    await house.restart();
    expect(house.warnings).toHaveLength(2);
    expect(await house.onDisk()).toEqual([bob._id, learned.contact._id].sort());
    expect(house.access.byId(gone?._id ?? "")?._id).toBe(learned.contact._id);
    expect(house.access.counts().pending).toBe(2);
  });

  it("goes at once where the disk works", async () => {
    await house.pending(SHOWN);
    await house.pending(HIDDEN);
    await house.access.learn(ALICE);
    expect(await house.onDisk()).toEqual([house.access.find(ALICE)?._id]);
  });

  it("is no trouble where nobody keeps a log", async () => {
    const documents = { get: async () => undefined, find: async () => [], count: async () => 0, close: async () => {} };
    const full = {
      ...documents,
      put: async () => {},
      putAll: async () => {},
      remove: () => Promise.reject(new Error("no")),
    };
    const access = await createAccess({
      access: full,
      audit: { ...full, remove: async () => {} } as never,
      clock: () => house.now,
      random: house.random,
    } as never);
    await access.deny(SHOWN, chat);
    await access.deny(HIDDEN, chat);
    expect((await access.learn(ALICE)).kind).toBe("merged");
    await access.close();
  });
});

it.each([
  ["a state", (contact: object) => ({ kind: "contact", contact: { ...contact, state: "muted" } })],
  ["a kind of document", () => ({ kind: "group" })],
])("a book with %s of which this version knows nothing is refused, and left as it is", async (_, change) => {
  const alice = await house.pending(ALICE);
  // As a version to come writes it.
  const strange = { ...change(alice), _id: alice._id } as unknown as AccessDoc;
  await house.document(alice._id, strange);
  await expect(house.restart()).rejects.toMatchObject({
    code: "store-unknown",
    message: `access.db holds a record that this version does not know (${alice._id}), written by a newer KafClaw? Update KafClaw, or restore the file from a backup.`,
  });
  expect(await house.document(alice._id)).toEqual(strange);
});
