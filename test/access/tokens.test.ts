import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GuessLimit } from "../../src/access/guesses.js";
import {
  checkToken,
  liveToken,
  maskToken,
  maskTokens,
  newToken,
  normalizeToken,
  searchTokens,
  tokenId,
} from "../../src/access/tokens.js";
import { person, refusal, seeded } from "./house.js";

const TOKEN = "KAF-7QF2-M9TX";
const holds = (text: string, token = TOKEN) => searchTokens(text, [liveToken(token)]).tokens.length > 0;
const wrong = (text: string, token = TOKEN) => searchTokens(text, [liveToken(token)]).wrong;

const edge = fc.constantFrom("", ".", "!", "*", "_", '"', "»", "…", "(", "“", "``");
const dash = fc.constantFrom("-", "–", "—", "‐", "‑", "−", "--");
const words = fc.array(fc.constantFrom("hello", "it's", "me", "👋", "der", "Token", "ist", "Schön"), { maxLength: 8 });
const seeds = fc.integer({ min: 1 });

describe("a text holds the token", () => {
  it("as a whole word, in any case, with any dash and any punctuation at its edges", () => {
    fc.assert(
      fc.property(
        seeds,
        words,
        words,
        edge,
        edge,
        dash,
        fc.boolean(),
        (seed, before, after, left, right, line, upper) => {
          const token = newToken(seeded(seed));
          const typed = (upper ? token : token.toLowerCase()).replaceAll("-", line);
          const text = [...before, `${left}${typed}${right}`, ...after].join(" ");
          expect(holds(text, token)).toBe(true);
          expect(wrong(text, token)).toBe(0);
        },
      ),
    );
  });

  it.each([
    TOKEN,
    "hi, kaf–7qf2—m9tx!",
    "Token:KAF-7QF2-M9TX",
    "KAF-7QF2-M9TX,hello",
    "\nKAF-7QF2-M9TX\n",
    "ＫＡＦ-7QF2-M9TX",
  ])("%s", (text) => expect(holds(text)).toBe(true));

  it.each([
    "XKAF-7QF2-M9TX",
    "KAF-7QF2-M9TXX",
    "KAF 7QF2 M9TX",
    "KAF7QF2M9TX",
    "KAF-7QF2",
    "",
    "http://x/?t=KAF-7QF2-M9TX9",
  ])("but not in %s", (text) => expect(holds(text)).toBe(false));

  it("never where it is another one", () => {
    fc.assert(
      fc.property(seeds, seeds, words, (a, b, rest) => {
        const [token, other] = [newToken(seeded(a)), newToken(seeded(b))];
        fc.pre(token !== other);
        const text = [other, ...rest].join(" ");
        expect(holds(text, token)).toBe(false);
        expect(wrong(text, token)).toBe(1);
      }),
    );
  });

  it("only up to 200 characters", () => {
    expect(holds(`${"x ".repeat(93)}${TOKEN}`)).toBe(true);
    expect(holds(`${"x ".repeat(100)}${TOKEN}`)).toBe(false);
  });

  it("never throws, whatever the text is", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 250 }), (text) => {
        expect(holds(text)).toBe(false);
      }),
    );
  });
});

describe("a guess", () => {
  it.each(["ABCD1234", "KAF-7QF3-M9TX", "kaf-2222-bcdf hello", "passw0rd!"])("is %s", (text) =>
    expect(wrong(text)).toBe(1),
  );

  it.each([
    "hello there",
    "Donaudampfschifffahrt",
    "well-known",
    "my number is +491701234567",
    "on 2026-11-23 at 14:02",
    "wonderful! extraordinary,congratulations",
    "https://example.com/page1",
  ])("is not in ordinary words: %s", (text) => expect(wrong(text)).toBe(0));

  it("is every word of a chosen token's own kind and length", () => {
    expect(wrong("abracadabri", "abracadabra")).toBe(1);
    expect(wrong("extraordinary", "abracadabra")).toBe(0);
    expect(wrong("83749262", "83749261")).toBe(1);
    const two = ["abracadabra", "83749261"].map(liveToken);
    for (const guess of ["83749262", "abracadabri", "passw0rd"]) expect(searchTokens(guess, two).wrong).toBe(1);
    for (const word of ["8374926", "abracadabr", "abracadabra-"]) expect(searchTokens(word, two).wrong).toBe(0);
  });
});

describe("a chosen token", () => {
  it.each([TOKEN, "correct-horse-battery", "a+b/c=d9X1Qz==", "Gänsefüßchen"])("%s will do", (token) => {
    expect(holds(token, checkToken(` ${token} `))).toBe(true);
  });

  it.each([
    ["short-1", "8 characters or more"],
    ["!!abc123!!", "8 characters or more"],
    ["aaaaaaaa", "too easy to guess"],
    ["11111111111", "too easy to guess"],
    ["abababab", "too easy to guess"],
    ["12345678", "too easy to guess"],
    ["90123456", "too easy to guess"],
    ["hgfedcba", "too easy to guess"],
    ["open sesame please", "one word"],
    ["x1y2".repeat(20), "at most 64"],
  ])("%s won't: %s", async (token, why) => {
    const { code, message } = await refusal(() => checkToken(token));
    expect(code).toBe("bad-token");
    expect(message).toContain(why);
  });

  it("that we make is easy to type, and good enough for ourselves", () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const token = newToken(seeded(seed));
        expect(token).toMatch(/^KAF-[0-9B-Z]{4}-[0-9B-Z]{4}$/);
        expect(checkToken(token)).toBe(token);
      }),
    );
  });
});

describe("masking", () => {
  it("hides the token in every spelling that would let in, and nothing else", () => {
    fc.assert(
      fc.property(seeds, words, words, edge, dash, (seed, before, after, right, line) => {
        const token = newToken(seeded(seed));
        const typed = token.toLowerCase().replaceAll("-", line);
        const masked = maskTokens([...before, typed + right, ...after].join(" "), [liveToken(token)]);
        expect(holds(masked, token)).toBe(false);
        expect(masked).toBe([...before, `•••${right}`, ...after].join(" "));
      }),
    );
  });

  it("hides it in longer words, in full-width letters and with zero-width characters in it", () => {
    const mask = (text: string) => maskTokens(text, [liveToken(TOKEN)]);
    expect(mask("see https://wa.me/1?text=KAF-7QF2-M9TX.")).toBe("see https://wa.me/1?text=•••.");
    expect(mask("ＫＡＦ－7QF2－M9TX!")).not.toMatch(/7QF2/);
    expect(mask("KAF-7Q\u200bF2-M9TX")).toBe("•••");
  });

  it("hides each of several, and nothing that is as long", () => {
    const tokens = ["KAF-7QF2-M9TX", "a+b/c=d9X1Qz=="].map(liveToken);
    expect(maskTokens("ＫＡＦ－7QF2－M9TX and a+b/c=d9X1Qz==", tokens)).toBe("••• and •••==");
    for (const other of ["KAF-7QF2-M9TY", "aXb/c=d9X1Qz==", "ＫＡＦ－7QF2－M9TY"]) {
      expect(maskTokens(`see ${other}`, tokens)).toBe(`see ${other}`);
    }
  });

  it("takes no more than a moment for the longest and nastiest text", () => {
    const tokens = [liveToken(TOKEN)];
    const long = ["a!", "k\u200b", "kaf-", "KAF-7QF2-M9T", "kaf\u00ad", "- "].map((text) => text.repeat(10_000));
    const start = performance.now();
    for (const text of [...long, `kaf${"\u00ad".repeat(60_000)}`, `a${"!".repeat(60_000)}a`]) maskTokens(text, tokens);
    expect(performance.now() - start).toBeLessThan(3000);
  });

  it("compares by what is left of a token without its dress", () => {
    expect(normalizeToken(" “Kaf—7QF2–m9tx”! ".trim())).toBe("kaf-7qf2-m9tx");
  });
});

describe("the guess limit", () => {
  const sender = person("15550006666@s.whatsapp.net", "666@lid");

  it("ignores after five wrong guesses, over both addresses, for an hour", () => {
    const limit = new GuessLimit();
    for (let n = 0; n < 4; n++) expect(limit.count(sender, 1, n)).toBe(false);
    expect(limit.count(person("666@lid"), 1, 1000)).toBe(true);
    expect(limit.ignored(sender, 1000 + 3_599_999)).toBe(true);
    expect(limit.ignored(sender, 1000 + 3_600_000)).toBe(false);
  });

  it("forgets guesses of an hour ago", () => {
    const limit = new GuessLimit();
    limit.count(sender, 4, 0);
    expect(limit.count(sender, 4, 3_600_001)).toBe(false);
  });

  it("counts within an hour of the first guess, and ignores for an hour from the fifth, whatever is guessed then", () => {
    const limit = new GuessLimit();
    for (const at of [0, 1_000, 2_000, 3_000]) limit.count(sender, 1, at);
    expect(limit.count(sender, 1, 3_600_000)).toBe(false);
    for (const at of [3_601_000, 3_602_000, 3_603_000, 3_604_000]) limit.count(sender, 1, at);
    expect(limit.ignored(sender, 3_604_000)).toBe(true);
    limit.count(sender, 1, 5_000_000);
    expect(limit.ignored(sender, 3_604_000 + 3_599_999)).toBe(true);
    expect(limit.ignored(sender, 3_604_000 + 3_600_000)).toBe(false);
  });

  it("forgives who knew the token, and remembers nobody who did not guess", () => {
    const limit = new GuessLimit();
    limit.count(sender, 0, 0);
    expect(limit.size).toBe(0);
    limit.count(sender, 4, 0);
    limit.forgive(sender);
    expect(limit.count(sender, 4, 0)).toBe(false);
  });

  it("is over where the clock was set back", () => {
    const limit = new GuessLimit();
    limit.count(sender, 5, 86_400_000);
    expect(limit.ignored(sender, 0)).toBe(false);
  });

  it("remembers at most 10,000 addresses, however many write", () => {
    const limit = new GuessLimit();
    for (let n = 0; n < 30_000; n++) limit.count(person(`${1_000_000 + n}@lid`), 1, 0);
    expect(limit.size).toBe(10_000);
  });
});

describe("a refusal of a token", () => {
  it.each([
    ["two words", "A pairing token is one word; take one without spaces."],
    ["abc1234", "A pairing token has 8 characters or more; take a longer one."],
    ["x1y2z".repeat(13), "A pairing token has at most 64 characters; take a shorter one."],
    ["abcabcabc", "That pairing token is too easy to guess; take one with more different characters."],
  ])("of %s says what to take instead", async (token, why) => {
    expect(await refusal(() => checkToken(token))).toEqual({
      code: "bad-token",
      message: `${why} Or leave it out to have one made.`,
    });
    expect(() => checkToken(token)).toThrow(expect.objectContaining({ kind: "usage" }));
  });

  it("does not hit the shortest and the longest that will do", () => {
    for (const token of ["abcd1357", "x1y2".repeat(16), "abcdabcd", "acegikmo"]) expect(checkToken(token)).toBe(token);
  });
});

describe("a text that is searched", () => {
  const live = [liveToken(TOKEN)];

  it("has up to 200 characters, without the spaces around it", () => {
    const fill = (length: number) => `${"a".repeat(length - TOKEN.length - 1)} ${TOKEN}`;
    expect(searchTokens(`  ${fill(200)}  `, live)).toEqual({ tokens: [0], wrong: 0 });
    expect(searchTokens(fill(201), live)).toEqual({ tokens: [], wrong: 0 });
    expect(searchTokens("   ", live)).toEqual({ tokens: [], wrong: 0 });
  });

  it("counts each wrong word once, and a right one never", () => {
    expect(searchTokens(`abcd1234,abcd1235 abcd1236 ${TOKEN}`, live)).toEqual({ tokens: [0], wrong: 2 });
    expect(searchTokens(`${TOKEN} ${TOKEN}`, live)).toEqual({ tokens: [0], wrong: 0 });
  });

  it("holds no guess in words that are too short or too long", () => {
    expect(searchTokens("abc1234", live).wrong).toBe(0);
    expect(searchTokens("abcd1234", live).wrong).toBe(1);
    expect(searchTokens("x1".repeat(32), live).wrong).toBe(1);
    expect(searchTokens(`${"x1".repeat(32)}y`, live).wrong).toBe(0);
  });
});

it("a token in records is named by eight hex digits, the same in every spelling", () => {
  expect(tokenId(TOKEN)).toMatch(/^[0-9a-f]{8}$/);
  expect(tokenId(TOKEN.toLowerCase())).toBe(tokenId(TOKEN));
  expect(tokenId("KAF-7QF2-M9TY")).not.toBe(tokenId(TOKEN));
  expect(maskToken("😀x1234567")).toBe("😀x•••");
});
