import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { getMediaKeys, type MediaType, type proto } from "@whiskeysockets/baileys";
import { Watch } from "./watch.js";

/** What a phone says of a file that it has uploaded. */
export interface Uploaded {
  readonly url: string;
  readonly directPath: string;
  readonly mediaKey: Uint8Array;
  readonly fileSha256: Uint8Array;
  readonly fileEncSha256: Uint8Array;
  readonly fileLength: number;
}

/** How a file can be broken on the server. */
export type MediaFault = "gone" | "damaged" | "cut" | "slow";

/** What a file's message says of it. */
type FileMessage = proto.Message.IImageMessage | proto.Message.IAudioMessage | proto.Message.IDocumentMessage;

const MAC_LENGTH = 10;
const PATH = "/v/";

/** The part of WhatsApp that keeps files: encrypted by whoever uploads them, served over HTTP beside the socket. */
export class MediaServer {
  readonly #files = new Map<string, { readonly bytes: Buffer; readonly fault: MediaFault | undefined }>();
  readonly #fetched: string[] = [];
  readonly #watch = new Watch();
  #open = new Set<ServerResponse>();

  /** Encrypts a file as phones do, and keeps it. */
  async upload(bytes: Uint8Array, type: MediaType, fault?: MediaFault): Promise<Uploaded> {
    const mediaKey = randomBytes(32);
    const { iv, cipherKey, macKey = Buffer.alloc(0) } = await getMediaKeys(mediaKey, type);
    const cipher = createCipheriv("aes-256-cbc", cipherKey, iv);
    const encrypted = Buffer.concat([cipher.update(bytes), cipher.final()]);
    const mac = createHmac("sha256", macKey).update(iv).update(encrypted).digest().subarray(0, MAC_LENGTH);
    const sealed = Buffer.concat([encrypted, mac]);
    const directPath = `${PATH}${randomBytes(12).toString("hex")}.enc?ccb=1`;
    if (fault === "damaged") sealed[0] = (sealed[0] ?? 0) ^ 1;
    if (fault !== "gone") this.#files.set(directPath, { bytes: sealed, fault });
    return {
      url: `https://mmg.whatsapp.net${directPath}`,
      directPath,
      mediaKey,
      fileSha256: createHash("sha256").update(bytes).digest(),
      fileEncSha256: createHash("sha256").update(sealed).digest(),
      fileLength: bytes.length,
    };
  }

  /** What a phone makes of a message with a file: its bytes. @throws where they are not there or not right */
  async download({ directPath, mediaKey }: FileMessage, type: MediaType): Promise<Buffer> {
    const found = this.#files.get(directPath ?? "");
    if (!found) throw new Error(`there is no file ${directPath}`);
    const { iv, cipherKey, macKey = Buffer.alloc(0) } = await getMediaKeys(Buffer.from(mediaKey ?? []), type);
    const encrypted = found.bytes.subarray(0, -MAC_LENGTH);
    const mac = createHmac("sha256", macKey).update(iv).update(encrypted).digest().subarray(0, MAC_LENGTH);
    if (!mac.equals(found.bytes.subarray(-MAC_LENGTH))) throw new Error("the file is not what its key says");
    const decipher = createDecipheriv("aes-256-cbc", cipherKey, iv);
    return Buffer.concat([decipher.update(encrypted), decipher.final()]);
  }

  /** The paths that were asked for over HTTP, in order. */
  get fetched(): readonly string[] {
    return this.#fetched;
  }

  /** Resolves when so many files were asked for. */
  async waitForFetch(times: number): Promise<void> {
    await this.#watch.until(
      () => (this.#fetched.length >= times ? true : undefined),
      () => `Not downloaded ${times} times.`,
    );
  }

  /** Answers what asks over HTTP. */
  serve(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? "";
    this.#fetched.push(path);
    this.#watch.changed();
    const file = this.#files.get(path);
    if (!file) return void response.writeHead(404).end();
    const half = file.bytes.subarray(0, file.bytes.length / 2);
    response.writeHead(200, { "content-length": file.bytes.length });
    if (file.fault === "slow") {
      this.#open.add(response);
      response.write(half);
    } else if (file.fault === "cut") {
      response.write(half, () => response.destroy());
    } else {
      response.end(file.bytes);
    }
  }

  /** Ends what is slow. */
  close(): void {
    for (const response of this.#open) response.destroy();
    this.#open = new Set();
  }
}
