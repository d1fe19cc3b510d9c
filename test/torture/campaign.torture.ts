/** The fault campaign as a whole: `make torture`, see run.mjs. Prints a table; fails where anything was lost. */
import { afterAll, expect, test } from "vitest";
import { print } from "../bench/table.js";
import { Run } from "./run.js";
import { TOPICS } from "./topics.js";

const { SEED = "20261123", SCALE = "1", ONLY = "" } = process.env;
const wanted = ONLY.split(",").filter((name) => name !== "");
const unknown = wanted.filter((name) => !TOPICS.some((topic) => topic.name === name));
if (unknown.length > 0) {
  throw new Error(`No topic is called ${unknown.join(", ")}; there are ${TOPICS.map(({ name }) => name).join(", ")}.`);
}
const rows: (string | number)[][] = [];
const SAY_MS = 60_000;

for (const { name, torture } of TOPICS.filter((topic) => wanted.length === 0 || wanted.includes(topic.name))) {
  test(name, async () => {
    const run = new Run(name, Number(SEED), Number(SCALE));
    const begun = performance.now();
    const seconds = (): number => (performance.now() - begun) / 1000;
    const saying = setInterval(() => process.stderr.write(`${run.progress(seconds())}\n`), SAY_MS);
    try {
      await torture(run);
    } finally {
      clearInterval(saying);
      rows.push(run.row(seconds()));
    }
    expect(run.losses).toEqual([]);
  });
}

afterAll(() =>
  print("torture", `Fault campaign, seed ${SEED}, ${SCALE} of its whole length`, {
    head: ["topic", "faults", "checked", "losses", "seconds"],
    rows,
  }),
);
