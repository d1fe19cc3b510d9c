/** Files on WhatsApp's servers: fetching and decrypting them, and sending on what is there already. */
import { createDecipheriv, createHmac, timingSafeEqual } from "node:crypto";
import { Readable, Transform } from "node:stream";
import { getMediaKeys, type MediaType, proto } from "@whiskeysockets/baileys";
import { present } from "../present.js";
import type { FetchMedia, MediaFile, MediaKind, WireContent } from "./types.js";

/** Where WhatsApp's files are. */
const WHATSAPP = "https://mmg.whatsapp.net";
/** The authentication code at the end of each file, bytes. */
const MAC_LENGTH = 10;
/** A server that is silent for so long has stalled: what its buddy writes later is not to wait for the rest. */
const SILENCE_MS = 20_000;

const KEY_TYPES: Readonly<Record<MediaKind, MediaType>> = {
  image: "image",
  video: "video",
  audio: "audio",
  voice: "ptt",
  document: "document",
  sticker: "sticker",
};

/** Why a file could not be had: WhatsApp has it no more, it could not be reached, or it is not what its key says. */
export class MediaProblem extends Error {
  constructor(readonly why: "gone" | "unreachable" | "damaged") {
    super(`the file is ${why}`);
  }
}

/**
 * Makes what fetches files. rc14's own way can't be stopped, and checks no file against its authentication code.
 * @param url the gateway's `whatsapp.url`, where one is set: a WhatsApp on loopback keeps its files beside its socket
 */
export function fetchMediaFrom(url: string | undefined): FetchMedia {
  const base = url === undefined ? WHATSAPP : new URL(url.replace(/^ws/, "http")).origin;
  return (file, kind, signal) => fetchMedia(base, file, kind, signal);
}

/**
 * Opens a file as a stream of its decrypted bytes, which ends in an error where the file is not what its key says: so
 * nothing is to be done with the bytes before the end.
 * @throws MediaProblem; `signal`'s reason
 */
async function fetchMedia(base: string, file: MediaFile, kind: MediaKind, signal: AbortSignal): Promise<Readable> {
  const url = addressOf(file, base);
  if (url === undefined) throw new MediaProblem("gone");
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), SILENCE_MS).unref();
  const response = await fetch(url, {
    signal: AbortSignal.any([signal, silence.signal]),
    redirect: "error",
    headers: { origin: "https://web.whatsapp.com" },
  }).catch(() => undefined);
  signal.throwIfAborted();
  if (response === undefined || response.status >= 500) throw new MediaProblem("unreachable");
  if (!response.ok || !response.body) throw new MediaProblem("gone");
  const keys = await getMediaKeys(Buffer.from(file.mediaKey, "base64"), KEY_TYPES[kind]);
  // Node's stream of bytes and the platform's differ in their types alone.
  const encrypted = Readable.fromWeb(response.body as Parameters<typeof Readable.fromWeb>[0]);
  const decrypted = decrypting(keys.iv, keys.cipherKey, keys.macKey ?? Buffer.alloc(0));
  encrypted.on("data", () => timer.refresh());
  encrypted.on("error", () => decrypted.destroy(signal.aborted ? undefined : new MediaProblem("unreachable")));
  decrypted.on("close", () => {
    clearTimeout(timer);
    encrypted.destroy();
  });
  return encrypted.pipe(decrypted);
}

/** Where a file is. A path that leads elsewhere is a sender's way to have us ask somebody else's server. */
function addressOf({ directPath, url: stated = "" }: MediaFile, base: string): URL | undefined {
  const url = URL.canParse(directPath, base) ? new URL(directPath, base) : undefined;
  const local = URL.canParse(stated) ? new URL(stated) : undefined;
  // A WhatsApp on loopback may keep its files under another port there.
  if (base !== WHATSAPP && local?.hostname === new URL(base).hostname) return local;
  return url?.origin === base ? url : undefined;
}

/** AES-256-CBC with an HMAC behind it, as WhatsApp encrypts files. */
function decrypting(iv: Uint8Array, cipherKey: Uint8Array, macKey: Uint8Array): Transform {
  const decipher = createDecipheriv("aes-256-cbc", cipherKey, iv);
  const hmac = createHmac("sha256", macKey).update(iv);
  let tail: Buffer = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const data = Buffer.concat([tail, chunk]);
      const body = data.subarray(0, Math.max(0, data.length - MAC_LENGTH));
      tail = data.subarray(body.length);
      hmac.update(body);
      done(null, decipher.update(body));
    },
    flush(done) {
      const mac = hmac.digest().subarray(0, MAC_LENGTH);
      if (tail.length !== MAC_LENGTH || !timingSafeEqual(mac, tail)) return done(new MediaProblem("damaged"));
      try {
        done(null, decipher.final());
      } catch {
        done(new MediaProblem("damaged"));
      }
    },
  });
}

/** The message with which a file goes on to somebody else. */
export function mediaMessage(content: Extract<WireContent, { kind: "media" }>): proto.IMessage {
  const { file, media, caption, seconds, fileName, expiration } = content;
  const bytes = (base64: string) => Buffer.from(base64, "base64");
  const fields = {
    url: file.url ?? `${WHATSAPP}${file.directPath}`,
    directPath: file.directPath,
    mediaKey: bytes(file.mediaKey),
    fileSha256: bytes(file.sha256),
    fileEncSha256: bytes(file.encryptedSha256),
    fileLength: file.length,
    mimetype: file.mimetype,
    ...present({ mediaKeyTimestamp: file.keyTimestamp }),
    ...(expiration === undefined ? {} : { contextInfo: { expiration } }),
  };
  const said = caption === "" ? {} : { caption };
  const long = present({ seconds });
  const build: Record<MediaKind, () => proto.IMessage> = {
    image: () => ({ imageMessage: { ...fields, ...said } }),
    video: () => ({ videoMessage: { ...fields, ...said, ...long } }),
    audio: () => ({ audioMessage: { ...fields, ...long } }),
    voice: () => ({ audioMessage: { ...fields, ...long, ptt: true } }),
    document: () => ({ documentMessage: { ...fields, ...said, fileName: fileName ?? "file" } }),
    sticker: () => ({ stickerMessage: fields }),
  };
  return proto.Message.create(build[media]());
}
