import { proto } from "@whiskeysockets/baileys";
import { present } from "../present.js";
import { cleanName, cleanText, firstWords } from "../text.js";
import { cardIn, POLLS } from "./cards.js";
import type { Content, MediaFile, MediaKind } from "./types.js";

/** What a message holds, and what its wrappers and context say about it. */
interface Opened {
  /** Absent where the message has no effect here (key exchange, settings, votes, …). */
  readonly content?: Content;
  readonly forwarded: boolean;
  readonly quotes?: string;
  readonly expiration?: number;
}

type Message = proto.IMessage;
type Field = keyof Message;

/** Honest messages have two or three wrappers; what has more than this is not opened to the end. */
const MOST_WRAPPERS = 12;
/** WhatsApp's ids are about 20 to 32 characters long; what is longer names nothing. */
const LONGEST_ID = 128;
const LONGEST_EXPIRATION_S = 366 * 24 * 60 * 60;
const LONGEST_MEDIA_S = 24 * 60 * 60;
const LONGEST_PATH = 1_000;
const LONGEST_TYPE = 100;
const KEY_LENGTH = 32;

/** Every field that wraps another message, as WhatsApp's protobuf has them; Baileys' own list lacks half of them. */
const WRAPPERS = [
  "ephemeralMessage",
  "viewOnceMessage",
  "viewOnceMessageV2",
  "viewOnceMessageV2Extension",
  "documentWithCaptionMessage",
  "editedMessage",
  "groupMentionedMessage",
  "botInvokeMessage",
  "botTaskMessage",
  "botForwardedMessage",
  "lottieStickerMessage",
  "associatedChildMessage",
  "eventCoverImage",
  "pollCreationMessageV4",
  "pollCreationOptionImageMessage",
  "statusMentionMessage",
  "groupStatusMentionMessage",
  "groupStatusMessage",
  "groupStatusMessageV2",
  "limitSharingMessage",
  "questionMessage",
  "questionReplyMessage",
] as const satisfies readonly Field[];

/**
 * What is neither text nor media, in a word for people. A tapped button is here too: its text was written by whoever
 * sent the button, so it is never taken for the words of the one who tapped.
 */
const OTHERS: readonly (readonly [Field, string])[] = [
  ["contactMessage", "contact"],
  ["contactsArrayMessage", "contacts"],
  ["locationMessage", "location"],
  ["liveLocationMessage", "live location"],
  ...POLLS.map((version) => [version, "poll"] as const),
  ["eventMessage", "event"],
  ["scheduledCallCreationMessage", "scheduled call"],
  ["groupInviteMessage", "group invite"],
  ["newsletterAdminInviteMessage", "channel invite"],
  ["stickerPackMessage", "sticker pack"],
  ["productMessage", "product"],
  ["orderMessage", "order"],
  ["invoiceMessage", "invoice"],
  ["sendPaymentMessage", "payment"],
  ["requestPaymentMessage", "payment request"],
  ["paymentInviteMessage", "payment invite"],
  ["requestPhoneNumberMessage", "request for the phone number"],
  ["templateMessage", "business message"],
  ["highlyStructuredMessage", "business message"],
  ["buttonsMessage", "business message"],
  ["listMessage", "business message"],
  ["interactiveMessage", "business message"],
  ["templateButtonReplyMessage", "tapped button"],
  ["buttonsResponseMessage", "tapped button"],
  ["listResponseMessage", "tapped button"],
  ["interactiveResponseMessage", "tapped button"],
];

const { REVOKE, MESSAGE_EDIT } = proto.Message.ProtocolMessage.Type;

/**
 * Takes every wrapper off a message. An edit is an edit however it is wrapped, and what was forwarded on any level is
 * forwarded (I7). Takes any decoded protobuf, missing and contradictory fields included.
 */
export function open(message: Message): Opened {
  const levels = unwrap(message);
  const inner = levels.at(-1);
  if (!inner) return { forwarded: false };
  const contexts = levels.flatMap(contextsOf);
  const forwarded = levels.some(({ botForwardedMessage }) => botForwardedMessage) || contexts.some(isForwarded);
  const edit = levels.find(isEdit);
  const content = edit ? editIn(edit, inner) : contentOf(inner);
  const quotes = first(contexts, ({ stanzaId }) => idOf(stanzaId));
  const expiration = first(contexts, ({ expiration }) => within(expiration, 1, LONGEST_EXPIRATION_S));
  return {
    ...(content ? { content } : {}),
    forwarded,
    ...present({ quotes, expiration }),
  };
}

/** The message and everything wrapped in it, outermost first; nothing where it is wrapped beyond reason. */
export function unwrap(message: Message): readonly Message[] {
  const levels: Message[] = [];
  let current: Message | null | undefined = message;
  while (current) {
    if (levels.length > MOST_WRAPPERS) return [];
    levels.push(current);
    const level: Message = current;
    const wrapper: (typeof WRAPPERS)[number] | undefined = WRAPPERS.find((name) => level[name]);
    current = wrapper && level[wrapper]?.message;
  }
  return levels;
}

function isEdit({ editedMessage, protocolMessage }: Message): boolean {
  return Boolean(editedMessage) || protocolMessage?.type === MESSAGE_EDIT;
}

function editIn(edit: Message, inner: Message): Content {
  const protocol = inner.protocolMessage ?? edit.protocolMessage;
  const edited = protocol?.editedMessage;
  // Without the protocol message the wrapper holds the new text itself.
  const now = edited ? contentOf(unwrap(edited).at(-1) ?? {}) : contentOf(inner);
  const text = now?.kind === "text" ? now.text : now?.kind === "media" ? now.caption : "";
  return { kind: "edit", text, target: idOf(protocol?.key?.id) ?? "" };
}

function contentOf(message: Message): Content | undefined {
  const { protocolMessage, reactionMessage } = message;
  if (protocolMessage) {
    const target = idOf(protocolMessage.key?.id);
    return protocolMessage.type === REVOKE && target !== undefined ? { kind: "revoke", target } : undefined;
  }
  if (reactionMessage) {
    const target = idOf(reactionMessage.key?.id);
    return target === undefined ? undefined : { kind: "reaction", emoji: nameOf(reactionMessage.text), target };
  }
  return textOf(message) ?? mediaOf(message) ?? otherOf(message);
}

function textOf({ conversation, extendedTextMessage }: Message): Content | undefined {
  const text = cleanText(conversation || extendedTextMessage?.text || "");
  // Of invisible characters alone nothing is left: then nothing was said.
  return text === "" ? undefined : { kind: "text", text };
}

function mediaOf(message: Message): Content | undefined {
  const { imageMessage, videoMessage, ptvMessage, audioMessage, documentMessage, stickerMessage } = message;
  const video = videoMessage ?? ptvMessage;
  if (imageMessage) return media("image", imageMessage);
  if (video) return media("video", video);
  if (audioMessage) return media(audioMessage.ptt ? "voice" : "audio", audioMessage);
  if (documentMessage) {
    const fileName = nameOf(documentMessage.fileName || documentMessage.title);
    return { ...media("document", documentMessage), ...(fileName === "" ? {} : { fileName }) };
  }
  return stickerMessage ? media("sticker", stickerMessage) : undefined;
}

/** What the protobuf of every kind of media may say. */
interface MediaFields {
  readonly caption?: string | null;
  readonly seconds?: number | null;
  readonly directPath?: string | null;
  readonly url?: string | null;
  readonly mediaKey?: Uint8Array | null;
  readonly fileSha256?: Uint8Array | null;
  readonly fileEncSha256?: Uint8Array | null;
  readonly fileLength?: unknown;
  readonly mediaKeyTimestamp?: unknown;
  readonly mimetype?: string | null;
}

function media(kind: MediaKind, fields: MediaFields): Content & { kind: "media" } {
  const file = fileOf(fields);
  return {
    kind: "media",
    media: kind,
    caption: cleanText(fields.caption ?? ""),
    ...secondsOf(fields.seconds),
    ...present({ file }),
  };
}

function fileOf(fields: MediaFields): MediaFile | undefined {
  const { directPath, url, mediaKey, fileSha256, fileEncSha256, fileLength, mimetype, mediaKeyTimestamp } = fields;
  if (!directPath || directPath.length > LONGEST_PATH || mediaKey?.length !== KEY_LENGTH) return undefined;
  const base64 = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString("base64");
  // Absent numbers are 0 here, and long ones objects that know their value.
  const madeAt = Number(mediaKeyTimestamp ?? 0);
  return {
    directPath,
    ...(url && url.length <= LONGEST_PATH ? { url } : {}),
    mediaKey: base64(mediaKey),
    sha256: base64(fileSha256),
    encryptedSha256: base64(fileEncSha256),
    length: Number(fileLength ?? 0),
    mimetype: firstWords(mimetype ?? "", LONGEST_TYPE),
    ...(madeAt > 0 ? { keyTimestamp: madeAt } : {}),
  };
}

function otherOf(message: Message): Content | undefined {
  const type = OTHERS.find(([field]) => message[field])?.[1];
  if (type === undefined) return undefined;
  const card = cardIn(message);
  return { kind: "other", type, ...(card === "" ? {} : { card }) };
}

/** The contexts of whatever a message holds; an honest one has one at most. */
function contextsOf(message: Message): readonly proto.IContextInfo[] {
  return Object.values(message).flatMap((held: unknown) => {
    if (typeof held !== "object" || held === null || !("contextInfo" in held)) return [];
    // In the protobuf a field of this name is always a ContextInfo, and it was decoded as one.
    return held.contextInfo ? [held.contextInfo as proto.IContextInfo] : [];
  });
}

function isForwarded(context: proto.IContextInfo): boolean {
  const { forwardingScore, forwardOrigin, forwardedNewsletterMessageInfo, forwardedAiBotMessageInfo } = context;
  return Boolean(
    context.isForwarded ||
      (forwardingScore ?? 0) > 0 ||
      (forwardOrigin ?? 0) > 0 ||
      forwardedNewsletterMessageInfo ||
      forwardedAiBotMessageInfo,
  );
}

function idOf(id: unknown): string | undefined {
  return typeof id === "string" && id !== "" && id.length <= LONGEST_ID ? id : undefined;
}

function nameOf(text: string | null | undefined): string {
  return cleanName(text ?? "");
}

function secondsOf(seconds: unknown): { seconds?: number } {
  const sane = within(seconds, 0, LONGEST_MEDIA_S);
  return present({ seconds: sane });
}

function within(value: unknown, least: number, most: number): number | undefined {
  return typeof value === "number" && value >= least && value <= most ? value : undefined;
}

function first<T, R>(items: readonly T[], pick: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = pick(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
