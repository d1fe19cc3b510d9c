import { describe, expect, it } from "vitest";
import { stateAfter, type TableAction, transition } from "../../src/access/transitions.js";
import type { ContactState } from "../../src/access/types.js";

/** DESIGN 4, row by row; what is not here does not happen. */
const ROWS: readonly [ContactState, TableAction, ContactState][] = [
  ["stranger", "enter", "pending"],
  ["stranger", "approve", "approved"],
  ["pending", "approve", "approved"],
  ["stranger", "deny", "denied"],
  ["pending", "deny", "denied"],
  ["approved", "deny", "denied"],
  ["approved", "remove", "stranger"],
  ["denied", "remove", "stranger"],
  ["pending", "remove", "stranger"],
  ["pending", "expire", "stranger"],
  ["approved", "suspend", "stranger"],
  ["pending", "suspend", "stranger"],
  ["stranger", "suspend", "stranger"],
];

describe("the state table", () => {
  it.each(ROWS)("%s, by %s, becomes %s", (from, by, to) => expect(stateAfter(from, by)).toBe(to));

  it("changes nobody's state otherwise", () => {
    const states: readonly ContactState[] = ["stranger", "pending", "approved", "denied"];
    const actions: readonly TableAction[] = ["enter", "approve", "deny", "remove", "expire", "suspend"];
    const changes = states.flatMap((from) =>
      actions.flatMap((by) => (transition(from, by).kind === "to" ? [`${from} ${by}`] : [])),
    );
    expect(changes.sort()).toEqual(ROWS.map(([from, by]) => `${from} ${by}`).sort());
  });

  it("I2: has no way from denied but removal", () => {
    expect(transition("denied", "approve")).toEqual({ kind: "denied" });
    expect(() => stateAfter("denied", "approve")).toThrow("approve does not apply to a contact that is denied");
    for (const by of ["enter", "expire", "suspend"] as const) expect(transition("denied", by).kind).toBe("none");
  });
});
