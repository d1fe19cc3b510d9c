import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  addressesOf,
  digitsOf,
  formatNumber,
  identityOf,
  type Lid,
  type Person,
  parseAddress,
  parseJid,
  parseNumber,
  personFrom,
  personOf,
  same,
} from "../../src/access/identity.js";
import { person } from "./house.js";

const digits = fc.bigInt({ min: 10_000n, max: 999_999_999_999_999n }).map(String);

describe("a JID", () => {
  it.each([
    ["491701234567@s.whatsapp.net", "491701234567@s.whatsapp.net", 0],
    ["491701234567:12@s.whatsapp.net", "491701234567@s.whatsapp.net", 12],
    ["491701234567_1:12@s.whatsapp.net", "491701234567@s.whatsapp.net", 12],
    ["491701234567@c.us", "491701234567@s.whatsapp.net", 0],
    ["491701234567:99@hosted", "491701234567@s.whatsapp.net", 99],
    ["491701234567@S.WhatsApp.net", "491701234567@s.whatsapp.net", 0],
  ])("%s is a number in normal form", (jid, pn, device) => {
    expect(parseJid(jid)).toEqual({ kind: "pn", pn, device });
  });

  it.each([
    ["123456789012345@lid", "123456789012345@lid", 0],
    ["123456789012345:7@lid", "123456789012345@lid", 7],
    ["123456789012345:99@hosted.lid", "123456789012345@lid", 99],
  ])("%s is a LID in normal form", (jid, lid, device) => {
    expect(parseJid(jid)).toEqual({ kind: "lid", lid, device });
  });

  it.each([
    ["120363023456789012@g.us", "group"],
    ["491701234567-1600000000@g.us", "group"],
    ["status@broadcast", "status"],
    ["1600000000@broadcast", "broadcast"],
    ["120363098765432109@newsletter", "newsletter"],
    ["0@s.whatsapp.net", "other"],
    ["867051314767696@bot", "other"],
    ["alice@s.whatsapp.net", "other"],
    ["491701234567@s.whatsapp.net.evil.example", "other"],
    ["1@lid@s.whatsapp.net", "other"],
    ["", "other"],
  ])("%s is no person (%s)", (jid, kind) => {
    expect(parseJid(jid).kind).toBe(kind);
    expect(personOf(jid)).toBeUndefined();
  });

  it("comes back from its address and device", () => {
    fc.assert(
      fc.property(digits, fc.nat(99), fc.constantFrom("s.whatsapp.net", "lid"), (user, device, host) => {
        const jid = device === 0 ? `${user}@${host}` : `${user}:${device}@${host}`;
        const address = parseJid(jid);
        const found = personOf(jid);
        expect("device" in address && address.device).toBe(device);
        expect(found && addressesOf(found)).toEqual([`${user}@${host}`]);
      }),
    );
  });

  it("never throws, whatever it is", () => {
    const nasty = fc.oneof(
      fc.string(),
      fc.string({ unit: "binary" }),
      fc.string().map((text) => `${text}@lid`),
    );
    fc.assert(
      fc.property(nasty, (text) => {
        expect(parseJid(text).kind).toMatch(/^(pn|lid|group|broadcast|status|newsletter|other)$/);
        parseAddress(text);
      }),
    );
  });
});

describe("a number that a person types", () => {
  it.each([
    "+49 170 1234567",
    "491701234567",
    "0049 170/1234567",
    "+49 (170) 123-45-67",
    "+49‑170‑1234567",
    "+49 (0)170 1234567",
    "\u202a+49 170 1234567\u202c",
    "\u200e491701234567@s.whatsapp.net",
    "+٤٩ ١٧٠ ١٢٣٤٥٦٧",
    "+४९१७०१२३४५६७",
  ])("%s is read", (text) => {
    expect(parseAddress(text)).toEqual({ kind: "pn", pn: "491701234567@s.whatsapp.net", device: 0 });
  });

  it.each(["0170 1234567", "12", "+1 23", "7", "", "+", "+49 170 abc", "999999999999999999999", "+0 1234567"])(
    "%s is not a full number",
    (text) => expect(parseNumber(text)).toBeUndefined(),
  );

  it("is shown as people write it, and reads back as the same", () => {
    expect(formatNumber(person("15550002000@s.whatsapp.net"))).toBe("+1 555 000 2000");
    expect(formatNumber(person("491701234567@s.whatsapp.net", "1@lid"))).toBe("+49 170 1234567");
    fc.assert(
      fc.property(digits, (user) => {
        const pn = parseNumber(`+${user}`);
        fc.pre(pn !== undefined);
        expect(parseNumber(formatNumber({ pn }))).toBe(pn);
      }),
    );
  });

  it("keeps the digit that WhatsApp has and the numbering plan hasn't", () => {
    const shown = formatNumber(person("5215512345678@s.whatsapp.net"));
    expect(shown).toBe("+52 15512345678");
    expect(parseNumber(shown)).toBe("5215512345678@s.whatsapp.net");
  });

  it("is hidden where only the LID is known", () => {
    expect(formatNumber(person("123@lid"))).toBe("number hidden");
  });

  it("keeps its digits where no country is known for it", () => {
    expect(formatNumber(person("999123456789@s.whatsapp.net"))).toBe("+999123456789");
  });
});

describe("two records", () => {
  const full = person("15550002000@s.whatsapp.net", "2000@lid");

  it("are one person by the LID, and by the number where a LID is missing", () => {
    expect(same(full, person("2000@lid"))).toBe(true);
    expect(same(full, person("15550002000:3@s.whatsapp.net"))).toBe(true);
    expect(same(full, person("15550009999@s.whatsapp.net", "2000@lid"))).toBe(true);
  });

  it("are two people where one number has two LIDs, or nothing is shared", () => {
    expect(same(full, person("15550002000@s.whatsapp.net", "2001@lid"))).toBe(false);
    expect(same(full, person("15550002001@s.whatsapp.net"))).toBe(false);
    expect(same(person("15550002000@s.whatsapp.net"), person("2000@lid"))).toBe(false);
  });

  it("are made from the addresses that a message brings, in any order", () => {
    expect(personFrom("2000:4@lid", "15550002000:4@s.whatsapp.net")).toEqual(full);
    expect(personFrom(undefined, "15550002000@s.whatsapp.net", null)).toEqual(person("15550002000@s.whatsapp.net"));
    expect(personFrom("120363023456789012@g.us", null)).toBeUndefined();
    expect(addressesOf(full)).toEqual(["2000@lid", "15550002000@s.whatsapp.net"]);
  });
});

describe("what almost is an address", () => {
  it.each([
    "@s.whatsapp.net",
    "49170123456789012345678@s.whatsapp.net",
    "491701234567_1234@s.whatsapp.net",
    "491701234567:123456@s.whatsapp.net",
    "x491701234567@s.whatsapp.net",
    "491701234567x@s.whatsapp.net",
    "0123@lid",
    "491701234567",
  ])("%s names nobody", (jid) => {
    expect(parseJid(jid)).toEqual({ kind: "other", jid });
  });

  it.each([
    ["120363023456789012@G.us", "group"],
    ["120363098765432109@newsletter", "newsletter"],
    ["1600000000@broadcast", "broadcast"],
    ["status@broadcast", "status"],
  ])("%s is told as it is written (%s)", (jid, kind) => {
    expect(parseJid(jid)).toEqual({ kind, jid });
  });

  it("of one person takes the first of each kind", () => {
    expect(personFrom("1@lid", "2@lid", "15550002000@s.whatsapp.net", "15550003000@s.whatsapp.net")).toEqual({
      lid: "1@lid",
      pn: "15550002000@s.whatsapp.net",
    });
    expect(personFrom()).toBeUndefined();
  });

  it("has its digits, and what a record holds besides is no address", () => {
    const both = person("15550002000@s.whatsapp.net", "2000@lid");
    expect(digitsOf("2000@lid" as Lid)).toBe("2000");
    expect(identityOf({ ...both, name: "Alice" } as Person)).toEqual(both);
    expect(addressesOf(person("2000@lid"))).toEqual(["2000@lid"]);
    expect(addressesOf(person("15550002000@s.whatsapp.net"))).toEqual(["15550002000@s.whatsapp.net"]);
  });

  it("without a number or a LID is nobody's", () => {
    expect(same({}, {})).toBe(false);
    expect(same(person("2000@lid"), {})).toBe(false);
  });
});
