import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CODE_ALPHABET, distance, looksLikeCode, newCode, parseCode, randomText } from "../../src/access/code.js";
import type { Code } from "../../src/access/types.js";
import { seeded } from "./house.js";

describe("a new code", () => {
  it("has four characters without vowels, one of them a letter", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), (seed) => {
        const code = newCode(seeded(seed), () => false, []);
        expect(code).toMatch(/^[0-9BCDFGHJKMNPQRSTVWXYZ]{4}$/);
        expect(code).toMatch(/[A-Z]/);
        expect(parseCode(code.toLowerCase())).toBe(code);
      }),
    );
  });

  it("I8: is nobody's, and differs in two places from every pending one", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1 }), fc.integer({ min: 1, max: 100 }), (seed, people) => {
        const random = seeded(seed);
        const taken = new Set<Code>();
        for (let n = 0; n < people; n++) {
          const code = newCode(random, (other) => taken.has(other), [...taken]);
          for (const other of taken) expect(distance(code, other)).toBeGreaterThanOrEqual(2);
          taken.add(code);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("I8: is found also when nearly all are taken", () => {
    const last = "Z9ZZ";
    expect(newCode(seeded(), (code) => code !== last, [])).toBe(last);
  });
});

describe("a typed code", () => {
  it("is read in any case, with look-alikes", () => {
    expect(parseCode(" k7qf ")).toBe("K7QF");
    expect(parseCode("bOiL")).toBe("B011");
  });

  it.each(["1234", "O123", "alice", "K7Q", "K7QFX", "K7QU", "KA7F", "", "K7 F", "ЌЌЌЌ"])("%s is none", (text) => {
    expect(parseCode(text)).toBeUndefined();
  });

  it.each([
    ["K7QF", true],
    [" ABEU ", true],
    ["k7ua", true],
    ["KUQA", true],
    ["anna", false],
    ["ANNAS", false],
    ["xANNA", false],
    ["An-1", false],
    ["Ann1x", false],
    ["K", false],
    ["1a", false],
  ])("or what is written like one is no name: %s, %s", (text, isOne) => {
    expect(looksLikeCode(text)).toBe(isOne);
  });

  it("is made of characters that are equally likely, whatever the random bytes are", () => {
    const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const counts = new Map<string, number>();
    for (const character of randomText(() => all, 240)) counts.set(character, (counts.get(character) ?? 0) + 1);
    expect([...counts.values()]).toEqual(Array(30).fill(8));
  });

  it("has no vowel and no look-alike in its alphabet", () => {
    expect(CODE_ALPHABET).not.toMatch(/[AEIOUL]/);
    expect(new Set(CODE_ALPHABET).size).toBe(30);
  });
});

describe("where chance gives nothing", () => {
  /** Characters by their place in the alphabet for the tries, then where the search begins. */
  const stuck = (start: number) => {
    let calls = 0;
    return (size: number) =>
      calls++ < 200
        ? new Uint8Array(size).fill(10)
        : Uint8Array.from([start >>> 24, (start >>> 16) & 255, (start >>> 8) & 255, start & 255]);
  };

  it("the codes are gone through in their order, from somewhere, past the end to the beginning", () => {
    const taken = (code: Code) => code === "BBBB";
    expect(newCode(stuck(0), taken, [])).toBe("000B");
    expect(newCode(stuck(10 * 30 + 11), taken, [])).toBe("00BC");
    expect(newCode(stuck(30 ** 4 - 1), taken, [])).toBe("ZZZZ");
    expect(newCode(stuck(30 ** 4 - 1), (code) => code === "BBBB" || code === "ZZZZ", [])).toBe("000B");
    expect(newCode(stuck(30 ** 4 + 10), taken, [])).toBe("000B");
    expect(newCode(stuck(0x80_00_00_00), taken, [])).toBe(newCode(stuck(0x80_00_00_00 % 30 ** 4), taken, []));
  });

  it("says so when every code is taken", () => {
    expect(() => newCode(seeded(), () => true, [])).toThrow("Every code is taken");
  });

  it("random text is as long as it should be, also where bytes are left over or unusable", () => {
    let calls = 0;
    const bytes = () => Uint8Array.from(calls++ === 0 ? [240, 255, 0] : [239, 10, 11, 12, 13]);
    expect(randomText(bytes, 4)).toBe("0ZBC");
    expect(randomText(bytes, 0)).toBe("");
  });

  it("codes differ in as many places as they do", () => {
    expect(distance("K7QF", "K7QF")).toBe(0);
    expect(distance("K7QF", "K7QG")).toBe(1);
    expect(distance("K7QF", "B7QG")).toBe(2);
    expect(distance("K7QF", "FQ7K")).toBe(4);
  });
});
