/** What came with the history comes once, and no receipt holds it back: a full disk must not lose it (I10). */
import { proto } from "@whiskeysockets/baileys";
import { expect, it, vi } from "vitest";
import { KafclawError } from "../src/errors.js";
import { History } from "../src/history.js";
import { renderPlain } from "../src/text.js";
import { wordsOf } from "../src/whatsapp/describe.js";
import { normalise } from "../src/whatsapp/inbound.js";
import { Journal, type JournalRecord } from "../src/whatsapp/journal.js";
import { FROM_ALICE, ME, padded } from "./whatsapp/inbound-rig.js";
import { tempStore } from "./whatsapp/temp-store.js";

const { sender_pn: _, ...BY_LID } = FROM_ALICE;

/** A history on its way into a journal that can be full, and time that goes on when the test says so. */
async function desk() {
  const collection = await (await tempStore()).open<JournalRecord>("journal");
  const disk = { isFull: false, writesLeft: Number.POSITIVE_INFINITY };
  const { put } = collection;
  vi.spyOn(collection, "put").mockImplementation(async (doc) => {
    disk.writesLeft -= 1;
    if (disk.isFull || disk.writesLeft < 0) throw new KafclawError("disk-full", "No room.", "failed");
    return put.call(collection, doc);
  });
  const journal = await Journal.open(collection, Date.now);
  const heard: string[] = [];
  journal.onRecord((record) => {
    const content = normalise(record, ME)?.content;
    heard.push(content?.kind === "text" ? wordsOf(content) : "");
  });
  const told: string[] = [];
  const logged: string[] = [];
  const timers = new Set<() => void>();
  const log = (_details: object, message: string) => void logged.push(message);
  const history = new History({
    journal,
    mapped: async (user) => (user === "2000" ? "15550002000" : undefined),
    isStranger: (jid) => jid !== "2000@lid",
    tell: async (_key, message) => void told.push(renderPlain(message)),
    clock: Date.now,
    scheduler: {
      at: (_time: number, work: () => void) => {
        timers.add(work);
        return () => timers.delete(work);
      },
    },
    log: { error: log, info: log } as never,
  });
  /** What is due now happens. */
  const wait = async (): Promise<void> => {
    for (const work of [...timers]) {
      timers.delete(work);
      work();
    }
    await history.settled();
  };
  return { history, disk, heard, told, logged, timers, wait };
}

function raw(id: string, text = id, attrs: Record<string, string> = BY_LID) {
  return { attrs: { ...attrs, id }, body: padded(proto.Message.encode({ conversation: text }).finish()) };
}

it("I10: what the disk has no room for is kept until it has, in order and once, and the owner is told", async () => {
  const { history, disk, heard, told, logged, timers, wait } = await desk();
  disk.isFull = true;
  await history.take([raw("one"), raw("two")]);
  await history.take([raw("three")]);
  await wait();
  expect([heard, logged]).toEqual([[], ["what came with the history can't be written; it is kept and tried again"]]);
  expect(told).toEqual([
    "🚨 2 messages that came with the new link have no room on the disk. I keep them in memory and try again: free some disk space before you stop or restart me.",
  ]);
  disk.isFull = false;
  await wait();
  expect(heard).toEqual(["one", "two", "three"]);
  expect(told.slice(1)).toEqual([
    "✅ The messages that came with the new link are on the disk now: you can stop and restart me again.",
  ]);
  await history.take([raw("two"), raw("four")]);
  expect([heard, timers.size]).toEqual([["one", "two", "three", "four"], 0]);
});

it("what was written before the disk was full comes once", async () => {
  const { history, disk, heard, wait } = await desk();
  disk.writesLeft = 1;
  await history.take([raw("one"), raw("two"), raw("three")]);
  expect(heard).toEqual(["one"]);
  disk.writesLeft = Number.POSITIVE_INFINITY;
  await wait();
  expect(heard).toEqual(["one", "two", "three"]);
});

it("memory is bounded: what strangers wrote goes first, then the oldest, and the owner hears of it", async () => {
  const { history, disk, heard, told, wait } = await desk();
  disk.isFull = true;
  const long = "x".repeat(1_000_000);
  const stranger = { from: "6660@lid", t: "1" };
  await history.take([raw("old", `old ${long}`), raw("stranger", `no ${long}`, stranger)]);
  await history.take(Array.from({ length: 40 }, (_, n) => raw(`m${n}`, `${n} ${long}`)));
  await history.take([raw("last", "last")]);
  expect(told.at(-1)).toMatch(/^🚨 \d+ of the messages that came with the new link found no room, and are gone: /);
  disk.isFull = false;
  await wait();
  const first = heard.map((text) => text.split(" ")[0]);
  expect(first).not.toContain("no");
  expect(first).not.toContain("old");
  expect(first.slice(-3)).toEqual(["38", "39", "last"]);
});

it("what is left at the end is tried once more, and the log says what is lost", async () => {
  const { history, disk, heard, logged, timers } = await desk();
  disk.isFull = true;
  await history.take([raw("one")]);
  disk.isFull = false;
  await history.stop();
  expect([heard, timers.size]).toEqual([["one"], 0]);
  const full = await desk();
  full.disk.isFull = true;
  await full.history.take([raw("one")]);
  await full.history.stop();
  expect(full.logged.at(-1)).toBe("messages of the history are lost: the disk had no room for them");
  expect([logged.length, full.timers.size]).toEqual([1, 0]);
});
