import { proto } from "@whiskeysockets/baileys";
import { pino } from "pino";
import { expect, it, vi } from "vitest";
import type { Contact } from "../src/access/types.js";
import { KafclawError } from "../src/errors.js";
import { type Rooms, Route } from "../src/route.js";
import { Journal, type JournalRecord } from "../src/whatsapp/journal.js";
import { FROM_ALICE, ME, padded } from "./whatsapp/inbound-rig.js";
import { tempStore } from "./whatsapp/temp-store.js";

it("I10: a full disk between the responder and the journal does not ask the responder twice", async () => {
  const collection = await (await tempStore()).open<JournalRecord>("journal");
  const journal = await Journal.open(collection, Date.now);
  const draft = journal.draft(FROM_ALICE, padded(proto.Message.encode({ conversation: "hello" }).finish()));
  await journal.record([{ ...draft, state: "held" }]);
  const respond = vi.fn(async () => {});
  const settle = vi.fn(async () => {});
  // Only what a held message of a buddy meets on its way.
  const rooms = {
    access: { mask: (text: string) => text, settle },
    journal,
    responder: { name: "test", respond },
    paused: () => false,
    me: () => ME,
    log: pino({ enabled: false }),
  } as unknown as Rooms;
  const route = new Route(rooms);
  const alice = { code: "K7QF" } as Contact;
  const held = [{ journalId: draft._id, at: 0, preview: "hello" }];

  const full = vi.spyOn(journal, "handled").mockRejectedValueOnce(new KafclawError("disk-full", "No room.", "failed"));
  await expect(route.release(alice, held)).rejects.toThrow("No room.");
  full.mockRestore();
  await route.release(alice, held);

  expect(respond).toHaveBeenCalledOnce();
  expect(settle).toHaveBeenCalledOnce();
  expect((await journal.get(draft._id))?.state).toBe("done");
});

it("held messages stay held where no account is linked", async () => {
  const settle = vi.fn(async () => {});
  const rooms = { access: { settle }, me: () => undefined } as unknown as Rooms;
  const released = new Route(rooms).release({} as Contact, [{ journalId: "a", at: 0, preview: "" }]);
  await expect(released).rejects.toThrow(/stays held/);
  expect(settle).not.toHaveBeenCalled();
});
