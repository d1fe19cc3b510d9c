import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { present } from "../../../src/present.js";
import { createOutbox, type OutboxDoc } from "../../../src/whatsapp/outbox/index.js";
import { pacesOf } from "../../../src/whatsapp/pace.js";
import { tempStore } from "../temp-store.js";
import { ALICE, BOB, DAY, MemoryCollection, OWNER, person, Rig, text, waiting } from "./rig.js";

describe("outbox: what goes out", () => {
  it("sends a text to the LID where it is known, else to the number", async () => {
    const rig = new Rig();
    const outbox = await rig.start();
    await outbox.post(text(ALICE, "to the LID"));
    await outbox.post(text(BOB, "to the number"));
    await rig.settled();
    expect(rig.sent.map(({ jid }) => jid)).toEqual(["2000@lid", "15550003000@s.whatsapp.net"]);
  });

  it("the address of a parcel goes first, then the one that the person last wrote from", async () => {
    const rig = new Rig();
    rig.whoNow = (to) => ({ ...to, ...present({ chat: to.pn }) });
    const outbox = await rig.start();
    await outbox.post(text(ALICE, "a", ALICE.lid ? { address: ALICE.lid } : {}));
    await outbox.post(text(ALICE, "b"));
    await rig.settled();
    expect(rig.sent.map(({ jid }) => jid)).toEqual(["2000@lid", "15550002000@s.whatsapp.net"]);
  });

  it("an address that belongs to someone else is never written to", async () => {
    const rig = new Rig();
    rig.whoNow = (to) => ({ ...to, ...present({ chat: BOB.pn }) });
    const outbox = await rig.start();
    await outbox.post(text(ALICE, "a", BOB.pn ? { address: BOB.pn } : {}));
    await rig.settled();
    expect(rig.sent[0]?.jid).toBe("2000@lid");
  });

  it.each([
    ["they have a new one", person("2000@lid", "15550002222@s.whatsapp.net")],
    ["we know them no more", undefined],
    ["it is somebody else's", person("7777@lid", "15550002000@s.whatsapp.net")],
    ["it is somebody else's, whose LID we don't know", person("15550002000@s.whatsapp.net")],
  ])("I3: a number that passed on is not written to: %s", async (_, now) => {
    const rig = new Rig();
    rig.close();
    const outbox = await rig.start();
    await outbox.post(text(ALICE, "for Alice alone", present({ address: ALICE.pn })));
    rig.whoNow = () => now;
    rig.open();
    await rig.settled();
    expect(rig.sent.map(({ jid }) => jid)).toEqual(["2000@lid"]);
    expect(await outbox.recall(rig.sent[0]?.id ?? "", person("15550002000@s.whatsapp.net"))).toBeUndefined();
  });

  it("a long text goes out in chunks under the ids that were given, in order, the first with the quote", async () => {
    const rig = new Rig();
    const outbox = await rig.start();
    const quote = { id: "Q1", fromMe: false, text: "what?" };
    const ids = await outbox.post(
      text(ALICE, `${"a".repeat(3_900)}\n\n${"b".repeat(3_900)}`, { quote, expiration: 86_400 }),
    );
    await rig.settled();
    expect(rig.sent.map(({ id }) => id)).toEqual(ids);
    expect(rig.sent.map(({ content }) => content)).toEqual([
      { kind: "text", text: "a".repeat(3_900), quote, expiration: 86_400 },
      { kind: "text", text: "b".repeat(3_900), expiration: 86_400 },
    ]);
  });

  it("code that is longer than a message is code in each of them, and a stray mark is none", async () => {
    const rig = new Rig();
    const outbox = await rig.start();
    const [a, b] = ["a".repeat(3_900), "b".repeat(3_900)];
    await outbox.post(text(ALICE, `one\n\`\`\`\n${a}\n\n${b}\n\`\`\`\ntwo`));
    await outbox.post(text(ALICE, `\`\`\` ${a}\n\n${b}`));
    await rig.settled();
    const fence = "```";
    expect(rig.texts()).toEqual([`one\n${fence}\n${a}\n${fence}`, `${fence}\n${b}\n${fence}\ntwo`, `${fence} ${a}`, b]);
  });

  it.each([
    ["a line longer than two messages", `\`\`\`\n${"x".repeat(9_000)}\n\`\`\``],
    ["a closing fence right behind a cut", `\`\`\`\n${"x".repeat(3_988)}\n\`\`\``],
    ["words behind such a fence", `\`\`\`\n${"x".repeat(3_988)}\n\`\`\`\nand words`],
    ["lines that fill a message", `\`\`\`\n${`${"x".repeat(99)}\n`.repeat(90)}\`\`\``],
  ])("code in several messages makes none too long and none empty: %s", async (_, code) => {
    const rig = new Rig();
    const outbox = await rig.start();
    await outbox.post(text(ALICE, code));
    await rig.settled();
    for (const sent of rig.texts()) {
      expect(sent.length).toBeLessThanOrEqual(4_000);
      expect(sent).not.toMatch(/^(```\s*)*$/);
      expect(sent).not.toMatch(/^```\n```/);
      expect(sent.split("```").length % 2).toBe(1);
    }
    const shown = (written: string) => written.replace(/[`\s]/g, "");
    expect(shown(rig.texts().join(""))).toBe(shown(code));
  });

  it("I3: links in a sender's quoted words are broken before they leave", async () => {
    const rig = new Rig();
    const outbox = await rig.start();
    await outbox.post(text(ALICE, "yes", { quote: { id: "Q1", fromMe: false, text: "see https://evil.example/x" } }));
    await rig.settled();
    expect(JSON.stringify(rig.sent[0]?.content)).not.toMatch(/https:\/\/|evil\.example/);
  });

  it("what was suppressed goes when it is asked for, under its id, within two weeks", async () => {
    const rig = new Rig();
    rig.close();
    const outbox = await rig.start();
    const [id] = await outbox.post(text(ALICE, "hello", { key: "k" }));
    await outbox.post(text(ALICE, "a week late", { key: "w" }));
    await outbox.post(text(ALICE, "late", { key: "l" }));
    expect(outbox.isHeld("k")).toBe(false);
    rig.silent = true;
    rig.open();
    await rig.settled();
    expect([outbox.isHeld("k"), outbox.isHeld("l"), outbox.isHeld("other")]).toEqual([true, true, false]);
    await outbox.revive("k");
    await rig.settled();
    expect(rig.sent).toEqual([]);
    rig.silent = false;
    await outbox.revive("k");
    await outbox.revive("other");
    await rig.settled();
    expect(rig.sent.map((sent) => sent.id)).toEqual([id]);
    expect(outbox.isHeld("k")).toBe(false);
    await rig.pass(7 * DAY);
    await outbox.revive("w");
    await rig.settled();
    expect(rig.texts()).toEqual(["hello", "a week late"]);
    expect(rig.failed).toEqual([]);
    await rig.pass(7 * DAY + 2 * 60 * 60_000);
    expect(outbox.isHeld("l")).toBe(false);
    expect(JSON.stringify([...(rig.collection as MemoryCollection).docs.values()])).not.toContain("late");
    await outbox.revive("l");
    await rig.settled();
    expect(rig.texts()).toHaveLength(2);
  });

  it("what was suppressed leaves no word on the disk when it is dropped", async () => {
    const rig = new Rig();
    const outbox = await rig.start();
    rig.silent = true;
    for (const word of ["mauve", "amber"]) await outbox.post(text(ALICE, word, { key: word }));
    await rig.settled();
    for (const key of ["mauve", "other"]) await outbox.dropHeld(key);
    const kept = (): string =>
      JSON.stringify([...(rig.collection as MemoryCollection).docs.values()].map(({ items }) => items));
    expect([outbox.isHeld("mauve"), outbox.isHeld("amber")]).toEqual([false, true]);
    expect(kept()).not.toContain("mauve");
    rig.silent = false;
    for (const key of ["mauve", "amber"]) await outbox.revive(key);
    await rig.settled();
    expect(rig.texts()).toEqual(["amber"]);
  });

  it("reactions and deletions go out as they are", async () => {
    const rig = new Rig();
    const outbox = await rig.start();
    await outbox.post({ kind: "reaction", to: ALICE, emoji: "👍", target: { id: "M1", fromMe: false } });
    await outbox.post({ kind: "delete", to: ALICE, target: "M2" });
    await rig.settled();
    expect(rig.sent.map(({ content }) => content)).toEqual([
      { kind: "reaction", emoji: "👍", target: { id: "M1", fromMe: false } },
      { kind: "delete", target: "M2" },
    ]);
  });

  it("an empty text is nothing to send", async () => {
    const rig = new Rig();
    const outbox = await rig.start();
    expect(await outbox.post(text(ALICE, " \n "))).toEqual([]);
    expect(waiting(outbox)).toBe(0);
  });
});

describe("outbox: the door", () => {
  it("I3: in silent mode nothing leaves but what is for the admin chat, and it is not sent later", async () => {
    const rig = new Rig();
    rig.silent = true;
    const outbox = await rig.start();
    const [id] = await outbox.post(text(ALICE, "hello"));
    await outbox.post({ kind: "reaction", to: BOB, emoji: "👍", target: { id: "M1", fromMe: false } });
    await outbox.post(text(OWNER, "notice"));
    await rig.settled();
    rig.silent = false;
    rig.open();
    await rig.pass(DAY / 2);
    expect(rig.texts()).toEqual(["notice"]);
    expect(rig.suppressed).toContain(id);
    expect(outbox.posted().filter(({ state }) => state === "suppressed")).toHaveLength(2);
    expect(waiting(outbox)).toBe(0);
  });

  it("what was suppressed is recorded, newest first, and stays suppressed over a restart", async () => {
    const rig = new Rig();
    rig.silent = true;
    const outbox = await rig.start();
    await outbox.post(text(ALICE, "one"));
    rig.now += 1;
    await outbox.post(text(BOB, "two"));
    await rig.settled();
    rig.silent = false;
    const again = await rig.start();
    await rig.settled();
    expect(rig.sent).toEqual([]);
    expect(again.posted().map(({ to, content }) => [to, content])).toEqual([
      [BOB, { kind: "text", text: "two" }],
      [ALICE, { kind: "text", text: "one" }],
    ]);
    expect(again.posted()).toMatchObject([{ why: "silent" }, { why: "silent" }]);
  });

  it("I3: silence is judged when an item leaves, each chunk by itself, and not when it was posted", async () => {
    const rig = new Rig();
    rig.auto = undefined;
    const outbox = await rig.start();
    const ids = await outbox.post(text(ALICE, `${"a".repeat(3_900)}\n\n${"b".repeat(3_900)}`));
    rig.silent = true;
    await rig.answer({ kind: "acked" });
    expect(rig.sent.map(({ id }) => id)).toEqual([ids[0]]);
    expect(rig.suppressed).toEqual([ids[1]]);
  });

  it("I4: what waits at a start is judged by the silence of that start", async () => {
    const rig = new Rig();
    rig.close();
    const outbox = await rig.start();
    await outbox.post(text(ALICE, "hello"));
    rig.silent = true;
    await rig.start();
    rig.open();
    await rig.settled();
    expect(rig.sent).toEqual([]);
    expect(rig.suppressed).toHaveLength(1);
  });

  it("I3: others than the owner get no message before the owner's orders that waited at WhatsApp were heard", async () => {
    const rig = new Rig();
    rig.close();
    const outbox = await rig.start();
    await outbox.post(text(ALICE, "for Alice"));
    await outbox.post(text(OWNER, "for the owner"));
    rig.open(false);
    await rig.settled();
    expect(rig.sent.map(({ content }) => content)).toMatchObject([{ text: "for the owner" }]);
    rig.open();
    await rig.settled();
    expect(rig.sent.map(({ content }) => content)).toMatchObject([{ text: "for the owner" }, { text: "for Alice" }]);
  });

  it("a judge that throws lets nothing out", async () => {
    const rig = new Rig();
    const outbox = await createOutbox({
      collection: new MemoryCollection(),
      wire: rig.wire,
      clock: () => rig.now,
      random: () => 0,
      scheduler: { at: () => () => {} },
      newId: () => "3EB0",
      mayLeave: () => {
        throw new Error("not ready");
      },
      isAdmin: () => false,
      whoNow: () => undefined,
      log: { info() {}, warn() {} },
      pace: pacesOf({ perMinute: 20, burst: 5 }),
    });
    await outbox.post(text(ALICE, "hello"));
    await rig.settled();
    expect(rig.sent).toEqual([]);
  });
});

describe("outbox: exactly once", () => {
  it("I10: the same key gives the first ids and sends nothing again, at once, after sending and after a restart", async () => {
    const rig = new Rig();
    const outbox = await rig.start();
    const posts = await Promise.all([
      outbox.post(text(ALICE, "hello", { key: "k" })),
      outbox.post(text(ALICE, "hello", { key: "k" })),
    ]);
    await rig.settled();
    const later = await outbox.post(text(ALICE, "hello", { key: "k" }));
    rig.now += 20 * DAY;
    const again = await rig.start();
    const restarted = await again.post(text(ALICE, "hello", { key: "k" }));
    expect([...posts, later, restarted]).toEqual(Array(4).fill(posts[0]));
    expect(rig.texts()).toEqual(["hello"]);
  });

  it("I10: what was on the wire at a crash goes out again under the same id", async () => {
    const rig = new Rig();
    rig.auto = undefined;
    const outbox = await rig.start();
    const [id] = await outbox.post(text(ALICE, "hello"));
    rig.auto = { kind: "acked" };
    await rig.start();
    await rig.settled();
    expect(rig.sent.map((sent) => sent.id)).toEqual([id, id]);
    await rig.start();
    expect(rig.sent).toHaveLength(2);
  });

  it("I10: over a real data file, waiting chunks go on after a restart where they stopped", async () => {
    const store = await tempStore();
    const rig = new Rig(await store.open("outbox"));
    rig.auto = undefined;
    const outbox = await rig.start();
    const ids = await outbox.post(text(ALICE, `${"a".repeat(3_900)}\n\n${"b".repeat(3_900)}`, { key: "k" }));
    rig.auto = { kind: "acked" };
    rig.sent[0]?.answer({ kind: "acked" });
    await rig.until(() => waiting(outbox) === 0);
    rig.close();
    const [last] = await outbox.post(text(ALICE, "later"));
    const again = await rig.start();
    expect(waiting(again)).toBe(1);
    rig.open();
    await rig.until(() => waiting(again) === 0);
    expect(rig.sent.map(({ id }) => id)).toEqual([...ids, last]);
  });

  it.each([
    ["kind of document", { _id: "X1", kind: "future" }],
    ["state", { _id: "X1", seq: 1, to: ALICE, at: 0, items: [{ id: "X1", state: "scheduled" }] }],
  ])("a %s of which this version knows nothing stops the start with file and record", async (_, doc) => {
    const rig = new Rig();
    // As a version to come writes it.
    await rig.collection.put(doc as unknown as OutboxDoc);
    await expect(rig.start()).rejects.toMatchObject({
      code: "store-unknown",
      message: expect.stringContaining("outbox.db holds a record that this version does not know (X1)"),
    });
  });

  it("I12: knows the ids of its own messages, after a restart too", async () => {
    const rig = new Rig();
    const outbox = await rig.start();
    const [id = ""] = await outbox.post(text(ALICE, "hello"));
    expect([outbox.has(id), outbox.has("other")]).toEqual([true, false]);
    expect((await rig.start()).has(id)).toBe(true);
  });

  it("a full disk is the caller's error, and leaves nothing half-queued", async () => {
    const collection = new MemoryCollection();
    const rig = new Rig(collection);
    const outbox = await rig.start();
    collection.full = true;
    await expect(outbox.post(text(ALICE, "hello", { key: "k" }))).rejects.toThrow("disk full");
    expect(rig.sent).toEqual([]);
    collection.full = false;
    await outbox.post(text(ALICE, "hello", { key: "k" }));
    await rig.settled();
    expect(rig.texts()).toEqual(["hello"]);
  });

  it("a disk that fills up after the post does not make a message go out twice, and is written when there is room", async () => {
    const collection = new MemoryCollection();
    const rig = new Rig(collection);
    rig.auto = undefined;
    const outbox = await rig.start();
    const [id = ""] = await outbox.post(text(ALICE, "hello"));
    collection.full = true;
    await rig.answer({ kind: "acked" });
    await rig.pass(DAY / 2);
    expect(rig.sent).toHaveLength(1);
    collection.full = false;
    await outbox.stop();
    expect(collection.docs.get(id)?.items[0]?.state).toBe("sent");
  });
});

describe("outbox: order and pace", () => {
  it("a chat's messages go one after the other, each after the answer to the one before", async () => {
    const rig = new Rig();
    rig.auto = undefined;
    const outbox = await rig.start();
    for (const word of ["one", "two", "three"]) await outbox.post(text(ALICE, word));
    expect(rig.texts()).toEqual(["one"]);
    await rig.answer({ kind: "acked" });
    expect(rig.texts()).toEqual(["one", "two"]);
    await rig.answer({ kind: "refused", error: 400 });
    expect(rig.texts()).toEqual(["one", "two", "three"]);
  });

  it("one chat under both of its addresses stays one chat", async () => {
    const rig = new Rig();
    rig.auto = undefined;
    const outbox = await rig.start();
    await outbox.post(text(ALICE.pn ? { pn: ALICE.pn } : BOB, "one"));
    await outbox.post(text(ALICE, "two"));
    await outbox.post(text(ALICE.lid ? { lid: ALICE.lid } : BOB, "three"));
    expect(rig.texts()).toEqual(["one"]);
    await rig.answer({ kind: "acked" });
    expect(rig.texts()).toEqual(["one", "two"]);
  });

  it("chats go beside each other, a few at a time, and the admin chat always", async () => {
    const rig = new Rig();
    rig.auto = undefined;
    const outbox = await rig.start();
    for (let i = 1; i <= 6; i++) await outbox.post(text(person(`1555000900${i}@s.whatsapp.net`), `buddy ${i}`));
    await outbox.post(text(OWNER, "notice"));
    expect(rig.texts()).toEqual(["buddy 1", "buddy 2", "buddy 3", "buddy 4", "notice"]);
    rig.sent[1]?.answer({ kind: "acked" });
    await rig.settled();
    expect(rig.texts().at(-1)).toBe("buddy 5");
  });

  it("a chat with much to say does not starve another", async () => {
    const slow = { burst: 1, everyMs: 1_000, jitter: 0 };
    const rig = new Rig(new MemoryCollection(), { buddies: slow, admin: slow });
    rig.close();
    const outbox = await rig.start();
    for (let i = 1; i <= 5; i++) await outbox.post(text(ALICE, `a${i}`));
    await outbox.post(text(BOB, "b1"));
    await outbox.post(text(BOB, "b2"));
    rig.open();
    await rig.pass(10_000);
    expect(rig.texts()).toEqual(["a1", "b1", "a2", "b2", "a3", "a4", "a5"]);
  });

  it("buddies are paced after a burst, and the admin chat's confirmations leave at once", async () => {
    const rig = new Rig(new MemoryCollection(), {
      buddies: { burst: 2, everyMs: 1_000, jitter: 0 },
      admin: { burst: 5, everyMs: 500, jitter: 0 },
    });
    const outbox = await rig.start();
    const start = rig.now;
    for (let i = 1; i <= 4; i++) await outbox.post(text(ALICE, `a${i}`));
    for (let i = 1; i <= 5; i++) await outbox.post(text(OWNER, `n${i}`));
    await rig.pass(5_000);
    const when = (letter: string) =>
      rig.sent.filter((_, index) => rig.texts()[index]?.startsWith(letter)).map(({ at }) => at - start);
    expect(when("n")).toEqual([0, 0, 0, 0, 0]);
    expect(when("a")).toEqual([0, 0, 1_000, 2_000]);
  });

  it("a message with a time does not leave before it, and the chat's next waits behind it", async () => {
    const rig = new Rig();
    const outbox = await rig.start();
    await outbox.post(text(ALICE, "greeting", { notBefore: rig.now + 5_000 }));
    await outbox.post(text(ALICE, "answer"));
    await outbox.post(text(BOB, "other"));
    await rig.pass(4_999);
    expect(rig.texts()).toEqual(["other"]);
    await rig.pass(1);
    expect(rig.texts()).toEqual(["other", "greeting", "answer"]);
  });

  it("a message with a time does not wait for a clock that was set back by a day", async () => {
    const rig = new Rig();
    const outbox = await rig.start();
    await outbox.post(text(ALICE, "greeting", { notBefore: rig.now + 5_000 }));
    rig.now -= 24 * 60 * 60_000;
    await outbox.post(text(BOB, "other"));
    expect(rig.texts()).toEqual(["greeting", "other"]);
  });

  it("everything that may go goes once and in order, whatever the wire answers", async () => {
    const ack = fc.constantFrom("acked", "lost", "closed");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(ALICE, BOB, OWNER), ack), { maxLength: 12 }),
        async (steps) => {
          const rig = new Rig();
          rig.auto = undefined;
          const outbox = await rig.start();
          for (const [index, [to]] of steps.entries()) await outbox.post(text(to, `${to.pn} ${index}`));
          for (const [, how] of steps) {
            if (how === "closed") rig.close();
            for (const { answer } of rig.sent) answer(how === "acked" ? { kind: "acked" } : { kind: "lost" });
            await rig.pass(600_000);
            if (how === "closed") rig.open();
          }
          rig.auto = { kind: "acked" };
          for (const { answer } of rig.sent) answer({ kind: "lost" });
          await rig.pass(600_000);
          await rig.settled();
          for (const to of [ALICE, BOB, OWNER]) {
            const firsts = [...new Set(rig.texts().filter((one) => one.startsWith(`${to.pn}`)))];
            expect(firsts).toEqual(steps.flatMap(([who], index) => (who === to ? [`${to.pn} ${index}`] : [])));
          }
          const ids = new Map(rig.sent.map(({ id }, index) => [rig.texts()[index], id]));
          for (const [index, { id }] of rig.sent.entries()) expect(ids.get(rig.texts()[index])).toBe(id);
        },
      ),
      { numRuns: 40 },
    );
  });
});
