/** Numbers that were typed while WhatsApp could not be asked how it writes them. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ContactState } from "../../src/access/types.js";
import { BOB, cli, House, person } from "./house.js";

const TYPED = "5511987654321@s.whatsapp.net" as const;
const PN = "551187654321@s.whatsapp.net";
const LID = "4321@lid";
const ANA = person(PN, LID);
const typed = person(TYPED);

let house: House;
beforeEach(async () => {
  house = await House.open();
});
afterEach(() => house.close());

const respell = (who = ANA) => house.access.respell(TYPED as never, who);
const noted = async () => (await house.access.audit()).map(({ action, note }) => `${action}: ${note}`);
const stateOf = (who = ANA) => house.access.find(who)?.state;

/** Brings somebody into a state by their address, as the owner does it. */
async function put(who: typeof ANA, state: ContactState): Promise<void> {
  if (state === "pending") await house.pending(who);
  if (state === "approved" || state === "stranger") await house.access.approve(who, cli);
  if (state === "stranger") await house.access.remove(who, cli);
  if (state === "denied") await house.access.deny(who, cli);
}

describe("a contact", () => {
  it.each(["approved", "denied"] as const)(
    "who is %s is it under WhatsApp's number, and keeps the code",
    async (state) => {
      await put(typed, state);
      const { code } = house.access.find(typed) ?? {};
      expect((await respell()).kind).toBe("same");
      expect(house.access.find(ANA)).toMatchObject({ ...ANA, code, state });
      expect((await noted())[0]).toBe(`identity: number was ${TYPED}`);
      expect((await house.access.audit())[0]?.by).toEqual({ door: "gateway", who: "WhatsApp" });
      await house.restart();
      expect(stateOf(person(LID))).toBe(state);
    },
  );

  it("moves by the number alone where WhatsApp tells no LID", async () => {
    await put(typed, "approved");
    await respell(person(PN));
    expect([stateOf(person(PN)), stateOf(typed)]).toEqual(["approved", undefined]);
  });

  it.each([
    ["approved", "pending", "approved"],
    ["approved", "stranger", "approved"],
    ["approved", "denied", "denied"],
    ["denied", "approved", "denied"],
    ["denied", "pending", "denied"],
  ] as const)("I2: %s as typed and %s by the real number is one person, %s", async (asTyped, real, state) => {
    await put(ANA, real);
    await put(typed, asTyped);
    const codes = [typed, ANA].map((who) => house.access.find(who)?.code ?? "");
    const learned = await respell();
    expect(learned).toMatchObject({ kind: "merged" });
    expect(learned).not.toHaveProperty("before");
    expect(house.access.find(ANA)).toMatchObject({ ...ANA, state });
    expect(codes.map((code) => house.access.byCode(code)?._id)).toEqual(Array(2).fill(house.access.find(ANA)?._id));
    await house.restart();
    expect(stateOf()).toBe(state);
  });

  it("is one with whoever is on record by that number alone, before a LID is known of either", async () => {
    await put(person(PN), "denied");
    await put(typed, "approved");
    expect(await respell(person(PN))).toMatchObject({ kind: "merged", contact: { state: "denied" } });
  });

  it("is never who had the number before", async () => {
    const before = person(PN, "99@lid");
    await put(before, "stranger");
    await put(typed, "approved");
    const { writes } = house;
    for (const who of [ANA, person(PN)]) expect(await respell(who)).toEqual({ kind: "same" });
    expect([stateOf(before), house.writes]).toEqual(["stranger", writes]);
  });

  it("who is known by LID, too, has no typed number any more, and nobody else is touched", async () => {
    await put(person(TYPED, "77@lid"), "approved");
    await put(BOB, "approved");
    const { writes } = house;
    expect(await respell()).toEqual({ kind: "same" });
    expect([stateOf(), house.writes]).toEqual([undefined, writes]);
  });
});

describe("the owner", () => {
  const owner = { setup: "own-number", confirmed: true } as const;

  it("is the same under WhatsApp's number: invites stay, and their own entry leaves the queue", async () => {
    await house.access.setOwner({ ...owner, person: typed }, cli);
    await house.access.invite({ label: "Bob" }, cli);
    await house.pending(ANA);
    await respell();
    expect(house.access.owner()).toEqual({ ...owner, person: ANA });
    expect(house.access.invites()).toMatchObject([{ label: "Bob" }]);
    expect(house.access.invites()[0]).not.toHaveProperty("revoked");
    expect(house.access.counts().pending).toBe(0);
    expect(await noted()).toContain(`owner-number: number was ${TYPED}`);
    await house.restart();
    expect(house.access.owner()).toEqual({ ...owner, person: ANA });
  });

  it("stays locked", async () => {
    await house.access.setOwner({ ...owner, person: typed, locked: "lost" }, cli);
    await respell();
    expect(house.access.owner()).toMatchObject({ person: ANA, locked: "lost" });
  });

  it("of another number, or whose LID is known, stays as they are", async () => {
    for (const who of [BOB, person(TYPED, "77@lid")]) {
      await house.access.setOwner({ ...owner, person: who }, cli);
      await respell();
      expect(house.access.owner()?.person).toEqual(who);
    }
  });
});

describe("an invite", () => {
  it("for the typed number is for who has it; others stay as they are", async () => {
    const { _id, token } = await house.access.invite({ label: "Ana", auto: true, for: typed }, cli);
    await house.access.invite({ label: "Bob", for: BOB }, cli);
    await house.access.invite({ label: "anybody" }, cli);
    await respell();
    expect(house.access.invites().map((invite) => invite.for)).toEqual(expect.arrayContaining([ANA, BOB, undefined]));
    expect((await noted())[0]).toBe(`invite-number: ${_id} for Ana, number was ${TYPED}`);
    await house.restart();
    expect((await house.knock(ANA, token)).kind).toBe("auto-approved");
  });
});
