import { proto } from "@whiskeysockets/baileys";
import { pino } from "pino";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { Contact } from "../src/access/types.js";
import { KafclawError } from "../src/errors.js";
import { type Rooms, Route } from "../src/route.js";
import { wordsOf } from "../src/whatsapp/describe.js";
import { normalise } from "../src/whatsapp/inbound.js";
import { Journal, type JournalRecord } from "../src/whatsapp/journal.js";
import type { Content, Inbound } from "../src/whatsapp/types.js";
import { House, type HouseSetup, MINUTE, NOON, person, TOKEN } from "./admin/house.js";
import { FROM_ALICE, ME, padded } from "./whatsapp/inbound-rig.js";
import { tempStore } from "./whatsapp/temp-store.js";

/** Waits until `look` throws no more: the route works in the background and on a real disk, which may be busy. */
function eventually(look: () => unknown): Promise<unknown> {
  return vi.waitFor(look, { timeout: 15_000 });
}

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

it("an edit of invisible characters alone is nothing for the responder", async () => {
  const journal = await Journal.open(await (await tempStore()).open<JournalRecord>("journal"), Date.now);
  const respond = vi.fn(async () => {});
  // Only what a held message of a buddy meets on its way.
  const rooms = {
    access: { mask: (text: string) => text, settle: async () => {} },
    journal,
    responder: { name: "test", respond },
    me: () => ME,
    log: pino({ enabled: false }),
  } as unknown as Rooms;
  const edits = ["\u200b", "hello"].map((conversation, index) => {
    const edit = proto.Message.encode(editOf("OLD", conversation)).finish();
    return journal.draft({ ...FROM_ALICE, id: `3EB0${index}` }, padded(edit));
  });
  await journal.record(edits.map((draft) => ({ ...draft, state: "held" })));
  const held = edits.map(({ _id }) => ({ journalId: _id, at: 0, preview: "" }));
  await new Route(rooms).release({ code: "K7QF" } as Contact, held);
  expect(respond.mock.calls).toEqual([
    [expect.objectContaining({ content: { kind: "edit", text: "hello", target: "OLD" } }), expect.anything()],
  ]);
});

it("a message that waits for long is logged at once and then ever more rarely", async () => {
  const journal = await Journal.open(await (await tempStore()).open<JournalRecord>("journal"), Date.now);
  const error = vi.fn();
  const me = vi.fn(() => undefined);
  const rooms = { access: {}, journal, me, log: { error } } as unknown as Rooms;
  const draft = journal.draft(FROM_ALICE, padded(proto.Message.encode({ conversation: "hi" }).finish()));
  await new Promise<void>((enough) => {
    const route = new Route(rooms, async () => {
      if (me.mock.calls.length === 1000) void route.stop().then(enough);
    });
    void route.start().then(() => journal.record([draft]));
  });
  // The first, the second, the fourth try, and so on to the 512th.
  expect([me.mock.calls.length, error.mock.calls.length]).toEqual([1000, 10]);
});

it("held messages stay held where no account is linked", async () => {
  const settle = vi.fn(async () => {});
  const rooms = { access: { settle }, me: () => undefined } as unknown as Rooms;
  const released = new Route(rooms).release({} as Contact, [{ journalId: "a", at: 0, preview: "" }]);
  await expect(released).rejects.toThrow(/stays held/);
  expect(settle).not.toHaveBeenCalled();
});

describe("an --auto invite", () => {
  /** Alice sends the invite; `ends` is what a crash leaves done of it before the next start. */
  async function uses(words: string, ends: "nothing" | "approved" | "told") {
    const house = await House.open();
    onTestFinished(() => house.close());
    const { token } = await house.access.invite({ label: "Alice", auto: true }, { door: "cli", who: "x" });
    const journal = await Journal.open(await (await tempStore()).open<JournalRecord>("journal"), Date.now);
    const text = words.replace("TOKEN", token);
    const draft = journal.draft(FROM_ALICE, padded(proto.Message.encode({ conversation: text }).finish()));
    await journal.record([draft]);
    if (ends !== "nothing") {
      const alice = person("+1 555 000 2000", "2000@lid");
      const knock = { person: alice, name: "Alice", text, at: NOON, cause: draft._id };
      const entry = await house.access.knock(knock);
      if (entry.kind !== "auto-approved") throw new Error(entry.kind);
      if (ends === "told") await house.admin.tell.autoApproved(entry.outcome, entry.invite);
      await house.restart();
    }
    const heard: string[] = [];
    const rooms = {
      access: house.access,
      journal,
      outbox: { has: () => false },
      responder: { name: "test", respond: async ({ content }: Inbound) => void heard.push(wordsOf(content as never)) },
      adminChat: house.admin.chat,
      tell: house.admin.tell,
      released: house.admin.decider.released,
      me: () => ME,
      mapped: async () => undefined,
      lidsAsked: async () => {},
      log: pino({ enabled: false }),
    } as unknown as Rooms;
    const route = new Route(rooms);
    await route.start();
    await eventually(async () => {
      await house.wait(MINUTE);
      expect((await journal.get(draft._id))?.state).toBe("done");
    });
    await route.stop();
    const greetings = house.outbox.sent.filter(({ parcel }) => parcel.key?.startsWith("greet:"));
    return { notices: house.texts().filter((notice) => notice.includes("Approved by invite")), greetings, heard };
  }

  it.each(["nothing", "approved", "told"] as const)(
    "tells the owner once and greets once, where a crash left %s done",
    async (ends) => {
      const { notices, greetings, heard } = await uses("TOKEN", ends);
      expect([notices.length, greetings.length, heard]).toEqual([1, 1, []]);
    },
  );

  it.each(["nothing", "approved", "told"] as const)(
    "gives the words beside it to the responder, without the invite, where a crash left %s done",
    async (ends) => {
      expect((await uses("TOKEN what time is it?", ends)).heard).toEqual(["••• what time is it?"]);
    },
  );
});

it("the owner who confirms is welcomed in the admin chat, though the disk failed in between, and once", async () => {
  const unconfirmed = { person: person("+1 555 000 2000"), confirmed: false, confirmCode: "K7QF2C" };
  const house = await House.open({ owner: unconfirmed });
  onTestFinished(() => house.close());
  const journal = await Journal.open(await (await tempStore()).open<JournalRecord>("journal"), Date.now);
  const draft = journal.draft(FROM_ALICE, padded(proto.Message.encode({ conversation: "k7qf2c" }).finish()));
  await journal.record([draft]);
  const { notices } = house.admin;
  const full = () => Promise.reject(new Error("disk full"));
  vi.spyOn(notices, "ownerConfirmed").mockImplementationOnce(full);
  vi.spyOn(house.access, "setOwner").mockImplementationOnce(full);
  const rooms = {
    access: house.access,
    journal,
    outbox: { has: () => false },
    adminChat: house.admin.chat,
    tell: house.admin.tell,
    me: () => ME,
    mapped: async () => undefined,
    lidsAsked: async () => {},
    log: pino({ enabled: false }),
  } as unknown as Rooms;
  const route = new Route(rooms);
  await route.start();
  await eventually(async () => expect((await journal.get(draft._id))?.state).toBe("done"));
  await route.stop();
  const told = house.outbox.sent.flatMap(({ parcel }) => (parcel.kind === "text" ? [parcel.text] : []));
  expect(told).toEqual(["✅ This is the admin chat now. /help lists the commands, /status says how it goes."]);
  expect(house.access.owner()).toMatchObject({ confirmed: true });
});

describe("a buddy who was just approved", () => {
  const JID = "2000@lid";
  /** Alice is pending with "one" held; what she writes, and what the responder hears. */
  async function desk(who = person("+1 555 000 2000", JID)) {
    const house = await House.open();
    onTestFinished(() => house.close());
    const journal = await Journal.open(await (await tempStore()).open<JournalRecord>("journal"), () => house.time.now);
    const heard: string[] = [];
    const rooms: Partial<Rooms> = {
      access: house.access,
      journal,
      outbox: { has: () => false } as unknown as Rooms["outbox"],
      responder: {
        mode: "model",
        name: "test",
        respond: async ({ content }: Inbound) => void heard.push(wordsOf(content)),
      },
      tell: house.admin.tell,
      released: house.admin.decider.released,
      me: () => ME,
      mapped: async () => undefined,
      lidsAsked: async () => {},
      log: pino({ enabled: false }),
    };
    const route = new Route(rooms as Rooms);
    await route.start();
    onTestFinished(() => route.stop());
    Object.assign(house.gateway, { release: route.release.bind(route) });
    const alice = await house.knocks("Alice", who);
    const states = async () => (await journal.get(`${JID}/${id}`))?.state;
    let id = "";
    const writes = async (text: string, attrs: Record<string, string> = FROM_ALICE): Promise<void> => {
      id = `3EB0${text.toUpperCase()}`;
      const draft = journal.draft({ ...attrs, id }, padded(proto.Message.encode({ conversation: text }).finish()));
      await journal.record([draft]);
      await house.settled();
    };
    const { sender_pn: _, ...hidden } = FROM_ALICE;
    await writes("one", who.pn ? FROM_ALICE : hidden);
    await eventually(async () => expect(await states()).toBe("held"));
    return { house, alice, heard, writes, route };
  }

  it("is heard in order, behind what was held", async () => {
    const { house, alice, heard, writes } = await desk();
    await house.says(`/approve ${alice.code}`);
    await house.wait(1_000);
    await writes("two");
    expect(heard).toEqual([]);
    await house.wait(MINUTE);
    await eventually(() => expect(heard).toEqual(["one", "two"]));
    await writes("three");
    await eventually(() => expect(heard).toEqual(["one", "two", "three"]));
  });

  it("and whose approval is undone at once waits again, with everything", async () => {
    const { house, alice, heard, writes } = await desk();
    await house.says(`/approve ${alice.code}`);
    await writes("two");
    await house.says("/undo");
    await eventually(() => expect(house.access.byId(alice._id)?.held).toHaveLength(2));
    expect(heard).toEqual([]);
    await house.says(`/approve ${alice.code}`);
    await house.wait(MINUTE);
    await eventually(() => expect(heard).toEqual(["one", "two"]));
  });

  it("is heard while what was held can't be handled for a reason that may stay", async () => {
    const { house, alice, heard, writes } = await desk();
    const { release } = house.gateway;
    Object.assign(house.gateway, { release: () => Promise.reject(new Error("a bug")) });
    await house.says(`/approve ${alice.code}`);
    await writes("two");
    await house.wait(10_000);
    await eventually(() => expect(heard).toEqual(["two"]));
    Object.assign(house.gateway, { release });
    await house.wait(MINUTE);
    await eventually(() => expect(heard).toEqual(["two", "one"]));
  });

  it("does not keep the gateway from stopping in the grace", async () => {
    const { house, alice, heard, writes, route } = await desk();
    await house.says(`/approve ${alice.code}`);
    await writes("two");
    await route.stop();
    expect(heard).toEqual([]);
  });

  it("under a number, while they waited with their number hidden, is heard when the two turn out to be one", async () => {
    const { house, heard } = await desk(person(undefined, JID));
    await house.says("/silent off");
    await house.says("/approve +1 555 000 2000");
    await house.wait(MINUTE);
    expect(heard).toEqual([]);
    await house.admin.tell.learned(await house.access.learn(person("+1 555 000 2000", JID)));
    await house.wait(MINUTE);
    await eventually(() => expect(heard).toEqual(["one"]));
    expect(house.toOthers()).toEqual(["Hello, you are in."]);
    expect((await house.cli("approve", "+1 555 000 2000")).text).toContain("approved already, by you on WhatsApp");
  });
});

describe("what is held of a pending sender", () => {
  async function waiting(setup: HouseSetup = {}) {
    const house = await House.open(setup);
    onTestFinished(() => house.close());
    const collection = await (await tempStore()).open<JournalRecord>("journal");
    const journal = await Journal.open(collection, () => house.time.now);
    const alice = await house.knocks("Alice", person("+1 555 000 2000", "2000@lid"));
    const heard: Content[] = [];
    const rooms = {
      access: house.access,
      journal,
      outbox: { has: () => false },
      responder: { name: "test", respond: async ({ content }: Inbound) => void heard.push(content) },
      tell: house.admin.tell,
      released: house.admin.decider.released,
      me: () => ME,
      mapped: async () => undefined,
      lidsAsked: async () => {},
      log: pino({ enabled: false }),
    } as unknown as Rooms;
    const route = new Route(rooms, async () => {});
    await route.start();
    onTestFinished(() => route.stop());
    Object.assign(house.gateway, { release: route.release.bind(route) });
    const texts = async (): Promise<string[]> => {
      const held = await collection.find({ state: "held" }, { sort: { seq: 1 } });
      return held.map((record) => wordsOf(normalise(record, ME)?.content as never));
    };
    const sends = async (id: string, message: proto.IMessage, from: Record<string, string> = FROM_ALICE) => {
      const draft = journal.draft({ ...from, id }, padded(proto.Message.encode(message).finish()));
      await journal.record([draft]);
      await eventually(async () => expect((await journal.get(draft._id))?.state).not.toBe("new"));
    };
    const writes = (text: string): Promise<void> => sends(`3EB0${text}`, { conversation: text });
    let changes = 0;
    const edits = (id: string, text: string): Promise<void> => sends(`EDIT${++changes}`, editOf(id, text));
    const deletes = (id: string): Promise<void> => sends(`REVOKE${++changes}`, revokeOf(id));
    const previews = () => house.access.byId(alice._id)?.held.map(({ preview }) => preview);
    /** Approves Alice; what the responder hears of her then. */
    const approved = async (): Promise<readonly Content[]> => {
      await house.cli("approve", alice.code);
      await house.wait(MINUTE);
      await eventually(() => expect(house.access.byId(alice._id)?.held).toEqual([]));
      return heard;
    };
    return { house, alice, route, texts, writes, sends, edits, deletes, previews, approved, heard, journal };
  }

  it("is the last five messages, however many come", async () => {
    const { writes, texts } = await waiting();
    for (let count = 0; count < 12; count++) await writes(`text ${count}`);
    await eventually(async () => expect(await texts()).toEqual(["text 7", "text 8", "text 9", "text 10", "text 11"]));
  });

  it("is no token that is sent again, nor a name that holds it", async () => {
    const { house, alice, writes, texts, journal } = await waiting();
    await writes(TOKEN);
    await writes(`${TOKEN} please`);
    expect(await texts()).toEqual([`${TOKEN} please`]);
    const named = { ...FROM_ALICE, id: "3EB0NAME", notify: `Alice ${TOKEN}` };
    const draft = journal.draft(named, padded(proto.Message.encode({ conversation: "hi" }).finish()));
    await journal.record([draft]);
    await eventually(() => expect(house.access.byId(alice._id)?.name).toBe("Alice •••"));
  });

  it("is not written over and over for who writes faster than the disk can follow", async () => {
    const { house, writes, texts, journal } = await waiting();
    const hold = vi.spyOn(house.access, "hold");
    const drafts = Array.from({ length: 100 }, (_, count) => {
      const text = proto.Message.encode({ conversation: `text ${count}` }).finish();
      return journal.draft({ ...FROM_ALICE, id: `3EB0${count}` }, padded(text));
    });
    await journal.record(drafts);
    await writes("the last");
    const last = [96, 97, 98, 99].map((n) => `text ${n}`).concat("the last");
    await eventually(async () => expect(await texts()).toEqual(last));
    expect(hold.mock.calls.length).toBeLessThan(40);
    expect(await journal.unhandled()).toEqual([]);
  });

  it("leaves the disk when nobody can want it any more: after a denial, and the time to undo it", async () => {
    const { house, alice, route, writes, texts } = await waiting();
    await writes("hello");
    await route.tidy();
    await house.cli("deny", alice.code);
    await route.tidy();
    expect(await texts()).toEqual(["hello"]);
    await house.wait(11 * MINUTE);
    await route.tidy();
    expect(await texts()).toEqual([]);
  });

  it("is only what its sender left of it: without what they deleted, and as they edited it last", async () => {
    const { house, alice, writes, sends, edits, deletes, texts, previews, approved } = await waiting();
    await writes("my PIN is 4711");
    await writes("come at 5");
    await sends("PHOTO", { imageMessage: { caption: "my door: 4711" } });
    await deletes("3EB0my PIN is 4711");
    await edits("3EB0come at 5", "come at 55");
    await edits("3EB0come at 5", `come at 6 ${TOKEN}`);
    await edits("PHOTO", "my door");
    await writes("bye");
    expect(previews()).toEqual(["come at 6 •••", "my door", "bye"]);
    expect((await house.says("/pending")).match(/4711|come at 5/)).toBeNull();
    // One edit each is kept beside its message.
    expect(await texts()).toHaveLength(5);
    expect(await approved()).toEqual([
      { kind: "text", text: "come at 6 •••" },
      expect.objectContaining({ kind: "media", caption: "my door" }),
      { kind: "text", text: "bye" },
    ]);
    expect(await texts()).toEqual([]);
    expect(alice.state).toBe("pending");
  });

  it("stays as it is where a deletion or an edit names nothing held, or leaves no words", async () => {
    const { writes, edits, deletes, texts, previews } = await waiting();
    await writes("one");
    for (const id of ["3EB0two", "one", "3EB0", ""]) {
      await edits(id, "two");
      await deletes(id);
    }
    await edits("3EB0one", "\u200b");
    expect([previews(), await texts()]).toEqual([["one"], ["one"]]);
  });

  it("is no more for edits without number: the last of each of the last five", async () => {
    const { writes, edits, previews, texts } = await waiting();
    for (let count = 0; count < 7; count++) {
      await writes(`text ${count}`);
      for (let edit = 0; edit < 4; edit++) await edits(`3EB0text ${count}`, `edit ${edit} of ${count}`);
    }
    expect(previews()).toEqual([2, 3, 4, 5, 6].map((count) => `edit 3 of ${count}`));
    expect(await texts()).toHaveLength(10);
  });

  it("is what its sender left of it, when a crash comes between the book and the journal", async () => {
    const { route, house, writes, edits, deletes, journal, previews, approved, texts } = await waiting();
    await writes("one");
    await writes("two");
    vi.spyOn(journal, "handled").mockRejectedValueOnce(new Error("killed"));
    await edits("3EB0one", "1");
    vi.spyOn(journal, "letGo").mockRejectedValueOnce(new Error("killed"));
    await deletes("3EB0two");
    await route.tidy();
    expect([previews(), await texts()]).toEqual([["1"], ["one", ""]]);
    expect(await approved()).toEqual([{ kind: "text", text: "1" }]);
    expect(house.logged).toEqual([]);
  });

  it("is deleted and edited by a buddy for the responder, who has it by then", async () => {
    const { writes, edits, deletes, approved } = await waiting();
    await writes("one");
    await approved();
    await edits("3EB0one", "two");
    await deletes("3EB0one");
    expect(await approved()).toEqual([
      { kind: "text", text: "one" },
      { kind: "edit", text: "two", target: "3EB0one" },
      { kind: "revoke", target: "3EB0one" },
    ]);
  });

  it.each([["/deny"], ["/remove"], ["/deny", "/approve"]])(
    "is not brought back by an undo where its sender deleted it after %s %s",
    async (...decisions) => {
      const { house, alice, writes, edits, deletes, texts, previews, approved } = await waiting();
      await writes("my PIN is 4711");
      await edits("3EB0my PIN is 4711", "my PIN is 4712");
      await writes("hello");
      for (const decision of decisions) await house.says(`${decision} ${alice.code}`);
      await deletes("3EB0my PIN is 4711");
      expect(await texts()).toEqual(["hello"]);
      for (const _ of decisions) await house.says("/undo");
      expect(previews()).toEqual(["hello"]);
      expect(await approved()).toEqual([{ kind: "text", text: "hello" }]);
    },
  );

  it("is deleted where a decision about its sender is taken, or taken back, in that very moment", async () => {
    const { house, alice, writes, deletes, texts, previews } = await waiting();
    const { amend } = house.access;
    const decides = (command: string) =>
      vi.spyOn(house.access, "amend").mockImplementationOnce(async (...asked) => {
        await house.says(command);
        return amend.apply(house.access, asked);
      });
    for (const text of ["one", "two", "three"]) await writes(text);
    decides(`/deny ${alice.code}`);
    await deletes("3EB0one");
    decides("/undo");
    await deletes("3EB0two");
    expect([previews(), await texts()]).toEqual([["three"], ["three"]]);
  });

  it("is a file with but a token for its caption, and not a token alone, from the first message on", async () => {
    const { house, sends, texts } = await waiting();
    const bob = { from: "3000@lid", sender_pn: "15550003000@s.whatsapp.net", notify: "Bob" };
    await sends("1", { imageMessage: { caption: TOKEN } }, bob);
    await sends("2", { imageMessage: { caption: TOKEN } });
    await sends("3", { conversation: TOKEN });
    await sends("4", { reactionMessage: { text: "👍", key: { id: "2" } } });
    expect(house.texts().find((text) => text.includes("\nBob ·"))).toContain("\n> image\n");
    expect((await house.says("/pending")).match(/\n> image/g)).toHaveLength(2);
    expect(await texts()).toEqual([TOKEN, TOKEN]);
  });

  it("is handled when its sender is approved in the very moment in which they enter", async () => {
    const { house, sends, heard } = await waiting();
    const { entered } = house.admin.tell;
    vi.spyOn(house.admin.tell, "entered").mockImplementationOnce(async (contact, message) => {
      await entered(contact, message);
      await house.cli("approve", contact.code);
      void house.wait(MINUTE);
    });
    const bob = { from: "3000@lid", sender_pn: "15550003000@s.whatsapp.net", notify: "Bob" };
    await sends("1", { conversation: `${TOKEN} hello` }, bob);
    expect(heard).toEqual([{ kind: "text", text: "••• hello" }]);
  });

  it("is shown by a notice that had to wait as its sender left it", async () => {
    const { house, sends } = await waiting({ parts: { quiet: { from: 11 * 60, to: 13 * 60 } } });
    const bob = { from: "3000@lid", sender_pn: "15550003000@s.whatsapp.net", notify: "Bob" };
    const eve = { from: "4000@lid", sender_pn: "15550004000@s.whatsapp.net", notify: "Eve" };
    for (const [name, from] of Object.entries({ bob, eve })) {
      await sends(name, { conversation: `${TOKEN} my PIN is 4711` }, from);
    }
    await sends("1", revokeOf("bob"), bob);
    await sends("2", editOf("eve", "never mind"), eve);
    await house.wait(2 * 60 * MINUTE);
    const notice = (name: string) => house.texts().find((text) => text.includes(`\n${name} ·`));
    expect(notice("Bob")).not.toContain(">");
    expect(notice("Eve")).toContain("\n> never mind\n");
    expect(house.texts().join()).not.toContain("4711");
  });
});

function editOf(id: string, text: string): proto.IMessage {
  const { MESSAGE_EDIT: type } = proto.Message.ProtocolMessage.Type;
  return { protocolMessage: { type, key: { id }, editedMessage: { conversation: text } } };
}

function revokeOf(id: string): proto.IMessage {
  return { protocolMessage: { type: proto.Message.ProtocolMessage.Type.REVOKE, key: { id } } };
}
