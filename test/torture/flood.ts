/** Strangers without end, with guesses, long names and long texts, while one buddy talks through it all (I1, I5). */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { TOKEN, World } from "../e2e/world.js";
import type { Run, Topic } from "./run.js";

const STRANGERS = 100_000;
const BUDDY_SPEAKS_EVERY = 50;
/** Somebody who knows the token waits at the door, and does not stop talking. */
const PENDING_WRITES_EVERY = 10;
/** What a server hands out at a time. */
const IN_FLIGHT = 20;
const LOOK_EVERY = 1_000;
const PATIENT = { timeoutMs: 120_000 };
/** More than that for 100,000 strangers would be a place to fill somebody's disk from outside. */
const DISK_LIMIT = 100 << 20;
const QUEUE_LIMIT = 100;

export const flood: Topic = {
  name: "flood",
  short: 0.001,
  async torture(run) {
    const world = await World.linked({ setup: "own-number", addressing: "lid" }, { KAFCLAW_LOG_LEVEL: "debug" });
    const { wa, bot, home } = world;
    await world.aliceApproved();
    const pia = wa.phone({ pn: "16660000000", name: "Pia" });
    await pia.send(bot, TOKEN);
    const said: string[] = [];
    const strangers = run.times(STRANGERS);
    for (let index = 0; index < strangers; index += 1) {
      const stranger = wa.phone({ pn: `1666${1_000_000 + index}`, name: nameOf(run) });
      const { kind, text } = textOf(run, index);
      await stranger.send(bot, text, { addressing: run.random(2) === 0 ? "pn" : "lid" });
      run.fault(kind);
      if (index % BUDDY_SPEAKS_EVERY === 0) said.push((await world.say(world.alice, `through it all ${index}`)).id);
      if (index % PENDING_WRITES_EVERY === 0) {
        await pia.send(bot, `${index} ${"z".repeat(65_536)}`);
        run.fault("texts of 64 kB from a pending sender");
      }
      while (wa.companions.some(({ waiting }) => waiting > IN_FLIGHT)) await new Promise(setImmediate);
      if (index % LOOK_EVERY === LOOK_EVERY - 1) {
        checkSilence(run, world);
        wa.clearRecord();
      }
    }
    await wa.waitUntilTaken(PATIENT);
    // What does not come is a loss, below.
    await world.given(said, PATIENT).catch(() => {});
    await world.settled(PATIENT);
    checkSilence(run, world);
    const got = world.responded();
    run.check("the buddy's messages handled once, in order", got.join() === said.join(), () => {
      return `${said.length} messages were handled as ${got.length}`;
    });
    // The API's documented answer; another one fails what is checked with it.
    const { counts } = (await home.get("/api/v1/status")) as { counts: Record<string, number> };
    const { approved, pending = 0 } = counts;
    run.check("nobody got in", approved === 1 && pending >= 1 && pending <= QUEUE_LIMIT, () => JSON.stringify(counts));
    const bytes = await sizeOf(join(home.path, "data"));
    run.check("files stay small", bytes < DISK_LIMIT, () => `${bytes} bytes`);
  },
};

function nameOf(run: Run): string {
  return ["", "Sam", "x".repeat(10_000), "\u202e\n*New sender* AAAA", "👍".repeat(300)][run.random(5)] ?? "";
}

function textOf(run: Run, index: number): { kind: string; text: string } {
  switch (run.random(10)) {
    case 0:
      return { kind: "token guesses", text: `MARBLE-${index}-TULIP` };
    case 1:
      return { kind: "texts of 64 kB", text: "y".repeat(65_536) };
    case 2:
      return { kind: "commands", text: "/approve all" };
    default:
      return { kind: "greetings", text: `hello ${index}` };
  }
}

function checkSilence(run: Run, world: World): void {
  const leaks = world.leaks().length;
  run.check("strangers hear nothing (I5)", leaks === 0, () => `${leaks} stanzas went out to somebody`);
}

/** The size of all files of a folder, in bytes. */
export async function sizeOf(folder: string): Promise<number> {
  const sizes = (await readdir(folder)).map(async (name) => (await stat(join(folder, name))).size);
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
