import { type MediaType, proto } from "@whiskeysockets/baileys";
import type { MediaFault, Uploaded } from "./media.js";

/** What a text can carry besides the text. */
export interface TextOptions {
  /** The message that is answered; a `Received` fits. */
  readonly quote?: { readonly id: string; readonly participant?: string; readonly text?: string };
  readonly forwarded?: boolean;
  /** The chat's disappearing-message time, seconds. */
  readonly ephemeral?: number;
  readonly viewOnce?: boolean;
}

/** What can be sent as media. */
export interface MediaOptions {
  readonly kind: "image" | "video" | "audio" | "voice" | "document" | "sticker";
  readonly caption?: string;
  /** Length of audio and video. */
  readonly seconds?: number;
  readonly fileName?: string;
  /** The file itself; a few bytes of text unless given. */
  readonly bytes?: Uint8Array;
  /** What the message says of the file, which may lie: its type and its length. */
  readonly mimetype?: string;
  readonly statedLength?: number;
  /** What is wrong with the file on the server. */
  readonly fault?: MediaFault;
}

const DEFAULT_SECONDS = 7;

/** @param answered whom a quote without a participant quotes: an address in the chat. */
export function textMessage(text: string, options: TextOptions, answered: string): proto.IMessage {
  const context = contextOf(options, answered);
  const plain = Object.keys(context).length === 0;
  return wrap(plain ? { conversation: text } : { extendedTextMessage: { text, contextInfo: context } }, options);
}

function contextOf(options: TextOptions, answered: string): proto.IContextInfo {
  return {
    ...(options.quote
      ? {
          stanzaId: options.quote.id,
          participant: options.quote.participant ?? answered,
          quotedMessage: { conversation: options.quote.text ?? "" },
        }
      : {}),
    ...(options.forwarded ? { isForwarded: true, forwardingScore: 1 } : {}),
    ...(options.ephemeral === undefined ? {} : { expiration: options.ephemeral }),
  };
}

export function reactionMessage(emoji: string, target: proto.IMessageKey, at: number): proto.IMessage {
  return { reactionMessage: { key: target, text: emoji, senderTimestampMs: at } };
}

export function editMessage(text: string, target: proto.IMessageKey, at: number): proto.IMessage {
  return {
    editedMessage: {
      message: {
        protocolMessage: {
          type: proto.Message.ProtocolMessage.Type.MESSAGE_EDIT,
          key: target,
          editedMessage: { conversation: text },
          timestampMs: at,
        },
      },
    },
  };
}

export function revokeMessage(target: proto.IMessageKey): proto.IMessage {
  return { protocolMessage: { type: proto.Message.ProtocolMessage.Type.REVOKE, key: target } };
}

/** What the key of a kind of file is made for. */
export function keyType(kind: MediaOptions["kind"]): MediaType {
  return kind === "voice" ? "ptt" : kind;
}

export function mediaMessage(media: MediaOptions & TextOptions, uploaded: Uploaded, answered: string): proto.IMessage {
  const stated = media.statedLength === undefined ? {} : { fileLength: media.statedLength };
  const file = { ...uploaded, ...stated, contextInfo: contextOf(media, answered) };
  const typed = (usual: string) => ({ mimetype: media.mimetype ?? usual });
  const caption = media.caption === undefined ? {} : { caption: media.caption };
  const seconds = media.seconds ?? DEFAULT_SECONDS;
  const builders: Record<MediaOptions["kind"], () => proto.IMessage> = {
    image: () => ({ imageMessage: { ...file, ...caption, ...typed("image/jpeg") } }),
    video: () => ({ videoMessage: { ...file, ...caption, seconds, ...typed("video/mp4") } }),
    audio: () => ({ audioMessage: { ...file, seconds, ...typed("audio/mp4") } }),
    voice: () => ({ audioMessage: { ...file, seconds, ptt: true, ...typed("audio/ogg; codecs=opus") } }),
    document: () => ({
      documentMessage: {
        ...file,
        ...caption,
        ...typed("application/pdf"),
        fileName: media.fileName ?? "document.pdf",
      },
    }),
    sticker: () => ({ stickerMessage: { ...file, ...typed("image/webp") } }),
  };
  return wrap(builders[media.kind](), media);
}

function wrap(message: proto.IMessage, options: TextOptions): proto.IMessage {
  const once = options.viewOnce ? { viewOnceMessageV2: { message } } : message;
  return options.ephemeral === undefined ? once : { ephemeralMessage: { message: once } };
}
