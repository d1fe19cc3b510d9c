import { beforeEach, describe, expect, it } from "vitest";
import { Turns } from "../../src/responder/turns.js";
import { Clockwork } from "../clockwork.js";

let time: Clockwork;
let turns: Turns;
let room: number;
/** Who is served now, in order; each is ended by the test. */
let serving: { who: string; end: () => void }[];

beforeEach(() => {
  time = new Clockwork();
  room = 4;
  serving = [];
  turns = new Turns({
    clock: () => time.now,
    scheduler: time,
    room: () => room,
    serve: (who) => new Promise<void>((end) => serving.push({ who, end })),
  });
});

const names = () => serving.map(({ who }) => who);
async function ends(who: string): Promise<void> {
  const index = serving.findIndex((one) => one.who === who);
  serving.splice(index, 1)[0]?.end();
  await time.settled();
}

describe("turns", () => {
  it("a burst is one turn, 1.5 s after its last message", async () => {
    turns.wrote("alice");
    await time.pass(1_400);
    turns.wrote("alice");
    await time.pass(1_400);
    expect(names()).toEqual([]);
    await time.pass(200);
    expect(names()).toEqual(["alice"]);
  });

  it("who never stops writing gets a turn after 8 s all the same", async () => {
    for (let second = 0; second < 8; second++) {
      expect(names()).toEqual([]);
      turns.wrote("alice");
      await time.pass(1_000);
    }
    expect(names()).toEqual(["alice"]);
  });

  it("one at a time for each, and four at once", async () => {
    for (const who of ["a", "b", "c", "d", "e"]) turns.ready(who);
    turns.ready("a");
    expect(names()).toEqual(["a", "b", "c", "d"]);
    await ends("c");
    expect(names()).toEqual(["a", "b", "d", "e"]);
    await ends("a");
    expect(names()).toEqual(["b", "d", "e", "a"]);
  });

  it("who writes a lot does not keep the others waiting", async () => {
    room = 1;
    turns.ready("loud");
    turns.ready("quiet");
    turns.ready("loud");
    await ends("loud");
    expect(names()).toEqual(["quiet"]);
    await ends("quiet");
    expect(names()).toEqual(["loud"]);
  });

  it("nobody is served while there is no room; pump looks again", async () => {
    room = 0;
    turns.ready("alice");
    expect(turns.waiting()).toEqual(["alice"]);
    room = 1;
    turns.pump();
    expect(names()).toEqual(["alice"]);
  });

  it("stop begins no more and waits for what was begun", async () => {
    turns.ready("alice");
    turns.wrote("bob");
    let stopped = false;
    const stopping = turns.stop().then(() => {
      stopped = true;
    });
    await time.pass(10_000);
    expect(stopped).toBe(false);
    await ends("alice");
    await stopping;
    turns.wrote("carol");
    await time.pass(10_000);
    expect(names()).toEqual([]);
  });
});
