import { randomBytes } from "node:crypto";
import { proto } from "@whiskeysockets/baileys";

/** What a text can carry besides the text. */
export interface TextOptions {
  /** The message that is answered; a `Received` fits. */
  readonly quote?: { readonly id: string; readonly participant?: string; readonly text?: string };
  readonly forwarded?: boolean;
  /** The chat's disappearing-message time, seconds. */
  readonly ephemeral?: number;
  readonly viewOnce?: boolean;
}

/** What can be sent as media; no bytes are behind it. */
export interface MediaOptions {
  readonly kind: "image" | "video" | "audio" | "voice" | "document" | "sticker";
  readonly caption?: string;
  /** Length of audio and video. */
  readonly seconds?: number;
  readonly fileName?: string;
}

const DEFAULT_SECONDS = 7;

/** @param answered whom a quote without a participant quotes: an address in the chat. */
export function textMessage(text: string, options: TextOptions, answered: string): proto.IMessage {
  const context: proto.IContextInfo = {
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
  const plain = Object.keys(context).length === 0;
  return wrap(plain ? { conversation: text } : { extendedTextMessage: { text, contextInfo: context } }, options);
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

export function mediaMessage(media: MediaOptions, options: TextOptions): proto.IMessage {
  const file = {
    url: "https://mmg.whatsapp.net/none",
    directPath: "/none",
    mediaKey: randomBytes(32),
    fileSha256: randomBytes(32),
    fileEncSha256: randomBytes(32),
    fileLength: 1000,
  };
  const caption = media.caption === undefined ? {} : { caption: media.caption };
  const seconds = media.seconds ?? DEFAULT_SECONDS;
  const builders: Record<MediaOptions["kind"], () => proto.IMessage> = {
    image: () => ({ imageMessage: { ...file, ...caption, mimetype: "image/jpeg" } }),
    video: () => ({ videoMessage: { ...file, ...caption, seconds, mimetype: "video/mp4" } }),
    audio: () => ({ audioMessage: { ...file, seconds, mimetype: "audio/mp4" } }),
    voice: () => ({ audioMessage: { ...file, seconds, ptt: true, mimetype: "audio/ogg; codecs=opus" } }),
    document: () => ({
      documentMessage: {
        ...file,
        ...caption,
        mimetype: "application/pdf",
        fileName: media.fileName ?? "document.pdf",
      },
    }),
    sticker: () => ({ stickerMessage: { ...file, mimetype: "image/webp" } }),
  };
  return wrap(builders[media.kind](), options);
}

function wrap(message: proto.IMessage, options: TextOptions): proto.IMessage {
  const once = options.viewOnce ? { viewOnceMessageV2: { message } } : message;
  return options.ephemeral === undefined ? once : { ephemeralMessage: { message: once } };
}
