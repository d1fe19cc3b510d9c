import { proto } from "@whiskeysockets/baileys";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { sealedEdit, secretOf } from "../../src/simulator/sealed.js";
import { normalise } from "../../src/whatsapp/inbound.js";
import { sealedTarget, secretAlone, unseal } from "../../src/whatsapp/sealed.js";
import { ALICE_LID, ALICE_PN, FROM_ALICE, ME, ME_LID, padded, raw, record } from "./inbound-rig.js";

const ID = "3EB0A0";
const messageContextInfo = { messageSecret: secretOf(ID) };
const ORIGINAL = record({ conversation: "at five", messageContextInfo });
const EDIT = sealedEdit("at six", { remoteJid: ALICE_LID, fromMe: true, id: ID }, ALICE_LID);

/** What becomes of an edit, given the message that it changes. */
function opened(edit: proto.IMessage, original = ORIGINAL, attrs: Record<string, string> = FROM_ALICE) {
  const sealed = record(edit, attrs);
  const body = unseal(sealed, original.body, ME);
  return body === undefined ? undefined : normalise({ ...sealed, body }, ME);
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
