import { describe, expect, it } from "vitest";
import { nextHint, STEPS, type Standing } from "../../src/demo/guide.js";

const TOKEN = "DEMO-1234-TULIP";
const START: Standing = {
  away: false,
  link: "open",
  silent: true,
  state: "stranger",
  code: undefined,
  told: false,
  wasIgnored: false,
  tokenFailed: false,
  answered: false,
  token: TOKEN,
};

describe("the guided way", () => {
  it("leads from the token over 👍 and /silent off to an answer, and ends with the three commands", () => {
    const way: Partial<Standing>[] = [
      {},
      { state: "pending", code: "K7QF", told: true },
      { state: "approved" },
      { state: "approved", silent: false },
      { state: "approved", silent: false, answered: true },
    ];
    const hints = way.map((change) => nextHint({ ...START, ...change }));
    expect(hints.map(({ step }) => step)).toEqual([1, 2, 3, 4, STEPS]);
    expect(hints.map(({ phone }) => phone)).toEqual(["sam", "olga", "olga", "sam", undefined]);
    expect(hints[0]).toMatchObject({ type: TOKEN });
    expect(hints[1]?.text).toContain("👍 under “New sender K7QF”");
    expect(hints[2]).toMatchObject({ type: "/silent off" });
    expect(hints.at(-1)?.commands).toHaveLength(3);
  });

  it("says that a stranger heard nothing, and asks for the token again", () => {
    const hint = nextHint({ ...START, wasIgnored: true });
    expect(hint).toMatchObject({ step: 1, type: TOKEN });
    expect(hint.text).toMatch(/^Nothing came back/);
  });

  it("follows what happened otherwise: denied, a token that counts no more, silent mode off from the start", () => {
    expect(nextHint({ ...START, state: "denied", code: "K7QF" })).toMatchObject({
      phone: "olga",
      type: "/remove K7QF",
    });
    expect(nextHint({ ...START, state: "pending", code: "K7QF" }).text).toContain("is being told");
    expect(nextHint({ ...START, tokenFailed: true })).toMatchObject({ phone: "olga", type: "/approve +15550004000" });
    expect(nextHint({ ...START, silent: false, state: "approved" })).toMatchObject({ step: 4 });
  });

  it("names what is in the way first: no connection, connecting, no gateway", () => {
    expect(nextHint({ ...START, away: true }).text).toContain("no connection");
    expect(nextHint({ ...START, link: "connecting" }).text).toContain("connecting again");
    expect(nextHint({ ...START, link: undefined }).text).toContain("terminal");
  });

  it("stays at its end when silent mode is switched on again", () => {
    expect(nextHint({ ...START, state: "approved", answered: true })).toMatchObject({ step: STEPS });
  });
});
