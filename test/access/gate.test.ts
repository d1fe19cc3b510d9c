import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ContactBook } from "../../src/access/contacts.js";
import { judge } from "../../src/access/gate.js";
import type { Code, Contact, ContactState, Knock, Owner, Person } from "../../src/access/index.js";
import { addressesOf, same } from "../../src/access/index.js";
import { ALICE, OWNER, person } from "./house.js";

/** Few addresses, so that they meet. */
const pn = fc.integer({ min: 1, max: 4 }).map((n) => `1555000000${n}@s.whatsapp.net`);
const lid = fc.integer({ min: 1, max: 4 }).map((n) => `${n}@lid`);
const people: fc.Arbitrary<Person> = fc.oneof(
  pn.map((one) => person(one)),
  lid.map((one) => person(one)),
  fc.tuple(pn, lid).map((both) => person(...both)),
);
const states = fc.constantFrom<ContactState>("stranger", "pending", "approved", "denied");
const names = fc.constantFrom("", "Owner", "Alice", "/approve K7QF");

function contact(who: Person, state: ContactState, id = "c1", name = ""): Contact {
  // A test's code needs no more than to be a string.
  const code = id as Code;
  return { _id: id, code, aliases: [], ...who, name, state, since: 0, episode: 1, held: [], history: [] };
}

/** Books as the rest of access keeps them: an address is one record's own. */
const books = fc.array(fc.tuple(people, states, names), { maxLength: 6 }).map((entries) => {
  const book = new ContactBook();
  for (const [index, [who, state, name]] of entries.entries()) {
    if (book.matches(who).length === 0) book.set(contact(who, state, `c${index}`, name));
  }
  return book;
});
const owners: fc.Arbitrary<Owner | undefined> = fc.option(
  fc.record({
    setup: fc.constantFrom("own-number" as const, "self" as const),
    person: people,
    confirmed: fc.boolean(),
  }),
  { nil: undefined },
);
const knocks: fc.Arbitrary<Knock> = fc.record({
  place: fc.constantFrom("person", "person", "group", "broadcast", "status", "newsletter", "call", "other"),
  sender: people,
  fromMe: fc.boolean(),
});

const ask = (book: ContactBook, owner: Owner | undefined, knock: Knock) =>
  judge({ knock, owner, contacts: book.matches(knock.sender) });

describe("the gate", () => {
  it("I1: lets nobody in who is neither the owner nor approved, in any book", () => {
    fc.assert(
      fc.property(books, owners, knocks, (book, owner, knock) => {
        const verdict = ask(book, owner, knock);
        if (verdict.kind === "buddy") {
          expect(verdict.contact.state).toBe("approved");
          expect(same(verdict.contact, knock.sender)).toBe(true);
        }
        if (knock.place !== "person") expect(verdict.kind).toBe("ignored");
      }),
      { numRuns: 2000 },
    );
  });

  it("I1: with nobody approved, nobody is a buddy", () => {
    fc.assert(
      fc.property(knocks, owners, (knock, owner) => {
        expect(ask(new ContactBook(), owner, knock).kind).not.toBe("buddy");
      }),
    );
  });

  it("I2: deny wins over everything but the owner, by any address of the person", () => {
    fc.assert(
      fc.property(books, owners, people, (book, owner, sender) => {
        const isDenied = book.matches(sender).some(({ state }) => state === "denied");
        const { kind } = ask(book, owner, { place: "person", sender, fromMe: false });
        if (isDenied) expect(["buddy", "pending"]).not.toContain(kind);
        if (isDenied && owner === undefined) expect(kind).toBe("denied");
      }),
      { numRuns: 2000 },
    );
  });

  it("I2: a denial covers further addresses of the person, whoever else has them", () => {
    const book = new ContactBook();
    const other = person("77@lid");
    book.set({ ...contact(ALICE, "denied", "c1"), also: addressesOf(other) });
    book.set(contact(other, "approved", "c2"));
    expect(ask(book, undefined, { place: "person", sender: other, fromMe: false }).kind).toBe("denied");
  });

  it("I7: only the owner's own addresses make the owner, never a name or a contact", () => {
    fc.assert(
      fc.property(books, owners, knocks, (book, owner, knock) => {
        if (ask(book, owner, knock).kind !== "owner") return;
        expect(owner?.confirmed).toBe(true);
        expect(owner !== undefined && same(owner.person, knock.sender)).toBe(true);
        expect(knock.place).toBe("person");
        expect(knock.fromMe).toBe(owner?.setup === "self");
      }),
      { numRuns: 2000 },
    );
  });

  const owner: Owner = { setup: "own-number", person: OWNER, confirmed: true };
  const direct = (sender: Person): Knock => ({ place: "person", sender, fromMe: false });

  it("I7: another account on the owner's number, or another number on the owner's account, is not the owner", () => {
    const book = new ContactBook();
    expect(ask(book, owner, direct(OWNER)).kind).toBe("owner");
    expect(ask(book, owner, direct(person("1000@lid"))).kind).toBe("owner");
    expect(ask(book, owner, direct(person("15550001000@s.whatsapp.net", "666@lid"))).kind).toBe("stranger");
    expect(ask(book, owner, direct(person("15550006666@s.whatsapp.net", "1000@lid"))).kind).toBe("stranger");
  });

  it("I7: an owner who is not confirmed or is locked gives no commands", () => {
    const book = new ContactBook();
    expect(ask(book, { ...owner, confirmed: false }, direct(OWNER))).toEqual({
      kind: "stranger",
      owner: "unconfirmed",
    });
    expect(ask(book, { ...owner, locked: "lost phone" }, direct(OWNER))).toEqual({ kind: "stranger", owner: "locked" });
  });

  it("I7: on the owner's own number only what they write to themselves counts", () => {
    const self: Owner = { ...owner, setup: "self" };
    const book = new ContactBook();
    book.set(contact(ALICE, "approved"));
    expect(ask(book, self, { place: "person", sender: OWNER, fromMe: true }).kind).toBe("owner");
    expect(ask(book, self, { place: "person", sender: ALICE, fromMe: true })).toEqual({
      kind: "ignored",
      reason: "own",
    });
    expect(ask(book, self, direct(ALICE)).kind).toBe("buddy");
    expect(ask(book, owner, { place: "person", sender: OWNER, fromMe: true })).toEqual({
      kind: "ignored",
      reason: "own",
    });
  });

  it("I1: what comes from nobody, from no person, or in the owner's place is ignored, and why is told", () => {
    const self: Owner = { ...owner, setup: "self" };
    const book = new ContactBook();
    const unknown = { kind: "ignored", reason: "unknown" };
    expect(ask(book, owner, { place: "other", sender: OWNER, fromMe: false })).toEqual(unknown);
    expect(ask(book, owner, direct({}))).toEqual(unknown);
    expect(ask(book, { ...self, person: {} }, { place: "person", sender: {}, fromMe: true })).toEqual(unknown);
    expect(ask(book, self, direct(OWNER))).toEqual(unknown);
    expect(ask(book, owner, { place: "group", sender: OWNER, fromMe: false })).toEqual({
      kind: "ignored",
      reason: "group",
    });
  });

  it("I1: an approval does not pass on with the number", () => {
    const book = new ContactBook();
    book.set(contact(ALICE, "approved"));
    expect(ask(book, undefined, direct(ALICE)).kind).toBe("buddy");
    expect(ask(book, undefined, direct(person("15550002000@s.whatsapp.net", "999@lid"))).kind).toBe("stranger");
  });
});
