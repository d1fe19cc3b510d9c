/**
 * Random sequences of everything that can happen to contacts, against a model that fits on one screen, with restarts
 * from the files in between.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Code, ContactState, Outcome } from "../../src/access/index.js";
import { KafclawError } from "../../src/errors.js";
import { cli, DAY, HOUR, House, person, TOKEN } from "./house.js";

const PEOPLE = [1, 2, 3].map((n) => person(`1555000000${n}@s.whatsapp.net`, `${n}@lid`));

type Step =
  | { readonly do: "approve" | "deny" | "remove"; readonly who: number }
  | { readonly do: "knock" | "talk"; readonly who: number }
  | { readonly do: "undo" | "restart" | "crash-of-the-disk" }
  | { readonly do: "wait"; readonly hours: number };

const who = fc.nat(PEOPLE.length - 1);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constantFrom("approve" as const, "deny" as const, "remove" as const), who }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom("knock" as const, "talk" as const), who }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom("undo" as const, "restart" as const, "crash-of-the-disk" as const) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("wait" as const), hours: fc.integer({ min: 1, max: 100 }) }) },
);

/** What should be so: a state and its beginning per person, and the decisions that can be taken back. */
class Model {
  readonly states: ContactState[] = PEOPLE.map(() => "stranger");
  readonly since: number[] = PEOPLE.map(() => 0);
  /** What each decision replaced; stale where something else happened to the contact since. */
  undo: { who: number; state: ContactState; since: number; at: number; stale: boolean }[] = [];

  decide(step: "approve" | "deny" | "remove", index: number, now: number): "refused" | "unchanged" | "done" {
    const target: ContactState = step === "approve" ? "approved" : step === "deny" ? "denied" : "stranger";
    const state = this.states[index] ?? "stranger";
    if (step === "approve" && state === "denied") return "refused";
    if (state === target) return "unchanged";
    this.undo.push({ who: index, state, since: this.since[index] ?? 0, at: now, stale: false });
    this.#set(index, target, now);
    return "done";
  }

  knock(index: number, now: number): void {
    if (this.states[index] !== "stranger") return;
    this.#set(index, "pending", now);
    this.#outdate(index);
  }

  expire(now: number): void {
    for (const [index, state] of this.states.entries()) {
      if (state !== "pending" || (this.since[index] ?? 0) > now - 7 * DAY) continue;
      this.#set(index, "stranger", now);
      this.#outdate(index);
    }
  }

  takeBack(now: number): "refused" | "done" {
    const last = this.undo.findLast((entry) => entry.at >= now - HOUR / 6);
    if (last === undefined || last.stale) return "refused";
    this.undo = this.undo.filter((entry) => entry !== last);
    this.#set(last.who, last.state, last.since);
    return "done";
  }

  #outdate(index: number): void {
    this.undo = this.undo.map((entry) => (entry.who === index ? { ...entry, stale: true } : entry));
  }

  #set(index: number, state: ContactState, now: number): void {
    this.states[index] = state;
    this.since[index] = now;
  }
}

async function attempt(call: () => Promise<Outcome>): Promise<"refused" | "unchanged" | "done"> {
  try {
    return (await call()).unchanged ? "unchanged" : "done";
  } catch (error) {
    if (error instanceof KafclawError) return "refused";
    throw error;
  }
}

const EXPECTED: Readonly<Record<ContactState, string>> = {
  stranger: "stranger",
  pending: "pending",
  approved: "buddy",
  denied: "denied",
};

describe("any sequence of events", () => {
  it("I1, I2, I6, I8: leaves everyone in the state that the last decision on disk says, under the code they had", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 40 }), async (sequence) => {
        const house = await House.open();
        try {
          await play(house, sequence);
        } finally {
          await house.close();
        }
      }),
      { numRuns: 40 },
    );
  }, 60_000);
});

async function play(house: House, sequence: readonly Step[]): Promise<void> {
  await house.access.setToken(TOKEN, cli);
  const model = new Model();
  const codes = new Map<number, Code>();
  for (const step of sequence) {
    house.now += 1;
    await take(house, model, step);
    for (const [index, someone] of PEOPLE.entries()) {
      expect(house.verdict(someone)).toBe(EXPECTED[model.states[index] ?? "stranger"]);
      const contact = house.access.find(someone);
      if (contact === undefined) continue;
      expect(contact.code).toBe(codes.get(index) ?? contact.code);
      codes.set(index, contact.code);
    }
    expect(new Set(codes.values()).size).toBe(codes.size);
  }
  await house.restart();
  const recorded = new Set((await house.access.audit()).map(({ _id }) => _id));
  const decided = PEOPLE.flatMap((someone) => house.access.find(someone)?.history ?? []);
  for (const { id } of decided) expect(recorded.has(id)).toBe(true);
  expect(recorded.size).toBe(decided.length + 1);
}

async function take(house: House, model: Model, step: Step): Promise<void> {
  const { access } = house;
  switch (step.do) {
    case "approve":
    case "deny":
    case "remove": {
      const target = PEOPLE[step.who] ?? person("9@lid");
      const isUnknown = access.find(target) === undefined;
      const expected = model.decide(step.do, step.who, house.now);
      const happened = await attempt(() => access[step.do](target, cli));
      expect(happened).toBe(isUnknown && step.do === "remove" ? "refused" : expected);
      return;
    }
    case "knock":
      model.knock(step.who, house.now);
      await house.knock(PEOPLE[step.who] ?? person("9@lid"), TOKEN);
      return;
    case "talk":
      await house.knock(PEOPLE[step.who] ?? person("9@lid"), "good evening");
      return;
    case "undo":
      expect(await attempt(() => access.undo(cli))).toBe(model.takeBack(house.now));
      return;
    case "restart":
      return house.restart();
    case "crash-of-the-disk": {
      house.full.access = true;
      for (const someone of PEOPLE) {
        await attempt(() => access.approve(someone, cli));
        await attempt(() => access.deny(someone, cli));
      }
      house.full.access = false;
      return;
    }
    case "wait":
      house.now += step.hours * HOUR;
      model.expire(house.now);
      await access.tick();
      return;
  }
}
