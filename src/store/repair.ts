/**
 * How a data file is read: every line is checked, a torn tail is cut off and kept aside, and any other damage stops with file
 * and line. NeDB gets the documents, not the file: it would read and check all of it again, and takes three times as long.
 *
 * An append writes whole lines, the newline last, so a crash can only leave a beginning of one line without its newline:
 * - the beginning of a line: torn, cut off and kept aside;
 * - a whole line with matching checksum, and only its newline is missing: the record is complete, the newline is added;
 * - a whole line followed by one byte that is not a newline: no crash does that, the newline was damaged;
 * - anything else at the end (zeros, control bytes), and every line with its newline but a wrong checksum: damage.
 */
import { createReadStream } from "node:fs";
import { chmod, type FileHandle, open, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { PRIVATE_FILE, syncDirectory, systemCode, writeNew } from "../files.js";
import { damaged, type StoreLog } from "./errors.js";
import { isBeginning, isLine, textOf } from "./line.js";
import type { Doc } from "./types.js";

const NEWLINE = 0x0a;

/** What a file holds. */
export interface Examined {
  /** Bytes, all of them good. */
  readonly length: number;
  /** Bytes of the lines that count; the others were replaced or removed since. */
  readonly live: number;
  /** What the lines come to, by id. */
  readonly documents: Map<string, Doc>;
}

/** A line of a data file: a document as it is from there on, or that it is gone. */
type Entry = Doc & { readonly $$deleted?: boolean };

/**
 * Checks `file`, repairs a torn tail, creates it where it is missing, and makes it private.
 * @throws KafclawError `store-damaged`; system errors as they come
 */
export async function examine(file: string, now: number, log: StoreLog): Promise<Examined> {
  await clearUnfinishedCompaction(file, log);
  const handle = await openPrivate(file);
  try {
    const { good, lines, held, tail } = await scan(file);
    if (tail.length === 0) return { length: good, ...held.result() };
    if (isLine(tail)) {
      held.take(tail, file, lines + 1);
      await handle.write("\n", good + tail.length);
      await handle.sync();
      log.warn({ file, line: lines + 1 }, "added the newline that a crash left out");
      return { length: good + tail.length + 1, ...held.result() };
    }
    if (isLine(tail.subarray(0, -1))) throw damaged(file, lines + 1, "its newline was changed");
    if (!isBeginning(tail)) throw damaged(file, lines + 1, "it ends in bytes that were never written");
    const aside = await keepAside(file, tail, now);
    await handle.truncate(good);
    await handle.sync();
    log.warn({ file, line: lines + 1, bytes: tail.length, aside }, "cut off a record that a crash left unfinished");
    return { length: good, ...held.result() };
  } finally {
    await handle.close();
  }
}

/** NeDB compacts into `<file>~` and renames it: beside a good file a crash left it half-written, without one it isn't NeDB's doing. */
async function clearUnfinishedCompaction(file: string, log: StoreLog): Promise<void> {
  const rest = `${file}~`;
  if (!(await exists(rest))) return;
  if (!(await exists(file))) throw damaged(file, 1, `the file is missing and only ${rest} is left`);
  await rm(rest);
  log.info({ file: rest }, "removed what an interrupted compaction left");
}

async function openPrivate(file: string): Promise<FileHandle> {
  const isNew = !(await exists(file));
  if (isNew) {
    await (await open(file, "a", PRIVATE_FILE)).close();
    await syncDirectory(dirname(file));
  }
  await chmod(file, PRIVATE_FILE);
  return open(file, "r+");
}

/** Reads in pieces, so that a large file costs no large memory. */
async function scan(file: string): Promise<{ good: number; lines: number; held: Held; tail: Buffer }> {
  const held = new Held();
  let good = 0;
  let lines = 0;
  let rest: Buffer[] = [];
  for await (const chunk of createReadStream(file, { highWaterMark: 1 << 18 })) {
    // A stream without encoding gives Buffers.
    const bytes = chunk as Buffer;
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      const piece = bytes.subarray(start, end);
      const line = rest.length === 0 ? piece : Buffer.concat([...rest, piece]);
      rest = [];
      lines += 1;
      if (!isLine(line)) throw damaged(file, lines, "its checksum doesn't match");
      held.take(line, file, lines);
      good += line.length + 1;
      start = end + 1;
    }
    if (start < bytes.length) rest.push(bytes.subarray(start));
  }
  return { good, lines, held, tail: Buffer.concat(rest) };
}

/** What the lines of a file come to: the last line of an id counts. */
class Held {
  private readonly documents = new Map<string, Doc>();
  private readonly sizes = new Map<string, number>();

  take(line: Buffer, file: string, number: number): void {
    const entry = documentOf(line);
    if (entry === undefined) throw damaged(file, number, "it holds no document");
    const { _id, $$deleted } = entry;
    if ($$deleted === true) {
      this.documents.delete(_id);
      this.sizes.delete(_id);
    } else {
      this.documents.set(_id, entry);
      this.sizes.set(_id, line.length + 1);
    }
  }

  result(): Pick<Examined, "live" | "documents"> {
    let live = 0;
    for (const size of this.sizes.values()) live += size;
    return { live, documents: this.documents };
  }
}

/** A whole line's document; undefined where somebody else wrote it, with a checksum that is right. */
function documentOf(line: Buffer): Entry | undefined {
  try {
    const value: unknown = JSON.parse(textOf(line));
    const isDocument = typeof value === "object" && value !== null && "_id" in value && typeof value._id === "string";
    return isDocument ? (value as Entry) : undefined;
  } catch {
    return undefined;
  }
}

async function keepAside(file: string, tail: Buffer, now: number): Promise<string> {
  const name = `${file}.cut-${new Date(now).toISOString().replace(/[-:]|\.\d+/g, "")}`;
  for (let copy = 1; ; copy++) {
    const aside = copy === 1 ? name : `${name}-${copy}`;
    if (await writeNew(aside, tail)) return aside;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}
