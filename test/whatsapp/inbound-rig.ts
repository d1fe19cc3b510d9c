import { proto } from "@whiskeysockets/baileys";
import { personFrom } from "../../src/access/identity.js";
import { normalise } from "../../src/whatsapp/inbound.js";
import type { Inbound, Me } from "../../src/whatsapp/types.js";

export const ARRIVED = Date.UTC(2026, 10, 23, 12, 0, 5);
/** WhatsApp's timestamp of the messages here, seconds. */
export const T = Date.UTC(2026, 10, 23, 12) / 1000;
export const ALICE_PN = "15550002000@s.whatsapp.net";
export const ALICE_LID = "2000@lid";
export const ME_PN = "15550001000@s.whatsapp.net";
export const ME_LID = "1000@lid";
export const ME = meOf(ME_PN, ME_LID);

/** The attributes of a stanza that Alice sent. */
export const FROM_ALICE = { from: ALICE_LID, sender_pn: ALICE_PN, id: "3EB0A1", t: String(T), notify: "Alice" };

export function record(
  message: proto.IMessage,
  attrs: Record<string, string> = FROM_ALICE,
): { _id: string; attrs: Record<string, string>; body: string; at: number } {
  return raw(padded(proto.Message.encode(message).finish()), attrs);
}

export function raw(bytes: Uint8Array, attrs: Record<string, string> = FROM_ALICE) {
  return { _id: `${attrs.from}/${attrs.id}`, attrs, body: Buffer.from(bytes).toString("base64"), at: ARRIVED };
}

export function padded(bytes: Uint8Array, padding = 7): Uint8Array {
  return Buffer.concat([bytes, Buffer.alloc(padding, padding)]);
}

/** What becomes of a message from Alice. */
export function receive(message: proto.IMessage, attrs: Record<string, string> = FROM_ALICE): Inbound | undefined {
  return normalise(record(message, attrs), ME);
}

function meOf(...jids: string[]): Me {
  const person = personFrom(...jids);
  if (!person?.pn || !person.lid) throw new Error("no account");
  return { pn: person.pn, lid: person.lid };
}
