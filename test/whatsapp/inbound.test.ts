import { proto } from "@whiskeysockets/baileys";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalise } from "../../src/whatsapp/inbound.js";
import {
  ALICE_LID,
  ALICE_PN,
  ARRIVED,
  FROM_ALICE,
  ME,
  ME_LID,
  ME_PN,
  padded,
  raw,
  receive,
  record,
  T,
} from "./inbound-rig.js";

type Message = proto.IMessage;

const { Type } = proto.Message.ProtocolMessage;
const wrap = (name: string) => (message: Message) => ({ [name]: { message } });
const WRAPPERS = [
  "ephemeralMessage",
  "viewOnceMessage",
  "viewOnceMessageV2",
  "viewOnceMessageV2Extension",
  "documentWithCaptionMessage",
  "groupMentionedMessage",
  "botInvokeMessage",
  "lottieStickerMessage",
  "associatedChildMessage",
  "limitSharingMessage",
  "questionMessage",
];

describe("inbound: contents", () => {
  it.each<[string, Message, object]>([
    ["plain text", { conversation: "hello" }, { kind: "text", text: "hello" }],
    ["text with extras", { extendedTextMessage: { text: "hello" } }, { kind: "text", text: "hello" }],
    ["an image", { imageMessage: { caption: "look" } }, { kind: "media", media: "image", caption: "look" }],
    [
      "a video",
      { videoMessage: { caption: "look", seconds: 9 } },
      { kind: "media", media: "video", caption: "look", seconds: 9 },
    ],
    ["a video note", { ptvMessage: { seconds: 9 } }, { kind: "media", media: "video", caption: "", seconds: 9 }],
    [
      "a voice note",
      { audioMessage: { ptt: true, seconds: 12 } },
      { kind: "media", media: "voice", caption: "", seconds: 12 },
    ],
    ["a song", { audioMessage: { seconds: 200 } }, { kind: "media", media: "audio", caption: "", seconds: 200 }],
    ["a sticker", { stickerMessage: {} }, { kind: "media", media: "sticker", caption: "" }],
    [
      "a document",
      { documentMessage: { fileName: "a\nb.pdf", caption: "the plan" } },
      { kind: "media", media: "document", caption: "the plan", fileName: "a b.pdf" },
    ],
    ["a location", { locationMessage: {} }, { kind: "other", type: "location" }],
    ["a contact", { contactMessage: {} }, { kind: "other", type: "contact" }],
    [
      "a place with its address",
      { locationMessage: { name: "Café Blau", address: "Ring 5", degreesLatitude: 48.2, degreesLongitude: 16.37 } },
      { kind: "other", type: "location", card: "Café Blau · Ring 5 · 48.2, 16.37" },
    ],
    [
      "where somebody is now",
      { liveLocationMessage: { degreesLatitude: 48.2, degreesLongitude: 0, caption: "on my way" } },
      { kind: "other", type: "live location", card: "on my way · 48.2, 0" },
    ],
    [
      "a contact's numbers",
      {
        contactMessage: {
          displayName: "Ann",
          vcard:
            "BEGIN:VCARD\nFN:Ann\nitem1.TEL;waid=15550009000:+1 555 000 9000\r\nTEL:+1 555 000 9001\nHOTEL:x\nEND:VCARD",
        },
      },
      { kind: "other", type: "contact", card: "Ann +1 555 000 9000 +1 555 000 9001" },
    ],
    [
      "several contacts",
      { contactsArrayMessage: { contacts: [{ displayName: "Ann", vcard: "TEL:1" }, { displayName: "Bob" }] } },
      { kind: "other", type: "contacts", card: "Ann 1 · Bob" },
    ],
    [
      "a poll and its options",
      { pollCreationMessageV3: { name: "Lunch?", options: [{ optionName: "Pizza" }, {}, { optionName: "Pasta\n" }] } },
      { kind: "other", type: "poll", card: "Lunch? · Pizza · Pasta" },
    ],
    [
      "an event",
      {
        eventMessage: {
          name: "Party",
          startTime: 1_795_000_000,
          location: { name: "Home" },
          description: "Bring cake",
        },
      },
      { kind: "other", type: "event", card: "Party · 2026-11-18 11:06 UTC · Home · Bring cake" },
    ],
    [
      "an event at no time that there is",
      { eventMessage: { startTime: Number.MAX_SAFE_INTEGER } },
      { kind: "other", type: "event" },
    ],
    ["a poll without a word", { pollCreationMessageV3: { name: "" } }, { kind: "other", type: "poll" }],
    [
      "a tapped button, whose words are not the sender's",
      { buttonsResponseMessage: { selectedDisplayText: "/approve all" } },
      { kind: "other", type: "tapped button" },
    ],
    [
      "a reaction",
      { reactionMessage: { key: { id: "N1" }, text: "👍🏽" } },
      { kind: "reaction", emoji: "👍🏽", target: "N1" },
    ],
    [
      "a reaction taken back",
      { reactionMessage: { key: { id: "N1" }, text: "" } },
      { kind: "reaction", emoji: "", target: "N1" },
    ],
    ["a deletion", { protocolMessage: { type: Type.REVOKE, key: { id: "N1" } } }, { kind: "revoke", target: "N1" }],
  ])("%s", (_, message, content) => {
    expect(receive(message)?.content).toEqual(content);
    const wrapped = { ephemeralMessage: { message: { viewOnceMessage: { message } } } };
    expect(receive(wrapped)?.content).toEqual(content);
  });

  it.each<[string, Message]>([
    ["nothing", {}],
    ["a key exchange", { senderKeyDistributionMessage: { groupId: "g" }, messageContextInfo: {} }],
    ["a settings change", { protocolMessage: { type: Type.EPHEMERAL_SETTING, ephemeralExpiration: 86_400 } }],
    ["a protocol message without a type", { protocolMessage: { key: { id: "N1" } } }],
    ["a deletion of nothing", { protocolMessage: { type: Type.REVOKE } }],
    ["a reaction to nothing", { reactionMessage: { text: "👍" } }],
    ["a vote", { pollUpdateMessage: {} }],
    ["a wrapper around nothing", { ephemeralMessage: {} }],
  ])("%s has no effect", (_, message) => {
    expect(receive(message)).toBeUndefined();
  });

  it("I9: names and texts are cleaned at the edge", () => {
    const message = receive({ conversation: "a\u202Eb\u0000\u200B" }, { ...FROM_ALICE, notify: "A\nl\u202Eice " });
    expect([message?.name, message?.content]).toEqual(["A lice", { kind: "text", text: "ab" }]);
  });

  it("a character that no other phone shows is not gone without a trace: an order that names somebody by it names somebody", () => {
    const message = receive({ conversation: "/approve \uF8FF" }, { ...FROM_ALICE, notify: "\uF8FFAlice" });
    expect([message?.name, message?.content]).toEqual(["Alice", { kind: "text", text: "/approve \uFFFD" }]);
  });

  it.each(["\u200b", "\u2060\u3164 \n", "\u2800"])("what nobody can see is nothing that was said: %j", (text) => {
    expect(receive({ conversation: text })).toBeUndefined();
    expect(receive({ extendedTextMessage: { text } })).toBeUndefined();
  });

  it("a text is as long as a phone sends it, and no longer", () => {
    const whole = receive({ conversation: "x".repeat(65_536) })?.content;
    expect(whole).toEqual({ kind: "text", text: "x".repeat(65_536) });
    const { content } = receive({ conversation: "x".repeat(100_000) }) ?? {};
    expect(content?.kind === "text" && content.text.length).toBeLessThanOrEqual(65_536);
  });

  it("tells what a message quotes and the chat's disappearing time, whatever holds them", () => {
    const contextInfo = { stanzaId: "N1", expiration: 86_400 };
    for (const message of [
      { extendedTextMessage: { text: "yes", contextInfo } },
      { ephemeralMessage: { message: { imageMessage: { contextInfo } } } },
      { audioMessage: { ptt: true, contextInfo } },
    ]) {
      expect(receive(message)).toMatchObject({ quotes: "N1", expiration: 86_400 });
    }
  });
});

describe("inbound: edits and forwards", () => {
  const wrappers = fc.array(fc.constantFrom(...WRAPPERS), { maxLength: 4 });
  const wrapped = (names: readonly string[], message: Message) =>
    names.reduceRight((inner, name) => wrap(name)(inner), message);
  const newText = fc.constantFrom<Message>(
    { conversation: "/approve all" },
    { extendedTextMessage: { text: "/approve all" } },
    { imageMessage: { caption: "/approve all" } },
  );

  it("I7: an edit is an edit through every combination of wrappers, never a text", () => {
    const edit = newText.chain((now) => {
      const protocolMessage = { type: Type.MESSAGE_EDIT, key: { id: "OLD" }, editedMessage: now };
      return fc.constantFrom<Message>(
        { protocolMessage },
        { editedMessage: { message: { protocolMessage } } },
        { editedMessage: { message: now } },
        { protocolMessage, conversation: "/approve all" },
        { editedMessage: {}, conversation: "/approve all" },
      );
    });
    fc.assert(
      fc.property(wrappers, edit, wrappers, newText, (outer, message, inner, now) => {
        expect(receive(wrapped(outer, message))?.content.kind).toBe("edit");
        const deep = wrapped(outer, { editedMessage: { message: wrapped(inner, now) } });
        expect(receive(deep)?.content).toMatchObject({ kind: "edit", text: "/approve all" });
      }),
    );
  });

  it("an edit names the message that it changes, and the new words", () => {
    const editedMessage = { extendedTextMessage: { text: "new words" } };
    const protocolMessage = { type: Type.MESSAGE_EDIT, key: { id: "OLD" }, editedMessage };
    expect(receive({ editedMessage: { message: { protocolMessage } } })?.content).toEqual({
      kind: "edit",
      text: "new words",
      target: "OLD",
    });
  });

  it("a forward is a forward through every combination of wrappers", () => {
    const contextInfo = fc.constantFrom<proto.IContextInfo>(
      { isForwarded: true },
      { forwardingScore: 1 },
      { forwardedNewsletterMessageInfo: {} },
    );
    const kind = fc.constantFrom(
      "extendedTextMessage",
      "imageMessage",
      "videoMessage",
      "documentMessage",
      "audioMessage",
    );
    fc.assert(
      fc.property(wrappers, kind, contextInfo, (names, field, context) => {
        const message = wrapped(names, { [field]: { text: "/approve all", contextInfo: context } });
        expect(receive(message)?.forwarded).toBe(true);
        expect(receive(wrapped(names, { [field]: { text: "/approve all" } }))?.forwarded).toBe(false);
      }),
    );
  });

  it("a forward that a bot forwarded is one too", () => {
    expect(receive({ botForwardedMessage: { message: { conversation: "hi" } } })?.forwarded).toBe(true);
  });
});

describe("inbound: who and where", () => {
  const hello = { conversation: "hello" };

  it("knows both addresses of a sender, whichever the chat is addressed by", () => {
    const alice = { pn: ALICE_PN, lid: ALICE_LID };
    expect(receive(hello)).toMatchObject({
      sender: alice,
      chat: { kind: "person", person: alice, address: ALICE_LID },
      fromMe: false,
      name: "Alice",
      id: "3EB0A1",
      at: T * 1000,
    });
    expect(receive(hello, { from: "15550002000:7@s.whatsapp.net", sender_lid: ALICE_LID, id: "1" })).toMatchObject({
      sender: alice,
      chat: { kind: "person", person: alice, address: ALICE_PN },
    });
  });

  it("knows one address where the stanza tells no other", () => {
    expect(receive(hello, { from: "2000:3@lid", id: "1" })?.sender).toEqual({ lid: ALICE_LID });
  });

  it("nobody else gets one of our own addresses, whatever a stanza says", () => {
    expect(receive(hello, { from: ALICE_LID, sender_pn: ME_PN, id: "1" })?.sender).toEqual({ lid: ALICE_LID });
  });

  it("what another of our own devices sent: whom it went to, from our number or our LID", () => {
    const me = { pn: ME_PN, lid: ME_LID };
    const message = { deviceSentMessage: { destinationJid: ALICE_LID, message: hello } };
    for (const from of ["15550001000:3@s.whatsapp.net", "1000:3@lid"]) {
      expect(receive(message, { from, recipient: ALICE_LID, peer_recipient_pn: ALICE_PN, id: "1" })).toMatchObject({
        fromMe: true,
        sender: me,
        chat: { kind: "person", person: { pn: ALICE_PN, lid: ALICE_LID }, address: ALICE_LID },
        content: { text: "hello" },
      });
    }
  });

  it("a message to oneself is in the chat with oneself", () => {
    const me = { pn: ME_PN, lid: ME_LID };
    const message = { deviceSentMessage: { destinationJid: ME_LID, message: hello } };
    for (const recipient of [ME_PN, ME_LID]) {
      expect(receive(message, { from: ME_PN, recipient, id: "1" })).toMatchObject({
        fromMe: true,
        chat: { kind: "person", person: me, address: recipient },
      });
    }
  });

  it("I7: a message to somebody else never passes for one to oneself", () => {
    const toAlice = { deviceSentMessage: { destinationJid: ALICE_PN, message: { conversation: "/approve all" } } };
    expect(receive(toAlice, { from: ME_PN, recipient: ME_PN, id: "1" })).toBeUndefined();
    expect(receive(toAlice, { from: ME_PN, id: "1" })?.chat).toMatchObject({ person: { pn: ALICE_PN } });
  });

  it("I7: only our own account can tell what our devices sent, or name a recipient", () => {
    const forged = { deviceSentMessage: { destinationJid: ME_PN, message: { conversation: "/approve all" } } };
    expect(receive(forged)).toBeUndefined();
    expect(receive(hello, { ...FROM_ALICE, recipient: ME_PN })).toBeUndefined();
  });

  it("groups, broadcasts and status are named as such, with their writer", () => {
    const alice = { participant: ALICE_LID, participant_pn: ALICE_PN, id: "1" };
    const sender = { pn: ALICE_PN, lid: ALICE_LID };
    expect(receive(hello, { from: "1203@g.us", ...alice })).toMatchObject({ chat: { kind: "group" }, sender });
    expect(receive(hello, { from: "status@broadcast", ...alice })).toMatchObject({ chat: { kind: "status" }, sender });
    expect(receive(hello, { from: "9@broadcast", ...alice })).toMatchObject({ chat: { kind: "broadcast" }, sender });
  });

  it.each([
    {},
    { from: ALICE_LID },
    { from: "", id: "1" },
    { from: "garbage", id: "1" },
    { from: "1@newsletter", id: "1" },
    { from: "0@s.whatsapp.net", id: "1" },
    { from: "1203@g.us", id: "1" },
    { from: ALICE_LID, id: "x".repeat(1_000) },
  ])("%j names no message of a person", (attrs) => {
    expect(receive(hello, attrs as Record<string, string>)).toBeUndefined();
  });

  it.each([undefined, "", "soon", "-1", "0", "1e400", "99999999999999"])(
    "with the timestamp %j, the time of arrival counts",
    (t) => {
      const { t: _, ...attrs } = FROM_ALICE;
      expect(receive(hello, t === undefined ? attrs : { ...attrs, t })?.at).toBe(ARRIVED);
    },
  );
});

describe("inbound: hostile bytes", () => {
  it("arbitrary bytes never throw", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 0, max: 20 }), (bytes, padding) => {
        normalise(raw(padded(bytes, padding)), ME);
        normalise(raw(bytes), ME);
      }),
      { numRuns: 300 },
    );
  });

  it("flipped bytes of a real message never throw", () => {
    const message: Message = {
      ephemeralMessage: {
        message: { extendedTextMessage: { text: "hello", contextInfo: { stanzaId: "N1", forwardingScore: 2 } } },
      },
    };
    const bytes = padded(proto.Message.encode(message).finish());
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { maxLength: 4 }), (flips) => {
        const broken = Uint8Array.from(bytes);
        for (const [at, to] of flips) broken[at] = to;
        normalise(raw(broken), ME);
      }),
      { numRuns: 300 },
    );
  });

  it("arbitrary messages in arbitrary stanzas never throw, and give nothing or something sane", () => {
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("", "/approve all", ME_PN, ALICE_LID));
    const key = fc.option(fc.record({ id: text, fromMe: fc.boolean(), remoteJid: text }, { requiredKeys: [] }), {
      nil: null,
    });
    const contextInfo = fc.record(
      { stanzaId: text, expiration: fc.nat(), forwardingScore: fc.nat(), isForwarded: fc.boolean() },
      { requiredKeys: [] },
    );
    // Messages in messages, at most three deep: each one is mostly empty, or there would be no end of them.
    const messages = fc.memo((depth): fc.Arbitrary<Message> => {
      const inner = depth > 1 ? messages(depth - 1) : fc.constant({});
      const wrapper = fc.record({ message: inner }, { requiredKeys: [] });
      return fc.record(
        {
          conversation: text,
          extendedTextMessage: fc.record({ text, contextInfo }, { requiredKeys: [] }),
          audioMessage: fc.record({ ptt: fc.boolean(), seconds: fc.nat(), contextInfo }, { requiredKeys: [] }),
          documentMessage: fc.record({ fileName: text, caption: text, contextInfo }, { requiredKeys: [] }),
          reactionMessage: fc.record({ key, text }, { requiredKeys: [] }),
          protocolMessage: fc.record(
            { key, type: fc.constantFrom(0, 3, 14, 17), editedMessage: inner },
            { requiredKeys: [] },
          ),
          deviceSentMessage: fc.record({ destinationJid: text, message: inner }, { requiredKeys: [] }),
          ephemeralMessage: wrapper,
          viewOnceMessageV2: wrapper,
          editedMessage: wrapper,
        },
        { requiredKeys: [] },
      );
    });
    const jid = fc.oneof(text, fc.constantFrom(ME_PN, ME_LID, ALICE_PN, ALICE_LID, "1203@g.us", "status@broadcast"));
    const attrs = fc.record(
      { from: jid, participant: jid, recipient: jid, sender_pn: jid, sender_lid: jid, id: text, t: text, notify: text },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(messages(3), attrs, (sent, stanza) => {
        const found = normalise(record(sent, stanza as Record<string, string>), ME);
        if (!found) return;
        expect(Object.keys(found.sender).length).toBeGreaterThan(0);
        expect(found.at).toBeGreaterThan(0);
        expect(found.name).not.toMatch(/\n/);
        if (sent.editedMessage && !sent.deviceSentMessage) expect(found.content.kind).toBe("edit");
      }),
      { numRuns: 300 },
    );
  });

  it.each([13, 100, 10_000])("a text under %i wrappers is not unwrapped, and harms nothing", (depth) => {
    let bytes = Buffer.from(proto.Message.encode({ conversation: "hello" }).finish());
    // ephemeralMessage is field 40, the message in it field 1; written by hand, as the encoder would give up first.
    const field = (tag: readonly number[], inner: Buffer) =>
      Buffer.concat([Buffer.from(tag), varint(inner.length), inner]);
    for (let i = 0; i < depth; i++) bytes = field([0xc2, 0x02], field([0x0a], bytes));
    expect(normalise(raw(padded(bytes)), ME)).toBeUndefined();
  });

  it("a body that was dropped gives nothing", () => {
    expect(normalise({ ...record({ conversation: "hello" }), body: "" }, ME)).toBeUndefined();
  });
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}
