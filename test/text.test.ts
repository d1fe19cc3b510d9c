import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bold, lines, own, quote, renderPage, renderPlain, renderWhatsApp, say } from "../src/text.js";

describe("a message", () => {
  it("on a page, what is written from right to left is isolated, and our words are not", () => {
    expect(renderPage(say`Approved ${"שלום"} (${"Bob"}), ${"+1 555"}`)).toBe("Approved \u2068שלום\u2069 (Bob), +1 555");
  });

  it("keeps the bot's own words as written and takes interpolated strings as data", () => {
    const message = say`🔔 *New sender* ${"K7QF"}\n${"*Alice*"} · ${5} messages`;
    expect(renderWhatsApp(message)).toBe("🔔 *New sender* K7QF\n＊Alice＊ · 5 messages");
    expect(renderPlain(message)).toBe("🔔 *New sender* K7QF\n*Alice* · 5 messages");
  });

  it("splices nested messages in, trusts own(), and joins lines without gaps for absent ones", () => {
    const name = say`${"_Bob_"} ${own("(_you_)")}`;
    expect(renderWhatsApp(lines(say`Hello ${name}`, undefined, false, say`Bye`))).toBe("Hello ＿Bob＿ (_you_)\nBye");
  });

  it("makes bold words that a name inside can't break out of", () => {
    expect(renderWhatsApp(say`${bold`New sender`} ${bold("a*b")} ${bold("")}.`)).toBe("*New sender* *a＊b* .");
    expect(renderPlain(bold("Alice", say` & ${"Bob"}`))).toBe("Alice & Bob");
  });

  it("puts every line of a quoted text behind a mark, on lines of its own", () => {
    expect(renderWhatsApp(say`They wrote:${quote("hi\r\n\r\n> 🔔 *New sender* K7QF\n- yes")}👍 or 👎`)).toBe(
      "They wrote:\n> hi\n> ＞ 🔔 ＊New sender＊ K7QF\n> － yes\n👍 or 👎",
    );
    expect(renderWhatsApp(lines(say`They wrote:`, quote("hi"), say`ok`))).toBe("They wrote:\n> hi\nok");
  });

  it("shows nothing for an empty quote, and marks what a long one leaves out", () => {
    expect(renderWhatsApp(lines(say`a`, quote("\u200b \n"), say`b`))).toBe("a\nb");
    expect(renderWhatsApp(lines(say`a`, say``, say`b`))).toBe("a\n\nb");
    expect(renderWhatsApp(quote("x".repeat(400)))).toBe(`> ${"x".repeat(299)}…`);
    expect(renderWhatsApp(quote("1\n2\n3\n4\n5\n6\n7")).split("\n").at(-1)).toBe("> 6…");
  });
});

describe("I9: sender text in what the owner reads", () => {
  it("stays on its line, so that a forged notice is seen as part of the name", () => {
    const forged = "Alice\n\n🔔 *Approved* by you\u2028> K7QF\u202E";
    expect(renderWhatsApp(say`${forged} wants in`)).toBe("Alice 🔔 ＊Approved＊ by you > K7QF wants in");
  });

  it.each([
    ["> quoted", "＞ quoted"],
    ["- item", "－ item"],
    ["* item", "＊ item"],
    ["12. item", "12． item"],
    ["```code```", "｀｀｀code｀｀｀"],
    ["~gone~", "～gone～"],
    ["+49 170 1234567", "+49 170 1234567"],
    ["-5", "-5"],
    ["3.14 and 2. Mai", "3.14 and 2. Mai"],
  ])("has no markup: %s", (text, shown) => {
    expect(renderWhatsApp(say`${text}`)).toBe(shown);
  });

  it.each([
    ["see https://evil.example/x?a=b", "see https[:]//evil[.]example/x?a=b"],
    ["wa.me/15550001000 www.example.com", "wa[.]me/15550001000 www[.]example[.]com"],
    ["a\u200b.co\u200bm", "a[.]com"],
    ["😀.ws i❤️.ws", "😀[.]ws i❤️[.]ws"],
    ["mail bob@example.org", "mail bob@example[.]org"],
    ["https://127.0.0.1:18791/", "https[:]//127[.]0[.]0[.]1:18791/"],
    ["evil\u3002example", "evil[.]example"],
  ])("has no link: %s", (text, shown) => {
    expect(renderWhatsApp(say`${text}`)).toBe(shown);
  });

  it("is isolated where it is written from right to left, so that the number beside it keeps its order", () => {
    expect(renderWhatsApp(say`${"שלום"} · ${"+1 555"}`)).toBe("\u2068שלום\u2069 · +1 555");
  });

  it("carries no escape sequence into a terminal", () => {
    expect(renderPlain(say`${"\u001b[31mred\u001b]0;title\u0007 \u009b2Jx\r\nroot# "}!`)).toBe("red x root#!");
  });

  it("never has an effective line break, mark-up or direction character, whatever it is", () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const [shown, plain] = [renderWhatsApp(say`${text}`), renderPlain(say`${text}`)];
        expect(shown).not.toMatch(/[*_~`\n\r\v\f\x85\u2028\u2029]|^>|^[-*] |^\d+[.)] |:\/\//u);
        expect(shown.replace(/^\u2068(.*)\u2069$/u, "$1")).not.toMatch(/\p{Bidi_Control}|\p{Cc}/u);
        expect(plain).not.toMatch(/\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]/u);
        for (const line of renderWhatsApp(quote(text)).split("\n")) expect(line).toMatch(/^(> (?![>]).*)?$/u);
      }),
      { numRuns: 500 },
    );
  });
});

/** Text made of what has a meaning to WhatsApp, terminals or Unicode, between ordinary characters. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "*",
        "_",
        "~",
        "`",
        "\n",
        "> ",
        "- ",
        "1. ",
        "\r",
        "\u2028",
        "\u202e",
        "\u2066",
        "\u200d",
        "\u200b",
      ),
      fc.constantFrom(
        "\ufe0f",
        "👩",
        "🏿",
        "\u0301",
        "\u1fef",
        "\u001b[31m",
        "\u009b",
        "https://",
        ".",
        "com",
        "א",
        " ",
      ),
      fc.string({ unit: "binary", maxLength: 8 }),
    ),
    { maxLength: 30 },
  )
  .map((pieces) => pieces.join(""));
