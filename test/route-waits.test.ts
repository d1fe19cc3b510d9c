/** A message that can't be handled yet, where the pauses between the tries take no time. */
import { proto } from "@whiskeysockets/baileys";
import { expect, it, vi } from "vitest";
import { type Rooms, Route } from "../src/route.js";
import { Journal, type JournalRecord } from "../src/whatsapp/journal.js";
import { FROM_ALICE, padded } from "./whatsapp/inbound-rig.js";
import { tempStore } from "./whatsapp/temp-store.js";

vi.mock("node:timers/promises", () => ({ setTimeout: () => new Promise((resolve) => setImmediate(resolve)) }));

it("a message that waits for long is logged at once and then ever more rarely", async () => {
  const journal = await Journal.open(await (await tempStore()).open<JournalRecord>("journal"), Date.now);
  const error = vi.fn();
  const me = vi.fn(() => undefined);
  const route = new Route({ access: {}, journal, me, log: { error } } as unknown as Rooms);
  await route.start();
  await journal.record([journal.draft(FROM_ALICE, padded(proto.Message.encode({ conversation: "hi" }).finish()))]);
  await vi.waitFor(() => expect(me.mock.calls.length).toBeGreaterThan(1000));
  await route.stop();
  const { length } = me.mock.calls;
  expect(error.mock.calls.length).toBe(Math.floor(Math.log2(length)) + 1);
});
