import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { lastStanding } from "../../src/access/index.js";
import { ALICE, BOB, chat, cli, DAY, dashboard, House, MINUTE, person, refusal } from "./house.js";

let house: House;
beforeEach(async () => {
  house = await House.open();
});
afterEach(() => house.close());

const held = { journalId: "m1", at: 1, preview: "hi" };

describe("undo", () => {
  it("brings a pending sender back as they were, and names the contact and the door", async () => {
    const alice = await house.pending(ALICE, "Alice");
    await house.access.hold(alice, held);
    const before = house.access.byId(alice._id);
    house.now += MINUTE;
    for (const decide of ["approve", "deny", "remove"] as const) {
      const { decision } = await house.access[decide](alice, dashboard);
      const outcome = await house.access.undo(chat);
      expect(outcome).toMatchObject({ contact: { code: alice.code }, decision: { undoes: decision.id } });
      const { history: _, ...now } = outcome.contact;
      expect({ ...now, history: before?.history }).toEqual(before);
    }
    await house.restart();
    expect(house.verdict(ALICE)).toBe("pending");
  });

  it("does not bring back held messages that were handled since", async () => {
    const alice = await house.pending(ALICE);
    await house.access.hold(alice, held);
    await house.access.approve(alice, chat);
    await house.access.settle(alice, ["m1"]);
    expect((await house.access.undo(chat)).contact).toMatchObject({ state: "pending", held: [] });
  });

  it("takes back a denial with a block, and a removal that unblocked", async () => {
    const alice = await house.approved(ALICE);
    await house.access.deny(alice, chat, { block: true });
    expect(await house.access.undo(chat)).toMatchObject({ contact: { state: "approved", blockDue: true } });
    await house.access.deny(alice, chat, { block: true });
    await house.access.remove(alice, chat);
    expect(await house.access.undo(chat)).toMatchObject({
      contact: { state: "denied", blocked: true, blockDue: true },
    });
    expect(house.verdict(ALICE)).toBe("denied");
  });

  it("of the removal of a blocked number blocks it anew, though WhatsApp was told of both", async () => {
    const { contact: alice } = await house.access.deny(await house.pending(ALICE), chat, { block: true });
    await house.access.blockTold(alice);
    await house.access.blockTold((await house.access.remove(alice, chat)).contact);
    expect(house.access.blocksDue()).toEqual([]);
    expect((await house.access.undo(chat)).contact).toMatchObject({ state: "denied", blocked: true });
    expect(house.access.blocksDue()).toMatchObject([{ code: alice.code }]);
  });

  it("of a denial without a block has nothing to tell WhatsApp", async () => {
    await house.denied(ALICE);
    await house.access.undo(chat);
    expect(house.access.blocksDue()).toEqual([]);
  });

  it("brings back no message that its sender deleted, however many steps ago it was held", async () => {
    const alice = await house.pending(ALICE, "Alice");
    for (const id of ["m1", "m2"]) await house.access.hold(alice, { ...held, journalId: `2000@lid/${id}` });
    const { since } = house.access.byId(alice._id) ?? alice;
    house.now += MINUTE;
    await house.access.deny(alice, chat);
    await house.access.remove(alice, chat);
    await house.access.amend(alice, "m1");
    expect((await house.access.undo(chat)).contact).toMatchObject({ state: "denied", held: [] });
    const { contact } = await house.access.undo(chat);
    expect(contact).toMatchObject({ state: "pending", since, held: [{ journalId: "2000@lid/m2" }] });
  });

  it("takes back what an `--auto` invite let in", async () => {
    const { token } = await house.access.invite({ label: "Carol", auto: true }, chat);
    await house.knock(ALICE, token);
    expect(house.verdict(ALICE)).toBe("buddy");
    await house.access.undo(chat);
    expect(house.verdict(ALICE)).toBe("stranger");
  });

  it("goes back step by step over the restarts of a gateway, and never takes back an undo", async () => {
    await house.approved(ALICE);
    await house.approved(BOB);
    await house.access.undo(chat);
    await house.restart();
    expect([house.verdict(ALICE), house.verdict(BOB)]).toEqual(["buddy", "pending"]);
    await house.access.undo(chat);
    expect(house.verdict(ALICE)).toBe("pending");
    expect((await refusal(() => house.access.undo(chat))).code).toBe("nothing-to-undo");
  });

  it("works on a named decision, for a reaction that is taken off", async () => {
    const first = await house.access.approve(await house.pending(ALICE), chat);
    await house.approved(BOB);
    await house.access.undo(chat, first.decision.id);
    expect([house.verdict(ALICE), house.verdict(BOB)]).toEqual(["pending", "buddy"]);
    const again = await refusal(() => house.access.undo(chat, first.decision.id));
    expect(again).toMatchObject({ code: "nothing-to-undo", message: expect.stringContaining("undone already") });
  });

  it("refuses when the contact changed since, and says how", async () => {
    const first = await house.access.approve(await house.pending(ALICE, "Alice"), chat);
    await house.access.deny(ALICE, dashboard);
    expect(await refusal(() => house.access.undo(chat, first.decision.id))).toEqual({
      code: "changed-since",
      message: `${first.contact.code} Alice changed since: denied on the dashboard. Approve, deny or remove instead.`,
    });
    expect(house.verdict(ALICE)).toBe("denied");
  });

  it("refuses when the number passed to someone else since, but not for a new number of the same person", async () => {
    await house.approved(ALICE);
    await house.access.learn(person("15550002222@s.whatsapp.net", "2000@lid"));
    await house.access.learn(person("15550002222@s.whatsapp.net", "9999@lid"));
    expect((await refusal(() => house.access.undo(chat))).code).toBe("changed-since");
    await house.approved(BOB);
    await house.access.learn(person("15550003333@s.whatsapp.net", "3000@lid"));
    expect((await house.access.undo(chat)).contact).toMatchObject({
      state: "pending",
      pn: "15550003333@s.whatsapp.net",
    });
  });

  it("takes back an earlier decision once the later one was taken back", async () => {
    const alice = await house.pending(ALICE);
    const first = await house.access.approve(alice, chat);
    await house.access.deny(alice, chat);
    await house.access.undo(chat);
    expect((await house.access.undo(chat)).decision.undoes).toBe(first.decision.id);
    expect(house.verdict(ALICE)).toBe("pending");
  });

  it("is for ten minutes", async () => {
    const { decision, contact } = await house.access.approve(await house.pending(ALICE, "Alice"), chat);
    house.now += 10 * MINUTE + 1;
    expect((await refusal(() => house.access.undo(chat))).code).toBe("nothing-to-undo");
    expect(await refusal(() => house.access.undo(chat, decision.id))).toEqual({
      code: "too-late",
      message: `${contact.code} Alice was approved more than 10 minutes ago, too long to undo; approve, deny or remove instead.`,
    });
    await house.restart();
    expect((await refusal(() => house.access.undo(chat, decision.id))).code).toBe("too-late");
    const { decision: next } = await house.access.deny(contact, chat);
    house.now += 10 * MINUTE;
    await house.restart();
    expect((await house.access.undo(chat)).decision.undoes).toBe(next.id);
  });

  it("finds the order of decisions again after a restart, whoever they were about", async () => {
    const people = [BOB, ALICE, person("15550004000@s.whatsapp.net"), person("15550005000@s.whatsapp.net")];
    const contacts = [];
    for (const who of people) contacts.push(await house.pending(who));
    const decisions = [];
    // Neither the order in which they came, nor the one by state.
    for (const [index, action] of [
      [2, "approve"],
      [0, "deny"],
      [3, "remove"],
      [1, "approve"],
      [0, "remove"],
    ] as const) {
      const contact = contacts[index];
      if (contact !== undefined) decisions.push((await house.access[action](contact, chat)).decision.id);
    }
    await house.restart();
    const undone = [];
    for (const _ of decisions) undone.push((await house.access.undo(chat)).decision.undoes);
    expect(undone).toEqual(decisions.toReversed());
    for (const who of people) expect(house.verdict(who)).toBe("pending");
  });

  it("goes four steps back to all that was, and on to the state alone", async () => {
    const alice = await house.pending(ALICE, "Alice");
    await house.access.hold(alice, held);
    const states = [];
    for (const action of ["approve", "deny", "remove", "approve", "deny"] as const) {
      const { history: _, before: __, ...now } = house.access.byId(alice._id) ?? alice;
      states.push(now);
      house.now += MINUTE;
      await house.access[action](alice, chat);
    }
    await house.restart();
    const [first, ...later] = states;
    for (const state of later.toReversed()) {
      const { history: _, before: __, ...now } = (await house.access.undo(chat)).contact;
      expect(now).toEqual(state);
    }
    const { history: _, ...now } = (await house.access.undo(chat)).contact;
    expect(now).toEqual({ ...first, since: house.now });
    expect(first?.since).not.toBe(house.now);
  });

  it("brings back the numbers that a denial covers, and a reminder that was given", async () => {
    await house.denied(ALICE, "Alice");
    await house.access.learn(person("15550002000@s.whatsapp.net", "9999@lid"));
    expect(house.access.find(ALICE)?.also).toEqual(["9999@lid"]);
    await house.access.remove(ALICE, chat);
    expect((await house.access.undo(chat)).contact.also).toEqual(["9999@lid"]);
    expect(house.verdict(person("9999@lid"))).toBe("denied");
    const bob = await house.pending(BOB);
    house.now += 6 * DAY;
    await house.access.tick();
    await house.access.deny(bob, chat);
    expect((await house.access.undo(chat)).contact.reminded).toBe(house.now);
    expect((await house.access.tick()).expiring).toEqual([]);
  });

  it("of a denial lets go of the numbers that it came to cover", async () => {
    await house.denied(ALICE, "Alice");
    await house.access.learn(person("15550002000@s.whatsapp.net", "9999@lid"));
    expect((await house.access.undo(chat)).contact.also).toBeUndefined();
    expect(house.verdict(person("9999@lid"))).toBe("stranger");
  });

  it("forgets the invite that it takes back", async () => {
    const { token } = await house.access.invite({ label: "Carol", auto: true }, chat);
    await house.knock(ALICE, token);
    expect(house.access.find(ALICE)?.via).toMatchObject({ label: "Carol" });
    expect((await house.access.undo(chat)).contact).not.toHaveProperty("via");
  });

  it("takes back only what a person decided, even by name", async () => {
    const alice = await house.pending(ALICE);
    const { decision } = await house.access.approve(alice, chat);
    const undone = await house.access.undo(chat, decision.id);
    const message = "There is no such decision, so there is nothing to undo; approve, deny or remove instead.";
    for (const id of [alice.history[0]?.id, undone.decision.id, "nonsense"]) {
      expect(await refusal(() => house.access.undo(chat, id))).toEqual({ code: "nothing-to-undo", message });
    }
  });

  it("says that it is too late, or was done before", async () => {
    const { contact, decision } = await house.access.approve(await house.pending(ALICE, "Alice"), chat);
    await house.access.undo(chat);
    expect(await refusal(() => house.access.undo(chat))).toEqual({
      code: "nothing-to-undo",
      message:
        "No decision of the last 10 minutes is left, so there is nothing to undo; approve, deny or remove instead.",
    });
    expect(await refusal(() => house.access.undo(chat, decision.id))).toEqual({
      code: "nothing-to-undo",
      message: `That was undone already; ${contact.code} Alice is pending. Approve, deny or remove instead.`,
    });
  });

  it("leaves the others be when one is too old", async () => {
    await house.approved(ALICE);
    house.now += 5 * MINUTE;
    const bob = await house.approved(BOB);
    house.now += 5 * MINUTE + 1;
    const carol = await house.approved(person("15550004000@s.whatsapp.net"));
    expect((await house.access.undo(chat)).contact.code).toBe(carol.code);
    expect((await house.access.undo(chat)).contact.code).toBe(bob.code);
    expect((await refusal(() => house.access.undo(chat))).code).toBe("nothing-to-undo");
    expect(house.verdict(ALICE)).toBe("buddy");
  });

  it("has nothing to take back in an empty house, nor an unknown decision", async () => {
    expect((await refusal(() => house.access.undo(cli))).code).toBe("nothing-to-undo");
    expect((await refusal(() => house.access.undo(cli, "nonsense"))).code).toBe("nothing-to-undo");
  });

  it("says what there is not to undo", async () => {
    const last =
      "No decision of the last 10 minutes is left, so there is nothing to undo; approve, deny or remove instead.";
    expect((await refusal(() => house.access.undo(cli))).message).toBe(last);
    const named = "There is no such decision, so there is nothing to undo; approve, deny or remove instead.";
    expect((await refusal(() => house.access.undo(cli, "nonsense"))).message).toBe(named);
    const alice = await house.pending(ALICE, "Alice");
    const [entered] = alice.history;
    expect((await refusal(() => house.access.undo(cli, entered?.id))).message).toBe(named);
    const { decision } = await house.access.approve(alice, chat);
    await house.access.undo(chat);
    expect((await refusal(() => house.access.undo(chat, decision.id))).message).toBe(
      `That was undone already; ${alice.code} Alice is pending. Approve, deny or remove instead.`,
    );
  });

  it("gives back all that a denial had: block, covered addresses, way in, and since when", async () => {
    const alice = await house.pending(ALICE, "Alice");
    await house.access.deny(alice, cli, { block: true });
    await house.access.learn(person("15550002222@s.whatsapp.net", "2000@lid"));
    const denied = house.access.byCode(alice.code);
    expect(denied).toMatchObject({ blocked: true, also: [ALICE.pn], via: { kind: "token" } });
    house.now += MINUTE;
    const { contact: removed } = await house.access.remove(alice, dashboard);
    for (const gone of ["blocked", "also", "via"]) expect(removed).not.toHaveProperty(gone);
    const { contact } = await house.access.undo(chat);
    expect({ ...contact, history: denied?.history }).toEqual(denied);
  });

  it("gives back that an entry was reminded of, and has none to give where there was none", async () => {
    const alice = await house.pending(ALICE);
    await house.access.approve(alice, chat);
    expect(house.access.byCode(alice.code)).not.toHaveProperty("reminded");
    expect((await house.access.undo(chat)).contact).not.toHaveProperty("reminded");
    house.now += 6.5 * DAY;
    await house.access.tick();
    const reminded = house.access.byCode(alice.code);
    expect(reminded).toHaveProperty("reminded");
    for (const decide of ["approve", "deny", "remove"] as const) {
      await house.access[decide](alice, chat);
      expect(house.access.byCode(alice.code)).not.toHaveProperty("reminded");
      const { history: _, ...back } = (await house.access.undo(chat)).contact;
      expect({ ...back, history: reminded?.history }).toEqual(reminded);
    }
  });

  it("forgets decisions when their time is over, each at its own", async () => {
    await house.approved(ALICE);
    house.now += 6 * MINUTE;
    const bob = await house.approved(BOB);
    house.now += 5 * MINUTE;
    expect((await house.access.undo(chat)).contact.code).toBe(bob.code);
    expect((await refusal(() => house.access.undo(chat))).code).toBe("nothing-to-undo");
    await house.restart();
    expect((await refusal(() => house.access.undo(chat))).code).toBe("nothing-to-undo");
  });
});

describe("the last decision that can be taken back", () => {
  const last = (code?: string) => {
    const found = house.access.lastUndoable(code === undefined ? undefined : house.access.byCode(code)?._id);
    return found && [found.contact.code, found.decision.action];
  };

  it("is the last one of all, or about one contact", async () => {
    const alice = await house.approved(ALICE);
    const bob = await house.denied(BOB);
    expect([last(), last(alice.code), last(bob.code)]).toEqual([
      [bob.code, "deny"],
      [alice.code, "approve"],
      [bob.code, "deny"],
    ]);
    await house.access.undo(chat);
    expect([last(), last(bob.code)]).toEqual([[alice.code, "approve"], undefined]);
    house.now += 10 * MINUTE + 1;
    expect([last(), last(alice.code)]).toEqual([undefined, undefined]);
  });

  it("is none that an undo would refuse as the contact changed since", async () => {
    const bob = await house.approved(BOB);
    const alice = await house.approved(ALICE);
    await house.access.learn(person("15550002000@s.whatsapp.net", "9999@lid"));
    expect(house.access.byCode(alice.code)?.history.at(-1)?.action).toBe("suspend");
    expect([last(), last(alice.code)]).toEqual([[bob.code, "approve"], undefined]);
  });
});

describe("the last decision that stands", () => {
  it("is none that was taken back, and no merge of two records", async () => {
    await house.pending(person("2000@lid"));
    house.now += MINUTE;
    const byNumber = await house.access.approve(person("15550002000@s.whatsapp.net"), cli, { name: "Alice" });
    await house.access.learn(ALICE);
    const merged = house.access.byCode(byNumber.contact.code);
    expect(merged?.history.at(-1)?.action).toBe("merge");
    expect(lastStanding({ history: merged?.history ?? [] })?.action).toBe("approve");
    await house.access.deny(ALICE, cli);
    await house.access.undo(cli);
    expect(lastStanding({ history: house.access.find(ALICE)?.history ?? [] })?.action).toBe("approve");
  });
});
