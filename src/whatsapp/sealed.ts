/**
 * Edits as phones send them since May 2026: sealed with a secret that came in the message that they change. rc14 leaves
 * them closed.
 */
import { createDecipheriv, hkdfSync } from "node:crypto";
import { normalizeMessageContent, proto } from "@whiskeysockets/baileys";
import { addressesOf } from "../access/identity.js";
import { unwrap } from "./content.js";
import { envelopeOf } from "./envelope.js";
import type { JournalRecord } from "./journal.js";
import { attempt, decode, encode } from "./plaintext.js";
import type { Me } from "./types.js";

type Message = proto.IMessage;
type Sealed = proto.Message.ISecretEncryptedMessage;

const USE = "Message Edit";
const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;
const TAG_BYTES = 16;

/** What stays of a message once it is handled, as a body: the secret for edits of it, and no text; "" where it brought none. */
export function secretAlone(body: string): string {
  const messageSecret = secretOf(body);
  return messageSecret ? encode({ messageContextInfo: { messageSecret } }) : "";
}

/** The id of the message that a sealed edit changes; undefined for everything else. */
export function sealedTarget(body: string): string | undefined {
  return sealedIn(decode(body) ?? {})?.targetMessageKey?.id || undefined;
}

/**
 * A sealed edit as it would have come unsealed.
 * @param original the body of the message that it changes, or what stayed of it
 * @returns undefined where it was sealed with another secret, by somebody else, or is wrapped beyond reason
 */
export function unseal(
  { attrs, body }: Pick<JournalRecord, "attrs" | "body">,
  original: string,
  me: Me,
): string | undefined {
  const message = decode(body) ?? {};
  const { deviceSentMessage } = message;
  const sealed = sealedIn(message);
  const secret = secretOf(original);
  const id = sealed?.targetMessageKey?.id;
  const sender = envelopeOf(attrs, me, deviceSentMessage?.destinationJid)?.sender;
  if (!sealed || !secret || !id || !sender) return undefined;
  // Phones may name themselves by either address.
  for (const author of addressesOf(sender)) {
    for (const editor of addressesOf(sender)) {
      const opened = attempt(sealed, (edit) => open(edit, secret, `${id}${author}${editor}${USE}`));
      if (!opened) continue;
      const editedMessage = normalizeMessageContent(opened)?.protocolMessage?.editedMessage ?? opened;
      const { MESSAGE_EDIT } = proto.Message.ProtocolMessage.Type;
      const edit: Message = { protocolMessage: { type: MESSAGE_EDIT, key: { id }, editedMessage } };
      // Thousands of wrappers can be read, and not be written again.
      return attempt(deviceSentMessage ? { deviceSentMessage: { ...deviceSentMessage, message: edit } } : edit, encode);
    }
  }
  return undefined;
}

/** @throws where the secret or the names are others */
function open({ encPayload, encIv }: Sealed, secret: Uint8Array, names: string): Message {
  const payload = encPayload ?? new Uint8Array();
  const key = Buffer.from(hkdfSync("sha256", secret, new Uint8Array(), names, KEY_BYTES));
  const cipher = createDecipheriv(CIPHER, key, encIv ?? new Uint8Array(), { authTagLength: TAG_BYTES });
  cipher.setAuthTag(payload.subarray(-TAG_BYTES));
  const text = cipher.update(payload.subarray(0, -TAG_BYTES));
  return proto.Message.decode(Buffer.concat([text, cipher.final()]));
}

function sealedIn(message: Message): Sealed | undefined {
  const sealed = unwrap(message.deviceSentMessage?.message ?? message).at(-1)?.secretEncryptedMessage;
  const { MESSAGE_EDIT } = proto.Message.SecretEncryptedMessage.SecretEncType;
  return sealed?.secretEncType === MESSAGE_EDIT ? sealed : undefined;
}

function secretOf(body: string): Uint8Array | undefined {
  const message = decode(body) ?? {};
  const levels = [...unwrap(message), ...unwrap(message.deviceSentMessage?.message ?? {})];
  const secrets = levels.map(({ messageContextInfo }) => messageContextInfo?.messageSecret);
  return secrets.find((secret) => secret?.length === KEY_BYTES) ?? undefined;
}
