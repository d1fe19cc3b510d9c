import { expect, it } from "vitest";
import { Chains } from "../src/chains.js";

it("what has one key is done in order, nobody waits for another's, and what waits is counted", async () => {
  const doing = new Map<string, () => void>();
  const done: string[] = [];
  const chains = new Chains<string>(
    (item) => item.charAt(0),
    async (item) => {
      await new Promise<void>((end) => doing.set(item, end));
      done.push(item);
    },
  );
  for (const item of ["a1", "a2", "a3", "b1"]) chains.add(item);
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  await turn();
  expect([...doing.keys()]).toEqual(["a1", "b1"]);
  expect([chains.waiting("a"), chains.waiting("b"), chains.waiting("c")]).toEqual([2, 0, 0]);
  const all = chains.done();
  for (const item of ["b1", "a1", "a2", "a3"]) {
    doing.get(item)?.();
    await turn();
  }
  await all;
  expect(done).toEqual(["b1", "a1", "a2", "a3"]);
  expect(chains.waiting("a")).toBe(0);
});
