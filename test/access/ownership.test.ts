/** The owner on record: what is written, noted and voided when it changes, and when WhatsApp tells something new. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Owner } from "../../src/access/api.js";
import { chat, cli, House, person } from "./house.js";

const PN = "15550001000@s.whatsapp.net";
const LID = "1000@lid";
const OTHER_PN = "15550009999@s.whatsapp.net";
const OTHER_LID = "9999@lid";

let house: House;
beforeEach(async () => {
  house = await House.open();
});
afterEach(() => house.close());

const noted = async () =>
  (await house.access.audit()).map(({ action, note }) => (note ? `${action}: ${note}` : action));
const set = (owner: Partial<Owner> = {}) =>
  house.access.setOwner({ setup: "own-number", person: person(PN), confirmed: true, ...owner }, cli);

describe("set", () => {
  it("the same again writes nothing", async () => {
    await set({ person: person(PN, LID), chat: LID as never });
    const { writes } = house;
    await set({ person: person(LID, PN), chat: LID as never });
    expect([house.writes, await noted()]).toEqual([writes, ["owner-set"]]);
  });

  it.each([
    [{ person: person(PN, LID) }],
    [{ person: person(LID) }],
    [{ setup: "self" as const }],
    [{ confirmed: false }],
    [{ confirmCode: "K7QF2C" }],
    [{ chat: LID as never }],
  ])("anything new is written and noted: %j", async (owner) => {
    await set();
    await set(owner);
    expect(house.access.owner()).toMatchObject(owner);
    expect(await noted()).toEqual(["owner-set", "owner-set"]);
    await house.restart();
    expect(house.access.owner()).toMatchObject(owner);
  });

  it("locked is noted as that, with why", async () => {
    await set();
    await set({ locked: "locked at the machine" });
    expect(await noted()).toEqual(["owner-locked: locked at the machine", "owner-set"]);
  });

  it("voids invites where it is somebody else, not where it is the same or was nobody before", async () => {
    const open = () => house.access.invites().filter(({ revoked }) => revoked === undefined).length;
    await house.access.invite({ label: "Bob" }, chat);
    await set({ setup: "self", person: {} });
    await set({ setup: "self" });
    await set({ person: person(PN, LID) });
    await set({ person: person(OTHER_PN, LID) });
    expect(open()).toBe(1);
    await set({ person: person(OTHER_PN, OTHER_LID) });
    expect(open()).toBe(0);
  });
});

describe("a new owner", () => {
  it("and the end of the former one's invites are one write, so no crash leaves an invite of theirs", async () => {
    await set();
    const { token } = await house.access.invite({ label: "Zed", auto: true }, cli);
    const other = { setup: "own-number", person: person(OTHER_PN), confirmed: true } as const;
    const { writes } = house;
    await house.access.setOwner(other, cli);
    expect(house.writes).toBe(writes + 1);
    await house.restart();
    expect((await house.knock(person("15550007777@s.whatsapp.net"), token)).kind).toBe("nothing");
    expect(await noted()).toContainEqual(expect.stringMatching(/^invite-revoke: \w+ for Zed$/));
  });
});

describe("an owner who waited in the queue", () => {
  it("waits no more once they are the owner, also where their number was hidden, and no undo brings that back", async () => {
    const hidden = await house.pending(person(LID), "Olga");
    const alice = await house.pending(person(OTHER_PN, OTHER_LID), "Alice");
    await set();
    expect(house.access.byId(hidden._id)?.state).toBe("pending");
    await house.access.learn(person(PN, LID));
    await house.restart();
    expect(house.access.byId(hidden._id)).toMatchObject({ state: "stranger", held: [] });
    await set({ person: person(OTHER_PN, OTHER_LID) });
    expect(house.access.byId(alice._id)?.state).toBe("stranger");
    await expect(house.access.undo(cli)).rejects.toMatchObject({ code: "nothing-to-undo" });
    expect(house.access.list("pending")).toEqual([]);
  });

  it("waits no more after a start, where a crash kept their entry", async () => {
    const { _id } = await house.pending(person(PN), "Olga");
    const entry = await house.document(_id);
    await set();
    await house.document(_id, entry);
    house.now += 1;
    await house.restart();
    // Behind the work of the start.
    await house.knock(person(OTHER_PN), "hello");
    expect(house.access.byId(_id)?.state).toBe("stranger");
    expect((await house.access.audit())[0]).toMatchObject({ action: "suspend", by: { door: "gateway", who: "start" } });
  });

  it("waits on where the disk refuses it at a start, and is looked at again at the next", async () => {
    const { _id } = await house.pending(person(PN), "Olga");
    const entry = await house.document(_id);
    await set();
    await house.document(_id, entry);
    house.full.access = true;
    await house.restart();
    await house.access.audit();
    expect(house.warnings).toEqual(["The owner's entry in the queue could not be removed yet."]);
    house.full.access = false;
    await house.restart();
    await house.access.audit();
    expect(house.access.byId(_id)?.state).toBe("stranger");
  });
});

describe("what WhatsApp tells", () => {
  const learn = (...addresses: string[]) => house.access.learn(person(...addresses));

  it("of the owner's other address is kept, in a write of its own, and noted nowhere", async () => {
    await set();
    expect(await learn(PN, LID)).toEqual({ kind: "same" });
    expect(house.access.owner()?.person).toEqual(person(PN, LID));
    const { writes } = house;
    expect(await learn(PN, LID)).toEqual({ kind: "same" });
    expect(await learn(PN)).toEqual({ kind: "same" });
    expect(await learn(LID)).toEqual({ kind: "same" });
    expect([house.writes, await noted()]).toEqual([writes, ["owner-set"]]);
    await house.restart();
    expect(house.access.owner()?.person).toEqual(person(PN, LID));
  });

  it("of a number, where the LID was known", async () => {
    await set({ person: person(LID) });
    await learn(PN, LID);
    expect(house.access.owner()?.person).toEqual(person(PN, LID));
  });

  it("of another account on the owner's number stops the commands, once", async () => {
    await set({ person: person(PN, LID) });
    expect(await learn(PN, OTHER_LID)).toEqual({ kind: "owner-locked" });
    const why = "the owner's number now belongs to another WhatsApp account";
    expect(house.access.owner()).toMatchObject({ locked: why, person: person(PN, LID) });
    expect(await noted()).toEqual([`owner-locked: ${why}`, "owner-set"]);
    expect((await house.access.audit())[0]?.by).toEqual({ door: "gateway", who: "WhatsApp" });
    const { writes } = house;
    expect((await learn(PN, OTHER_LID)).kind).toBe("same");
    expect([house.writes, (await noted()).length]).toEqual([writes, 2]);
  });

  it("of another number on the owner's account does the same", async () => {
    await set({ person: person(PN, LID) });
    expect(await learn(OTHER_PN, LID)).toEqual({ kind: "owner-locked" });
    const why = "the owner's WhatsApp account has a new number";
    expect(house.access.owner()).toMatchObject({ locked: why, person: person(PN, LID) });
    const { writes } = house;
    expect(await learn(OTHER_PN, LID)).toEqual({ kind: "same" });
    expect(house.writes).toBe(writes);
  });

  it("of anybody else, or of nobody in particular, is not about the owner", async () => {
    await set();
    await house.access.setToken("maple-otter-1234", cli);
    for (const other of [person(OTHER_PN, OTHER_LID), person(OTHER_LID), person(OTHER_PN)]) {
      expect((await house.access.learn(other)).kind).toBe("same");
    }
    expect(house.access.owner()).toEqual({ setup: "own-number", person: person(PN), confirmed: true });
    await set({ person: person(LID) });
    await learn(OTHER_PN, OTHER_LID);
    expect(house.access.owner()?.person).toEqual(person(LID));
  });

  it("of where the owner writes counts in their own chat alone", async () => {
    await set({ person: person(PN, LID) });
    const writes = async (place: string) => {
      await house.access.learn(person(PN, LID), { chat: place as never });
      return house.access.owner()?.chat;
    };
    expect(await writes(OTHER_PN)).toBeUndefined();
    expect(await writes(PN)).toBe(PN);
    expect(await writes(LID)).toBe(LID);
    expect(await writes(OTHER_LID)).toBe(LID);
    await set({ person: person(PN) });
    expect(house.access.owner()).not.toHaveProperty("chat");
    await house.access.learn(person(PN));
    expect(house.access.owner()).not.toHaveProperty("chat");
  });

  it("does not shorten the audit that the record vouches for", async () => {
    await set();
    house.full.audit = true;
    await set({ locked: "lost phone" });
    house.full.audit = false;
    await learn(PN, LID);
    await house.restart();
    expect(await noted()).toEqual(["owner-locked: lost phone", "owner-set"]);
  });
});
