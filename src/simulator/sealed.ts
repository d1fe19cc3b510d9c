import { createCipheriv, createHash, hkdfSync, randomBytes } from "node:crypto";
import { proto } from "@whiskeysockets/baileys";

const IV_BYTES = 12;
const KEY_BYTES = 32;

/** The secret that a message brings for edits of it. */
export function secretOf(id: string): Uint8Array {
  return createHash("sha256").update(id).digest();
}

/** An edit as phones send it since May 2026. @param by the address under which they know themselves */
export function sealedEdit(text: string, target: proto.IMessageKey, by: string): proto.IMessage {
  const { MESSAGE_EDIT } = proto.Message.ProtocolMessage.Type;
  const protocolMessage = { type: MESSAGE_EDIT, key: target, editedMessage: { conversation: text } };
  return sealed(proto.Message.encode({ protocolMessage }).finish(), target, by);
}

/** The same with any bytes in it. */
export function sealed(bytes: Uint8Array, target: proto.IMessageKey, by: string): proto.IMessage {
  const id = target.id ?? "";
  const key = Buffer.from(hkdfSync("sha256", secretOf(id), "", `${id}${by}${by}Message Edit`, KEY_BYTES));
  const encIv = randomBytes(IV_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, encIv);
  const encPayload = Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  const { MESSAGE_EDIT } = proto.Message.SecretEncryptedMessage.SecretEncType;
  return { secretEncryptedMessage: { targetMessageKey: target, secretEncType: MESSAGE_EDIT, encIv, encPayload } };
}
