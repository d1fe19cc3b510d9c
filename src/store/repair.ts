/**
 * What is done to a data file before NeDB may read it: every line is checked, a torn tail is cut off and kept aside, and any
 * other damage stops with file and line.
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
import { isBeginning, isLine } from "./line.js";

const NEWLINE = 0x0a;

/** What the check found: how much there is. */
export interface Examined {
  /** Bytes, all of them good. */
  readonly length: number;
  readonly lines: number;
}

/**
 * Checks `file`, repairs a torn tail, creates it where it is missing, and makes it private.
 * @throws KafclawError `store-damaged`; system errors as they come
 */
export async function examine(file: string, now: number, log: StoreLog): Promise<Examined> {
  await clearUnfinishedCompaction(file, log);
  const handle = await openPrivate(file);
  try {
    const { good, lines, tail } = await scan(file);
    if (tail.length === 0) return { length: good, lines };
    if (isLine(tail)) {
      await handle.write("\n", good + tail.length);
      await handle.sync();
      log.warn({ file, line: lines + 1 }, "added the newline that a crash left out");
      return { length: good + tail.length + 1, lines: lines + 1 };
    }
    if (isLine(tail.subarray(0, -1))) throw damaged(file, lines + 1, "its newline was changed");
    if (!isBeginning(tail)) throw damaged(file, lines + 1, "it ends in bytes that were never written");
    const aside = await keepAside(file, tail, now);
    await handle.truncate(good);
    await handle.sync();
    log.warn({ file, line: lines + 1, bytes: tail.length, aside }, "cut off a record that a crash left unfinished");
    return { length: good, lines };
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
async function scan(file: string): Promise<{ good: number; lines: number; tail: Buffer }> {
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
      good += line.length + 1;
      start = end + 1;
    }
    if (start < bytes.length) rest.push(bytes.subarray(start));
  }
  return { good, lines, tail: Buffer.concat(rest) };
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
