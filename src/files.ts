/** Small things about files that home and store share: private, durable, all at once. */
import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, type FileHandle, link, open, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { KafclawError } from "./errors.js";

/** Nobody but the user who runs KafClaw reads its files: they hold the keys to somebody's WhatsApp account. */
export const PRIVATE_FILE = 0o600;
export const PRIVATE_DIRECTORY = 0o700;

/** Node's code of a failed system call (`ENOSPC`), or undefined where `error` is something else. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const READ_ONLY = new Set(["EROFS", "EACCES", "EPERM"]);

/** The error of a write (or open) that the disk refused: `disk-full`, `disk-read-only` or `disk-failed`. */
export function diskFailed(error: unknown, file: string): KafclawError {
  const code = systemCode(error) ?? "unknown error";
  if (FULL.has(code)) {
    return new KafclawError(
      "disk-full",
      `No room to write ${file} (${code}), so this was not done; free some disk space and try again.`,
      "failed",
    );
  }
  if (READ_ONLY.has(code)) {
    return new KafclawError(
      "disk-read-only",
      `${file} can't be written (${code}), so this was not done; make it writable for the user that runs KafClaw and try again.`,
      "failed",
    );
  }
  return new KafclawError(
    "disk-failed",
    `Reading or writing ${file} failed (${code}), so this was not done; check the disk and try again.`,
    "failed",
  );
}

/**
 * Replaces a private file at once: whoever reads it, after a crash or a full disk too, finds the old content or the new.
 * @throws KafclawError `disk-full`, `disk-read-only`, `disk-failed`
 */
export async function writePrivate(file: string, data: string | Uint8Array): Promise<void> {
  // A file that is a link to elsewhere stays one.
  const target = await realpath(file).catch(() => file);
  try {
    await writeWhole(target, data, (temporary) => rename(temporary, target));
  } catch (error) {
    throw systemCode(error) === undefined ? error : diskFailed(error, file);
  }
}

/**
 * Writes a private file that must not exist yet, whole or not at all: half a file, as a kill leaves it, would stand in the
 * way for ever.
 * @returns false when it exists; it is then left as it is
 */
export async function writeNew(file: string, data: string | Uint8Array): Promise<boolean> {
  if (await stat(file).catch(() => undefined)) return false;
  try {
    await writeWhole(file, data, async (temporary) => {
      await nameAlso(temporary, file);
      await rm(temporary);
    });
    return true;
  } catch (error) {
    if (systemCode(error) === "EEXIST") return false;
    throw error;
  }
}

/** Nobody takes that long to write a file of settings. */
const ABANDONED_MS = 60_000;

/** Removes what a kill left half-written in a directory: it can hold a key or a token. */
export async function clearAbandoned(directory: string, now: number): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!isTemporary(name)) continue;
    const file = join(directory, name);
    const found = await stat(file).catch(() => undefined);
    if (found && now - found.mtimeMs > ABANDONED_MS) await rm(file, { force: true });
  }
}

/** Whether a file's name is one that a file has while it is written. */
export function isTemporary(name: string): boolean {
  return /^\..+\.[0-9a-f]{8}\.tmp$/.test(name);
}

/** Writes all of a file under another name beside it, and then gives it its own. */
async function writeWhole(
  file: string,
  data: string | Uint8Array,
  giveName: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(4).toString("hex")}.tmp`);
  try {
    await writeSynced(await open(temporary, "wx", PRIVATE_FILE), data);
    await giveName(temporary);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  await syncDirectory(dirname(file));
}

/**
 * A second name refuses to take the place of what is there, which renaming doesn't. Some disks have no second names: there
 * alone a kill can leave half a file.
 */
async function nameAlso(temporary: string, file: string): Promise<void> {
  try {
    await link(temporary, file);
  } catch (error) {
    if (systemCode(error) === "EEXIST") throw error;
    await copyFile(temporary, file, constants.COPYFILE_EXCL);
    const copy = await open(file, "r+");
    await copy.sync().finally(() => copy.close());
  }
}

/** Makes the names in a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeSynced(handle: FileHandle, data: string | Uint8Array): Promise<void> {
  try {
    await handle.writeFile(data);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
