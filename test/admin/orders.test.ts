/** What commands that change something answer, to the word: to the owner, and as data to programs. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Contact } from "../../src/access/index.js";
import { KafclawError } from "../../src/errors.js";
import { DAY, HOUR, House, MINUTE, NOON, person, TOKEN } from "./house.js";

const ALICE = "+1 555 000 2000";
const BOB = "+1 555 000 3000";
const BY = { door: "cli", who: "admin" } as const;
const USAGE = { code: "bad-usage", kind: "usage" };

let house: House;
beforeEach(async () => {
  house = await House.open();
});
afterEach(() => house.close());

async function buddy(name: string, number: string): Promise<Contact> {
  const contact = await house.knocks(name, number);
  await house.cli("approve", contact.code);
  return contact;
}

/** What `--json` prints of a contact. */
function dataOf(contact: Contact): object {
  const { code, pn, lid, name, state, since } = house.access.byId(contact._id) ?? contact;
  return { code, pn: pn ?? null, lid: lid ?? null, name, state, since };
}

describe("/answer", () => {
  it("tells who wrote in silent mode, and nobody where nobody did", async () => {
    expect(await house.cli("answer")).toMatchObject({
      ok: true,
      text: "Nobody wrote in silent mode or in a pause.",
      data: [],
    });
    const alice = await buddy("Alice", ALICE);
    const bob = await buddy("Bob", BOB);
    house.backlog.set(alice._id, 1).set(bob._id, 3).set("somebody long gone", 1);
    expect(await house.cli("answer")).toMatchObject({
      ok: true,
      text: `2 buddies wrote meanwhile: Alice (${alice.code}), Bob (${bob.code}). /answer all, or /answer ${alice.code}.`,
      data: [
        { ...dataOf(alice), messages: 1 },
        { ...dataOf(bob), messages: 3 },
      ],
    });
    expect(house.responded).toEqual([]);
  });

  it("answers one, or all, once silent mode is off", async () => {
    const alice = await buddy("Alice", ALICE);
    const bob = await buddy("Bob", BOB);
    house.backlog.set(alice._id, 1).set(bob._id, 3);
    expect(await house.cli("answer", "all")).toMatchObject({
      ok: false,
      text: "Silent mode is on, so nobody can be answered: /silent off first.",
      error: { code: "silent", kind: "refused" },
    });
    await house.says("/silent off");
    await house.says("/pause");
    expect(await house.cli("answer", alice.code)).toMatchObject({
      ok: false,
      text: "The responder is paused: /resume first.",
      error: { code: "paused", kind: "refused" },
    });
    expect(house.responded).toEqual([]);
    await house.says("/resume");
    expect(await house.cli("answer", "ALL")).toEqual({
      ok: true,
      message: expect.anything(),
      text: `▶️ Answering 1 message of Alice (${alice.code}).\n▶️ Answering 3 messages of Bob (${bob.code}).`,
      data: [
        { ...dataOf(alice), messages: 1 },
        { ...dataOf(bob), messages: 3 },
      ],
    });
    expect(house.responded).toEqual(["answer Alice", "answer Bob"]);
    expect(await house.cli("answer", "all")).toMatchObject({
      ok: false,
      text: "Nobody wrote in silent mode or in a pause.",
      error: { code: "nothing-to-answer", kind: "refused" },
    });
    expect(await house.cli("answer", "alice")).toMatchObject({
      ok: false,
      text: `Alice (${alice.code}) wrote nothing in silent mode or in a pause.`,
      data: [{ ...dataOf(alice), messages: 0 }],
    });
    house.backlog.set(bob._id, 1);
    expect(await house.cli("answer", "bob", "alice")).toMatchObject({
      ok: false,
      data: [{ messages: 1 }, { messages: 0 }],
    });
    expect(house.responded).toEqual(["answer Alice", "answer Bob", "answer Bob"]);
  });

  it("after a pause it is offered, and a relay goes on in silent mode", async () => {
    const alice = await buddy("Alice", ALICE);
    await house.says("/pause");
    house.backlog.set(alice._id, 2);
    expect(await house.says("/resume")).toBe(
      `▶️ The responder answers again. Silent mode is on, so nobody hears it: /silent off.\n1 buddy wrote meanwhile: Alice (${alice.code}). /answer all, or /answer ${alice.code}.`,
    );
    expect(await house.says("/answer all")).toMatch(/^Silent mode is on/);
    Object.assign(house.gateway.responder, { mode: "relay" });
    expect(await house.says("/answer all")).toBe(`▶️ Answering 2 messages of Alice (${alice.code}).`);
    expect(house.responded).toEqual(["answer Alice"]);
  });

  it("means buddies alone", async () => {
    await house.says("/silent off");
    expect(await house.says(`/answer ${BOB}`)).toBe("That number is on no list: /list shows who is.");
    await house.knocks("Alice", ALICE);
    expect(await house.says("/answer alice")).toMatch(/^No approved sender matches "alice"/);
    expect(await house.says("/answer all alice")).toMatch(/matches "all alice"/);
    expect(house.responded).toEqual([]);
  });

  it("late: it still tells who wrote, and answers nobody", async () => {
    const alice = await buddy("Alice", ALICE);
    house.backlog.set(alice._id, 1);
    await house.says("/silent off");
    const at = house.time.now;
    await house.wait(HOUR);
    expect(await house.says("/answer", { at })).toContain("Alice");
    expect(await house.says("/answer all", { at })).toContain("Send it again");
    expect(house.responded).toEqual([]);
  });

  it("without a responder there is nothing to answer", async () => {
    Object.assign(house.gateway.responder, { backlog: undefined, answer: undefined, forget: undefined });
    const alice = await buddy("Alice", ALICE);
    await house.says("/silent off");
    expect(await house.says("/answer")).toBe("Nobody wrote in silent mode or in a pause.");
    expect(await house.says("/answer alice")).toContain("wrote nothing");
    Object.assign(house.gateway.responder, { backlog: () => new Map([[alice._id, 1]]) });
    expect(await house.says("/answer alice")).toContain("Answering 1 message");
    expect(await house.says("/forget alice")).toContain("is forgotten");
  });
});

describe("/forget", () => {
  it("forgets the conversations of buddies and the denied, and notes it", async () => {
    const alice = await buddy("Alice", ALICE);
    const bob = await house.knocks("Bob", BOB);
    await house.cli("deny", bob.code);
    expect(await house.cli("forget", "alice", "bob")).toMatchObject({
      ok: true,
      text: `The conversation with Alice (${alice.code}) is forgotten.\nThe conversation with Bob (${bob.code}) is forgotten.`,
      data: [dataOf(alice), dataOf(bob)],
    });
    expect(house.responded).toEqual(["forget Alice", "forget Bob"]);
    const noted = (await house.access.audit()).filter(({ action }) => action === "forget");
    expect(noted.map(({ note, by }) => [note, by.door])).toEqual([
      [bob.code, "cli"],
      [alice.code, "cli"],
    ]);
  });

  it("asks whose, and forgets no stranger", async () => {
    expect(await house.cli("forget")).toMatchObject({
      ok: false,
      text: "Whose? /forget and a code, number or name.",
      error: USAGE,
    });
    expect(await house.cli("forget", BOB)).toMatchObject({
      ok: false,
      text: "That number is on no list: /list shows who is.",
    });
    await house.knocks("Alice", ALICE);
    expect(await house.says("/forget alice")).toBe('No contact matches "alice". Nobody is approved or denied.');
    expect(house.responded).toEqual([]);
  });
});

describe("/approve", () => {
  it("tells what is so already, since when and through which door", async () => {
    const alice = await buddy("Alice", ALICE);
    await house.wait(DAY);
    expect(await house.cli("approve", alice.code)).toMatchObject({
      ok: true,
      text: `Alice (${alice.code}) is approved already, at the command line, 23 Nov 12:00.`,
      data: [dataOf(alice)],
    });
    expect(await house.cli("approve", "alice")).toMatchObject({ ok: true });
  });

  it("says how many held messages go on, and nothing of silent mode where it is off", async () => {
    const alice = await house.knocks("Alice", ALICE);
    await house.writes(alice, "hello");
    await house.says("/silent off");
    expect(await house.cli("approve", alice.code)).toEqual({
      ok: true,
      message: expect.anything(),
      text: `✅ Approved Alice (${alice.code}). 1 held message goes to the responder.`,
      data: [dataOf(alice)],
    });
  });

  it("says that held messages wait while the responder is paused", async () => {
    const [alice, bob] = [await house.knocks("Alice", ALICE), await house.knocks("Bob", BOB)];
    for (const who of [alice, bob, bob]) await house.writes(who, "hello");
    await house.says("/silent off");
    await house.says("/pause");
    expect(await house.says(`/approve ${alice.code} ${bob.code}`)).toBe(
      [
        `✅ Approved Alice (${alice.code}). 1 held message waits, as the responder is paused: /resume.`,
        `✅ Approved Bob (${bob.code}). 2 held messages wait, as the responder is paused: /resume.`,
      ].join("\n"),
    );
  });

  it("a number is named with its new code; somebody known who did not wait by name", async () => {
    const alice = await house.knocks("Alice", ALICE);
    await house.says(`/remove ${alice.code}`);
    expect(await house.says(`/approve ${alice.code}`)).toBe(
      `✅ Approved Alice (${alice.code}), who was not pending. Silent mode is on: nothing is sent to them.`,
    );
    const answer = await house.says(`/approve ${BOB}`);
    const code = house.access.find(person(BOB))?.code;
    expect(answer).toBe(
      `✅ Approved no name · +1 555 000 3000 (${code}), who was not pending. Silent mode is on: nothing is sent to them.`,
    );
  });

  it("all: nobody, up to three at a glance, more by their number", async () => {
    expect(await house.cli("approve", "all")).toMatchObject({
      ok: false,
      text: "Nobody is pending. /missed shows strangers who wrote without the token.",
      error: { code: "nobody-pending", kind: "refused" },
    });
    const guests: Contact[] = [];
    for (let index = 0; index < 4; index++) guests.push(await house.knocks(`Guest ${index}`, `+1 555 001 200${index}`));
    expect((await house.cli("approve", "all")).error).toEqual({ code: "how-many", kind: "refused" });
    expect((await house.cli("approve", "all", "4", "5")).ok).toBe(false);
    expect((await house.cli("approve", "all", "x4")).ok).toBe(false);
    expect((await house.cli("approve", "all", "4x")).ok).toBe(false);
    expect((await house.cli("approve", "all", "00004")).ok).toBe(false);
    expect(house.access.counts().approved).toBe(0);
    await house.cli("deny", guests[0]?.code ?? "");
    const done = await house.cli("approve", "ALL");
    expect(done.ok).toBe(true);
    expect(done.data).toEqual(guests.slice(1).map(dataOf));
  });

  it("all: one who is decided about at another door meanwhile keeps no other from it", async () => {
    const [ann, bob, cy] = [
      await house.knocks("Ann", ALICE),
      await house.knocks("Bob", BOB),
      await house.knocks("Cy", "+1 555 000 4000"),
    ];
    const approve = house.access.approve.bind(house.access);
    const meanwhile: typeof approve = async (...args) => {
      await house.access.deny(bob, BY);
      return approve(...args);
    };
    Object.assign(house.access, { approve: meanwhile });
    const all = await house.says("/approve all");
    expect(all).toMatch(/Approved Ann.*\n.*Bob .* is denied.*\n.*Approved Cy/);
    expect([ann, bob, cy].map((who) => house.state(who))).toEqual(["approved", "denied", "approved"]);
  });

  it("a page's order is about the episode that the page showed", async () => {
    const alice = await house.knocks("Alice", ALICE);
    await house.says(`/remove ${alice.code}`);
    await house.knocks("Alice", ALICE);
    const order = { contact: alice, expect: { episode: alice.episode } };
    for (const kind of ["approve", "deny", "remove"] as const) {
      expect(await house.admin.decide({ kind, ...order }, BY)).toMatchObject({
        ok: false,
        error: { code: "already-decided", kind: "refused" },
      });
    }
    expect(house.state(alice)).toBe("pending");
    const now = { contact: alice, expect: { episode: house.access.byId(alice._id)?.episode ?? 0 } };
    expect(await house.admin.decide({ kind: "deny", ...now, block: true }, BY)).toMatchObject({ ok: true });
    expect(house.blocks).toEqual([{ name: "Alice", blocked: true }]);
    const { history = [] } = house.access.byId(alice._id) ?? {};
    const undo = { kind: "undo", decisionId: history.at(-1)?.id ?? "" } as const;
    expect(await house.admin.decide(undo, BY)).toMatchObject({ ok: true });
    expect(house.state(alice)).toBe("pending");
    expect(await house.admin.decide({ kind: "remove", contact: alice }, BY)).toMatchObject({ ok: true });
    expect(house.state(alice)).toBe("stranger");
  });

  it("I2: of two pages that decide at once, one wins: a buddy's removal takes nobody off the denylist", async () => {
    const alice = await house.knocks("Alice", ALICE);
    await house.cli("approve", alice.code);
    const order = { contact: alice, expect: { state: "approved" } } as const;
    const [first, second] = await Promise.all(
      (["deny", "remove"] as const).map((kind) => house.admin.decide({ kind, ...order }, BY)),
    );
    expect(first).toMatchObject({ ok: true });
    expect(second).toMatchObject({ ok: false, error: { code: "already-decided" } });
    expect(house.state(alice)).toBe("denied");
  });
});

describe("/deny", () => {
  it("tells what is so already, and blocks all the same", async () => {
    const alice = await house.knocks("Alice", ALICE);
    expect(await house.cli("deny", alice.code)).toEqual({
      ok: true,
      message: expect.anything(),
      text: `⛔ Denied Alice (${alice.code}): they hear nothing, and /remove ${alice.code} frees them.`,
      data: [dataOf(alice)],
    });
    await house.wait(DAY);
    const since = `Alice (${alice.code}) is denied already, at the command line, 23 Nov 12:00.`;
    expect((await house.cli("deny", "alice")).text).toBe(since);
    expect((await house.cli("deny", "alice", "--block")).text).toMatch(
      /^⛔ Denied Alice .* Blocked at WhatsApp too\.$/,
    );
    expect(house.blocks).toEqual([{ name: "Alice", blocked: true }]);
  });

  it("alone means the only one pending, and blocks where that was said", async () => {
    const alice = await house.knocks("Alice", ALICE);
    expect(await house.says("/deny --block")).toMatch(/^⛔ Denied Alice .* Blocked at WhatsApp too\.$/);
    expect(house.state(alice)).toBe("denied");
    expect(await house.says("/deny")).toBe("Nobody is pending. /missed shows strangers who wrote without the token.");
  });

  it("late: means those who wait and nobody else", async () => {
    const alice = await house.knocks("Alice", ALICE);
    const bob = await buddy("Bob", BOB);
    const at = house.time.now;
    await house.wait(HOUR);
    for (const late of [`/deny ${alice.code} bob`, `/deny ${alice.code} ZZZ9`, "/deny +15550007777"]) {
      expect(await house.says(late, { at })).toContain("Send it again");
    }
    expect([alice, bob].map((who) => house.state(who))).toEqual(["pending", "approved"]);
    expect(await house.says("/deny alice --block", { at })).toContain("Denied Alice");
  });
});

describe("quoting the notice of an --auto invite", () => {
  /** Bob came in by an invite; after him Alice was approved. */
  async function bobIsIn() {
    await house.says("/invite Bob --auto");
    const [invite] = house.access.invites();
    const knock = { person: person(BOB), name: "Bob", text: invite?.token ?? "", at: house.time.now, cause: "k" };
    const entry = await house.access.knock(knock);
    if (entry.kind !== "auto-approved") throw new Error(entry.kind);
    await house.admin.tell.autoApproved(entry.outcome, entry.invite);
    const alice = await buddy("Alice", ALICE);
    return { alice, bob: entry.contact, notice: { quotes: house.notice("Approved by invite").id } };
  }

  it("/undo takes that approval back, and no later one", async () => {
    const { alice, bob, notice } = await bobIsIn();
    expect(await house.says("/undo", notice)).toMatch(/^↩️ Undone: Bob .* is a stranger again/);
    expect(await house.says("/undo", notice)).toMatch(/nothing to undo/);
    expect([alice, bob].map((who) => house.state(who))).toEqual(["approved", "stranger"]);
  });

  it.each(["deny", "remove"])("/%s means whom it names, unless it comes late", async (command) => {
    const { alice, bob, notice } = await bobIsIn();
    const at = house.time.now;
    await house.wait(HOUR);
    expect(await house.says(`/${command}`, { ...notice, at })).toContain("Send it again");
    expect(house.state(bob)).toBe("approved");
    expect(await house.says(`/${command}`, notice)).toContain("Bob");
    expect(house.state(bob)).toBe(command === "deny" ? "denied" : "stranger");
    expect(house.state(alice)).toBe("approved");
  });

  it("/undo quoting the notice of a sender takes back what was decided about them", async () => {
    const carol = await house.knocks("Carol", "+1 555 000 4000");
    const { id } = house.notice(carol.code);
    await house.reacts("👍", id);
    const alice = await buddy("Alice", ALICE);
    expect(await house.says("/undo", { quotes: id })).toMatch(/^↩️ Undone: Carol .* is pending again/);
    expect(house.state(alice)).toBe("approved");
  });

  it("/undo quoting an answer takes back what that told, and never another decision", async () => {
    const alice = await house.knocks("Alice", ALICE);
    const bob = await house.knocks("Bob", BOB);
    await house.says(`/approve ${alice.code}`);
    const { id } = house.notice("Approved Alice");
    await house.says(`/approve ${bob.code}`);
    await house.restart();
    expect(await house.says("/undo", { quotes: id })).toMatch(/^↩️ Undone: Alice/);
    expect(await house.says("/undo", { quotes: id })).toMatch(/nothing to undo|taken back|undone/);
    expect([alice, bob].map((who) => house.state(who))).toEqual(["pending", "approved"]);
    await house.says("/status");
    await house.says(`/deny ${alice.code} ${bob.code}`);
    for (const part of ["Link: open", "Denied Alice"]) {
      expect(await house.says("/undo", { quotes: house.notice(part).id })).toBe(
        `What you quoted tells of no single decision, so nothing changed: /undo without a quote takes back the last one, about Bob (${bob.code}).`,
      );
    }
    expect([alice, bob].map((who) => house.state(who))).toEqual(["denied", "denied"]);
  });

  it("/undo takes back the last decision, also after a restart before which the clock was set back", async () => {
    const alice = await buddy("Alice", ALICE);
    const bob = await house.knocks("Bob", BOB);
    house.time.now -= HOUR;
    await house.says(`/approve ${bob.code}`);
    await house.restart();
    expect(await house.says("/undo")).toMatch(/^↩️ Undone: Bob .* is pending again/);
    expect(await house.says("/undo")).toMatch(/^No decision of the last 10 minutes is left/);
    expect(house.state(alice)).toBe("approved");
  });

  it("/undo tells what it took back in words", async () => {
    const alice = await buddy("Alice", ALICE);
    await house.says("/remove alice");
    expect(await house.says("/undo")).toBe(
      `↩️ Undone: Alice (${alice.code}) is approved again (was removed by you on WhatsApp, 12:00).`,
    );
  });

  it("/undo quoting a notice goes back step by step, as without the quote", async () => {
    const { alice, bob, notice } = await bobIsIn();
    await house.says("/deny bob");
    expect(await house.says("/undo", notice)).toMatch(/^↩️ Undone: Bob .* is approved again/);
    expect(await house.says("/undo", notice)).toMatch(/^↩️ Undone: Bob .* is a stranger again/);
    expect(await house.says("/undo", notice)).toMatch(/nothing to undo/);
    expect([alice, bob].map((who) => house.state(who))).toEqual(["approved", "stranger"]);
  });
});

describe("an order that names nobody", () => {
  it.each(["approve", "deny"])(
    "asks where another waited when /%s was sent, and was decided about since",
    async (verb) => {
      const alice = await house.knocks("Alice", ALICE);
      const bob = await house.knocks("Bob", BOB);
      await house.wait(MINUTE);
      const at = house.time.now;
      await house.wait(MINUTE);
      await house.cli("approve", alice.code);
      const Verb = verb === "approve" ? "Approve" : "Deny";
      expect(await house.says(`/${verb}`, { at })).toBe(
        `${Verb} whom? Alice (${alice.code}) waited, too, when you wrote that, and was approved at the command line, 12:02. /${verb} ${bob.code} is Bob (${bob.code}).`,
      );
      expect(house.state(bob)).toBe("pending");
      await house.wait(1000);
      await house.says(`/${verb}`);
      expect(house.state(bob)).not.toBe("pending");
    },
  );

  it("means who is left of those about whom the chat decided before it", async () => {
    const alice = await house.knocks("Alice", ALICE);
    const bob = await house.knocks("Bob", BOB);
    const at = house.time.now;
    await house.wait(MINUTE);
    await house.says(`/approve ${alice.code}`, { at });
    expect(await house.says("/approve", { at })).toMatch(/^✅ Approved Bob/);
    expect(house.state(bob)).toBe("approved");
  });
});

describe("/remove", () => {
  it("tells from where, that nothing was to remove, and what WhatsApp's block does", async () => {
    const alice = await buddy("Alice", ALICE);
    expect(await house.cli("remove", "alice")).toEqual({
      ok: true,
      message: expect.anything(),
      text: `Removed Alice (${alice.code}), who was approved and is a stranger now.`,
      data: [dataOf(alice)],
    });
    expect(await house.cli("remove", alice.code)).toMatchObject({
      ok: false,
      text: "Alice · +1 555 000 2000 is a stranger already: nothing to remove. /list shows who is on a list.",
      data: [dataOf(alice)],
    });
    const bob = await house.knocks("Bob", BOB);
    await house.says(`/deny ${bob.code} --block`);
    house.canBlock = false;
    expect(await house.says("/remove bob")).toBe(
      `Removed Bob (${bob.code}), who was denied and is a stranger now. WhatsApp unblocks them as soon as the link is open.`,
    );
  });

  it("quoting a notice means its sender, and asks whom where nothing does", async () => {
    const alice = await house.knocks("Alice", ALICE);
    await house.knocks("Bob", BOB);
    expect(await house.cli("remove")).toMatchObject({
      ok: false,
      text: "Remove whom? /remove and a code, say /remove K7QF; /list shows them.",
      error: USAGE,
    });
    expect(await house.says("/remove", { quotes: "no notice" })).toMatch(/^The quoted message is not the notice/);
    expect(await house.says("/remove", { quotes: house.notice(alice.code).id })).toBe(
      `Removed Alice (${alice.code}), who was pending and is a stranger now.`,
    );
  });

  it("old-token means those who came with a token before this one, and no others", async () => {
    const alice = await house.knocks("Alice", ALICE);
    await house.says("/invite Bob");
    const [invite] = house.access.invites();
    const bob = await house.knocks("Bob", BOB, invite?.token ?? "");
    const carol = await house.knocks("Carol", "+1 555 000 4000");
    await house.says("/token rotate");
    const dave = await house.knocks("Dave", "+1 555 000 5000", house.access.revealToken() ?? "");
    const result = await house.cli("remove", "OLD-TOKEN");
    expect(result.text).toBe("Removed 2 senders who came with an old token.");
    expect(result.data).toEqual([dataOf(alice), dataOf(carol)]);
    expect([alice, bob, carol, dave].map((who) => house.state(who))).toEqual([
      "stranger",
      "pending",
      "stranger",
      "pending",
    ]);
    expect((await house.cli("remove", "old-token")).error).toEqual({ code: "nobody", kind: "refused" });
    expect((await house.cli("remove", "old-token", "bob")).ok).toBe(false);
    expect(house.state(bob)).toBe("pending");
  });

  it.each([
    ["before", -DAY, 0],
    ["after", 0, -DAY],
  ])("old-token goes by the token, also where the clock was set back %s the rotation", async (_, before, after) => {
    const alice = await house.knocks("Alice", ALICE);
    house.time.now += before;
    const rotated = await house.cli("token", "rotate");
    expect(rotated.data).toMatchObject({ pendingWithOld: [alice.code] });
    house.time.now += after;
    const dave = await house.knocks("Dave", "+1 555 000 5000", house.access.revealToken() ?? "");
    expect((await house.cli("remove", "old-token")).text).toBe("Removed 1 sender who came with an old token.");
    expect([house.state(alice), house.state(dave)]).toEqual(["stranger", "pending"]);
  });
});

describe("/undo", () => {
  it("names nobody, and tells programs of whom it was", async () => {
    const alice = await buddy("Alice", ALICE);
    expect(await house.cli("undo", "alice")).toMatchObject({
      ok: false,
      text: "/undo takes the last decision back and names nobody; for others there is /remove.",
      error: USAGE,
    });
    expect(house.state(alice)).toBe("approved");
    expect(await house.cli("undo")).toEqual({
      ok: true,
      message: expect.anything(),
      text: `↩️ Undone: Alice (${alice.code}) is pending again (was approved at the command line, 12:00).`,
      data: [dataOf(alice)],
    });
  });

  it("of a block that WhatsApp can't take back yet says so", async () => {
    const alice = await house.knocks("Alice", ALICE);
    await house.says(`/deny ${alice.code} --block`);
    house.canBlock = false;
    expect(await house.says("/undo")).toBe(
      `↩️ Undone: Alice (${alice.code}) is pending again (was denied by you on WhatsApp, 12:00). WhatsApp's block follows when linked.`,
    );
    house.canBlock = true;
    await house.says(`/deny ${alice.code} --block`);
    expect(await house.says("/undo")).toMatch(/12:00\)\. WhatsApp's block changed with it\.$/);
  });

  it("repeated after a crash, it tells of the decision that it took back", async () => {
    await buddy("Alice", ALICE);
    const undo = house.message({ kind: "text", text: "/undo" });
    house.outbox.fails = new Error("disk full");
    await expect(house.admin.chat.handle(undo)).rejects.toThrow("disk full");
    house.outbox.fails = undefined;
    await house.restart();
    expect(await house.handle(undo)).toMatch(/is pending again \(was approved at the command line, 12:00\)\.$/);
  });
});

describe("/silent", () => {
  it("tells what buddies get, by who answers them", async () => {
    const off = "🔊 Silent mode is off:";
    for (const [mode, what] of [
      [undefined, "buddies are answered"],
      ["model", "buddies are answered"],
      ["relay", "what you reply to buddies' messages in the admin chat goes out"],
      ["off", "greetings go out; nothing answers buddies, as no model is set"],
    ] as const) {
      Object.assign(house.gateway.responder, { mode });
      expect(await house.says("/silent OFF")).toBe(`${off} ${what}. /silent on stops that at once.`);
      expect(await house.says("/silent")).toBe(`${off} ${what}. /silent on stops that at once.`);
      await house.says("/pause");
      const waits = "greetings go out; what buddies write waits, as the responder is paused (/resume)";
      const paused = mode === "off" ? what : waits;
      expect(await house.says("/silent")).toBe(`${off} ${paused}. /silent on stops that at once.`);
      await house.says("/resume");
    }
    expect(await house.cli("silent", "ON")).toMatchObject({
      text: "🔇 Silent mode is on: nothing goes out but to the admin chat. /silent off ends it.",
      data: { silent: true, until: null },
    });
    expect(await house.cli("silent")).toMatchObject({ ok: true, data: { silent: true, until: null } });
  });

  it("off tells who wrote meanwhile", async () => {
    const alice = await buddy("Alice", ALICE);
    house.backlog.set(alice._id, 1);
    expect(await house.says("/silent off")).toBe(
      `🔊 Silent mode is off: buddies are answered. /silent on stops that at once.\n1 buddy wrote meanwhile: Alice (${alice.code}). /answer all, or /answer ${alice.code}.`,
    );
  });

  it.each([
    [["maybe"], "It is /silent on, /silent off or /silent off --for 2h."],
    [["on", "off"], "It is /silent on, /silent off or /silent off --for 2h."],
    [["--for", "2h"], "It is /silent on, /silent off or /silent off --for 2h."],
    [["off", "--for", "32d"], "--for takes a time like 30m, 2h or 1d, up to 31d, not 32d."],
    [["off", "--for", "x1h"], "--for takes a time like 30m, 2h or 1d, up to 31d, not x1h."],
    [["off", "--for", "1hx"], "--for takes a time like 30m, 2h or 1d, up to 31d, not 1hx."],
    [["off", "--for", "100000m"], "--for takes a time like 30m, 2h or 1d, up to 31d, not 100000m."],
  ])("%j is refused, and it stays on", async (args, text) => {
    expect(await house.cli("silent", ...args)).toMatchObject({ ok: false, text, error: USAGE });
    expect(house.gateway.silent.on()).toBe(true);
  });

  it("shows itself to a late question, and obeys a late ON", async () => {
    const at = house.time.now;
    await house.says("/silent off");
    await house.wait(HOUR);
    expect(await house.says("/silent", { at })).toMatch(/^🔊/);
    expect(await house.says("/silent ON", { at })).toMatch(/^🔇/);
    expect(await house.says("/silent off --for 2h", { at })).toContain("Send it again");
    expect(house.gateway.silent.on()).toBe(true);
  });
});

describe("/pause and /resume", () => {
  it("say how it is, to people and programs, and take nothing behind them", async () => {
    expect(await house.cli("resume")).toMatchObject({
      text: "The responder is not paused. Silent mode is on, so nobody hears it: /silent off.",
      data: { paused: false },
    });
    expect(await house.cli("pause")).toMatchObject({ ok: true, data: { paused: true } });
    expect(await house.says("/pause")).toBe("The responder is paused already: /resume starts it.");
    await house.says("/silent off");
    expect(await house.cli("resume")).toMatchObject({ ok: true, text: "▶️ The responder answers again." });
    expect(await house.says("/resume")).toBe("The responder is not paused.");
    for (const name of ["pause", "resume"]) {
      expect(await house.cli(name, "now")).toMatchObject({
        ok: false,
        text: `/${name} takes nothing behind it.`,
        error: USAGE,
      });
    }
    expect(house.gateway.responder.paused).toBe(false);
  });

  it("a pause holds though the disk is full", async () => {
    Object.assign(house.access, {
      record: () => Promise.reject(new KafclawError("disk-full", "The disk is full.", "failed")),
    });
    expect(await house.cli("pause")).toMatchObject({ ok: true, data: { paused: true } });
    expect(house.gateway.responder.paused).toBe(true);
  });
});

describe("/token", () => {
  it("shows it masked, and says where there is none", async () => {
    expect(await house.cli("token")).toMatchObject({
      ok: true,
      text: `Pairing token: ${house.access.token()?.masked}, since 12:00. /token rotate replaces it.`,
      data: { masked: house.access.token()?.masked, since: NOON },
    });
    const bare = await House.open({ token: null });
    expect(await bare.cli("token")).toMatchObject({
      ok: true,
      text: "There is no pairing token: nobody can enter. /token rotate makes one.",
      data: null,
    });
    await bare.close();
    const open = await House.open({ token: null, open: true });
    expect((await open.cli("token")).text).toBe(
      "There is no pairing token, and pairing is open: everyone who writes becomes pending. /token rotate ends that.",
    );
    await open.cli("token", "rotate");
    expect((await open.cli("token")).text).toMatch(/^Pairing token: /);
    await open.close();
  });

  it("rotated at the command line, says so there alone, and with data", async () => {
    const alice = await house.knocks("Alice", ALICE);
    const { text, data, secret, voids } = await house.cli("token", "ROTATE");
    const token = house.access.revealToken();
    expect(token).not.toBe(TOKEN);
    expect(text.split("\n")).toEqual([
      `New pairing token: ${token}`,
      "The old one is void. Whoever is approved stays approved.",
      "1 pending sender came with the old token: /remove old-token removes them.",
    ]);
    expect(data).toEqual({ token, pendingWithOld: [alice.code] });
    expect([secret, voids]).toEqual([{ until: house.time.now + 15 * MINUTE, id: "token" }, ["token"]]);
    await house.cli("remove", alice.code);
    expect((await house.cli("token", "rotate")).text.split("\n")).toHaveLength(2);
  });

  it.each([[["rotate", "now"]], [["show"]]])("%j is refused", async (args) => {
    expect(await house.cli("token", ...args)).toMatchObject({
      ok: false,
      text: "It is /token or /token rotate.",
      error: USAGE,
    });
    expect(house.access.revealToken()).toBe(TOKEN);
  });

  it("shows itself to a late question", async () => {
    const at = house.time.now;
    await house.wait(HOUR);
    expect(await house.says("/token", { at })).toMatch(/^Pairing token: /);
    expect(await house.says("/token rotate", { at })).toContain("Send it again");
  });
});

describe("/dashboard", () => {
  it("takes nothing behind it, and names the address of the machine", async () => {
    expect(await house.cli("dashboard", "now")).toMatchObject({
      ok: false,
      text: "/dashboard takes nothing behind it.",
      error: USAGE,
    });
    expect((await house.cli("dashboard")).data).toEqual({ url: null });
    Object.assign(house.gateway, { dashboardUrl: "http://127.0.0.1:4000" });
    expect(await house.says("/dashboard")).toBe(
      "The dashboard has no address that your phone could open: on the machine it is http://127.0.0.1:4000",
    );
  });

  it("a new link voids the message with the last", async () => {
    let count = 0;
    const asked: string[] = [];
    house.loginLink = async (door) => {
      asked.push(door);
      return { url: `https://bot.example/login?t=${++count}`, until: house.time.now + 5 * MINUTE };
    };
    await house.restart();
    await house.says("/dashboard");
    const { id } = house.notice("t=1");
    await house.says("/dashboard");
    expect(house.deleted()).toEqual([id]);
    const { data, secret, voids } = await house.cli("dashboard");
    expect(data).toEqual({ url: "https://bot.example/login?t=3", until: house.time.now + 5 * MINUTE });
    expect([secret, voids]).toEqual([{ until: house.time.now + 5 * MINUTE, id: "login" }, ["login"]]);
    expect(asked).toEqual(["whatsapp", "whatsapp", "cli"]);
  });

  it("a link that was used leaves the chat", async () => {
    house.loginLink = async () => ({ url: "https://bot.example/login?t=1", until: house.time.now + 5 * MINUTE });
    await house.restart();
    await house.says("/dashboard");
    await house.admin.loginUsed();
    expect(house.deleted()).toEqual([house.notice("t=1").id]);
  });
});

describe("/invite", () => {
  it("promises nobody an approval by invite that no invite can give", async () => {
    const alice = await house.knocks("Alice", person(ALICE, "2000@lid"));
    const invite = () => house.says(`/invite Alice --auto --for ${ALICE}`);
    await house.says("/deny");
    expect(await invite()).toBe(
      `Alice (${alice.code}) is denied, and no invite lets them in: /remove ${alice.code} first.`,
    );
    await house.says(`/remove ${alice.code}`);
    await house.says(`/approve ${alice.code}`);
    expect(await invite()).toBe(`Alice (${alice.code}) is approved already and needs no invite.`);
    expect(await house.says("/invite Me --auto --for +1 555 000 1000")).toMatch(/^That is the owner's number/);
    expect(await house.says("/invite Bot --auto --for +1 555 000 9000")).toMatch(/^That is the bot's own number/);
    expect(house.access.invites()).toEqual([]);
    await house.says(`/remove ${alice.code}`);
    expect(await invite()).toContain("is approved at once");
  });

  it("asks for whom, and tells programs all of what it made", async () => {
    expect(await house.cli("invite")).toMatchObject({
      ok: false,
      text: "For whom? /invite and a name, say /invite Bob; /invite list shows the open ones.",
      error: USAGE,
    });
    const { text, data, secret } = await house.cli("invite", "Bob", "Builder");
    const [made] = house.access.invites();
    const link = `https://wa.me/15550009000?text=${made?.token}`;
    expect(text.split("\n")).toEqual([
      `Invite for Bob Builder: ${made?.token}`,
      link,
      "Works once, until 30 Nov 12:00. Who uses it becomes pending, and you decide.",
    ]);
    expect(data).toEqual({
      id: made?._id,
      label: "Bob Builder",
      token: made?.token,
      link,
      expires: house.time.now + 7 * DAY,
      auto: false,
    });
    expect(secret).toEqual({ until: house.time.now + 2 * DAY, id: `invite ${made?._id}` });
  });

  it("without a link to WhatsApp has no wa.me link, and a short one is deleted when it is over", async () => {
    Object.assign(house.gateway, { me: () => undefined });
    const { text, data, secret } = await house.cli("invite", "Bob", "--days", "1");
    expect(text.split("\n")).toHaveLength(2);
    expect(data).toMatchObject({ link: null });
    expect(secret?.until).toBe(house.time.now + DAY);
    expect((await house.cli("invite", "Carol", "--days", "90")).data).toMatchObject({
      expires: house.time.now + 90 * DAY,
    });
  });

  it.each([
    ["--days", "91", "--days takes a whole number from 1 to 90, not 91."],
    ["--days", "x7", "--days takes a whole number from 1 to 90, not x7."],
    ["--days", "7x", "--days takes a whole number from 1 to 90, not 7x."],
    ["--days", "0007", "--days takes a whole number from 1 to 90, not 0007."],
    ["--for", BOB, "--for goes with --auto: without it you decide anyway who comes in."],
  ])("%s %s is refused, and no invite is made", async (option, value, text) => {
    expect(await house.cli("invite", "Bob", option, value)).toMatchObject({ ok: false, text, error: USAGE });
    expect(house.access.invites()).toEqual([]);
  });

  it("binds to a number as WhatsApp has it, to a LID, or to a number as phones write it", async () => {
    house.onWhatsApp = (pn) => (pn === "5511987654321@s.whatsapp.net" ? "551187654321@s.whatsapp.net" : undefined);
    const made = async (...args: string[]) => {
      const result = await house.cli("invite", ...args);
      expect(result).toMatchObject({ ok: true });
      const { label, auto } = result.data as { label: string; auto: boolean };
      return { label, auto, for: house.access.invites().find((each) => each.label === label)?.for };
    };
    expect(await made("Ana", "--auto", "--for", "+5511987654321")).toEqual({
      label: "Ana",
      auto: true,
      for: { pn: "551187654321@s.whatsapp.net" },
    });
    expect(await made("Bob", "--auto", "--for", "4242@lid")).toMatchObject({ for: { lid: "4242@lid" } });
    expect(await made("Carol", "--auto", "--for", "+1", "555", "000", "4000")).toEqual({
      label: "Carol",
      auto: true,
      for: { pn: "15550004000@s.whatsapp.net" },
    });
    expect(await made("Dave", "--auto", "--for", "(1", "555)", "000-5000")).toMatchObject({ label: "Dave" });
    expect(await made("Eve", "2", "--auto", "--for", "+15550006000")).toMatchObject({ label: "Eve 2" });
    house.onWhatsApp = () => null;
    expect(await house.cli("invite", "Zoe", "--auto", "--for", BOB)).toMatchObject({
      ok: false,
      text: "+1 555 000 3000 is not on WhatsApp: check the number.",
      error: { code: "not-on-whatsapp", kind: "refused" },
    });
    expect(await house.cli("invite", "Zoe", "--auto", "--for", "me")).toMatchObject({
      ok: false,
      text: "--for takes a number with country code, like +15550002000, not me.",
      error: { code: "bad-number", kind: "usage" },
    });
  });

  it("list tells which approve by themselves, and none that is used, over or void", async () => {
    expect(await house.cli("invite", "LIST")).toMatchObject({
      ok: true,
      text: "No invite is open. /invite and a name makes one.",
      data: [],
    });
    for (const [name, ...rest] of [["Ann"], ["Bob", "--days", "1"], ["Cy"], ["Dee", "--auto"]]) {
      await house.cli("invite", name ?? "", ...rest);
    }
    const [ann] = house.access.invites().filter(({ label }) => label === "Ann");
    await house.knocks("Ann", ALICE, ann?.token ?? "");
    await house.cli("invite", "revoke", "CY");
    const { text, data } = await house.cli("invite", "list");
    expect(text.split("\n")).toEqual([
      "• Bob · until 24 Nov 12:00",
      "• Dee · until 24 Nov 12:00 · approves by itself",
      "/invite revoke and the name takes one back.",
    ]);
    expect(data).toEqual([
      { id: expect.any(String), label: "Bob", created: expect.any(Number), expires: expect.any(Number), auto: false },
      { id: expect.any(String), label: "Dee", created: expect.any(Number), expires: expect.any(Number), auto: true },
    ]);
    await house.wait(DAY);
    expect(await house.says("/invite list")).toMatch(/^No invite is open/);
    expect(await house.says("/invite list everything")).toMatch(/^Invite for list everything/);
  });

  it("revoke voids by name or id, and says where there is none", async () => {
    await house.cli("invite", "Bob", "Builder");
    const [made] = house.access.invites();
    expect(await house.cli("invite", "revoke", "bob", "builder")).toMatchObject({
      ok: true,
      text: "The invite for Bob Builder is void.",
      data: [made?._id],
      voids: [`invite ${made?._id}`],
    });
    expect(await house.cli("invite", "revoke", "bob", "builder")).toMatchObject({
      ok: false,
      text: "No open invite is for bob builder: /invite list shows them.",
      error: { code: "unknown-invite", kind: "refused" },
    });
    await house.says("/invite Eve");
    const first = house.notice("Invite for Eve").id;
    await house.wait(1000);
    await house.says("/invite Eve");
    expect(await house.says("/invite revoke Eve")).toBe("The 2 invites for Eve are void.");
    expect(house.deleted()).toHaveLength(2);
    expect(house.deleted()).toContain(first);
    await house.cli("invite", "Cy");
    const cy = house.access.invites().find(({ label }) => label === "Cy");
    expect(await house.cli("invite", "REVOKE", cy?._id ?? "")).toMatchObject({ text: "The invite for Cy is void." });
    await house.cli("invite", "Zoë");
    expect(await house.cli("invite", "revoke", "ZOË".normalize("NFD"))).toMatchObject({ ok: true });
    expect(await house.cli("invite", `\u001b[31m${"Long ".repeat(20)}`)).toMatchObject({
      data: { label: `${"Long ".repeat(12)}Lon…` },
    });
    expect(await house.cli("invite", "\u200b")).toMatchObject({ ok: false });
    expect(await house.cli("invite", "revoke")).toMatchObject({
      text: "Whose? /invite revoke and the name; /invite list shows the open ones.",
      error: { code: "bad-usage", kind: "usage" },
    });
  });

  it("late: the list is shown, and no invite made", async () => {
    const at = house.time.now;
    await house.wait(HOUR);
    expect(await house.says("/invite list", { at })).toMatch(/^No invite is open/);
    expect(await house.says("/invite LIST", { at })).toMatch(/^No invite is open/);
    expect(await house.says("/invite list of friends", { at })).toContain("Send it again");
    expect(await house.says("/invite Bob", { at })).toContain("Send it again");
    expect(house.access.invites()).toEqual([]);
  });
});
