import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { references, splitWords, take } from "../../src/admin/arguments.js";
import { readOrder, readReaction } from "../../src/admin/read.js";
import { formatDuration, parseDuration } from "../../src/admin/words.js";
import { KafclawError } from "../../src/errors.js";
import { House } from "./house.js";

const anyText = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.string({ unit: "grapheme", maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(
        "/",
        "／",
        "approve",
        "deny",
        "all",
        "7",
        "--block",
        "—for",
        '"',
        "K7QF",
        "+1 555",
        "\n",
        "\u202e",
        "*",
        "yes",
        "👍",
      ),
    )
    .map((parts) => parts.join(" ")),
);

describe("reading orders", () => {
  it("takes any text and never throws", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const order = readOrder(text);
        readReaction(text);
        const words = splitWords(order.kind === "command" ? order.rest : text);
        expect(words.some((word) => /\n/.test(word))).toBe(false);
        references(words);
        try {
          take(words, { flags: ["block"], values: ["for"] });
        } catch (error) {
          expect(error).toBeInstanceOf(KafclawError);
        }
      }),
    );
  });

  it.each([
    ["/approve K7QF", { kind: "command", name: "approve", rest: "K7QF" }],
    ["  \u200e／Approve\u00a0K7QF", { kind: "command", name: "approve", rest: "K7QF" }],
    ["/ approve K7QF", { kind: "command", name: "approve", rest: "K7QF" }],
    ["please /approve K7QF", { kind: "talk" }],
    ["YES!", { kind: "answer", decides: "approve", said: "YES" }],
    ["👎🏿", { kind: "answer", decides: "deny", said: "👎🏿" }],
    ["yes please", { kind: "talk" }],
    ["Okay!!.", { kind: "answer", decides: "approve", said: "Okay" }],
    ["no !", { kind: "answer", decides: "deny", said: "no" }],
    ["y.es", { kind: "talk" }],
    ["!yes", { kind: "talk" }],
    ["/approve  Anna \n\t Maria  ", { kind: "command", name: "approve", rest: "Anna Maria" }],
    ["/", { kind: "command", name: "", rest: "" }],
    ["", { kind: "talk" }],
  ])("%j", (text, order) => {
    expect(readOrder(text)).toEqual(order);
  });

  it.each([
    ["👍", "approve"],
    ["👍🏻", "approve"],
    ["👎🏾", "deny"],
    [" 👍 ", "approve"],
    [" ", "gone"],
    ["", "gone"],
    ["❤️", undefined],
    ["👍👎", undefined],
  ])("a reaction %s", (emoji, decides) => {
    expect(readReaction(emoji)).toBe(decides);
  });

  it.each([
    ["+1 555 000 2000", ["+1 555 000 2000"]],
    ["K7QF M2TX", ["K7QF", "M2TX"]],
    ["+1 (555) 000-2000 M2TX +49 170 1234567", ["+1 (555) 000-2000", "M2TX", "+49 170 1234567"]],
    ["491701234567 15550002000", ["491701234567", "15550002000"]],
    ["anna maria K7QF bob", [["anna", "maria"], "K7QF", ["bob"]]],
    ['"Anna Maria" „Bob B“ \'x', ["Anna Maria", "Bob B", ["'x"]]],
    ["1234@lid 1555@s.whatsapp.net", ["1234@lid", "1555@s.whatsapp.net"]],
  ])("the references of %s", (text, expected) => {
    const found = references(splitWords(text)).map((typed) => (typed.kind === "one" ? typed.text : typed.words));
    expect(found).toEqual(expected);
  });

  it("an empty pair of quotes is an empty word, and spaces in one are trimmed", () => {
    expect(splitWords('"" a " b c " „d“ «» «e» —block −x -- – 5')).toEqual([
      "",
      "a",
      "b c",
      "d",
      "",
      "e",
      "--block",
      "--x",
      "--",
      "–",
      "5",
    ]);
    expect(splitWords("   ")).toEqual([]);
  });

  it.each([
    [["a", "--block", "b"], ["a", "b"], true, undefined],
    [["--for", "2h", "a"], ["a"], false, "2h"],
    [["--for=2h"], [], false, "2h"],
    [["007", "1e3", "0x10"], ["007", "1e3", "0x10"], false, undefined],
    [["--for", "0x10"], [], false, "0x10"],
    [["a-b", "a--b", "–"], ["a-b", "a--b", "–"], false, undefined],
    [["--for", "1h", "--for", "2h"], [], false, "2h"],
  ])("options and words of %j", (args, words, block, value) => {
    const taken = take(args, { flags: ["block"], values: ["for"] });
    expect([taken.words, taken.flag("block"), taken.value("for"), taken.value("block")]).toEqual([
      words,
      block,
      value,
      undefined,
    ]);
  });

  const both = "; there is --block, --for.";
  it.each([
    [["--ban"], "bad-option", `--ban is not an option here${both}`],
    [["-b"], "bad-option", `-b is not an option here${both}`],
    [["-B", "x"], "bad-option", `-B is not an option here${both}`],
    [["--no-block"], "bad-option", `--no-block is not an option here${both}`],
    [["--for.x", "1"], "bad-option", `--for.x is not an option here${both}`],
    [["-1"], "bad-option", `-1 is not an option here${both}`],
    [["--for"], "bad-option", "--for wants a value behind it."],
    [["--for", ""], "bad-option", "--for wants a value behind it."],
    [[""], "bad-usage", '"" names nobody and nothing; leave it out.'],
    [["a", " "], "bad-usage", '"" names nobody and nothing; leave it out.'],
  ])("%j is refused", (args, code, message) => {
    const call = () => take(args, { flags: ["block"], values: ["for"] });
    expect(call).toThrow(expect.objectContaining({ code, message, kind: "usage" }));
  });

  it("where there are no options, the refusal names none", () => {
    expect(() => take(["--ban"])).toThrow(expect.objectContaining({ message: "--ban is not an option here." }));
    expect(take(["a", "b"]).words).toEqual(["a", "b"]);
  });

  it.each([
    [
      ["1234567", "7654321"],
      ["1234567", "7654321"],
    ],
    [["123456", "7654321"], ["123456 7654321"]],
    [["1234567", "654321"], ["1234567 654321"]],
    [
      ["555+", "12"],
      [["555+"], "12"],
    ],
    [
      ["+1555", "+1666"],
      ["+1555", "+1666"],
    ],
    [
      ["anna", "K7QF", "bob", "b"],
      [["anna"], "K7QF", ["bob", "b"]],
    ],
    [["1234"], ["1234"]],
    [
      ["K7QF,M2TX;", "+15550002000,K7QF", "Ｋ７ＱＦ，Ｍ２ＴＸ", "Anna,K7QF", "55,1000", ","],
      ["K7QF", "M2TX", "+15550002000", "K7QF", "K7QF", "M2TX", ["Anna,K7QF", "55,1000", ","]],
    ],
  ])("references among %j", (words, expected) => {
    expect(references(words).map((typed) => (typed.kind === "one" ? typed.text : typed.words))).toEqual(expected);
  });

  it("numbers and durations come in the digits of any script, names as they are", () => {
    expect(splitWords("off --for ٢h --days=۳ +٤٩ १७० 𝟙 Gruppe٣ ٣.Stock")).toEqual([
      "off",
      "--for",
      "2h",
      "--days=3",
      "+49",
      "170",
      "1",
      "Gruppe٣",
      "٣.Stock",
    ]);
  });

  it("durations: what is written is what is meant", () => {
    expect(["30m", "2h", "1d", "1h30m", "2 h", "31d", "32d", "0m", "5", "-1h", "1w"].map(parseDuration)).toEqual([
      1_800_000,
      7_200_000,
      86_400_000,
      5_400_000,
      undefined,
      2_678_400_000,
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect([59_000, 7_500_000, 86_400_000, 90_000_000].map(formatDuration)).toEqual([
      "under a minute",
      "2 h 5 min",
      "1 day",
      "1 day 1 h",
    ]);
  });
});

describe("whatever is written", () => {
  let house: House;
  let code: string;
  beforeAll(async () => {
    house = await House.open();
    code = (await house.knocks("Alice", "+1 555 000 2000")).code;
  });
  beforeEach(() => {
    house.outbox.sent.length = 1;
  });
  afterAll(() => house.close());

  const looks = (): string =>
    JSON.stringify([house.access.list("pending"), house.access.counts(), house.gateway.silent.on()]);

  it("I7: forwarded or edited, it decides nothing", async () => {
    const before = looks();
    const { id: quotes } = house.notice("New sender");
    const commands = fc.constantFrom(
      `/approve ${code}`,
      "/approve",
      "yes",
      "👍",
      "/silent off",
      "/deny --block",
      "/remove all",
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(anyText, commands), fc.boolean(), async (text, isEdit) => {
        const content = isEdit ? ({ kind: "edit", text, target: "x" } as const) : ({ kind: "text", text } as const);
        await house.admin.chat.handle(house.message(content, { quotes, forwarded: !isEdit }));
        expect(looks()).toBe(before);
      }),
      { numRuns: 50 },
    );
  });

  it("quoted, it decides only as a yes, a no or a command", async () => {
    const before = looks();
    const { id: quotes } = house.notice("New sender");
    const talk = anyText.filter((text) => readOrder(text).kind === "talk");
    await fc.assert(
      fc.asyncProperty(talk, async (text) => {
        await house.admin.chat.handle(house.message({ kind: "text", text }, { quotes }));
        expect(looks()).toBe(before);
      }),
      { numRuns: 50 },
    );
  });

  it("an unknown command or a wrong argument gets an answer and no exception", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", maxLength: 40 }), async (text) => {
        expect(await house.says(`/whois ${text}`)).not.toBe("");
        expect(await house.says(`/help ${text}`)).not.toBe("");
        expect(await house.says(`/x${text}`)).not.toBe("");
      }),
      { numRuns: 30 },
    );
  });
});
