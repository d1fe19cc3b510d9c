import { afterEach, beforeEach, expect, it } from "vitest";
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
  expect(search("0002")).toEqual(["Anna", "Ben  Bär", "Chloé"]);
  expect(search("  ")).toEqual(["Anna", "Ben  Bär", "Chloé", "Dora"]);
  expect(search("\u0301")).toEqual([]);
  expect(search("nobody 2")).toEqual([]);
});
