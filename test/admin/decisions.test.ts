import { afterEach, describe, expect, it } from "vitest";
import { KafclawError } from "../../src/errors.js";
import { House, MINUTE, person } from "./house.js";

const ALICE = "+1 555 000 2000";
const houses: House[] = [];
async function open(): Promise<House> {
  const house = await House.open();
  houses.push(house);
  return house;
}
afterEach(async () => {
  for (const house of houses.splice(0)) await house.close();
});

/** Alice waits with two messages held. */
async function aliceWaits(house: House) {
  const alice = await house.knocks("Alice", ALICE);
  await house.writes(alice, "hello");
  await house.writes(alice, "anyone there?");
  return alice;
}

describe("what follows from an approval", () => {
  it("the greeting and the held messages wait for the grace, then come once", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    await house.says("/silent off");
    expect(await house.says(`/approve ${alice.code}`)).toBe(
      `✅ Approved Alice (${alice.code}). 2 held messages go to the responder.`,
    );
    const [greeting] = house.outbox.sent.filter(
      ({ parcel }) => parcel.kind === "text" && parcel.text.startsWith("Hello"),
    );
    expect(greeting?.parcel).toMatchObject({
      notBefore: house.time.now + 5000,
      to: { pn: "15550002000@s.whatsapp.net" },
    });
    await house.wait(4999);
    expect(house.released).toEqual([]);
    await house.wait(1);
    expect(house.released).toEqual([{ name: "Alice", held: ["hello", "anyone there?"] }]);
    await house.restart();
    await house.wait(MINUTE);
    expect(house.released).toHaveLength(1);
    expect(house.toOthers()).toEqual(["Hello, you are in."]);
  });

  it.each(["whatsapp", "cli", "dashboard"] as const)("is the same through the door %s", async (door) => {
    const house = await open();
    const alice = await aliceWaits(house);
    if (door === "whatsapp") await house.says("/approve");
    else if (door === "cli") await house.cli("approve", alice.code);
    else await house.admin.decider.approve(alice, { door, who: "admin" });
    await house.wait(5000);
    expect(house.released).toHaveLength(1);
    expect(house.toOthers()).toHaveLength(1);
  });

  it("an undo within the grace leaves no trace with the buddy, and the messages stay held", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    await house.says(`/approve ${alice.code}`);
    await house.wait(3000);
    expect(await house.says("/undo")).toBe(
      `↩️ Undone: Alice (${alice.code}) is pending again (was approved by you on WhatsApp, 12:00).`,
    );
    await house.wait(MINUTE);
    expect(house.toOthers()).toEqual([]);
    expect(house.released).toEqual([]);
    await house.says(`/approve ${alice.code}`);
    await house.wait(5000);
    expect(house.released).toEqual([{ name: "Alice", held: ["hello", "anyone there?"] }]);
  });

  it("a /deny or /remove within the grace does the same", async () => {
    for (const command of ["deny", "remove"]) {
      const house = await open();
      const alice = await aliceWaits(house);
      await house.says(`/approve ${alice.code}`);
      await house.says(`/${command} ${alice.code}`);
      await house.wait(MINUTE);
      expect([house.toOthers(), house.released]).toEqual([[], []]);
    }
  });

  it("a later undo says what was sent already", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    await house.says("/silent off");
    await house.says(`/approve ${alice.code}`);
    await house.wait(MINUTE);
    await house.restart();
    expect(await house.says("/undo")).toContain(
      "The greeting was sent and the held messages went to the responder already.",
    );
  });

  it("a greeting that waits for the link was not sent, and is taken back", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    await house.says("/silent off");
    house.link = "connecting";
    await house.cli("approve", alice.code);
    await house.wait(MINUTE);
    expect((await house.cli("undo")).text).toMatch(/is pending again \(.*\)\.$/);
    expect(house.toOthers()).toEqual([]);
  });

  it("in silent mode nothing was sent, and undo says only what was handled", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    await house.says(`/approve ${alice.code}`);
    await house.wait(MINUTE);
    expect(await house.says("/undo")).toMatch(/The held messages went to the responder already\.$/);
  });

  it("what a crash within the grace left is done after the restart, once", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    await house.says(`/approve ${alice.code}`);
    await house.wait(1000);
    await house.restart();
    expect(house.released).toEqual([]);
    await house.wait(10_000);
    expect(house.released).toEqual([{ name: "Alice", held: ["hello", "anyone there?"] }]);
    expect(house.toOthers()).toHaveLength(1);
  });

  it("what a crash right behind the approval left is done after the restart", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    await house.access.approve(alice, { door: "cli", who: "admin" });
    await house.restart();
    await house.wait(10_000);
    expect(house.released).toHaveLength(1);
    expect(house.toOthers()).toHaveLength(1);
  });
});

describe("undo", () => {
  it.each(["deny", "remove"])("of a /%s that kept the greeting back greets after all, once", async (against) => {
    const house = await open();
    await house.says("/silent off");
    const alice = await house.knocks("Alice", ALICE);
    await house.says(`/approve ${alice.code}`);
    await house.says(`/${against} ${alice.code}`);
    await house.says(`/${against} ${alice.code}`);
    expect(await house.says("/undo")).toMatch(/^↩️ Undone: Alice .* is approved again/);
    expect(house.toOthers()).toEqual(["Hello, you are in."]);
    await house.wait(MINUTE);
    await house.says(`/${against} ${alice.code}`);
    await house.says("/undo");
    await house.restart();
    await house.wait(MINUTE);
    expect(house.toOthers()).toEqual(["Hello, you are in."]);
  });

  it("names the contact and the door of the decision", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    await house.cli("deny", alice.code);
    expect(await house.says("/undo")).toBe(
      `↩️ Undone: Alice (${alice.code}) is pending again (was denied at the command line, 12:00).`,
    );
  });

  it("refuses after 10 minutes, and where there is nothing", async () => {
    const house = await open();
    expect(await house.says("/undo")).toMatch(/nothing to undo/);
    const alice = await house.knocks("Alice", ALICE);
    await house.says(`/approve ${alice.code}`);
    await house.wait(11 * MINUTE);
    expect(await house.says("/undo")).toMatch(/nothing to undo|too long/);
    expect(house.state(alice)).toBe("approved");
  });
});

describe("blocking at WhatsApp", () => {
  it("goes with /deny --block, and undo and remove unblock", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    expect(await house.says(`/deny ${alice.code} --block`)).toMatch(/Blocked at WhatsApp too\.$/);
    expect(await house.says("/undo")).toMatch(/WhatsApp's block changed with it\.$/);
    await house.says(`/deny ${alice.code} --block`);
    expect(await house.says(`/remove ${alice.code}`)).toMatch(/Unblocked at WhatsApp\.$/);
    expect(house.blocks.map(({ blocked }) => blocked)).toEqual([true, false, true, false]);
  });

  it("is made up for when the link opens, across a restart", async () => {
    const house = await open();
    house.canBlock = false;
    const alice = await house.knocks("Alice", ALICE);
    expect(await house.says(`/deny ${alice.code} --block`)).toMatch(
      /WhatsApp blocks them as soon as the link is open\.$/,
    );
    await house.restart();
    house.canBlock = true;
    await house.admin.linkOpened();
    await house.admin.linkOpened();
    expect(house.blocks).toEqual([{ name: "Alice", blocked: true }]);
  });
});

describe("what an undo finds done", () => {
  const undone = async (house: House, ...before: string[]) => {
    for (const text of before) await house.says(text);
    await house.wait(MINUTE);
    return house.says("/undo");
  };

  it("the greeting alone, where nothing was held", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    expect(await undone(house, "/silent off", `/approve ${alice.code}`)).toMatch(/\. The greeting was sent already\.$/);
  });

  it("nothing, where nothing was held and nobody was greeted", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    expect(await undone(house, `/approve ${alice.code}`)).toBe(
      `↩️ Undone: Alice (${alice.code}) is pending again (was approved by you on WhatsApp, 12:00).`,
    );
  });

  it("no greeting, where none is set", async () => {
    const house = await House.open({ parts: { greeting: "" } });
    houses.push(house);
    const alice = await aliceWaits(house);
    await house.says("/silent off");
    await house.says(`/approve ${alice.code}`);
    expect(house.toOthers()).toEqual([]);
    expect(await undone(house)).toMatch(/\)\. The held messages went to the responder already\.$/);
    expect(house.toOthers()).toEqual([]);
  });

  it("what this contact's approvals did, not those of others, nor of one that was undone before", async () => {
    const house = await open();
    const bob = await house.knocks("Bob", "+1 555 000 3000");
    const alice = await aliceWaits(house);
    await house.says("/silent off");
    await house.says(`/approve ${alice.code}`);
    await house.wait(MINUTE);
    expect(await house.says(`/approve ${bob.code}`)).toContain("Approved Bob");
    expect(await house.says("/undo")).not.toContain("already");
    expect(await house.says("/undo")).toContain("The greeting was sent and the held messages went");
    await house.says(`/approve ${alice.code}`);
    expect(await house.says("/undo")).not.toContain("already");
    await house.says(`/deny ${alice.code}`);
    expect(await house.says("/undo")).not.toContain("already");
  });
});

describe("a record that is merged with that of a buddy", () => {
  const hidden = person(undefined, "2000@lid");
  /** Alice waits with her number hidden and one message held, while that number is approved; then the two become one. */
  async function merged(house: House, held: boolean) {
    const alice = await house.knocks("Alice", hidden);
    if (held) await house.writes(alice, "hello");
    await house.says("/silent off");
    await house.says(`/approve ${ALICE}`);
    await house.wait(MINUTE);
    expect(house.toOthers()).toHaveLength(1);
    return house.access.learn(person(ALICE, "2000@lid"));
  }

  it("brings its held messages, after the grace and without another greeting, and undo tells of them", async () => {
    const house = await open();
    await house.admin.tell.learned(await merged(house, true));
    expect(house.released).toEqual([]);
    await house.wait(5000);
    expect(house.released).toEqual([{ name: "Alice", held: ["hello"] }]);
    await house.wait(MINUTE);
    expect([house.released.length, house.toOthers().length]).toEqual([1, 1]);
    expect((await house.records("release")).map(({ done }) => done)).toEqual([
      { greeted: true, handled: 0 },
      { greeted: false, handled: 1 },
    ]);
  });

  it("brings them after a crash in between, too", async () => {
    const house = await open();
    await merged(house, true);
    await house.restart();
    await house.wait(MINUTE);
    expect(house.released.at(-1)?.held).toEqual(["hello"]);
    expect(house.toOthers()).toHaveLength(1);
  });

  it("brings nothing where nothing was held", async () => {
    const house = await open();
    await house.admin.tell.learned(await merged(house, false));
    await house.wait(MINUTE);
    expect(house.released).toEqual([]);
  });
});

describe("what a buddy writes in the grace", () => {
  const never = new AbortController().signal;
  /** Says whether a promise has resolved by now. */
  async function isOver(promise: Promise<void>): Promise<boolean> {
    let over = false;
    void promise.then(() => {
      over = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    return over;
  }

  it("waits for its end, for this buddy alone, and for nothing before and after", async () => {
    const house = await open();
    const { decider } = house.admin;
    const bob = await house.knocks("Bob", "+1 555 000 3000");
    const alice = await aliceWaits(house);
    expect(await isOver(decider.released(alice, never))).toBe(true);
    await house.says(`/approve ${alice.code}`);
    const waits = decider.released(alice, never);
    expect([await isOver(waits), await isOver(decider.released(bob, never))]).toEqual([false, true]);
    await house.wait(4999);
    expect(await isOver(waits)).toBe(false);
    await house.wait(1);
    expect(await isOver(waits)).toBe(true);
    expect(await isOver(decider.released(alice, never))).toBe(true);
  });

  it.each(["number", "LID"])("waits for its end under a record by %s that is merged meanwhile", async (which) => {
    const house = await open();
    const { decider } = house.admin;
    const records = [await house.knocks("Alice", ALICE), await house.knocks("Alice", person(undefined, "2000@lid"))];
    for (const { code } of records) await house.says(`/approve ${code}`);
    const alice = records[which === "LID" ? 1 : 0] ?? expect.fail();
    const waits = decider.released(alice, never);
    await house.admin.tell.learned(await house.access.learn(person(ALICE, "2000@lid")));
    // Somebody else's release lets go of whoever waits for nothing.
    await house.says("/approve +1 555 000 3000");
    expect(await isOver(waits)).toBe(false);
    await house.wait(MINUTE);
    expect(await isOver(waits)).toBe(true);
  });

  it.each(["/undo", "/deny alice", "/remove alice"])("waits no longer after %s", async (order) => {
    const house = await open();
    const alice = await aliceWaits(house);
    await house.says(`/approve ${alice.code}`);
    const waits = house.admin.decider.released(alice, never);
    await house.says(order);
    expect(await isOver(waits)).toBe(true);
  });

  it("waits no longer when the gateway stops", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    await house.says(`/approve ${alice.code}`);
    const stop = new AbortController();
    const waits = house.admin.decider.released(alice, stop.signal);
    expect(await isOver(waits)).toBe(false);
    stop.abort();
    expect(await isOver(waits)).toBe(true);
    expect(await isOver(house.admin.decider.released(alice, stop.signal))).toBe(true);
  });

  it("waits for a full disk, and not for what may never be mended", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    const { release } = house.gateway;
    const fails = (error: Error) => Object.assign(house.gateway, { release: () => Promise.reject(error) });
    fails(new KafclawError("disk-full", "The disk is full.", "failed"));
    await house.says(`/approve ${alice.code}`);
    const waits = house.admin.decider.released(alice, never);
    await house.wait(2 * MINUTE);
    expect(await isOver(waits)).toBe(false);
    fails(new KafclawError("a-bug", "Not this.", "refused"));
    await house.wait(MINUTE);
    expect(await isOver(waits)).toBe(true);
    Object.assign(house.gateway, { release });
    await house.wait(MINUTE);
    expect(house.released).toEqual([{ name: "Alice", held: ["hello", "anyone there?"] }]);
  });
});

describe("held messages", () => {
  it("that there are none of can be handled without a link, and nothing is logged", async () => {
    const house = await open();
    Object.assign(house.gateway, { release: () => Promise.reject(new Error("not linked")) });
    await house.says(`/approve ${ALICE}`);
    await house.wait(MINUTE);
    expect(house.logged).toEqual([]);
  });

  it("stay with KafClaw where somebody else decided within the grace", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    await house.says(`/approve ${alice.code}`);
    await house.access.deny(alice, { door: "cli", who: "admin" });
    await house.wait(MINUTE);
    expect(house.released).toEqual([]);
  });

  it("that could not be handled are handled as soon as they can be, without a restart, and the log says so once", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    const { release } = house.gateway;
    Object.assign(house.gateway, { release: () => Promise.reject(new Error("disk full")) });
    await house.says("/silent off");
    await house.says(`/approve ${alice.code}`);
    await house.wait(3 * MINUTE);
    expect(house.logged).toEqual(["held messages could not be handled; tried again every minute"]);
    Object.assign(house.gateway, { release });
    await house.says("/silent on");
    await house.wait(MINUTE);
    expect(house.released).toEqual([{ name: "Alice", held: ["hello", "anyone there?"] }]);
    expect(house.toOthers()).toHaveLength(1);
    await house.wait(5 * MINUTE);
    expect(house.released).toHaveLength(1);
    expect(await house.says("/undo")).toContain("The greeting was sent and the held messages went");
  });

  it("are handled after the next start at the latest", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    Object.assign(house.gateway, { release: () => Promise.reject(new Error("no responder")) });
    await house.says(`/approve ${alice.code}`);
    await house.wait(6000);
    await house.restart();
    await house.wait(MINUTE);
    expect(house.released).toEqual([{ name: "Alice", held: ["hello", "anyone there?"] }]);
  });
});

describe("the bot's own number", () => {
  it("can't be decided about, by its number or with a block", async () => {
    const house = await open();
    const refusal = "+1 555 000 9000 is the bot's own number: it talks to others, not to itself.";
    expect(await house.says("/approve +15550009000")).toBe(refusal);
    expect(await house.says("/deny +15550009000 --block")).toBe(refusal);
    expect(house.blocks).toEqual([]);
  });
});

describe("a block that WhatsApp refuses", () => {
  it.each(["/deny ref --block", "/remove ref", "/undo"])(
    "%s that a crash cut short is told to WhatsApp when it comes again",
    async (order) => {
      const house = await open();
      const alice = await house.knocks("Alice", ALICE);
      if (order !== "/deny ref --block") await house.says(`/deny ${alice.code} --block`);
      house.blocks.length = 0;
      const message = house.message({ kind: "text", text: order.replace("ref", alice.code) });
      const by = { door: "whatsapp", who: "owner", cause: message.journalId } as const;
      // As far as it came: decided, and WhatsApp not told.
      if (order === "/undo") await house.access.undo(by);
      else if (order === "/remove ref") await house.access.remove(alice, by);
      else await house.access.deny(alice, by, { block: true });
      await house.restart();
      expect(await house.handle(message)).toMatch(
        /Blocked at WhatsApp too\.$|Unblocked at WhatsApp\.$|WhatsApp's block changed with it\.$/,
      );
      expect(house.blocks).toEqual([{ name: "Alice", blocked: order === "/deny ref --block" }]);
    },
  );

  it("that was told before a crash is still said when the order comes again", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const message = house.message({ kind: "text", text: `/deny ${alice.code} --block` });
    const by = { door: "whatsapp", who: "owner", cause: message.journalId } as const;
    const { contact } = await house.access.deny(alice, by, { block: true });
    await house.access.blockTold(contact);
    await house.restart();
    expect(await house.handle(message)).toMatch(/^⛔ Denied Alice .* Blocked at WhatsApp too\.$/);
    expect(house.blocks).toEqual([]);
    expect(await house.says(`/deny ${alice.code}`)).toMatch(/ is denied already, .*\. Blocked at WhatsApp too\.$/);
  });

  it("is tried again when the link opens, until it is done", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const { block } = house.gateway;
    Object.assign(house.gateway, { block: () => Promise.reject(new Error("rate-overlimit")) });
    expect(await house.says(`/deny ${alice.code} --block`)).toMatch(/WhatsApp blocks them as soon as/);
    expect(house.logged).toEqual(["WhatsApp did not change the block"]);
    await house.admin.linkOpened();
    Object.assign(house.gateway, { block });
    for (let times = 0; times < 2; times += 1) await house.admin.linkOpened();
    expect(house.blocks).toEqual([{ name: "Alice", blocked: true }]);
  });
});

describe("decided while no gateway runs", () => {
  it("an approval's greeting and held messages follow at the next start", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    house.isOffline = true;
    await house.restart();
    expect(await house.cli("approve", alice.code)).toMatchObject({ ok: true });
    await house.wait(MINUTE);
    expect([house.toOthers(), house.released]).toEqual([[], []]);
    house.isOffline = false;
    await house.restart();
    expect(house.toOthers()).toEqual(["Hello, you are in."]);
    await house.wait(MINUTE);
    expect(house.released).toEqual([{ name: "Alice", held: ["hello", "anyone there?"] }]);
  });

  it("and taken back there, nothing follows", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    house.isOffline = true;
    await house.restart();
    await house.cli("approve", alice.code);
    expect((await house.cli("undo")).text).toMatch(/is pending again \(was approved at the command line, 12:00\)\.$/);
    house.isOffline = false;
    await house.restart();
    await house.wait(MINUTE);
    expect([house.toOthers(), house.released]).toEqual([[], []]);
  });

  it("the chat takes nothing", async () => {
    const house = await open();
    house.isOffline = true;
    await house.restart();
    expect(await house.says("/silent off")).toBe("");
    expect(house.gateway.silent.on()).toBe(true);
  });
});

describe("what was done about an approval", () => {
  const kept = async (house: House, minutes: number) => {
    await house.wait(minutes * MINUTE);
    // The next approval forgets what is over.
    const bob = await house.knocks("Bob", "+1 555 000 3000");
    await house.cli("approve", bob.code);
    await house.wait(5000);
    await house.cli("remove", bob.code);
  };

  it("is forgotten after the time in which it can be undone", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    await house.says("/silent off");
    await house.cli("approve", alice.code);
    await house.wait(5000);
    const records = () => house.records("release");
    expect(await records()).toHaveLength(1);
    await kept(house, 9);
    expect((await records()).map(({ contactId }) => contactId)).toEqual([alice._id]);
    await kept(house, 2);
    expect(await records()).toEqual([]);
  });

  it("is forgotten at a start, too; what is still to do is not", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    await house.cli("approve", alice.code);
    await house.restart();
    house.time.now += 20 * MINUTE;
    await house.restart();
    expect(await house.records("release")).toHaveLength(1);
    await house.wait(0);
    expect(house.released).toHaveLength(1);
    house.time.now += 20 * MINUTE;
    await house.restart();
    expect(await house.records("release")).toEqual([]);
    await house.wait(MINUTE);
    expect(house.released).toHaveLength(1);
    expect(house.toOthers()).toHaveLength(1);
  });

  it("an approval repeated by the same message is followed once", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    const by = { door: "whatsapp", who: "owner", cause: "m1" } as const;
    await house.admin.decider.approve(alice, by);
    await house.wait(5000);
    await house.admin.decider.approve(alice, by);
    await house.wait(MINUTE);
    expect(house.released).toHaveLength(1);
    expect(await house.records("release")).toMatchObject([{ done: { greeted: false, handled: 2 } }]);
  });

  it("an approval that a crash cut short greets when its message comes again, where nothing was held too", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    const message = house.message({ kind: "text", text: `/approve ${alice.code}` });
    await house.access.approve(alice, { door: "whatsapp", who: "owner", cause: message.journalId });
    await house.restart();
    expect(await house.handle(message)).toMatch(/^✅ Approved Alice/);
    expect(house.toOthers()).toEqual(["Hello, you are in."]);
  });

  it("an approval that a crash cut short greets after the restart, though its order never comes again", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    await house.access.approve(alice, { door: "cli", who: "admin" });
    await house.restart();
    await house.restart();
    expect(house.toOthers()).toEqual(["Hello, you are in."]);
    await house.wait(MINUTE);
    await house.restart();
    expect(house.outbox.sent.filter(({ parcel }) => parcel.key?.startsWith("greet:"))).toHaveLength(1);
    const bob = await house.knocks("Bob", "+1 555 000 3000");
    await house.access.approve(bob, { door: "cli", who: "admin" });
    house.time.now += 11 * MINUTE;
    await house.restart();
    expect(house.toOthers()).toHaveLength(1);
  });

  it("a decision that is on disk is told as done, and what the full disk kept from following follows by itself", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    const bob = await house.knocks("Bob", "+1 555 000 3000");
    house.isFull = true;
    await house.admin.decider.approve(alice, { door: "cli", who: "admin" });
    await house.admin.decider.deny(bob, { door: "cli", who: "admin" });
    expect([house.state(alice), house.state(bob)]).toEqual(["approved", "denied"]);
    await house.wait(3 * MINUTE);
    expect(house.toOthers()).toEqual([]);
    house.isFull = false;
    await house.wait(2 * MINUTE);
    expect(house.toOthers()).toEqual(["Hello, you are in."]);
    expect(house.released.map(({ name }) => name)).toEqual(["Alice"]);
  });

  it("many approvals at once are seen to without looking through all of them for each", async () => {
    const house = await open();
    for (let index = 0; index < 30; index++) {
      await house.cli("approve", `+1 555 000 4${String(index).padStart(3, "0")}`);
    }
    const before = house.looks;
    await house.wait(MINUTE);
    expect(house.toOthers()).toHaveLength(30);
    expect(house.looks - before).toBeLessThan(10);
  });

  it("an approval that a full disk cut short greets when the order comes again, and a buddy of old is not greeted anew", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", person(ALICE, "2000@lid"));
    await house.says("/status");
    const message = house.message({ kind: "text", text: `/approve ${alice.code}` });
    house.isFull = true;
    await expect(house.admin.chat.handle(message)).rejects.toThrow("The disk is full");
    expect(house.state(alice)).toBe("approved");
    house.isFull = false;
    expect(await house.handle(message)).toMatch(/^✅ Approved Alice/);
    expect(house.toOthers()).toEqual(["Hello, you are in."]);
    await house.wait(11 * MINUTE);
    await house.access.learn(person("+1 555 000 2999", "2000@lid"));
    await house.says(`/approve ${alice.code}`);
    await house.says("/approve +1 555 000 2999");
    expect(house.outbox.sent.filter(({ parcel }) => parcel.key?.startsWith("greet:"))).toHaveLength(1);
  });

  it("an undo that makes a buddy again handles what was still held, in the same run", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    await house.cli("approve", alice.code);
    await house.cli("deny", alice.code);
    await house.wait(MINUTE);
    await house.cli("undo");
    await house.wait(MINUTE);
    expect(house.released).toEqual([{ name: "Alice", held: ["hello", "anyone there?"] }]);
    expect(house.toOthers()).toHaveLength(1);
  });

  it("held messages that were left half-handled are handled after the next start, without a second greeting", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    await house.cli("approve", alice.code);
    Object.assign(house.gateway, { release: () => Promise.reject(new Error("killed")) });
    await house.wait(MINUTE);
    const { history = [] } = house.access.byId(alice._id) ?? {};
    await house.restart();
    expect((await house.records("release")).map(({ _id }) => _id)).toEqual([`release:${history.at(-1)?.id}`]);
    await house.wait(4999);
    expect(house.released).toEqual([]);
    await house.wait(1);
    expect(house.released).toHaveLength(1);
    expect(house.toOthers()).toHaveLength(1);
  });

  it("somebody else's is left alone by an undo", async () => {
    const house = await open();
    const alice = await aliceWaits(house);
    const bob = await house.knocks("Bob", "+1 555 000 3000");
    await house.cli("approve", alice.code);
    await house.cli("approve", bob.code);
    await house.cli("undo");
    await house.wait(MINUTE);
    expect(house.released.map(({ name }) => name)).toEqual(["Alice"]);
    expect(house.toOthers()).toHaveLength(1);
  });

  it("an undo of a denial or a removal that makes a buddy again greets nobody and tells of nothing sent", async () => {
    const house = await open();
    const alice = await house.knocks("Alice", ALICE);
    await house.says("/silent off");
    await house.cli("approve", alice.code);
    await house.wait(MINUTE);
    for (const command of ["deny", "remove"]) {
      await house.cli(command, alice.code);
      expect((await house.cli("undo")).text).toMatch(/ is approved again \(was [a-z]+ at the command line, 12:01\)\.$/);
    }
    const greetings = house.outbox.sent.filter(({ parcel }) => parcel.key?.startsWith("greet:"));
    expect(greetings).toHaveLength(1);
  });
});

describe("the linked number in the chat with oneself", () => {
  it("is the owner's, and refused as such", async () => {
    const house = await House.open({ setup: "self", owner: { person: person("+1 555 000 9000") } });
    houses.push(house);
    expect((await house.cli("approve", "+15550009000")).text).toMatch(/^That is the owner/);
    expect((await house.cli("approve", ALICE)).ok).toBe(true);
    const bare = await House.open({ owner: null });
    houses.push(bare);
    expect((await bare.cli("approve", "+15550009000")).error).toEqual({ code: "own-number", kind: "refused" });
    Object.assign(bare.gateway, { me: () => undefined });
    expect((await bare.cli("approve", "+15550009000")).ok).toBe(true);
  });
});
