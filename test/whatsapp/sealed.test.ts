import { proto } from "@whiskeysockets/baileys";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sealed, sealedEdit, secretOf } from "../../src/simulator/sealed.js";
import { normalise } from "../../src/whatsapp/inbound.js";
import { sealedTarget, secretAlone, unseal } from "../../src/whatsapp/sealed.js";
import { ALICE_LID, ALICE_PN, FROM_ALICE, ME, ME_LID, padded, raw, record } from "./inbound-rig.js";

const ID = "3EB0A0";
const messageContextInfo = { messageSecret: secretOf(ID) };
const ORIGINAL = record({ conversation: "at five", messageContextInfo });
const EDIT = sealedEdit("at six", { remoteJid: ALICE_LID, fromMe: true, id: ID }, ALICE_LID);

/** The bytes of a text in so many wrappers, of which Baileys could not write the deepest. */
function nested(conversation: string, depth: number): Uint8Array {
  const parts = [proto.Message.encode({ conversation }).finish()];
  let length = parts[0]?.length ?? 0;
  for (let level = 0; level < depth; level++) {
    // A message's `ephemeralMessage`, which holds a `message`.
    for (const tag of [[0x0a], [0xc2, 0x02]]) {
      const head = Buffer.from([...tag, ...varint(length)]);
      parts.push(head);
      length += head.length;
    }
  }
  return Buffer.concat(parts.reverse());
}

function varint(value: number): number[] {
  return value > 0x7f ? [(value & 0x7f) | 0x80, ...varint(value >>> 7)] : [value];
}

/** What becomes of an edit, given the message that it changes. */
function opened(edit: proto.IMessage, original = ORIGINAL, attrs: Record<string, string> = FROM_ALICE) {
  const closed = record(edit, attrs);
  const body = unseal(closed, original.body, ME);
  return body === undefined ? undefined : normalise({ ...closed, body }, ME);
}

describe("A sealed edit", () => {
  it.each([ALICE_LID, ALICE_PN])("is an edit of what it names, sealed as %s", (by) => {
    const edit = sealedEdit("at six", { id: ID }, by);
    expect(sealedTarget(record(edit).body)).toBe(ID);
    expect(opened(edit)?.content).toEqual({ kind: "edit", text: "at six", target: ID });
  });

  it("is read by what stays of a message that was handled, in which there is no text", () => {
    const body = secretAlone(ORIGINAL.body);
    expect(Buffer.from(body, "base64").toString()).not.toContain("five");
    expect(secretAlone(body)).toBe(body);
    expect(opened(EDIT, { ...ORIGINAL, body })?.content).toMatchObject({ text: "at six" });
    expect(normalise({ ...ORIGINAL, body }, ME)).toBeUndefined();
  });

  it("keeps its place in the chat with oneself, where both came from the phone", () => {
    const attrs = { from: ME_LID, recipient: ME_LID, id: "E1" };
    const sent = (message: proto.IMessage) => ({ deviceSentMessage: { destinationJid: ME_LID, message } });
    const original = record(sent({ conversation: "/silent", messageContextInfo }), attrs);
    const message = opened(sent(sealedEdit("/silent off", { id: ID }, ME_LID)), original, attrs);
    expect(message).toMatchObject({
      fromMe: true,
      chat: { person: ME },
      content: { kind: "edit", text: "/silent off" },
    });
  });

  it("in a disappearing chat is read as well", () => {
    const wrapped = (message: proto.IMessage) => ({ ephemeralMessage: { message } });
    const original = record(wrapped({ conversation: "at five", messageContextInfo }));
    expect(opened(wrapped(EDIT), original)?.content).toMatchObject({ text: "at six" });
  });

  it("means nothing where somebody else sealed it, with another secret, or no message brought one", () => {
    expect(opened(sealedEdit("at six", { id: ID }, "3000@lid"))).toBeUndefined();
    expect(opened(EDIT, record({ messageContextInfo: { messageSecret: secretOf("other") } }))).toBeUndefined();
    expect(opened(EDIT, record({ conversation: "at five" }))).toBeUndefined();
    expect(secretAlone(record({ conversation: "at five" }).body)).toBe("");
    expect(sealedTarget(ORIGINAL.body)).toBeUndefined();
  });

  it("that is wrapped beyond reason says nothing: what was read may be too deep to be written again", () => {
    for (let depth = 1_000; depth <= 8_000; depth += 1_000) {
      const edit = opened(sealed(nested("at six", depth), { id: ID }, ALICE_LID));
      expect(edit?.content ?? { text: "" }).toMatchObject({ text: "" });
    }
  });

  it("of any bytes never throws", () => {
    const bytes = fc.uint8Array({ maxLength: 80 });
    fc.assert(
      fc.property(bytes, bytes, bytes, (encIv, encPayload, junk) => {
        const { MESSAGE_EDIT } = proto.Message.SecretEncryptedMessage.SecretEncType;
        const secretEncryptedMessage = { targetMessageKey: { id: ID }, secretEncType: MESSAGE_EDIT, encIv, encPayload };
        expect(opened({ secretEncryptedMessage })).toBeUndefined();
        expect(unseal(raw(padded(junk)), raw(padded(junk)).body, ME)).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});
