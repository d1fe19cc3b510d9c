import { describe, expect, it } from "vitest";
import { ALICE, BOB, DAY, MemoryCollection, OWNER, person, Rig, text, waiting } from "./rig.js";

describe("outbox: when it does not get through", () => {
  it("waits for the connection, and sends when it is there", async () => {
    const rig = new Rig();
    rig.close();
    const outbox = await rig.start();
    await outbox.post(text(ALICE, "hello"));
    await rig.pass(60_000);
    expect(rig.sent).toEqual([]);
    rig.open();
    await rig.settled();
    expect(rig.texts()).toEqual(["hello"]);
  });

  it("without an answer it goes again under the same id: after the reconnect, or after growing pauses", async () => {
    const rig = new Rig();
    rig.auto = undefined;
    const outbox = await rig.start();
    const [id] = await outbox.post(text(ALICE, "hello"));
    rig.close();
    await rig.answer({ kind: "lost" });
    expect(rig.sent).toHaveLength(1);
    rig.open();
    expect(rig.sent).toHaveLength(2);
    await rig.answer({ kind: "lost" });
    await rig.pass(1_999);
    expect(rig.sent).toHaveLength(2);
    await rig.pass(1);
    await rig.answer({ kind: "acked" });
    expect(rig.sent.map((sent) => sent.id)).toEqual([id, id, id]);
    expect(waiting(outbox)).toBe(0);
  });

  it("one chat without answers holds up no other", async () => {
    const rig = new Rig();
    rig.auto = undefined;
    const outbox = await rig.start();
    await outbox.post(text(ALICE, "lost"));
    await rig.answer({ kind: "lost" });
    rig.auto = { kind: "acked" };
    await outbox.post(text(BOB, "fine"));
    await rig.settled();
    expect(rig.texts()).toEqual(["lost", "fine"]);
  });

  it("a buddy's text is given up after a day, and said so once; the owner's notices wait as long as it takes", async () => {
    const rig = new Rig();
    rig.close();
    const outbox = await rig.start();
    const [id] = await outbox.post(text(ALICE, `${"a".repeat(3_900)}\n\n${"b".repeat(3_900)}`));
    await outbox.post(text(OWNER, "notice"));
    await rig.pass(3 * DAY);
    rig.open();
    await rig.settled();
    expect(rig.texts()).toEqual(["notice"]);
    expect(rig.failed).toEqual([{ id, error: "expired" }]);
  });

  it("463 is final: the rest of the text does not follow, and the owner can be told", async () => {
    const rig = new Rig();
    rig.auto = { kind: "refused", error: 463 };
    const outbox = await rig.start();
    const [id] = await outbox.post(text(ALICE, `${"a".repeat(3_900)}\n\n${"b".repeat(3_900)}`));
    await rig.settled();
    await rig.pass(DAY);
    expect(rig.sent).toHaveLength(1);
    expect(rig.failed).toEqual([{ id, error: 463 }]);
  });

  it.each([479, 500, 503, 429])("%i is tried twice again under the same id, and then given up", async (error) => {
    const rig = new Rig();
    rig.auto = { kind: "refused", error };
    const outbox = await rig.start();
    const [id] = await outbox.post(text(ALICE, "hello"));
    await rig.pass(DAY / 2);
    expect(rig.sent.map((sent) => sent.id)).toEqual([id, id, id]);
    expect(rig.failed).toEqual([{ id, error }]);
    expect(waiting(outbox)).toBe(0);
  });

  it.each([463, 479])(
    "%i for the owner: the notice waits and holds up nothing, and comes when it is taken",
    async (error) => {
      const rig = new Rig();
      rig.auto = { kind: "refused", error };
      const outbox = await rig.start();
      const [id] = await outbox.post(text(OWNER, "somebody waits"));
      await rig.pass(10 * 60_000);
      rig.auto = { kind: "acked" };
      await outbox.post(text(OWNER, "an answer"));
      await rig.settled();
      expect(rig.texts().at(-1)).toBe("an answer");
      expect(waiting(outbox)).toBe(1);
      await rig.pass(DAY / 24);
      expect(rig.sent.at(-1)?.id).toBe(id);
      expect(waiting(outbox)).toBe(0);
      expect(rig.failed).toEqual([]);
    },
  );

  it("a refused notice goes out no sooner for a connection that comes and goes", async () => {
    const rig = new Rig();
    rig.auto = { kind: "refused", error: 463 };
    const outbox = await rig.start();
    await outbox.post(text(OWNER, "somebody waits"));
    await rig.settled();
    for (let drop = 0; drop < 60; drop += 1) {
      rig.close();
      rig.open();
      await rig.settled();
    }
    expect(rig.sent).toHaveLength(1);
    expect(rig.failed).toEqual([]);
  });

  it("a notice that WhatsApp never takes is given up after a day", async () => {
    const rig = new Rig();
    rig.auto = { kind: "refused", error: 463 };
    const outbox = await rig.start();
    const [id] = await outbox.post(text(OWNER, "somebody waits"));
    await rig.pass(2 * DAY);
    expect(rig.failed).toEqual([{ id, error: 463 }]);
    expect(rig.sent.length).toBeLessThan(60);
  });

  it("a wire that breaks its promise is a lost answer", async () => {
    const rig = new Rig();
    const { send } = rig.wire;
    let broken = true;
    Object.assign(rig.wire, {
      send: (...args: Parameters<typeof send>) => (broken ? Promise.reject(new Error("gone")) : send(...args)),
    });
    const outbox = await rig.start();
    await outbox.post(text(ALICE, "hello"));
    await rig.settled();
    broken = false;
    await rig.pass(1_000);
    expect(rig.texts()).toEqual(["hello"]);
    expect(waiting(outbox)).toBe(0);
  });

  it("stops: nothing more goes out, what is on the wire gets its answer, what waits is there at the next start", async () => {
    const rig = new Rig();
    rig.auto = undefined;
    const outbox = await rig.start();
    await outbox.post(text(ALICE, "one"));
    await outbox.post(text(ALICE, "two"));
    const stopped = outbox.stop();
    rig.sent[0]?.answer({ kind: "acked" });
    await stopped;
    await rig.pass(DAY / 2);
    expect(rig.texts()).toEqual(["one"]);
    rig.auto = { kind: "acked" };
    await rig.start();
    await rig.settled();
    expect(rig.texts()).toEqual(["one", "two"]);
  });
});

describe("outbox: taking back", () => {
  it("takes back what has not left, by key, and it never leaves", async () => {
    const rig = new Rig();
    const outbox = await rig.start();
    await outbox.post(text(ALICE, "greeting", { key: "greet:1", notBefore: rig.now + 5_000 }));
    expect(await outbox.cancel("greet:1")).toBe(1);
    await rig.pass(10_000);
    await rig.start();
    await rig.settled();
    expect(rig.sent).toEqual([]);
    expect(await outbox.cancel("greet:1")).toBe(0);
    expect(await outbox.cancel("unknown")).toBe(0);
  });

  it("what is on the wire can't be taken back, but it is not sent again, and its other chunks stay", async () => {
    const rig = new Rig();
    rig.auto = undefined;
    const outbox = await rig.start();
    await outbox.post(text(ALICE, `${"a".repeat(3_900)}\n\n${"b".repeat(3_900)}`, { key: "k" }));
    expect(await outbox.cancel("k")).toBe(1);
    await rig.answer({ kind: "lost" });
    await rig.pass(DAY / 2);
    expect(rig.sent).toHaveLength(1);
    expect(waiting(outbox)).toBe(0);
  });

  it("a secret that is deleted before it left never leaves, and there is nothing to delete", async () => {
    const rig = new Rig();
    rig.close();
    const collection = rig.collection as MemoryCollection;
    const outbox = await rig.start();
    const [id = ""] = await outbox.post(text(OWNER, "token: hunter22"));
    await outbox.post({ kind: "delete", to: OWNER, target: id });
    rig.open();
    await rig.settled();
    expect(rig.sent).toEqual([]);
    expect(JSON.stringify([...collection.docs.values()])).not.toContain("hunter22");
  });

  it("a secret that was deleted is nowhere any more: not on disk, and not for a device that asks again", async () => {
    const rig = new Rig();
    const collection = rig.collection as MemoryCollection;
    const outbox = await rig.start();
    const [id = ""] = await outbox.post(text(OWNER, "token: hunter22"));
    await rig.settled();
    await outbox.post({ kind: "delete", to: OWNER, target: id });
    await rig.settled();
    expect(rig.sent.at(-1)?.content).toEqual({ kind: "delete", target: id });
    expect(await outbox.recall(id, OWNER)).toBeUndefined();
    expect(JSON.stringify([...collection.docs.values()])).not.toContain("hunter22");
  });
});

describe("outbox: asked again", () => {
  it("I3: gives what it sent to that very chat, and would still send now", async () => {
    const rig = new Rig();
    const outbox = await rig.start();
    const [id = ""] = await outbox.post(text(ALICE, "hello"));
    await rig.settled();
    expect(await outbox.recall(id, ALICE)).toEqual({ kind: "text", text: "hello" });
    expect(await outbox.recall(id, person("2000@lid"))).toEqual({ kind: "text", text: "hello" });
    expect(await outbox.recall(id, BOB)).toBeUndefined();
    expect(await outbox.recall("other", ALICE)).toBeUndefined();
    rig.silent = true;
    expect(await outbox.recall(id, ALICE)).toBeUndefined();
  });

  it("gives what is on the wire, whose receipt may come before the ack, but nothing that has not left", async () => {
    const rig = new Rig();
    rig.auto = undefined;
    const outbox = await rig.start();
    const [onWire = "", later = ""] = await outbox.post(text(ALICE, `${"a".repeat(3_900)}\n\n${"b".repeat(3_900)}`));
    expect(await outbox.recall(onWire, ALICE)).toEqual({ kind: "text", text: "a".repeat(3_900) });
    expect(await outbox.recall(later, ALICE)).toBeUndefined();
  });

  it("gives nothing after a day, and then the text is gone from disk while id and key are remembered", async () => {
    const rig = new Rig();
    const collection = rig.collection as MemoryCollection;
    const outbox = await rig.start();
    const [id = ""] = await outbox.post(text(ALICE, "hello there", { key: "k" }));
    await rig.settled();
    await rig.pass(DAY + 2 * 60 * 60 * 1000);
    expect(await outbox.recall(id, ALICE)).toBeUndefined();
    expect(JSON.stringify([...collection.docs.values()])).not.toContain("hello there");
    expect(outbox.has(id)).toBe(true);
    expect(await outbox.post(text(ALICE, "hello there", { key: "k" }))).toEqual([id]);
  });

  it("forgets ids after a month, and never what waits", async () => {
    const rig = new Rig();
    const collection = rig.collection as MemoryCollection;
    const outbox = await rig.start();
    await outbox.post(text(ALICE, "hello"));
    await rig.settled();
    rig.close();
    const [waiting = ""] = await outbox.post(text(OWNER, "notice"));
    await rig.pass(40 * DAY);
    expect([...collection.docs.keys()]).toEqual([waiting]);
  });

  it("remembers ten thousand parcels at most, the latest", async () => {
    const collection = new MemoryCollection();
    for (let seq = 1; seq <= 10_002; seq++) {
      const items = [{ id: `M${seq}`, state: "sent", left: Date.UTC(2026, 10, 23) } as const];
      collection.docs.set(`M${seq}`, { _id: `M${seq}`, seq, to: ALICE, at: Date.UTC(2026, 10, 23), items });
    }
    const outbox = await new Rig(collection).start();
    expect(collection.docs.size).toBe(10_000);
    expect([outbox.has("M2"), outbox.has("M3"), outbox.has("M10002")]).toEqual([false, true, true]);
  });
});
