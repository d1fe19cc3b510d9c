import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CHUNK_LENGTH, chunks } from "../../src/text/chunks.js";

/** Text as people and models write it, with everything that is awkward to cut. */
const prose = fc
  .array(
    fc.oneof(
      { weight: 5, arbitrary: fc.stringMatching(/^[a-z]{1,12}$/) },
      fc.constantFrom(" ", " ", " ", ". ", "! ", "\n", "\n\n", "\n  ", "。", "👍🏽", "👨‍👩‍👧‍👦", "🇩🇪", "é", "ä́̂"),
      fc.string({ unit: "grapheme", maxLength: 5 }),
    ),
    { maxLength: 120 },
  )
  .map((parts) => parts.join(""));

const segmenter = new Intl.Segmenter("und", { granularity: "grapheme" });
const graphemes = (text: string) => [...segmenter.segment(text)].map(({ segment }) => segment);

describe("chunks", () => {
  it("a short text stays whole", () => {
    expect(chunks("hello")).toEqual(["hello"]);
    expect(chunks("x".repeat(CHUNK_LENGTH))).toEqual(["x".repeat(CHUNK_LENGTH)]);
  });

  it.each(["", "  \n\t "])("%j gives no chunk", (text) => {
    expect(chunks(text)).toEqual([]);
  });

  it("cuts at the end of a paragraph where there is one", () => {
    expect(chunks("One. Two.\n\nThree four\nfive six.", 24)).toEqual(["One. Two.", "Three four\nfive six."]);
  });

  it("cuts at the end of a line, and keeps the indentation of the next", () => {
    expect(chunks("first line, and more\n    indented second", 25)).toEqual([
      "first line, and more",
      "    indented second",
    ]);
  });

  it("cuts at the end of a sentence, else of a word", () => {
    expect(chunks("It is done. Nothing is lost", 20)).toEqual(["It is done.", "Nothing is lost"]);
    expect(chunks("no sentence ends in here", 12)).toEqual(["no sentence", "ends in here"]);
  });

  it("keeps a long link whole rather than fill the chunk before it", () => {
    const link = `https://example.com/${"x".repeat(70)}`;
    expect(chunks(`see ${link}`, 90)).toEqual(["see", link]);
  });

  it("fills a chunk to the last unit when white space stands behind it", () => {
    expect(chunks("aaaa bbbb", 4)).toEqual(["aaaa", "bbbb"]);
  });

  it("never cuts right behind a fence that opens code, but behind one that closes it", () => {
    const line = "x".repeat(30);
    expect(chunks(`\`\`\`\n${line}`, 20)).toEqual([`\`\`\`\n${"x".repeat(16)}`, "x".repeat(14)]);
    expect(chunks(`Some code:\n\`\`\`\n${line}`, 20)[0]).toBe("Some code:");
    expect(chunks(`\`\`\`\n${"x".repeat(10)}\n\`\`\`\n${line}`, 20)[0]).toBe(`\`\`\`\n${"x".repeat(10)}\n\`\`\``);
    expect(chunks(`\`\`\`\n${line}\n\`\`\`\n${line}`, 20)[1]).toBe(`${"x".repeat(14)}\n\`\`\``);
  });

  it("never cuts inside a character", () => {
    expect(chunks("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 15)).toEqual(["👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦"]);
    expect(chunks("🇩🇪🇫🇷🇮🇹", 9)).toEqual(["🇩🇪🇫🇷", "🇮🇹"]);
  });

  it("one character that is longer than a chunk is cut between its code points", () => {
    const tall = `a${"\u0301".repeat(9)}`;
    expect(chunks(tall, 4).join("")).toBe(tall);
    expect(chunks("👍👍", 3)).toEqual(["👍", "👍"]);
  });

  it("no chunk is longer than the limit, and nothing but white space at the cuts is lost", () => {
    fc.assert(
      fc.property(prose, fc.integer({ min: 20, max: 80 }), (text, max) => {
        const found = chunks(text, max);
        for (const chunk of found) {
          expect(chunk.length).toBeLessThanOrEqual(max);
          expect(chunk.trim()).not.toBe("");
        }
        expect(found.join("").replace(/\s/g, "")).toBe(text.replace(/\s/g, ""));
      }),
    );
  });

  it("every character comes out as it went in", () => {
    fc.assert(
      fc.property(prose, fc.integer({ min: 40, max: 80 }), (text, max) => {
        fc.pre(graphemes(text).every((one) => one.length <= 40));
        const seen = (parts: readonly string[]) =>
          parts
            .flatMap(graphemes)
            .map((one) => one.trim())
            .filter((one) => one !== "");
        expect(seen(chunks(text, max))).toEqual(seen([text]));
      }),
    );
  });

  it("a 64 kB text without a single space is cut in no time", () => {
    const found = chunks("x".repeat(65_536));
    expect(found.map((chunk) => chunk.length)).toEqual([...Array(16).fill(4_000), 1_536]);
  });
});
