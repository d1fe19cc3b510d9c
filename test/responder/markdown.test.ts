import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toWhatsApp } from "../../src/responder/markdown.js";

describe("Markdown becomes WhatsApp's marks", () => {
  it.each([
    ["**bold** and __bold__", "*bold* and *bold*"],
    ["*italic* and _italic_", "_italic_ and _italic_"],
    ["***both***", "*_both_*"],
    ["~~gone~~", "~gone~"],
    ["# Title #", "*Title*"],
    ["## A **b** c", "*A b c*"],
    ["- one\n* two\n+ three", "- one\n- two\n- three"],
    ["  * nested", "- nested"],
    ["1. one\n2. two", "1. one\n2. two"],
    ["- [ ] open\n- [x] done", "- ☐ open\n- ☑ done"],
    ["see [the page](https://example.com/a_b_c)", "see the page (https://example.com/a_b_c)"],
    ["[`f(x)` and \\*](https://example.com)", "`f(x)` and ＊ (https://example.com)"],
    ["[https://example.com](https://example.com)", "https://example.com"],
    ["<https://example.com/x>", "https://example.com/x"],
    ["https://example.com/a*b*c", "https://example.com/a*b*c"],
    ["`code *x*`", "`code *x*`"],
    ["```js\nlet **a** = 1;\n```", "```\nlet **a** = 1;\n```"],
    ["```\nunfinished", "```\nunfinished\n```"],
    ["```\na\n\n\n\nb\n```", "```\na\n\n\n\nb\n```"],
    ["```\n```\nand **on**", "and *on*"],
    ["- ```js\n  let **a**;\n  ```\n- **b**", "-\n```\n  let **a**;\n```\n- *b*"],
    ["1. Run ```npm i``` now\n2. **done**", "1. Run `npm i` now\n2. *done*"],
    ["```npm i```\n**done**", "`npm i`\n*done*"],
    ["~~~\na\n~~~", "```\na\n```"],
    ["**https://example.com/a**: yes", "*https://example.com/a*: yes"],
    ["**see https://example.com/a_b.** And _on_", "*see https://example.com/a_b.* And _on_"],
    ["*https://example.com*", "_https://example.com_"],
    ["a\n\n---\n\nb", "a\n\nb"],
    ["| a | b |\n| --- | --- |\n| 1 | 2 |", "a · b\n1 · 2"],
    ["| a<br>b | c <br/> d |", "a b · c d"],
    ["one<br>two<BR />three and `<br>`", "one\ntwo\nthree and `<br>`"],
    ["> quoted", "> quoted"],
    ["2 * 3 * 4 = 24", "2 * 3 * 4 = 24"],
    ["snake_case_name and a*b", "snake_case_name and a*b"],
    ["\\*not bold\\* \\_nor this\\_ \\~nor this\\~", "＊not bold＊ ＿nor this＿ ～nor this～"],
    ["\\`no code\\` and `code\\`", "｀no code｀ and `code\\`"],
    ["\\\\*italic*", "\\_italic_"],
    ["snake\\_case and 2\\*3", "snake_case and 2*3"],
    [
      "https://example.com/\\_a\\*b and [x](https://example.com/\\_a)",
      "https://example.com/_a*b and x (https://example.com/_a)",
    ],
    ["\\#1 \\> \\-", "#1 > -"],
    ["a\r\nb", "a\nb"],
  ])("%j → %j", (markdown, expected) => {
    expect(toWhatsApp(markdown)).toBe(expected);
  });

  it("leaves plain words as they are, whatever they are", () => {
    const words = fc.string({ unit: fc.constantFrom(..."abcäßЖ字😀 .,!?") });
    fc.assert(fc.property(words, (text) => void expect(toWhatsApp(text)).toBe(text.trim())));
  });

  it("takes any text, keeps its letters, in time that grows with its length", () => {
    const any = fc.string({ unit: fc.constantFrom(..."ab*_~`[]()#|>\\- \n1.!<:/h\u0001\u0002"), maxLength: 400 });
    fc.assert(
      fc.property(any, (text) => {
        const shown = toWhatsApp(text);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: none of the marks of our own may be left.
        expect(shown).not.toMatch(/[\u0001\u0002]/);
        if (!shown.includes("```")) expect(shown).not.toMatch(/\n{3}/);
      }),
      { numRuns: 2_000 },
    );
    // What grows faster than that takes longer than a test may.
    for (const hostile of ["*", "_", "`", "[", "~", "# ", "\\", "**a", "[a](", "```\n", "| "]) {
      toWhatsApp(hostile.repeat(16_000 / hostile.length));
    }
  });
});
