import { describe, expect, it } from "vitest";
import { TOKEN, World } from "./world.js";

const SEED = 20_261_123;
const KILLS = 15;
/** A kill comes after so many more stanzas of the gateway at most: in the middle of what it was just given to do. */
const STANZAS_BEFORE_KILL = 30;
const MESSAGES_PER_LIFE = 4;

/** Mulberry32: the same sequence at each run, so that a failure can be looked at again. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** The codes of all contacts in a state, by the local API. */
async function codesOf(world: World, state: "approved" | "pending"): Promise<string[]> {
  // The API's documented answer; another one fails the assertions that follow.
  const { contacts } = (await world.home.get(`/api/v1/contacts?state=${state}`)) as { contacts: { code: string }[] };
  return contacts.map(({ code }) => code);
}

/** The codes that the owner was told are approved. */
function confirmed(world: World): string[] {
  const texts = world.owner.inbox.map(({ text }) => text);
  return texts.flatMap((text) => {
    const code = /^✅ Approved .*?\b([0-9A-Z]{4})\b/u.exec(text)?.[1];
    return code === undefined ? [] : [code];
  });
}

describe("a gateway that is killed again and again", () => {
  it("I4, I6, I10: keeps each confirmed decision and the link, is silent, and gives each message to the responder once", async () => {
    const random = seeded(SEED);
    const world = await World.linked({ setup: "own-number", addressing: "lid" });
    const { code } = await world.aliceKnocks();
    await world.order(`/approve ${code}`);
    await world.told(/Approved/);
    const said: string[] = [];
    const lives: string[][] = [];
    const knockers: string[] = [];

    for (let kill = 0; kill < KILLS; kill += 1) {
      const knocker = world.wa.phone({ pn: `1555100${String(kill).padStart(4, "0")}`, name: `Knocker ${kill}` });
      knockers.push(knocker.pnJid);
      const until = world.wa.record.length + 1 + random(STANZAS_BEFORE_KILL);
      const reached = world.wa
        .waitForStanza(() => world.wa.record.length >= until, { timeoutMs: 1_000 })
        .catch(() => {});
      if (random(2) === 0) await world.order("/silent off");
      await world.say(knocker, TOKEN);
      for (let n = 0; n < MESSAGES_PER_LIFE; n += 1) {
        said.push((await world.say(world.alice, `${kill}.${n}`, { addressing: random(2) === 0 ? "pn" : "lid" })).id);
      }
      for (const { text } of world.owner.inbox.slice(-2)) {
        const waiting = /New sender\* (\w{4})/.exec(text)?.[1];
        if (waiting !== undefined) await world.order(`/approve ${waiting}`);
      }
      await reached;
      await world.home.stop("SIGKILL");
      lives.push(world.responded());
      const told = confirmed(world);
      await world.home.startLinked();
      expect(await world.home.get("/healthz")).toEqual({ status: "ok", link: "open", silent: true });
      expect(await codesOf(world, "approved")).toEqual(expect.arrayContaining(told));
    }

    await world.wa.waitUntilTaken();
    await world.settled();
    // The owner's messages are handled by now; everybody else's have chains of their own.
    await world.home.until(async () => {
      const given = new Set([...lives.flat(), ...world.responded()]);
      const contacts = [...(await codesOf(world, "approved")), ...(await codesOf(world, "pending"))];
      return said.every((id) => given.has(id)) && contacts.length > knockers.length;
    }, "each message was handled");
    lives.push(world.responded());
    const approved = await codesOf(world, "approved");
    expect(approved.length + (await codesOf(world, "pending")).length).toBe(1 + knockers.length);
    expect(new Set(approved)).toEqual(new Set(confirmed(world)));
    const answered = lives.flat().filter((id) => said.includes(id));
    expect(new Set(answered)).toEqual(new Set(said));
    for (const [life, ids] of lives.entries()) {
      expect(new Set(ids).size).toBe(ids.length);
      // Only what the kill caught in the responder's hands is given to it again; its answer leaves under the same key.
      const again = lives.slice(0, life).flatMap((before) => before.filter((id) => ids.includes(id)));
      expect(again.filter((id) => lives[life - 1]?.slice(-2).includes(id) !== true)).toEqual([]);
    }
  });
});
