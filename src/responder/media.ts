import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Contact } from "../access/types.js";
import { MINUTE } from "../clock.js";
import { diskFailed, systemCode } from "../files.js";
import type { Content, FetchMedia, Inbound } from "../whatsapp/types.js";

/** A message that holds a file. */
export type MediaContent = Extract<Content, { kind: "media" }>;

/** A buddy's file, kept in the workspace. */
export interface Kept {
  readonly path: string;
  /** What the bytes say, whatever the sender says: `image/jpeg`; "" where they say nothing. */
  readonly type: string;
  readonly bytes: number;
}

/** Why a file was not kept. */
export type NotKept = "too-large" | "gone" | "unreachable" | "damaged" | "no-room" | "unwritable" | "no-file";

export interface MediaSettings {
  /** The largest file that is kept, megabytes. */
  readonly mediaLimit: number;
  /** All files together, megabytes; the oldest make room. */
  readonly mediaQuota: number;
}

const MB = 1_000_000;
/** One file may take 5 minutes; a phone's slow upload is done before the message comes. */
const PATIENCE_MS = 5 * MINUTE;
/** A download that a crash cut off. */
const PART = ".part";

/**
 * The files that buddies send, in `workspace/media/`. Streamed to the disk, never whole in memory; named by us, with an
 * ending that the bytes deserve. Nothing is there under its name before it was whole and as its sender encrypted it.
 */
export class MediaStore {
  constructor(
    private readonly folder: string,
    private readonly settings: MediaSettings,
    private readonly fetchMedia: FetchMedia,
  ) {}

  /** Removes what crashes left behind. */
  async open(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.folder)) {
      if (name.endsWith(PART)) await rm(join(this.folder, name), { force: true });
    }
  }

  /**
   * Keeps the file of a message.
   * @throws `signal`'s reason, where it was aborted
   */
  async keep(message: Inbound, content: MediaContent, buddy: Contact, signal: AbortSignal): Promise<Kept | NotKept> {
    const { file, media } = content;
    if (file === undefined) return "no-file";
    const part = join(this.folder, `${nameFor(message, buddy)}${PART}`);
    const most = this.settings.mediaLimit * MB;
    if (file.length > most) return "too-large";
    const limited = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
    try {
      const counter = new Counter(most);
      const source = await this.fetchMedia(file, media, limited);
      await pipeline(source, counter, createWriteStream(part, { mode: 0o600 }), { signal: limited });
      // Only here: few gateways ever get a file.
      const { fileTypeFromFile } = await import("file-type");
      const found = await fileTypeFromFile(part);
      const path = join(this.folder, `${nameFor(message, buddy)}.${found?.ext ?? "bin"}`);
      await rename(part, path);
      await this.makeRoom(path);
      return { path, type: found?.mime ?? "", bytes: counter.bytes };
    } catch (error) {
      // A disk that refuses the file may refuse this too; the next start tries again.
      await rm(part, { force: true }).catch(() => {});
      signal.throwIfAborted();
      return limited.aborted ? "unreachable" : reasonOf(error, part);
    }
  }

  /** Removes the oldest files until the rest fits; never the one just kept, whatever the clock says. */
  private async makeRoom(kept: string): Promise<void> {
    const files = [];
    for (const name of await readdir(this.folder)) {
      const path = join(this.folder, name);
      const found = await stat(path).catch(() => undefined);
      if (found?.isFile()) files.push({ path, at: found.mtimeMs, bytes: found.size });
    }
    let over = files.reduce((sum, { bytes }) => sum + bytes, 0) - this.settings.mediaQuota * MB;
    for (const { path, bytes } of files.sort((a, b) => a.at - b.at)) {
      if (over <= 0) return;
      if (path === kept) continue;
      await rm(path, { force: true });
      over -= bytes;
    }
  }
}

/** `2026-11-23-K7QF-3f9a61c2`: when, whose, and which message; nothing of what the sender calls it. */
function nameFor({ at, journalId }: Inbound, { code }: Contact): string {
  const day = new Date(at).toISOString().slice(0, 10);
  return `${day}-${code}-${createHash("sha256").update(journalId).digest("hex").slice(0, 8)}`;
}

class TooLarge extends Error {}

/** Counts what passes, and ends it where it is more than allowed: the stated length may be any. */
class Counter extends Transform {
  bytes = 0;

  constructor(most: number) {
    super({
      transform: (chunk: Buffer, _encoding, done) => {
        this.bytes += chunk.length;
        if (this.bytes > most) done(new TooLarge());
        else done(null, chunk);
      },
    });
  }
}

function reasonOf(error: unknown, file: string): NotKept {
  if (error instanceof TooLarge) return "too-large";
  // MediaProblem says it in these words; whatsapp/ is known here by its types alone.
  const why = error instanceof Error && "why" in error ? error.why : undefined;
  if (why === "gone" || why === "damaged") return why;
  // Whatever is wrong with the download has a reason; what has a system's code is the disk.
  if (why !== undefined || systemCode(error) === undefined) return "unreachable";
  return diskFailed(error, file).code === "disk-full" ? "no-room" : "unwritable";
}
