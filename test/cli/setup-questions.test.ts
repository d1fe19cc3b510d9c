import { expect, it } from "vitest";
import { endpointProblem, withoutModel } from "../../src/cli/model-setup.js";
import { deniedProblem, tokenProblem } from "../../src/cli/setup-questions.js";

it.each([
  ["short", /8 characters or more/],
  ["two words here", /without spaces/],
  ["aaaaaaaaaa", /too easy to guess/],
  ["x".repeat(500), /at most/],
])("the token %s is refused at the question", (typed, why) => {
  expect(tokenProblem(typed)).toMatch(why);
  expect(tokenProblem(typed)).not.toMatch(/leave it out/);
});

it("a token that will do is taken, with spaces around it too", () => {
  expect(tokenProblem(" MARBLE-42-TULIP ")).toBeUndefined();
});

it("who is the owner or was just approved can't be denied in the same go, however the number is written", () => {
  const others = ["+1 555 000 1000", "15550002000@s.whatsapp.net"];
  expect(deniedProblem("+1 555 000 3000, +1 (555) 000-2000", others)).toMatch(
    /2000 is the owner, or was to be approved/,
  );
  expect(deniedProblem("15550001000", others)).toBeDefined();
  expect(deniedProblem("+1 555 000 3000", others)).toBeUndefined();
  expect(deniedProblem("", others)).toBeUndefined();
  expect(deniedProblem("abc", others)).toMatch(/no number/);
});

it("an endpoint that would be refused is refused at its question", () => {
  expect(endpointProblem("baseUrl", "localhost:11434")).toMatch(/takes an http:\/\/ or https:\/\/ URL/);
  expect(endpointProblem("baseUrl", " http://127.0.0.1:11434/v1 ")).toBeUndefined();
  expect(endpointProblem("model", "  ")).toBe("It can't do without");
  expect(endpointProblem("apiKey", "")).toBeUndefined();
  expect(endpointProblem("apiKey", "two words")).toBe(
    "got a text of 9 characters, takes the endpoint's key, without spaces",
  );
});

it("no relay is promised to whoever has the bot on their own number", () => {
  expect(withoutModel(false)).toEqual({ label: "I do", hint: expect.stringContaining("relays") });
  expect(withoutModel(true)).toEqual({ label: "Nobody", hint: expect.stringContaining("stays quiet") });
});
