import { describe, expect, it } from "vitest";
import type { Pn } from "../../../src/access/identity.js";
import { ALICE, MemoryCollection, person, Rig, text } from "./rig.js";

/** A Brazilian number as it was typed, and as WhatsApp spells it. */
const TYPED_PN = "5511987654321@s.whatsapp.net" as Pn;
const TYPED = person(TYPED_PN);
const RIGHT = person("551187654321@s.whatsapp.net", "5500@lid");

describe("outbox: a number that WhatsApp spells otherwise", () => {
  it("what waits goes to the right number, in its order with what was posted to that", async () => {
    const rig = new Rig();
    rig.close();
    const outbox = await rig.start();
    await outbox.post(text(TYPED, "first", { address: TYPED_PN }));
    await outbox.post(text(RIGHT, "second"));
    await outbox.post(text(TYPED, "third"));
    await outbox.post(text(ALICE, "hello"));
    await outbox.readdress(TYPED_PN, RIGHT);
    rig.open();
    await rig.settled();
    const toRight = rig.sent.filter(({ jid }) => jid === RIGHT.lid);
    expect(toRight.map(({ content }) => content.kind === "text" && content.text)).toEqual(["first", "second", "third"]);
    expect(rig.sent).toHaveLength(4);
  });

  it("the owner's notices from before go to the admin chat, and not nowhere", async () => {
    const rig = new Rig();
    rig.silent = true;
    rig.owner = TYPED;
    rig.close();
    const outbox = await rig.start();
    await outbox.post(text(TYPED, "notice"));
    rig.owner = RIGHT;
    await outbox.readdress(TYPED_PN, RIGHT);
    rig.open();
    await rig.settled();
    expect(rig.sent.map(({ jid }) => jid)).toEqual([RIGHT.lid]);
    expect(rig.suppressed).toEqual([]);
  });

  it("what had no answer at the typed number goes to the right one, under its id", async () => {
    const rig = new Rig();
    rig.auto = undefined;
    const outbox = await rig.start();
    await outbox.post(text(TYPED, "first"));
    await outbox.post(text(TYPED, "second"));
    await rig.answer({ kind: "lost" });
    await outbox.readdress(TYPED_PN, RIGHT);
    await rig.pass(60_000);
    expect(rig.sent.map(({ jid, content }) => [jid, content.kind === "text" && content.text])).toEqual([
      [TYPED.pn, "first"],
      [RIGHT.lid, "first"],
    ]);
    expect(rig.sent[1]?.id).toBe(rig.sent[0]?.id);
  });

  it("what was suppressed can be revived for the right number", async () => {
    const rig = new Rig();
    rig.silent = true;
    const outbox = await rig.start();
    await outbox.post(text(TYPED, "hello", { key: "greeting" }));
    await rig.settled();
    expect(rig.suppressed).toHaveLength(1);
    await outbox.readdress(TYPED_PN, RIGHT);
    rig.silent = false;
    await outbox.revive("greeting");
    await rig.settled();
    expect(rig.sent.map(({ jid }) => jid)).toEqual([RIGHT.lid]);
  });

  it("is so after a restart too, and leaves alone what was sent and whoever is known by a LID", async () => {
    const disk = new MemoryCollection();
    const rig = new Rig(disk);
    const outbox = await rig.start();
    await outbox.post(text(TYPED, "sent"));
    await rig.settled();
    rig.close();
    const known = person(TYPED_PN, "9900@lid");
    await outbox.post(text(TYPED, "waits", { address: TYPED_PN }));
    await outbox.post(text(known, "somebody else's"));
    await outbox.readdress(TYPED_PN, RIGHT);
    expect([...disk.docs.values()].map(({ to, address }) => ({ to, address }))).toEqual([
      { to: TYPED, address: undefined },
      { to: RIGHT, address: undefined },
      { to: known, address: undefined },
    ]);
    await rig.start();
    rig.open();
    await rig.settled();
    expect(rig.sent.map(({ jid }) => jid)).toEqual([TYPED.pn, RIGHT.lid, known.lid]);
  });
});
