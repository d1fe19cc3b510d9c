/** Who somebody is to the gateway: by bare user, by JID, by either address. */
import { expect, it, onTestFinished } from "vitest";
import { People } from "../src/people.js";
import { House, OWNER, person } from "./admin/house.js";

const ME = person("+1 555 000 9000", "9000@lid");

async function open() {
  const house = await House.open();
  onTestFinished(() => house.close());
  return {
    house,
    people: new People(
      house.access,
      () => ME,
      () => house.time.now,
    ),
  };
}

it("we, the owner and whoever is on record are known, by number and by LID", async () => {
  const { house, people } = await open();
  await house.knocks("Alice", person("+1 555 000 2000", "2000@lid"));
  const known = ["15550009000", "9000", "15550001000", "1000", "15550002000", "2000"];
  expect(known.filter((user) => !people.isKnown(user))).toEqual([]);
  expect(["15550006660", "6660"].filter((user) => people.isKnown(user))).toEqual([]);
});

it("the admin chat is the owner's, while commands are not stopped; the owner stays the owner", async () => {
  const { house, people } = await open();
  expect([people.isAdmin(OWNER), people.isAdmin(person("+1 555 000 2000"))]).toEqual([true, false]);
  const owner = { setup: "own-number", person: OWNER, confirmed: true } as const;
  await house.access.setOwner({ ...owner, locked: "lost" }, { door: "cli", who: "test" });
  expect([people.isAdmin(OWNER), people.isOwner("1000@lid")]).toEqual([false, true]);
});

it("whoever was removed is a stranger again, and known by both addresses", async () => {
  const { house, people } = await open();
  const alice = await house.knocks("Alice", person("+1 555 000 2000", "2000@lid"));
  expect([people.isStranger("2000@lid"), people.isStranger("3000@lid")]).toEqual([false, true]);
  await house.cli("remove", alice.code);
  expect(people.isStranger("2000@lid")).toBe(true);
  expect(people.whole(person(undefined, "2000@lid"))).toEqual(person("+1 555 000 2000", "2000@lid"));
});

it("numbers whose LID nobody knows are named: the owner's, of the denied, of buddies, of who is invited", async () => {
  const { house, people } = await open();
  const owner = { setup: "own-number", person: person("+1 555 000 1000"), confirmed: true } as const;
  await house.access.setOwner(owner, { door: "cli", who: "test" });
  await house.cli("approve", "+15550002000");
  await house.cli("deny", "+15550003000");
  await house.cli("invite", "Bob", "--auto", "--for", "+15550004000");
  await house.knocks("Carol", person("+1 555 000 5000", "5000@lid"));
  const digits = people.numbersWithoutLid().map((pn) => pn.slice(0, 11));
  expect(digits).toEqual(["15550001000", "15550003000", "15550002000", "15550004000"]);
});
