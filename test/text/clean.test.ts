import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cleanName, cleanText, firstWords } from "../../src/text.js";

describe("I9: a name", () => {
  it.each([
    ["Alice\n\tBob\u2028 \u00a0 Carol", "Alice Bob Carol"],
    ["\u202eecilA\u2066\u200f\u061c", "ecilA"],
    ["A\u200bl\u2060i\ufeffc\u00ade\u3164", "Alice"],
    ["Zoe\u0308", "Zoë"],
    ["a\u0301\u0302\u0303\u0304\u0305\u0306\u0307", "á\u0302\u0303\u0304\u0305"],
    ["\u0301\u0489start", "start"],
    ["Bob\u{e0041}\u{e0042}", "Bob"],
    ["A\ufe0fl\ufe0fi", "Ali"],
    ["\ud800x\udc00", "\ufffdx\ufffd"],
    ["\u001b[2J\u0007Eve", "Eve"],
    ["\u2800 \u2800", ""],
    ["می‌خواهم", "می‌خواهم"],
    ["वाड्‍मय", "वाड्‍मय"],
  ])("is cleaned: %j", (raw, clean) => {
    expect(cleanName(raw)).toBe(clean);
  });

  it.each(["👩‍👩‍👧‍👦 family", "🏳️‍🌈", "👍🏽 ok", "❤️‍🔥", "7️⃣", "🇩🇪 Uwe", "👩🏿‍🚀"])("keeps emoji whole: %s", (name) => {
    expect(cleanName(name)).toBe(name);
  });

  it("is cut at 64 code points, between graphemes, with a mark", () => {
    expect(cleanName("x".repeat(64))).toBe("x".repeat(64));
    expect(cleanName("x".repeat(65))).toBe(`${"x".repeat(63)}…`);
    expect(cleanName(`${"x".repeat(60)}👩‍👩‍👧‍👦`)).toBe(`${"x".repeat(60)}…`);
    expect([...cleanName("👩‍".repeat(200))].length).toBeLessThanOrEqual(64);
  });

  it("is the same when cleaned twice, one line, and never longer than 64", () => {
    fc.assert(
      fc.property(rough, (raw) => {
        const name = cleanName(raw);
        expect(cleanName(name)).toBe(name);
        expect([...name].length).toBeLessThanOrEqual(64);
        expect(name).not.toMatch(/\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]|^\p{M}/u);
        expect(name).not.toMatch(/\p{Surrogate}/u);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("I9: a text", () => {
  it("keeps its line breaks, of which two in a row are enough", () => {
    expect(cleanText("7\n\u0489\n\nx")).toBe("7\n\nx");
    expect(cleanText("a\r\nb\rc\u2028d  \n\n\n\n e\t\n")).toBe("a\nb\nc\nd\n\n e");
  });

  it("takes as much as a phone sends, of anything, and keeps the beginning of more", () => {
    expect([...cleanText("\u0301a\u202e*👩‍".repeat(40_000))].length).toBeLessThanOrEqual(65_536);
    expect(cleanText("ab".repeat(32_768))).toBe("ab".repeat(32_768));
    expect(cleanText("ab".repeat(40_000), 10)).toBe("ababababa…");
    expect(cleanText("\u0300".repeat(65_536))).toBe("");
  });

  it("is the same when cleaned twice", () => {
    fc.assert(
      fc.property(rough, fc.integer({ min: 1, max: 40 }), (raw, max) => {
        const text = cleanText(raw, max);
        expect(cleanText(text, max)).toBe(text);
        expect([...text].length).toBeLessThanOrEqual(max);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the first words of a text", () => {
  it("are one line, cut between words", () => {
    expect(firstWords("hello,\nit's me")).toBe("hello, it's me");
    expect(firstWords("one two three four", 12)).toBe("one two…");
    expect(firstWords("x".repeat(100), 10)).toBe(`${"x".repeat(9)}…`);
  });
});

const rough = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "\u200d",
        "\u200c",
        "\ufe0f",
        "👩",
        "🏿",
        "7",
        "\u20e3",
        "\u0301",
        "\u0489",
        "\u202e",
        "\n",
        " ",
        "\r",
      ),
      fc.constantFrom(
        "\ud83d",
        "\udc69",
        "\u001b",
        "[31m",
        "\u009b",
        "م",
        "ي",
        "क",
        "्",
        "\u{e0020}",
        "\u3164",
        "\u1100",
        "\u1161",
      ),
      fc.string({ unit: "binary", maxLength: 10 }),
      fc.constant("x".repeat(30)),
    ),
    { maxLength: 40 },
  )
  .map((pieces) => pieces.join(""));
