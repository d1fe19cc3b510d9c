import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Contact } from "../../src/access/index.js";
import { phoneDigits } from "../../src/access/references.js";
import { ALICE, BOB, chat, House, person, refusal } from "./house.js";

let house: House;
let alice: Contact;
beforeEach(async () => {
  house = await House.open();
  alice = await house.pending(ALICE, "Älice Müller");
});
afterEach(() => house.close());

const find = (reference: string, scope?: Parameters<House["access"]["resolve"]>[1]) =>
  house.access.resolve(reference, scope);

describe("a reference", () => {
  it("is a code in any case, a number in any spelling, a JID with a device, a LID, or part of a name", () => {
    const forms = [
      alice.code,
      alice.code.toLowerCase(),
      "+1 555 000 2000",
      "15550002000",
      "15550002000:12@s.whatsapp.net",
      "2000@lid",
      "alice",
      "ALICE MUL",
      "müller",
    ];
    for (const form of forms) expect(find(form)).toMatchObject({ code: alice.code });
  });

  it.each([
    ["Bob", "o", false],
    ["Bob", "b", true],
    ["Joanna", "anna", false],
    ["Alice Smith", "smi", true],
    ["Banana Ana", "ana", true],
    ["Conan O'Neil", "neil", true],
    ["🦊fox", "fox", true],
    ["王小明", "小明", true],
    ["สมชาย", "ชาย", true],
    ["김철수", "철수", true],
    ["김철수", "ᅵᆷ", false],
  ])("by name begins where a word does: %s, %s", async (name, typed, fits) => {
    const bob = await house.approved(BOB, name);
    const found = () => house.access.resolve(typed, { states: ["approved"] });
    if (fits) expect(found()).toMatchObject({ code: bob.code });
    else expect((await refusal(found)).code).toBe("unknown-reference");
  });

  it("may have spaces around it, and marks that nobody sees", () => {
    for (const form of [alice.code, "+1 555 000 2000", "2000@lid", "müller"]) {
      expect(find(`  ${form}\t`)).toMatchObject({ code: alice.code });
      expect(find(`\u2068${form}\u2069`)).toMatchObject({ code: alice.code });
    }
    expect(find("   ", { states: ["pending"] })).toMatchObject({ code: alice.code });
  });

  it("by name is somebody on any of the lists in scope, and on all of them without one", async () => {
    const bob = await house.approved(BOB, "Bob");
    const carol = await house.denied(person("15550004000@s.whatsapp.net"), "Carola");
    expect(find("bob")).toMatchObject({ code: bob.code });
    expect(find("carola")).toMatchObject({ code: carol.code });
    expect(find("müller")).toMatchObject({ code: alice.code });
    expect((await refusal(() => find("müller", { states: ["approved", "denied"] }))).message).toBe(
      `No contact matches "müller". On the lists: Bob (${bob.code}), Carola (${carol.code}).`,
    );
    expect((await refusal(() => find("müller", { states: ["approved"] }))).message).toBe(
      `No approved sender matches "müller". Approved: Bob (${bob.code}).`,
    );
  });

  it("fits nobody where nobody is", async () => {
    await house.access.remove(alice, chat);
    const message = async (...asked: Parameters<typeof find>) => (await refusal(() => find(...asked))).message;
    expect(await message("")).toBe("Nobody is on a list yet; name somebody by code or number.");
    expect(await message("", { states: ["pending", "approved", "denied"] })).toBe(
      "Nobody is on a list yet; name somebody by code or number.",
    );
    expect(await message("müller")).toBe('No contact matches "müller". Nobody is on a list yet.');
    expect(await message("müller", { states: ["pending", "denied"] })).toBe(
      'No contact matches "müller". Nobody is pending or denied.',
    );
  });

  it("that is no word at all fits nobody", async () => {
    for (const unseen of ["\u0301", "\u2068\u2069"])
      expect((await refusal(() => find(unseen))).code).toBe("unknown-reference");
  });

  it("that fits several is answered with whom it fits", async () => {
    house.now += 1;
    const bob = await house.pending(BOB, "Alicia");
    const both = `Älice Müller (${alice.code}), Alicia (${bob.code})`;
    expect(await refusal(() => find("ALIC"))).toEqual({
      code: "unknown-reference",
      message: `No contact has the code ALIC; by name that would be ${both}: use the code.`,
    });
    expect((await refusal(() => find("ali"))).message).toBe(`"ali" fits ${both}; repeat that with a code.`);
    expect((await refusal(() => find(""))).message).toBe(`Which one? ${both}; repeat that with a code.`);
  });

  it("that fits many is answered with five of them, and how many more", async () => {
    for (let index = 0; index < 6; index += 1)
      await house.pending(person(`1555000400${index}@s.whatsapp.net`), `Zoe ${index}`);
    const { message } = await refusal(() => find("zoe"));
    expect(message.match(/Zoe \d/g)).toHaveLength(5);
    expect(message).toMatch(/ and 1 more; repeat that with a code\.$/);
  });

  it("is shown back in capitals where it looks like a code, with where to look", async () => {
    for (const [typed, shown] of [
      ["zzzz", "ZZZZ"],
      ["zzoi", "ZZ01"],
      ["ab1u", "AB1U"],
    ] as const) {
      expect(await refusal(() => find(typed))).toEqual({
        code: "unknown-reference",
        message: `No contact has the code ${shown}; /pending and /list show the codes.`,
      });
    }
  });

  it("is shown back no longer than needed", async () => {
    const { message } = await refusal(() => find("w".repeat(500)));
    expect(message).toContain("wwww");
    expect(message.length).toBeLessThan(150);
  });

  it("is a person whom no record knows, where it is a full number or address", () => {
    expect(find("+49 170 1234567")).toEqual({ pn: "491701234567@s.whatsapp.net" });
    expect(find("777@lid")).toEqual({ lid: "777@lid" });
  });

  it("left out means the only one in scope", async () => {
    expect(find("", { states: ["pending"] })).toMatchObject({ code: alice.code });
    const bob = await house.pending(BOB, "Bob");
    const both = await refusal(() => find("", { states: ["pending"] }));
    expect(both.code).toBe("ambiguous");
    for (const code of [alice.code, bob.code]) expect(both.message).toContain(code);
    expect(await refusal(() => find("", { states: ["denied"] }))).toEqual({
      code: "unknown-reference",
      message: "Nobody is denied; name somebody by code or number.",
    });
  });

  it("I8: that fits two is refused and lists both, also where one name is exact", async () => {
    const second = await house.pending(BOB, "Alice");
    const { code, message } = await refusal(() => find("alice"));
    expect(code).toBe("ambiguous");
    expect(message).toContain(`Älice Müller (${alice.code})`);
    expect(message).toContain(`Alice (${second.code})`);
  });

  it("I8: shaped like a code or a number never matches a name", async () => {
    await house.pending(BOB, "John");
    const john = await refusal(() => find("john"));
    expect(john).toMatchObject({ code: "unknown-reference", message: expect.stringContaining("John (") });
    await house.pending(person("15550004000@s.whatsapp.net"), "15550008888");
    expect(find("15550008888")).toEqual({ pn: "15550008888@s.whatsapp.net" });
    await house.pending(person("15550005000@s.whatsapp.net"), "007");
    expect((await refusal(() => find("007"))).code).toBe("bad-number");
    await house.pending(person("15550006000@s.whatsapp.net"), alice.code);
    expect(find(alice.code)).toMatchObject({ name: "Älice Müller" });
  });

  it("I8: by name finds only who was shown, under the name that was shown", async () => {
    const shown = new Map([[alice._id, "Älice Müller"]]);
    await house.pending(BOB, "Alice");
    expect(find("alice", { shown })).toMatchObject({ code: alice.code });
    await house.access.learn(ALICE, { name: "Bob" });
    expect(find("alice", { shown })).toMatchObject({ code: alice.code });
    expect((await refusal(() => find("bob", { shown }))).code).toBe("unknown-reference");
    expect(find("", { shown })).toMatchObject({ code: alice.code });
  });

  it("says who is there when it fits nobody", async () => {
    house.now += 1;
    const bob = await house.pending(BOB, "Bob");
    expect(await refusal(() => find("alix", { states: ["pending"] }))).toEqual({
      code: "unknown-reference",
      message: `No pending sender matches "alix". Pending: Älice Müller (${alice.code}), Bob (${bob.code}).`,
    });
  });

  it.each([
    ["120363023456789012@g.us", "not-a-person", "is a group"],
    ["status@broadcast", "not-a-person", "no person's address"],
    ["alice@example.com", "bad-number", "is no WhatsApp address"],
    ["0170 1234567", "bad-number", "with country code"],
    ["12", "bad-number", "with country code"],
    ["ZZZZ", "unknown-reference", "No contact has the code ZZZZ"],
  ])("%s is refused as %s", async (reference, code, words) => {
    const refused = await refusal(() => find(reference));
    expect(refused.code).toBe(code);
    expect(refused.message).toContain(words);
  });

  it("leaves strangers' records to codes and numbers", async () => {
    await house.access.remove(alice, chat);
    expect((await refusal(() => find("müller"))).code).toBe("unknown-reference");
    expect(find(alice.code)).toMatchObject({ state: "stranger" });
  });
});

describe("what is no person's address", () => {
  it.each([
    ["120363023456789012@g.us", "not-a-person", "120363023456789012@g.us is a group; name a person."],
    ["status@broadcast", "not-a-person", "status@broadcast is no person's address; name a person."],
    [
      "alice@",
      "bad-number",
      '"alice@" is no WhatsApp address; write a number with country code, e.g. +1 555 000 2000.',
    ],
    [
      "0170 1234567",
      "bad-number",
      '"0170 1234567" is no full phone number; write it with country code, e.g. +1 555 000 2000.',
    ],
  ])("%s is wrong usage, and says what to write", (typed, code, message) => {
    expect(() => find(typed)).toThrow(expect.objectContaining({ code, message, kind: "usage" }));
  });
});

describe("the digits of a phone", () => {
  it("are those of its number", () => {
    expect(phoneDigits("+49 (0)170 1234567")).toBe("491701234567");
  });

  it("are asked for again where it is none", () => {
    const message = '"0170 1234567" is no full phone number; write it with country code, e.g. +1 555 000 2000.';
    expect(() => phoneDigits("0170 1234567")).toThrow(
      expect.objectContaining({ code: "bad-number", message, kind: "usage" }),
    );
  });
});

describe("a list", () => {
  it("is searched by name without case and accents, by number and by code, and paged", async () => {
    house.now += 1;
    const bob = await house.pending(BOB, "Bob");
    const found = (search: string) => house.access.list("pending", { search }).map(({ code }) => code);
    expect(found("ALICE m")).toEqual([alice.code]);
    expect(found("000 3000")).toEqual([bob.code]);
    expect(found("+1 555")).toEqual([alice.code, bob.code]);
    expect(found(bob.code.toLowerCase())).toEqual([bob.code]);
    expect(found("nobody")).toEqual([]);
    expect(house.access.list("pending", { skip: 1, limit: 1 })).toMatchObject([{ code: bob.code }]);
    expect(house.access.counts()).toEqual({ approved: 0, denied: 0, pending: 2 });
  });
});
