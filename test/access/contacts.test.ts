import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fold } from "../../src/access/contacts.js";
import { cli, House, MINUTE, person } from "./house.js";

let house: House;
beforeEach(async () => {
  house = await House.open();
});
afterEach(() => house.close());

const PEOPLE = ["Anna", "Ben  Bär", "Chloé"].map((name, index) => ({
  name,
  who: person(`1555000200${index}@s.whatsapp.net`),
}));

const names = (...asked: Parameters<House["access"]["list"]>): string[] =>
  house.access.list(...asked).map(({ name }) => name);

it("who is on a list comes newest first, who waits oldest first, in pages", async () => {
  for (const { who, name } of PEOPLE) {
    await house.pending(who, name);
    house.now += MINUTE;
  }
  expect(names("pending")).toEqual(["Anna", "Ben  Bär", "Chloé"]);
  for (const { who, name } of PEOPLE) {
    await house.access.approve(who, cli, { name });
    house.now += MINUTE;
  }
  expect(names("approved")).toEqual(["Chloé", "Ben  Bär", "Anna"]);
  expect(names("approved", { limit: 2 })).toEqual(["Chloé", "Ben  Bär"]);
  expect(names("approved", { skip: 1, limit: 1 })).toEqual(["Ben  Bär"]);
  expect(names("approved", { skip: 2 })).toEqual(["Anna"]);
  expect(names("pending")).toEqual([]);
});

it("within one moment the codes make the order, so that pages hold nobody twice", async () => {
  for (const { who, name } of PEOPLE) await house.access.approve(who, cli, { name });
  const codes = house.access.list("approved").map(({ code }) => code);
  expect(codes).toEqual([...codes].sort());
});

it("a search finds names in any case and accent, codes, and parts of numbers, and nothing by nothing", async () => {
  for (const { who, name } of PEOPLE) await house.access.approve(who, cli, { name });
  await house.access.approve(person("77@lid"), cli, { name: "Dora" });
  const [anna] = house.access.list("approved", { search: "anna" });
  const search = (text: string): string[] => names("approved", { search: text }).sort();
  expect(search(" ben bar ")).toEqual(["Ben  Bär"]);
  expect(search("CHLOE")).toEqual(["Chloé"]);
  expect(search(anna?.code.toLowerCase() ?? "")).toEqual(["Anna"]);
  expect(search("+1 555 000 2001")).toEqual(["Ben  Bär"]);
  expect(search("\u2068Ben Bär\u2069")).toEqual(["Ben  Bär"]);
  expect(search("\u202a+1 555 000 2001\u202c")).toEqual(["Ben  Bär"]);
  expect(search("+١ ٥٥٥ ٠٠٠ ٢٠٠١")).toEqual(["Ben  Bär"]);
  expect(search("001 555 000 2001")).toEqual(["Ben  Bär"]);
  expect(search("0002")).toEqual(["Anna", "Ben  Bär", "Chloé"]);
  expect(search("  ")).toEqual(["Anna", "Ben  Bär", "Chloé", "Dora"]);
  expect(search("\u0301")).toEqual([]);
  expect(search("nobody 2")).toEqual([]);
});

it("a search by number takes digits in any spelling, and a name may hold digits", async () => {
  await house.access.approve(person("15550002000@s.whatsapp.net"), cli, { name: "Agent 47" });
  await house.access.approve(person("77@lid"), cli, { name: "Hidden" });
  expect(names("approved", { search: "(555) 000-20" })).toEqual(["Agent 47"]);
  expect(names("approved", { search: "agent 4" })).toEqual(["Agent 47"]);
  expect(names("approved", { search: "x2000" })).toEqual([]);
  expect(names("approved", { search: "77" })).toEqual([]);
  expect(names("approved", { search: "-" })).toEqual([]);
});

it("a search follows a new name", async () => {
  const anna = person("15550002000@s.whatsapp.net");
  await house.access.approve(anna, cli, { name: "Anna" });
  expect(names("approved", { search: "anna" })).toEqual(["Anna"]);
  await house.access.learn(anna, { name: "Berta" });
  expect(names("approved", { search: "anna" })).toEqual([]);
  expect(names("approved", { search: "berta" })).toEqual(["Berta"]);
});

it("a contact who changes lists is on one list only, under the same code and id", async () => {
  const anna = await house.pending(person("15550002000@s.whatsapp.net", "2000@lid"), "Anna");
  await house.access.approve(anna, cli);
  await house.access.deny(anna, cli);
  expect(house.access.counts()).toEqual({ approved: 0, denied: 1, pending: 0 });
  expect(house.access.byCode(anna.code)).toBe(house.access.byId(anna._id));
  expect([...names("pending"), ...names("approved"), ...names("stranger")]).toEqual([]);
});

describe("what two records of one person leave", () => {
  const pn = person("15550002000@s.whatsapp.net");
  const lid = person("2000@lid");
  const both = person("15550002000@s.whatsapp.net", "2000@lid");

  it("is one contact under both ids and both codes, by search too, and over a restart", async () => {
    const first = (await house.access.approve(pn, cli, { name: "Anna" })).contact;
    const second = (await house.access.approve(lid, cli, { name: "Annie" })).contact;
    await house.access.learn(both);
    for (let n = 0; n < 2; n++) {
      const contact = house.access.find(both);
      expect(house.access.counts().approved).toBe(1);
      for (const { _id, code } of [first, second]) {
        expect(house.access.byId(_id)).toBe(contact);
        expect(house.access.byCode(code.toLowerCase())).toBe(contact);
        expect(house.access.list("approved", { search: code })).toEqual([contact]);
      }
      await house.restart();
    }
  });
});

it("ids, codes and names that nobody has lead nowhere", () => {
  expect(house.access.byId("nonsense")).toBeUndefined();
  expect(house.access.byCode("ZZZZ")).toBeUndefined();
  expect(house.access.byCode("nonsense")).toBeUndefined();
  expect(house.access.find(person("77@lid"))).toBeUndefined();
});

it.each([
  ["  Chloé   BÄR ", "chloe bar"],
  ["Ａｎｎａ", "anna"],
  ["\u0301", ""],
])("the name %j is compared as %j", (name, folded) => expect(fold(name)).toBe(folded));
