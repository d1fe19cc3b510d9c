import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { present } from "../../src/present.js";
import { ALICE, BOB, chat, cli, DAY, HOUR, House, person, refusal, TOKEN } from "./house.js";

let house: House;
beforeEach(async () => {
  house = await House.open();
});
afterEach(() => house.close());

const someone = (n: number) => person(`1555010${String(n).padStart(4, "0")}@s.whatsapp.net`, `50${n}@lid`);

describe("the shared token", () => {
  it("brings a stranger into the queue, and says what they came with", async () => {
    await house.access.setToken(TOKEN, cli);
    const entry = await house.knock(ALICE, "Hi, my token is kaf–7qf2–m9tx!", "Alice");
    expect(entry).toMatchObject({
      kind: "entered",
      via: { kind: "token" },
      contact: { ...ALICE, name: "Alice", episode: 1 },
    });
    expect(JSON.stringify(entry)).not.toContain("7QF2");
    expect(house.verdict(ALICE)).toBe("pending");
  });

  it("I1: is the only way in: without one nobody enters, and a stranger leaves nothing on disk", async () => {
    expect((await house.knock(ALICE, "hello")).kind).toBe("nothing");
    await house.access.setToken(TOKEN, cli);
    const { writes } = house;
    expect(await house.knock(ALICE, "hello")).toEqual({ kind: "nothing" });
    expect(await house.knock(ALICE, "KAF-7QF2-M9TY")).toEqual({ kind: "nothing" });
    expect(house.writes).toBe(writes);
    expect(await readFile(join(house.home, "data", "access.db"), "utf8")).not.toContain("15550002000");
  });

  it("I2: is not heard from the denied, and changes nothing for buddies, the pending and the owner", async () => {
    await house.owned();
    await house.denied(ALICE);
    await house.approved(BOB);
    const carol = await house.pending(someone(1));
    const owner = person("1000@lid");
    for (const who of [ALICE, BOB, someone(1), owner]) expect((await house.knock(who, TOKEN)).kind).toBe("nothing");
    expect([ALICE, BOB, someone(1), owner].map((who) => house.verdict(who))).toEqual([
      "denied",
      "buddy",
      "pending",
      "owner",
    ]);
    expect(house.access.byCode(carol.code)?.episode).toBe(1);
  });

  it("is not heard for an hour from who guessed wrong five times", async () => {
    await house.access.setToken(TOKEN, cli);
    for (let n = 0; n < 5; n++) await house.knock(ALICE, `is it KAF-7QF${n}-XXXX ?`);
    expect((await house.knock(ALICE, TOKEN)).kind).toBe("nothing");
    expect((await house.knock(BOB, TOKEN)).kind).toBe("entered");
    house.now += HOUR;
    expect((await house.knock(ALICE, TOKEN)).kind).toBe("entered");
  });

  it("can't be found by sending many guesses at once", async () => {
    await house.access.setToken(TOKEN, cli);
    expect((await house.knock(ALICE, `abcd1234 abcd1235 abcd1236 abcd1237 abcd1238 ${TOKEN}`)).kind).toBe("nothing");
    expect((await house.knock(BOB, `abcd1234 abcd1235 ${TOKEN}`)).kind).toBe("entered");
  });

  it("ordinary talk is no guess", async () => {
    await house.access.setToken(TOKEN, cli);
    for (let n = 0; n < 20; n++) await house.knock(ALICE, "good evening, wonderful weather, call +491701234567");
    expect((await house.knock(ALICE, TOKEN)).kind).toBe("entered");
  });

  it("is shown masked, kept over a restart, and rotated with the names of who came with the old one", async () => {
    const alice = await house.pending(ALICE);
    await house.restart();
    expect(house.access.token()).toEqual({ masked: "KA•••", since: house.now });
    const { token, pendingWithOld } = await house.access.rotateToken(chat);
    expect(pendingWithOld).toMatchObject([{ code: alice.code }]);
    expect(token).not.toBe(TOKEN);
    expect((await house.knock(BOB, TOKEN)).kind).toBe("nothing");
    expect((await house.knock(BOB, token)).kind).toBe("entered");
    expect((await house.access.audit()).map(({ action }) => action)).toContain("token-rotate");
    expect(JSON.stringify(await house.access.audit())).not.toContain(token);
  });

  it("is made anew for each order to, and once for one that comes twice", async () => {
    const tokens = [];
    for (const by of [cli, cli, { ...chat, cause: "m1" }, { ...chat, cause: "m1" }, { ...chat, cause: "m2" }]) {
      tokens.push((await house.access.rotateToken(by)).token);
    }
    const [first, second, third, again, last] = tokens;
    expect(again).toBe(third);
    expect(new Set([first, second, third, last]).size).toBe(4);
  });

  it("is refused when it is weak, and the old one stays", async () => {
    await house.access.setToken(TOKEN, cli);
    expect((await refusal(() => house.access.setToken("short", cli))).code).toBe("bad-token");
    expect(house.access.revealToken()).toBe(TOKEN);
  });

  it("is masked wherever texts are shown, like the invites", async () => {
    await house.access.setToken(TOKEN, cli);
    const { token } = await house.access.invite({ label: "Carol" }, cli);
    expect(house.access.mask(`kaf—7qf2—m9tx and ${token.toLowerCase()}.`)).toBe("••• and •••.");
  });
});

describe("an open door", () => {
  it("queues anybody while no token is set, and nobody by talk alone once there is one", async () => {
    await house.close();
    house = await House.open({ open: true });
    expect(await house.knock(ALICE, "hello", "Alice")).toMatchObject({ kind: "entered", via: { kind: "open" } });
    await house.access.setToken(TOKEN, cli);
    expect((await house.knock(BOB, "hello")).kind).toBe("nothing");
  });
});

describe("an invite", () => {
  it("brings one person into the queue, once, under its label", async () => {
    const invite = await house.access.invite({ label: "Carol" }, chat);
    expect(invite.expires).toBe(house.now + 7 * DAY);
    const entry = await house.knock(ALICE, `hi ${invite.token}`, "Alice");
    expect(entry).toMatchObject({ kind: "entered", via: { kind: "invite", label: "Carol" } });
    expect((await house.knock(BOB, invite.token)).kind).toBe("nothing");
    await house.restart();
    expect((await house.knock(BOB, invite.token)).kind).toBe("nothing");
    expect(house.access.invites()).toMatchObject([{ used: { by: house.access.find(ALICE)?._id } }]);
  });

  it("with --auto lets a stranger in for 24 hours, and the pending too", async () => {
    const first = await house.access.invite({ label: "Carol", auto: true }, chat);
    expect(first.expires).toBe(house.now + DAY);
    const entry = await house.knock(ALICE, first.token, "Alice");
    expect(entry).toMatchObject({
      kind: "auto-approved",
      contact: { state: "approved", name: "Alice" },
      outcome: { decision: { by: { door: "gateway", who: `invite ${first._id}` } } },
    });
    const bob = await house.pending(BOB);
    await house.access.hold(bob, { journalId: "m1", at: 1, preview: "hi" });
    const second = await house.access.invite({ label: "Bob", auto: true }, chat);
    expect(await house.knock(BOB, second.token)).toMatchObject({
      kind: "auto-approved",
      outcome: { released: [{ journalId: "m1" }] },
    });
  });

  it.each([false, true])("is used up though a torn write left no mark of it (--auto %s)", async (auto) => {
    const invite = await house.access.invite({ label: "Carol", auto }, chat);
    const unused = await house.document(invite._id);
    await house.knock(ALICE, invite.token);
    const alice = house.access.find(ALICE);
    await house.document(invite._id, unused);
    const other = await house.access.invite({ label: "Dave" }, chat);
    await house.restart();
    const used = house.access.invites().find(({ _id }) => _id === invite._id)?.used;
    expect(used).toEqual({ by: alice?._id, at: alice?.history.at(-1)?.at });
    expect(house.access.invites().find(({ _id }) => _id === other._id)).not.toHaveProperty("used");
    expect((await house.knock(BOB, invite.token)).kind).toBe("nothing");
  });

  it("used up stays used by whom it was, also when that contact is gone", async () => {
    const invite = await house.access.invite({ label: "Carol" }, chat);
    await house.knock(ALICE, invite.token);
    const [before] = house.access.invites();
    house.now += 5;
    await house.access.remove(ALICE, chat);
    await house.restart();
    expect(house.access.invites()).toEqual([before]);
  });

  it("with --auto, the same message again tells of the same approval, while it holds", async () => {
    const invite = await house.access.invite({ label: "Carol", auto: true }, chat);
    const first = await house.knock(ALICE, invite.token, "Alice", "m1");
    if (first.kind !== "auto-approved") throw new Error(first.kind);
    await house.restart();
    expect(await house.knock(ALICE, invite.token, "Alice", "m1")).toMatchObject({
      kind: "auto-approved",
      outcome: { decision: first.outcome.decision, unchanged: true, released: [] },
      invite: { _id: invite._id },
    });
    expect((await house.knock(ALICE, invite.token, "Alice", "m2")).kind).toBe("nothing");
    await house.access.learn(person("15550002222@s.whatsapp.net", "2000@lid"));
    expect((await house.knock(ALICE, invite.token, "Alice", "m1")).kind).toBe("auto-approved");
    await house.access.deny(ALICE, chat);
    expect((await house.knock(ALICE, invite.token, "Alice", "m1")).kind).toBe("nothing");
    await house.access.remove(ALICE, chat);
    await house.access.approve(ALICE, chat);
    expect((await house.knock(ALICE, invite.token, "Alice", "m1")).kind).toBe("nothing");
    expect(house.access.find(ALICE)?.history.filter(({ action }) => action === "approve")).toHaveLength(2);
  });

  it("without --auto is not used up by somebody who is pending already", async () => {
    await house.pending(ALICE);
    const { token } = await house.access.invite({ label: "Carol" }, chat);
    expect((await house.knock(ALICE, token)).kind).toBe("nothing");
    expect((await house.knock(BOB, token)).kind).toBe("entered");
  });

  it("I2: is never used up by the denied, by buddies or by the owner", async () => {
    await house.owned();
    await house.denied(ALICE);
    await house.approved(BOB);
    const { token } = await house.access.invite({ label: "Carol", auto: true }, chat);
    for (const who of [ALICE, person("2000@lid"), BOB, person("1000@lid")]) {
      expect((await house.knock(who, token)).kind).toBe("nothing");
    }
    expect(house.verdict(ALICE)).toBe("denied");
    expect((await house.knock(someone(1), token)).kind).toBe("auto-approved");
  });

  it("bound to a number works for that number only", async () => {
    const bound = person("15550002000@s.whatsapp.net");
    const { token } = await house.access.invite({ label: "Alice", auto: true, for: bound }, chat);
    expect((await house.knock(BOB, token)).kind).toBe("nothing");
    expect((await house.knock(person("2000@lid"), token)).kind).toBe("nothing");
    expect((await house.knock(ALICE, token)).kind).toBe("auto-approved");
  });

  it("expires, can be revoked before it is used, and is forgotten a month later", async () => {
    const [short, gone] = [
      await house.access.invite({ label: "Carol", days: 2 }, chat),
      await house.access.invite({ label: "Dave" }, chat),
    ];
    await house.access.revokeInvite(gone._id.toLowerCase(), chat);
    expect((await house.knock(ALICE, gone.token)).kind).toBe("nothing");
    house.now += 2 * DAY;
    expect((await house.knock(ALICE, short.token)).kind).toBe("nothing");
    house.now += 31 * DAY;
    await house.access.tick();
    await house.restart();
    expect(house.access.invites()).toEqual([]);
  });

  it("is refused with the next step where it makes no sense", async () => {
    const used = await house.access.invite({ label: "Carol" }, chat);
    await house.knock(ALICE, used.token);
    const code = async (call: () => unknown) => (await refusal(call)).code;
    expect(await code(() => house.access.revokeInvite(used._id, chat))).toBe("invite-used");
    expect(await code(() => house.access.revokeInvite("nonsense", chat))).toBe("unknown-invite");
    expect(await code(() => house.access.invite({ label: " " }, chat))).toBe("bad-label");
    expect(await code(() => house.access.invite({ label: "Carol", days: 0 }, chat))).toBe("bad-days");
    expect(await code(() => house.access.invite({ label: "Carol", days: Number.NaN }, chat))).toBe("bad-days");
    for (let n = 0; n < 100; n++) await house.access.invite({ label: `Guest ${n}` }, chat);
    expect(await code(() => house.access.invite({ label: "One more" }, chat))).toBe("too-many-invites");
  });
});

it("two orders for the same name make two invites", async () => {
  const first = await house.access.invite({ label: "Alice" }, { ...chat, cause: "m1" });
  const second = await house.access.invite({ label: "Alice" }, { ...chat, cause: "m2" });
  expect(await house.access.invite({ label: "Alice" }, { ...chat, cause: "m1" })).toEqual(first);
  expect([first.token === second.token, house.access.invites().length]).toEqual([false, 2]);
});

describe("a full queue", () => {
  it("takes no more, tells it once, keeps places for invites, and tells it again after there was room", async () => {
    await house.close();
    house = await House.open({ maxPending: 4, keptForInvites: 2 });
    await house.pending(someone(1));
    await house.pending(someone(2));
    expect(await house.knock(someone(3), TOKEN, "", "m3")).toEqual({ kind: "full", first: true });
    await house.restart();
    // The same message after a crash, which may have come before the owner was told.
    expect(await house.knock(someone(3), TOKEN, "", "m3")).toEqual({ kind: "full", first: true });
    expect(await house.knock(someone(4), TOKEN)).toEqual({ kind: "full", first: false });
    expect(house.verdict(someone(4))).toBe("stranger");
    for (const n of [5, 6]) {
      const { token } = await house.access.invite({ label: `Guest ${n}` }, chat);
      expect((await house.knock(someone(n), token)).kind).toBe("entered");
    }
    const last = await house.access.invite({ label: "Guest 7" }, chat);
    expect(await house.knock(someone(7), last.token)).toEqual({ kind: "full", first: false });
    await house.access.approve(someone(1), chat);
    expect((await house.knock(someone(7), last.token)).kind).toBe("entered");
    await house.access.approve(someone(2), chat);
    expect((await house.knock(someone(3), TOKEN)).kind).toBe("entered");
    await house.restart();
    expect(await house.knock(someone(4), TOKEN)).toEqual({ kind: "full", first: true });
  });
});

describe("the queue", () => {
  it("knows the same message again only while it is the last that brought its sender in", async () => {
    await house.access.setToken(TOKEN, cli);
    await house.knock(ALICE, TOKEN, "", "m-1");
    await house.access.remove(ALICE, chat);
    await house.knock(ALICE, TOKEN, "", "m-2");
    expect(await house.knock(ALICE, TOKEN, "", "m-1")).toEqual({ kind: "nothing" });
    expect(await house.knock(ALICE, TOKEN, "", "m-2")).toMatchObject({ kind: "entered" });
    expect(house.access.find(ALICE)?.episode).toBe(2);
  });

  it("keeps what the message tells about its sender", async () => {
    const alice = await house.pending(ALICE, "Alice");
    await house.access.remove(alice, chat);
    const token = house.access.revealToken() ?? "";
    expect(await house.knock(ALICE, token)).toMatchObject({ contact: { name: "Alice" } });
    await house.access.remove(alice, chat);
    const entry = await house.access.knock({
      person: ALICE,
      name: "Alice M.",
      text: token,
      at: house.now,
      cause: "m-9",
      ...present({ chat: ALICE.lid }),
    });
    expect(entry).toMatchObject({
      contact: { name: "Alice M.", chat: "2000@lid", since: house.now, held: [], episode: 3 },
    });
  });

  it("enters whom under whose number, and by whom it was caused", async () => {
    await house.access.setToken(TOKEN, cli);
    const entry = await house.knock(ALICE, TOKEN, "Alice", "m-1");
    expect(entry).toMatchObject({
      contact: {
        history: [{ action: "enter", by: { door: "whatsapp", who: "+1 555 000 2000", cause: "m-1" } }],
      },
    });
    const { token } = await house.access.invite({ label: "Bob", auto: true }, chat);
    expect(await house.knock(BOB, token, "Bob", "m-2")).toMatchObject({
      outcome: { decision: { by: { cause: "m-2" }, via: { kind: "invite", label: "Bob" } } },
    });
  });

  it("has an end for all, invites included", async () => {
    await house.close();
    house = await House.open({ maxPending: 3, keptForInvites: 1 });
    await house.pending(someone(1));
    await house.pending(someone(2));
    expect((await house.knock(someone(3), TOKEN)).kind).toBe("full");
    const [one, two] = [
      await house.access.invite({ label: "One" }, chat),
      await house.access.invite({ label: "Two" }, chat),
    ];
    expect((await house.knock(someone(4), one.token)).kind).toBe("entered");
    expect((await house.knock(someone(5), two.token)).kind).toBe("full");
    await house.access.remove(someone(1), chat);
    expect((await house.knock(someone(3), TOKEN)).kind).toBe("entered");
  });

  it("counts who came by invite on the places kept for them", async () => {
    await house.close();
    house = await House.open({ maxPending: 3, keptForInvites: 1 });
    await house.access.setToken(TOKEN, cli);
    const { token } = await house.access.invite({ label: "One" }, chat);
    expect((await house.knock(someone(1), token)).kind).toBe("entered");
    expect((await house.knock(someone(2), TOKEN)).kind).toBe("entered");
    expect((await house.knock(someone(3), TOKEN)).kind).toBe("entered");
  });

  it("that is open takes nobody twice, and lists nothing new", async () => {
    await house.close();
    house = await House.open({ open: true });
    await house.knock(ALICE, "hello");
    expect(await house.knock(ALICE, "hello again")).toEqual({ kind: "nothing" });
    expect(house.access.find(ALICE)?.episode).toBe(1);
  });

  it("lets go of what is over, and starts afresh", async () => {
    const alice = await house.pending(ALICE);
    await house.access.hold(alice, { journalId: "m1", at: 1, preview: "hi" });
    house.now += 6 * DAY;
    await house.access.tick();
    house.now += DAY;
    const [gone] = (await house.access.tick()).expired;
    expect(gone).toMatchObject({ held: [], since: house.now });
    for (const key of ["via", "reminded", "before"]) expect(gone).not.toHaveProperty(key);
    house.now += 1;
    const again = await house.pending(ALICE);
    expect(again).toMatchObject({ since: house.now, held: [], episode: 2 });
    house.now += 6 * DAY;
    expect((await house.access.tick()).expiring).toHaveLength(1);
  });

  it("holds a message once, and says yes both times", async () => {
    const alice = await house.pending(ALICE);
    const held = { journalId: "m1", at: 1, preview: "hi" };
    expect(await house.access.hold(alice, held)).toBe(true);
    const { writes } = house;
    expect(await house.access.hold(alice, held)).toBe(true);
    expect(house.writes).toBe(writes);
  });
});

describe("an invite or token that makes no sense", () => {
  it("is refused with what to do instead", async () => {
    const said = async (call: () => unknown) => (await refusal(call)).message;
    expect(await said(() => house.access.invite({ label: "  " }, chat))).toBe(
      "An invite is for somebody; say for whom, e.g. invite Alice.",
    );
    for (const days of [0, -1, 91, Number.NaN]) {
      expect(await said(() => house.access.invite({ label: "Carol", days }, chat))).toBe(
        "An invite lasts more than 0 and at most 90 days; say how many.",
      );
    }
    const long = await house.access.invite({ label: "Carol", days: 90 }, chat);
    expect(long.expires).toBe(house.now + 90 * DAY);
    expect(await said(() => house.access.revokeInvite("nonsense", chat))).toBe(
      "There is no invite nonsense; look at the list of invites.",
    );
    await house.knock(ALICE, long.token);
    const code = house.access.find(ALICE)?.code;
    expect(await said(() => house.access.revokeInvite(long._id, chat))).toBe(
      `The invite for Carol was used already; deny or remove ${code} instead.`,
    );
    for (let n = 0; n < 100; n++) await house.access.invite({ label: `Guest ${n}` }, chat);
    expect(await said(() => house.access.invite({ label: "One more" }, chat))).toBe(
      "There are 100 open invites, which is the most; revoke one or wait until one expires.",
    );
  });
});

describe("the record of invites and tokens", () => {
  const notes = async () => (await house.access.audit()).map(({ action, note }) => `${action}: ${note}`);

  it("says what was done, and gives no secret away", async () => {
    await house.access.setToken(TOKEN, cli);
    await house.access.setToken(TOKEN, cli);
    const carol = await house.access.invite({ label: "Carol" }, chat);
    const dave = await house.access.invite({ label: "Dave", auto: true }, chat);
    await house.access.revokeInvite(` ${carol._id} `, chat);
    const revoked = await house.access.revokeInvite(carol._id, chat);
    expect(revoked.revoked).toBe(house.now);
    expect((await notes()).toReversed()).toEqual([
      expect.stringMatching(/^token-set: token [0-9a-f]{8}$/),
      `invite: ${carol._id} for Carol`,
      `invite: ${dave._id} for Dave, lets in at once`,
      `invite-revoke: ${carol._id} for Carol`,
    ]);
  });

  it("lists the newest invite first, each with an id that is nobody's code", async () => {
    for (const label of ["One", "Two", "Three"]) {
      await house.access.invite({ label }, chat);
      house.now += 1;
    }
    expect(house.access.invites().map(({ label }) => label)).toEqual(["Three", "Two", "One"]);
    for (const { _id } of house.access.invites()) expect(_id).toMatch(/^I[0-9B-Z]{5}$/);
  });

  it("keeps an invite for thirty days after its end, whatever ended it", async () => {
    const [used, revoked, expired] = [
      await house.access.invite({ label: "Used", days: 90 }, chat),
      await house.access.invite({ label: "Revoked", days: 90 }, chat),
      await house.access.invite({ label: "Expired", days: 1 }, chat),
    ];
    await house.access.invite({ label: "Open", days: 90 }, chat);
    await house.knock(ALICE, used.token);
    await house.access.revokeInvite(revoked._id, chat);
    const labels = () =>
      house.access
        .invites()
        .map(({ label }) => label)
        .sort();
    house.now += 30 * DAY;
    await house.access.tick();
    expect(labels()).toEqual(["Expired", "Open", "Revoked", "Used"]);
    house.now += 1;
    await house.access.tick();
    expect(labels()).toEqual(["Expired", "Open"]);
    expect(house.access.mask(expired.token)).toBe("•••");
    house.now += DAY;
    await house.access.tick();
    expect(labels()).toEqual(["Open"]);
    expect(house.access.mask(expired.token)).toBe(expired.token);
  });

  it("makes another invite for another name, though one message asked for both", async () => {
    const by = { ...chat, cause: "m-1" };
    const first = await house.access.invite({ label: "Carol" }, by);
    const second = await house.access.invite({ label: "Dave" }, by);
    expect(second._id).not.toBe(first._id);
    expect((await house.access.invite({ label: "Carol" }, chat))._id).not.toBe(first._id);
  });

  it("voids open invites when the owner is somebody else", async () => {
    await house.owned();
    const open = await house.access.invite({ label: "Carol" }, chat);
    await house.access.setOwner({ setup: "own-number", person: BOB, confirmed: true }, cli);
    expect(house.access.invites()).toMatchObject([{ _id: open._id, revoked: house.now }]);
    expect((await house.knock(ALICE, open.token)).kind).toBe("nothing");
  });
});

describe("several keys at once", () => {
  it("an invite goes before the token, and one that lets in before one that doesn't", async () => {
    await house.access.setToken(TOKEN, cli);
    const plain = await house.access.invite({ label: "Plain" }, chat);
    const auto = await house.access.invite({ label: "Auto", auto: true }, chat);
    house.now += 1;
    const later = await house.access.invite({ label: "Later" }, chat);
    expect(await house.knock(ALICE, `${TOKEN} ${plain.token}`)).toMatchObject({ via: { label: "Plain" } });
    expect(await house.knock(BOB, `${later.token} ${auto.token} ${TOKEN}`)).toMatchObject({
      kind: "auto-approved",
      invite: { label: "Auto" },
    });
  });

  it("who knows one is forgiven earlier slips", async () => {
    await house.access.setToken(TOKEN, cli);
    const guess = (who: typeof ALICE, n: number) => house.knock(who, `KAF-7QF${n}-XXXX`);
    for (const n of [1, 2, 3, 4]) await guess(ALICE, n);
    await house.knock(ALICE, TOKEN);
    await house.access.remove(ALICE, chat);
    for (const n of [1, 2, 3, 4]) await guess(ALICE, n);
    expect((await house.knock(ALICE, TOKEN)).kind).toBe("entered");
    const { token } = await house.access.invite({ label: "Bob" }, chat);
    for (const n of [1, 2, 3, 4]) await guess(BOB, n);
    await house.knock(BOB, token);
    await house.access.remove(BOB, chat);
    for (const n of [1, 2, 3, 4]) await guess(BOB, n);
    expect((await house.knock(BOB, TOKEN)).kind).toBe("entered");
  });

  it("a rotated token names who came with a former one, and nobody else", async () => {
    const alice = await house.pending(ALICE);
    const { token } = await house.access.invite({ label: "Bob" }, chat);
    await house.knock(BOB, token);
    const by = { ...chat, cause: "m-1" };
    const first = await house.access.rotateToken(by);
    expect(first.pendingWithOld.map(({ code }) => code)).toEqual([alice.code]);
    expect((await house.access.rotateToken(by)).token).toBe(first.token);
    expect((await house.access.rotateToken(chat)).pendingWithOld.map(({ code }) => code)).toEqual([alice.code]);
    expect((await house.access.rotateToken(chat)).token).not.toBe(first.token);
  });
});
