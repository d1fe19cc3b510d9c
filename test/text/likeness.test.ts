import { describe, expect, it } from "vitest";
import { nearest, resembles } from "../../src/text.js";

describe("a name resembles another", () => {
  it.each([
    ["Alice", "alice"],
    ["Alice", "AIice"],
    ["Alice", "Аlісе"],
    ["Alice", "Ａｌｉｃｅ"],
    ["Alice", "𝐀𝐥𝐢𝐜𝐞"],
    ["Alice", "🅰lice"],
    ["Alice", "A l i c e."],
    ["Alice", "Alic\u0435\u0301"],
    ["Zoë", "Zoe"],
    ["Bob", "B0b"],
    ["Anna Smith", "Smith Anna"],
    ["Marnie", "Mamie"],
    ["Michael", "Micheal"],
    ["Νikos", "Nikos"],
    ["🦊", "🦊"],
  ])("%s and %s", (a, b) => {
    expect(resembles(a, b)).toBe(true);
    expect(resembles(b, a)).toBe(true);
  });

  it.each([
    ["Alice", "Bob"],
    ["Tim", "Tom"],
    ["Alice", ""],
    ["🦊", "🐼"],
    ["Alexander", "Alexandra"],
    ["...", "!?"],
  ])("but not %s and %s", (a, b) => {
    expect(resembles(a, b)).toBe(false);
  });
});

describe("the nearest word", () => {
  const commands = ["approve", "deny", "remove", "list", "pending", "silent", "status", "invite", "whois"];

  it.each([
    ["aprove", "approve"],
    ["apporve", "approve"],
    ["dney", "deny"],
    ["LIST", "list"],
    ["stauts", "status"],
    ["pend", "pending"],
    ["whoiss", "whois"],
  ])("to %s is %s", (word, found) => {
    expect(nearest(word, commands)).toBe(found);
  });

  it.each(["xyz", "s", "st4rtsomething", "", "q".repeat(10_000)])("to %s is none", (word) => {
    expect(nearest(word, commands)).toBeUndefined();
  });
});
