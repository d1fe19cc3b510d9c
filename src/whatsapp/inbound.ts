import { proto } from "@whiskeysockets/baileys";
import { parseJid } from "../access/identity.js";
import { present } from "../present.js";
import { cleanName } from "../text.js";
import { open } from "./content.js";
import { envelopeOf, isMe, isOwnPhone } from "./envelope.js";
import type { JournalRecord } from "./journal.js";
import { attempt, decode, pad } from "./plaintext.js";
import type { Inbound, Me } from "./types.js";

/** What of a journal record is read here. */
type Journaled = Pick<JournalRecord, "_id" | "attrs" | "body" | "at">;

/** A message that came inside another one, ready for `journal.draft`. */
export interface Raw {
  /** As the stanza would have had them. */
  readonly attrs: Readonly<Record<string, string>>;
  /** The padded protobuf, as Signal would have given it. */
  readonly body: Uint8Array;
}

/** Timestamps outside of WhatsApp's life are not times: then the time of arrival counts. */
const EARLIEST_S = Date.UTC(2009, 0) / 1000;
const LATEST_S = Date.UTC(2100, 0) / 1000;
const LONGEST_ID = 128;
/** One answer of the phone brings back a handful of messages. */
const MOST_RESENT = 100;

/**
 * Makes a message of a journal record: wrappers off, addresses in normal form, names and texts cleaned (I9). Whatever a
 * sender made of the bytes, it never throws.
 * @returns undefined for what has no effect: keys, settings, votes, rubbish, and what names no person as its writer
 */
export function normalise(record: Journaled, me: Me): Inbound | undefined {
  const { attrs, at } = record;
  const id = attrs.id ?? "";
  const decoded = decode(record.body);
  if (!decoded || id === "" || id.length > LONGEST_ID) return undefined;
  const { deviceSentMessage } = decoded;
  const envelope = envelopeOf(attrs, me, deviceSentMessage?.destinationJid);
  // Only our own devices tell us what they have sent.
  if (!envelope || (deviceSentMessage && !envelope.fromMe)) return undefined;
  const { content, forwarded, quotes, expiration } = open(deviceSentMessage?.message ?? decoded);
  if (!content) return undefined;
  return {
    journalId: record._id,
    id,
    ...envelope,
    name: cleanName(attrs.notify ?? ""),
    at: timeOf(attrs.t) ?? at,
    content,
    forwarded,
    ...present({ quotes, expiration }),
  };
}

/**
 * The messages that our own phone brings back because they could not be decrypted here (a placeholder resend), where the
 * record is such an answer.
 */
export function resent(record: Journaled, me: Me): readonly Raw[] {
  if (!isOwnPhone(record.attrs, me)) return [];
  const decoded = decode(record.body);
  const { protocolMessage } = decoded?.deviceSentMessage?.message ?? decoded ?? {};
  const results = protocolMessage?.peerDataOperationRequestResponseMessage?.peerDataOperationResult ?? [];
  return results.slice(0, MOST_RESENT).flatMap(({ placeholderMessageResendResponse: answer }) => {
    if (!answer?.webMessageInfoBytes) return [];
    const raw = rawOf(
      attempt(answer.webMessageInfoBytes, (bytes) => proto.WebMessageInfo.decode(bytes)),
      me,
    );
    return raw ? [raw] : [];
  });
}

/**
 * The direct messages that came with the history (`messaging-history.set`) and were written since the account was linked,
 * oldest first. What the account's owner wrote to other people is left out: it is their own business.
 * @param since milliseconds since 1970
 */
export function fromHistory(messages: readonly proto.IWebMessageInfo[], me: Me, since: number): readonly Raw[] {
  const raws = messages
    .filter(({ messageTimestamp }) => Number(messageTimestamp ?? 0) * 1000 >= since)
    .flatMap((message) => rawOf(message, me) ?? []);
  return raws.sort((a, b) => Number(a.attrs.t ?? 0) - Number(b.attrs.t ?? 0));
}

/** A message as phones keep it, brought into the form in which it would have come by itself. */
function rawOf(info: proto.IWebMessageInfo | undefined, me: Me): Raw | undefined {
  const { remoteJid, id, fromMe } = info?.key ?? {};
  const message = info?.message;
  if (!info || !message || !remoteJid || !id) return undefined;
  const chat = parseJid(remoteJid);
  if (chat.kind !== "pn" && chat.kind !== "lid") return undefined;
  const self = isMe(chat, me);
  if (fromMe ? !self : self) return undefined;
  const body = attempt(withSecret(message, info.messageSecret), (value) => proto.Message.encode(value).finish());
  if (!body) return undefined;
  const seconds = Number(info.messageTimestamp ?? 0);
  return {
    attrs: {
      from: remoteJid,
      id,
      // It was sent earlier than now, as what waits at WhatsApp was.
      offline: "1",
      ...(fromMe ? { recipient: remoteJid } : {}),
      ...(seconds > 0 ? { t: String(seconds) } : {}),
      ...(info.pushName ? { notify: info.pushName } : {}),
      ...otherAddress(info.key),
    },
    body: pad(body),
  };
}

/** What edits of a message are sealed with: it comes in the message, and phones keep it beside it. */
function withSecret(message: proto.IMessage, messageSecret: Uint8Array | null | undefined): proto.IMessage {
  if (!messageSecret?.length) return message;
  return { ...message, messageContextInfo: { messageSecret, ...message.messageContextInfo } };
}

/** Baileys adds the other address of a chat to the keys that it has mapped; the protobuf itself does not know it. */
function otherAddress(
  key: (proto.IMessageKey & { remoteJidAlt?: unknown }) | null | undefined,
): Record<string, string> {
  const alt = key?.remoteJidAlt;
  if (typeof alt !== "string") return {};
  const { kind } = parseJid(alt);
  return kind === "pn" ? { sender_pn: alt } : kind === "lid" ? { sender_lid: alt } : {};
}

/** The other half of a mapping, where it was learned before: bare user in, bare user out. @param of what the user is of */
export type Mapped = (user: string, of: "pn" | "lid") => Promise<string | undefined>;

/**
 * Adds the sender's other address, where it was learned before: phones name a chat by either, and under one id a message
 * has its effect once (I10).
 */
export async function withOtherAddress({ attrs, body }: Raw, mapped: Mapped): Promise<Raw> {
  const { from = "", sender_pn, sender_lid } = attrs;
  const address = parseJid(from);
  if ((address.kind !== "pn" && address.kind !== "lid") || sender_pn !== undefined || sender_lid !== undefined) {
    return { attrs, body };
  }
  const other = await mapped(from.split(/[:@]/)[0] ?? "", address.kind);
  if (other === undefined) return { attrs, body };
  const alt = address.kind === "pn" ? { sender_lid: `${other}@lid` } : { sender_pn: `${other}@s.whatsapp.net` };
  return { attrs: { ...attrs, ...alt }, body };
}

function timeOf(t: string | undefined): number | undefined {
  const seconds = Number(t);
  return seconds >= EARLIEST_S && seconds <= LATEST_S ? seconds * 1000 : undefined;
}
