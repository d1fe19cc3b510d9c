/** The fault campaign in short; `make torture` is the long form. */
import { expect, test } from "vitest";
import { Run } from "../torture/run.js";
import { TOPICS } from "../torture/topics.js";

const SEED = 20_261_123;
/** A busy machine takes its time: what a topic does is counted, not timed. */
const PATIENCE_MS = 240_000;

test.each(TOPICS)("I1 to I12 hold: $name", { timeout: PATIENCE_MS }, async ({ name, short, torture }) => {
  const run = new Run(name, SEED, short);
  await torture(run);
  expect(run.losses).toEqual([]);
  expect(run.checks.size).toBeGreaterThan(0);
});
