/** Two records that become one, down to each field. */
import { describe, expect, it } from "vitest";
import type { Lid, Pn } from "../../src/access/identity.js";
import { bounded, lastHeld, mergeOf, plan } from "../../src/access/learning.js";
import type { Code, Contact, Held } from "../../src/access/types.js";
import { cli } from "./house.js";

const PN = "15550002000@s.whatsapp.net" as Pn;
const LID = "2000@lid" as Lid;
const OTHER_PN = "15550009999@s.whatsapp.net" as Pn;
const OTHER_LID = "9999@lid" as Lid;

function contact(facts: Partial<Contact> & { _id: string }): Contact {
  const code = facts._id.toUpperCase().padEnd(4, "0") as Code;
  return {
    code,
    aliases: [],
    name: "",
    state: "approved",
    since: 1,
    episode: 1,
    held: [],
    history: [],
    ...facts,
  };
}

const entered = (id: string, at: number) =>
  ({ id, action: "enter", from: "stranger", to: "pending", at, by: cli }) as const;
const held = (journalId: string, at: number): Held => ({ journalId, at, preview: journalId });

describe("what two addresses that came together come to", () => {
  const both = contact({ _id: "a", pn: PN, lid: LID });
  const byPn = contact({ _id: "b", pn: PN });
  const byLid = contact({ _id: "c", lid: LID });

  it("is nothing new where the record has both, or there is none", () => {
    expect(plan(PN, LID, { byPn: both, byLid: both, matches: [both] })).toEqual({ kind: "nothing" });
    const none = { byPn: undefined, byLid: undefined, matches: [] };
    expect(plan(PN, LID, none)).toEqual({ kind: "nothing" });
  });

  it("fills in the address that was missing", () => {
    const person = { pn: PN, lid: LID };
    expect(plan(PN, LID, { byPn, byLid: undefined, matches: [byPn] })).toEqual({
      kind: "fill",
      contact: byPn,
      person,
    });
    expect(plan(PN, LID, { byPn: undefined, byLid, matches: [byLid] })).toEqual({
      kind: "fill",
      contact: byLid,
      person,
    });
  });

  it("is a new person where the number has another LID, with the writer's record where there is one", () => {
    const old = contact({ _id: "o", pn: PN, lid: OTHER_LID });
    const known = { byPn: old, byLid: undefined, matches: [old] };
    expect(plan(PN, LID, known)).toEqual({ kind: "new-person", old });
    expect(plan(PN, LID, { ...known, byLid })).toEqual({ kind: "new-person", old, writer: byLid });
  });

  it("of two equal records keeps the older, and the LID's where they are of one age", () => {
    const at = (since: number, record: Contact) => ({ ...record, since });
    const winner = (pnSince: number, lidSince: number) => {
      const [one, other] = [at(pnSince, byPn), at(lidSince, byLid)];
      const found = plan(PN, LID, { byPn: one, byLid: other, matches: [one, other] });
      return found.kind === "merge" ? found.winner._id : found.kind;
    };
    expect([winner(1, 2), winner(2, 1), winner(1, 1)]).toEqual(["b", "c", "c"]);
  });

  it("lets a denial cover what is new, and suspends only who was let in or waits", () => {
    const denied = contact({ _id: "d", pn: PN, lid: OTHER_LID, state: "denied", also: [OTHER_PN] });
    const by = (state: Contact["state"]) => {
      const other = { ...byLid, state };
      return plan(PN, LID, { byPn: denied, byLid: other, matches: [denied, other] });
    };
    for (const state of ["approved", "pending"] as const) {
      expect(by(state)).toEqual({ kind: "cover", denied, addresses: [LID], suspended: [{ ...byLid, state }] });
    }
    expect(by("stranger")).toEqual({ kind: "cover", denied, addresses: [LID], suspended: [] });
    const covering = { ...denied, also: [LID] } as Contact;
    const known = { byPn: covering, byLid: undefined, matches: [covering] };
    expect(plan(PN, LID, known)).toEqual({ kind: "nothing" });
    const pending = { ...byLid, state: "pending" } as Contact;
    expect(plan(PN, LID, { byPn: covering, byLid: pending, matches: [covering, pending] })).toEqual({
      kind: "cover",
      denied: covering,
      addresses: [],
      suspended: [pending],
    });
  });

  it("a denial that only has the number is the writer's own", () => {
    const denied = { ...byPn, state: "denied" } as Contact;
    expect(plan(PN, LID, { byPn: denied, byLid: undefined, matches: [denied] })).toMatchObject({
      kind: "fill",
      contact: { _id: "b" },
    });
    const former = contact({ _id: "f", pn: OTHER_PN, state: "denied", also: [PN] });
    expect(plan(PN, LID, { byPn: undefined, byLid: undefined, matches: [former] })).toMatchObject({
      kind: "cover",
      addresses: [LID],
    });
  });
});

describe("two records as one", () => {
  const winner = contact({
    _id: "w",
    lid: LID,
    aliases: ["W111" as Code],
    merged: ["m1"],
    joined: [],
    episode: 2,
    history: [entered("e2", 20), entered("e4", 40)],
    held: [held("h2", 2)],
    before: { decision: "e4", since: 1, held: [], also: [] },
  });
  const loser = contact({
    _id: "l",
    pn: PN,
    name: "Al",
    aliases: ["L111" as Code],
    merged: ["m2"],
    joined: [{ contactId: "m2", episode: 1 }],
    episode: 3,
    history: [entered("e1", 10), entered("e3", 30)],
    held: [held("h1", 1)],
    via: { kind: "token", tokenId: "t" },
    state: "pending",
  });
  const addresses = { pn: PN, lid: LID };

  it("have the winner's id, code and state, and all else of both", () => {
    const { before: _, ...kept } = winner;
    expect(mergeOf(winner, loser, addresses)).toEqual({
      ...kept,
      pn: PN,
      lid: LID,
      aliases: ["W111", loser.code, "L111"],
      merged: ["m1", "l", "m2"],
      name: "Al",
      joined: [
        { contactId: "l", episode: 3 },
        { contactId: "m2", episode: 1 },
      ],
      held: [held("h1", 1), held("h2", 2)],
      history: ["e1", "e2", "e3", "e4"].map((id, index) => entered(id, (index + 1) * 10)),
      via: { kind: "token", tokenId: "t" },
    });
    const plain = contact({ _id: "p", lid: LID });
    expect(mergeOf(plain, contact({ _id: "q", pn: PN }), addresses)).toEqual({
      ...plain,
      pn: PN,
      aliases: ["Q000"],
      merged: ["q"],
      joined: [],
    });
  });

  it("keep the winner's name and way in where both have one", () => {
    const named = { ...winner, name: "Alice", via: { kind: "token", tokenId: "u" } } as Contact;
    expect(mergeOf(named, loser, addresses)).toMatchObject({ name: "Alice", via: { tokenId: "u" } });
  });

  it.each([
    [true, undefined],
    [undefined, true],
  ])("are blocked where one was (%s, %s)", (one, other) => {
    const blocked = (record: Contact, is: boolean | undefined) => (is ? { ...record, blocked: true } : record);
    expect(mergeOf(blocked(winner, one), blocked(loser, other), addresses).blocked).toBe(true);
    expect("blocked" in mergeOf(winner, loser, addresses)).toBe(false);
    const due = (record: Contact, is: boolean | undefined) => (is ? ({ ...record, blockDue: true } as const) : record);
    expect(mergeOf(due(winner, one), due(loser, other), addresses).blockDue).toBe(true);
    expect("blockDue" in mergeOf(winner, loser, addresses)).toBe(false);
  });

  it("I2: go on denying every address that either had, and hold nothing", () => {
    const denied = { ...winner, state: "denied", pn: OTHER_PN, also: ["1@lid" as Lid] } as Contact;
    const more = { ...loser, lid: OTHER_LID, also: ["2@lid" as Lid] } as Contact;
    const merged = mergeOf(denied, more, addresses);
    expect(merged.also).toEqual(["1@lid", "2@lid", OTHER_PN, OTHER_LID]);
    expect(merged.held).toEqual([]);
    const bare = mergeOf({ ...winner, state: "denied" } as Contact, loser, addresses);
    expect("also" in bare).toBe(false);
    expect("also" in mergeOf({ ...winner, pn: OTHER_PN } as Contact, loser, addresses)).toBe(false);
  });

  it("hold the last five messages, oldest first, each once", () => {
    const many = [5, 3, 1, 4, 2, 6].map((at) => held(`h${at}`, at));
    expect(lastHeld([...many, held("h6", 6)]).map(({ at }) => at)).toEqual([2, 3, 4, 5, 6]);
  });

  it("cover at most 50 further addresses, the newest, each once, and none of their own", () => {
    const many = Array.from({ length: 60 }, (_, index) => `${index}@lid` as Lid);
    const covered = bounded([LID, PN, ...many, "59@lid" as Lid], { pn: PN, lid: LID });
    expect(covered).toEqual(many.slice(-50));
    expect(bounded([PN, LID, OTHER_LID], { pn: PN })).toEqual([LID, OTHER_LID]);
    expect(bounded([PN, LID, OTHER_LID], { lid: LID })).toEqual([PN, OTHER_LID]);
  });
});
