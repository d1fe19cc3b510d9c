/** The set-up of owner, token and lists, and the owner's change at the machine: what is done, refused and remarked. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answerOf, answerOfSetup, changeOwner, type SetupInput, setUp } from "../../src/admin/index.js";
import { own } from "../../src/text.js";
import { House, MINUTE, OWNER, person, TOKEN } from "./house.js";

const BY = { door: "cli", who: "you" } as const;
const ALICE = "+1 555 000 2000";
const BOB = "+1 555 000 3000";
const NEW = "+1 555 000 7000";
const SELF =
  "WhatsApp does not ring for messages to yourself: look into that chat now and then, or give the bot a number of its own.";

let house: House;
beforeEach(async () => {
  house = await House.open();
});
afterEach(() => house.close());

/** Bytes that make the same code each time. */
const random = (size: number): Uint8Array => Uint8Array.from({ length: size }, (_, index) => index * 5);
const parts = () => ({ access: house.access, admin: house.admin, gateway: house.gateway, random });
const sets = (input: SetupInput) => setUp(input, parts(), BY);
/** What a set-up is refused with. */
async function refused(input: SetupInput): Promise<string[]> {
  const before = JSON.stringify([house.access.owner(), house.access.token(), house.access.counts()]);
  const error: unknown = await sets(input).then(
    () => new Error("It was not refused"),
    (problem: unknown) => problem,
  );
  expect(JSON.stringify([house.access.owner(), house.access.token(), house.access.counts()])).toBe(before);
  const { code = "", kind = "", message = "" } = error as { code?: string; kind?: string; message?: string };
  return [code, kind, message];
}

describe("the set-up", () => {
  it("sets all of it, and tells what it did", async () => {
    const bare = await House.open({ owner: null, token: null });
    const its = { access: bare.access, admin: bare.admin, gateway: bare.gateway, random };
    const outcome = await setUp({ owner: NEW, token: ` ${TOKEN} `, allow: [ALICE, NEW], deny: [BOB] }, its, BY);
    expect(outcome).toEqual({
      owner: { setup: "own-number", number: NEW, confirmed: true },
      token: TOKEN,
      allowed: [ALICE, NEW],
      denied: [BOB],
      remarks: [],
    });
    expect(bare.access.owner()).toEqual({ setup: "own-number", person: person(NEW), confirmed: true });
    // The owner is not put on a list.
    expect(bare.access.list("approved").map(({ pn }) => pn)).toEqual([person(ALICE).pn]);
    expect(bare.access.list("denied").map(({ pn }) => pn)).toEqual([person(BOB).pn]);
    expect(answerOfSetup(outcome)).toEqual({
      ok: true,
      text: [
        "Owner: +1 555 000 7000",
        `Pairing token: ${TOKEN} (share it only with people you know)`,
        "Allowed: +1 555 000 2000, +1 555 000 7000",
        "Denied: +1 555 000 3000",
      ].join("\n"),
      data: outcome,
      error: null,
    });
    await bare.close();
  });

  it.each(["set-up", "change"])("a new owner is told who waits, also by a %s without a gateway", async (way) => {
    const alice = await house.knocks("Alice", ALICE);
    await house.wait(MINUTE);
    house.outbox.sent.length = 0;
    if (way === "change") await changeOwner({ owner: NEW }, parts(), BY);
    else await sets({ owner: NEW });
    await house.restart();
    await house.wait(MINUTE);
    const told = house.outbox.sent.map(({ parcel }) => parcel);
    expect(told).toEqual([expect.objectContaining({ to: person(NEW), text: expect.stringContaining(alice.code) })]);
  });

  it("with nothing given changes nothing, and tells who the owner is", async () => {
    expect(await sets({})).toEqual({
      owner: { setup: "own-number", number: "+1 555 000 1000", confirmed: true },
      allowed: [],
      denied: [],
      remarks: [],
    });
    expect(house.access.revealToken()).toBe(TOKEN);
    const bare = await House.open({ owner: null });
    const outcome = await setUp({}, { ...parts(), access: bare.access }, BY);
    expect(outcome.owner).toBeNull();
    expect(answerOfSetup(outcome).text).toBe("Owner: none yet, so nobody can command the bot; --owner names one.");
    await bare.close();
  });

  it("makes a token where asked, and tells it", async () => {
    const { token } = await sets({ generateToken: true });
    expect(token).toBe(house.access.revealToken());
    expect(token).not.toBe(TOKEN);
  });

  it("an owner who is to confirm gets a code, and keeps it when named again", async () => {
    const outcome = await sets({ owner: NEW, confirm: true });
    expect(outcome.owner).toEqual({ setup: "own-number", number: NEW, confirmed: false, code: "27FMT2" });
    expect(answerOfSetup(outcome).text.split("\n").at(-1)).toBe(
      `To confirm, send 27FMT2 from ${NEW} to the bot's number.`,
    );
    const { random: _, ...rest } = parts();
    const again = await setUp({ owner: NEW, confirm: true }, { ...rest, random: () => new Uint8Array(6) }, BY);
    expect(again.owner).toMatchObject({ confirmed: false, code: "27FMT2" });
    expect((await sets({ owner: NEW })).owner).toEqual({ setup: "own-number", number: NEW, confirmed: true });
    expect(house.access.owner()).not.toHaveProperty("confirmCode");
    expect((await sets({ owner: NEW, confirm: true })).owner).toMatchObject({ confirmed: true });
  });

  it("no character of that code is likelier than another", async () => {
    const { random: _, ...rest } = parts();
    // Of these bytes there are not enough for each of the 25 characters.
    const bytes = [255, 254, 253, 252, 251, 250, ...random(6)];
    const from = (size: number) => Uint8Array.from(bytes.splice(0, size));
    const { owner } = await setUp({ owner: NEW, confirm: true }, { ...rest, random: from }, BY);
    expect(owner).toMatchObject({ code: "27FMT2" });
  });

  it("the same owner again keeps what is known of them; a locked one begins anew", async () => {
    await sets({ owner: "+1 555 000 1000" });
    expect(house.access.owner()).toEqual({ setup: "own-number", person: OWNER, confirmed: true });
    await changeOwner({ lock: true }, parts(), BY);
    await sets({ owner: "+1 555 000 1000", confirm: true });
    expect(house.access.owner()).toMatchObject({ confirmed: false, confirmCode: "27FMT2" });
    expect(house.access.owner()).not.toHaveProperty("locked");
  });

  it("an owner who was a LID until now, or a contact with both addresses", async () => {
    await house.knocks("Alice", person(ALICE, "2000@lid"));
    await sets({ owner: "2000@lid" });
    expect(house.access.owner()?.person).toEqual(person(ALICE, "2000@lid"));
    await sets({ owner: "77@lid" });
    expect(house.access.owner()?.person).toEqual({ lid: "77@lid" });
  });

  it("self is the linked number, before there is a link too, and is told to look into that chat", async () => {
    const outcome = await sets({ owner: " Self " });
    expect(outcome).toMatchObject({
      owner: { setup: "self", number: "+1 555 000 9000", confirmed: true },
      remarks: [SELF],
    });
    expect(house.access.owner()?.person).toEqual(person("+1 555 000 9000"));
    expect(answerOfSetup(outcome).text).toBe(`Owner: +1 555 000 9000, commands by "Message yourself"\n${SELF}`);
    Object.assign(house.gateway, { me: () => undefined });
    expect((await sets({ owner: "self" })).owner).toEqual({
      setup: "self",
      number: "the linked number",
      confirmed: true,
    });
    expect(house.access.owner()?.person).toEqual({});
  });

  it("the linked number typed out is self, too", async () => {
    const { owner, remarks } = await sets({ owner: "+1 555 000 9000", confirm: true });
    expect(owner).toEqual({ setup: "self", number: "+1 555 000 9000", confirmed: true });
    expect(remarks).toEqual(['That is the linked number itself, so the admin chat is "Message yourself".', SELF]);
    expect((await sets({ owner: "+1 555 000 9000" })).owner?.setup).toBe("self");
  });

  it("numbers are checked with WhatsApp when linked, and nothing is changed where one is wrong", async () => {
    house.onWhatsApp = (pn) => (pn === "5511987654321@s.whatsapp.net" ? "551187654321@s.whatsapp.net" : null);
    expect(await refused({ allow: ["+55 11 98765-4321"], deny: ["+1 555 000 4444"] })).toEqual([
      "not-on-whatsapp",
      "refused",
      "+1 555 000 4444 is not on WhatsApp: check the number.",
    ]);
    await sets({ allow: ["+55 11 98765-4321"] });
    expect(house.access.list("approved").map(({ pn }) => pn)).toEqual(["551187654321@s.whatsapp.net"]);
  });

  it("each wrong number of a list is told at once", async () => {
    expect(await refused({ allow: ["12", ALICE, "34", "12"] })).toEqual([
      "bad-number",
      "usage",
      '"12" is no full phone number; write it with country code, e.g. +1 555 000 2000. "34" is no full phone number; write it with country code, e.g. +1 555 000 2000.',
    ]);
    house.onWhatsApp = () => null;
    const many = Array.from({ length: 12 }, (_, index) => `+1 555 000 70${index + 10}`);
    const [code, , message] = await refused({ deny: many });
    expect(code).toBe("not-on-whatsapp");
    expect(message).toMatch(/^\+1 555 000 7010 is not .* \+1 555 000 7019 is not on WhatsApp.* 2 more are wrong\.$/);
  });

  it("asks WhatsApp about a few numbers of a long list at a time", async () => {
    let open = 0;
    let most = 0;
    const onWhatsApp = async () => {
      open += 1;
      most = Math.max(most, open);
      await Promise.resolve();
      open -= 1;
      return undefined;
    };
    const many = Array.from({ length: 50 }, (_, index) => `+1 555 000 70${index + 10}`);
    const gateway = { ...house.gateway, onWhatsApp };
    const { allowed } = await setUp({ allow: many }, { ...parts(), gateway }, BY);
    expect([allowed.length, most]).toEqual([50, 4]);
  });

  it("takes no names and no codes: a name is what somebody calls themselves", async () => {
    const alice = await house.knocks("Alice", ALICE);
    for (const text of ["Alice", alice.code]) {
      for (const input of [{ owner: text }, { allow: [text] }, { deny: [text] }]) {
        const [code, kind, message] = await refused(input);
        expect([code, kind]).toEqual(["bad-number", "usage"]);
        expect(message).toContain(text);
      }
    }
    expect(house.state(alice)).toBe("pending");
  });

  it("refuses what contradicts itself, the denylist, or the owner", async () => {
    expect(await refused({ allow: [ALICE], deny: [BOB, ALICE] })).toEqual([
      "contradiction",
      "usage",
      "+1 555 000 2000 is to be allowed and to be denied; name it once.",
    ]);
    const bob = await house.knocks("Bob *B*", BOB);
    await house.cli("deny", bob.code);
    expect(await refused({ allow: [ALICE, BOB] })).toEqual([
      "denied",
      "refused",
      `+1 555 000 3000 (Bob *B*, ${bob.code}) is denied: remove it first (kafclaw remove ${bob.code}), then allow it.`,
    ]);
    await house.cli("deny", "+1 555 000 7777");
    expect((await refused({ allow: ["+1 555 000 7777"] }))[2]).toMatch(
      /^\+1 555 000 7777 \(no name, \w{4}\) is denied/,
    );
    expect(await refused({ owner: BOB })).toEqual([
      "denied",
      "refused",
      "+1 555 000 3000 is on the denylist; remove it there first, then make it the owner.",
    ]);
    const owner = ["owner", "refused", "+1 555 000 1000 is the owner, who can't be denied."];
    expect(await refused({ deny: [ALICE, "+1 555 000 1000"] })).toEqual(owner);
    expect(await refused({ owner: NEW, deny: [NEW] })).toEqual([
      "owner",
      "refused",
      "+1 555 000 7000 is the owner, who can't be denied.",
    ]);
    expect(await refused({ token: "another-token-99", generateToken: true })).toEqual([
      "wrong-usage",
      "usage",
      "Either a token of your own or a generated one; leave out one of the two.",
    ]);
    expect((await refused({ token: "short", owner: NEW, allow: [ALICE] }))[0]).toBe("bad-token");
  });

  it.each(["allow", "deny"] as const)(
    "refuses the bot's own number in %s, and has changed nothing else",
    async (list) => {
      expect(await refused({ owner: NEW, token: "NEWTOKEN-42-abc", deny: [BOB], [list]: ["+1 555 000 9000"] })).toEqual(
        ["own-number", "refused", "+1 555 000 9000 is the bot's own number: it talks to others, not to itself."],
      );
      expect(house.access.revealToken()).toBe(TOKEN);
    },
  );

  it("allowing and denying goes through all that a decision brings", async () => {
    const alice = await house.knocks("Alice", ALICE);
    await house.writes(alice, "hello");
    const bob = await house.knocks("Bob", BOB);
    await sets({ allow: [ALICE], deny: [BOB] });
    await house.wait(5000);
    expect(house.released).toEqual([{ name: "Alice", held: ["hello"] }]);
    expect(house.state(bob)).toBe("denied");
  });
});

describe("the owner at the machine", () => {
  it("lock stops the commands, and set begins again", async () => {
    expect(await changeOwner({ lock: true }, parts(), BY)).toBe(
      "Commands from +1 555 000 1000 are stopped. To confirm the owner again: kafclaw owner set <number>",
    );
    expect(house.access.owner()).toMatchObject({ person: OWNER, locked: "locked at the machine" });
    expect(await house.says("/status")).toBe("");
    expect(await changeOwner({ owner: NEW }, parts(), BY)).toBe("The owner is +1 555 000 7000.");
    expect(await changeOwner({ owner: "self" }, parts(), BY)).toBe(`The owner is +1 555 000 9000. ${SELF}`);
    expect(await changeOwner({ lock: true }, parts(), BY)).toMatch(/kafclaw owner set self$/);
    expect((await house.cli("status")).text).toContain("(kafclaw owner set self)");
  });

  it("asks for one where there is none", async () => {
    const bare = await House.open({ owner: null });
    const its = { ...parts(), access: bare.access };
    await expect(changeOwner({ lock: true }, its, BY)).rejects.toMatchObject({
      code: "no-owner",
      kind: "refused",
      message: "No owner is set; set one with kafclaw owner set <number>.",
    });
    await expect(changeOwner({}, its, BY)).rejects.toMatchObject({
      code: "no-owner",
      kind: "usage",
      message: "Name the owner: kafclaw owner set <number>",
    });
    await bare.close();
  });
});

describe("an answer for programs", () => {
  it("has why it was not done, a refusal where nothing is said, and nothing where it was", () => {
    const message = own("No.");
    expect(answerOf({ ok: true, message, data: 1 })).toEqual({ ok: true, text: "No.", data: 1, error: null });
    expect(answerOf({ ok: false, message })).toEqual({
      ok: false,
      text: "No.",
      data: null,
      error: { code: "refused", kind: "refused" },
    });
    const error = { code: "bad-usage", kind: "usage" } as const;
    expect(answerOf({ ok: false, message, error })).toEqual({ ok: false, text: "No.", data: null, error });
    expect(answerOf({ ok: true, message, error }).error).toBeNull();
  });
});
