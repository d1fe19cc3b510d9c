/**
 * One home, one process: two processes on one NeDB file destroy it.
 *
 * `data/lock` is proper-lockfile's directory, kept fresh while its holder lives; `data/lock.json` says who the holder is, so
 * that a restart after `kill -9` need not wait until the lock has gone stale, and a refusal can name the process. Whoever
 * takes the lock holds `data/lock.guard` meanwhile, so that of two who find a dead holder only one clears away after it.
 */
import type { BigIntStats } from "node:fs";
import { open, readFile, readlink, rm, rmdir, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import lockfile from "proper-lockfile";
import { z } from "zod";
import { KafclawError } from "../errors.js";
import { PRIVATE_FILE, systemCode } from "../files.js";
import { present } from "../present.js";

/** A holder on another machine (or in another container) counts as gone when it has been silent for so long, ms. */
const STALE = 10_000;
/** The guard is held for a few milliseconds. */
const GUARD_STALE = 2_000;
/** How often the lock is touched, and so how soon its loss is seen, ms. */
const TOUCH = 2_000;

const Holder = z.object({
  pid: z.int().positive(),
  host: z.string(),
  /** The kernel's name of the process space that the pid counts in: containers may share a host's name. */
  space: z.string().optional(),
  /** When the process began, in the kernel's ticks since boot: tells a reused pid apart. Absent where there is no /proc. */
  born: z.string().optional(),
  /** The inode of `data/lock`: a copy of the home that was made meanwhile has another, and no holder. */
  inode: z.string().optional(),
  /** Milliseconds since 1970. */
  since: z.number(),
});

/** Who holds the lock of a home. */
export interface LockHolder {
  /** 0 where it is not known. */
  readonly pid: number;
  readonly host: string;
  /** Its pid means something here: it is on this machine, in no container of its own, and holds this very lock, not one that was copied. */
  readonly isHere: boolean;
  /** Since when, milliseconds since 1970. */
  readonly since: number;
  /** The process is there and holds the lock; false after a crash. */
  readonly alive: boolean;
}

/** A lock that is held. */
export interface HeldLock {
  release(): Promise<void>;
}

/**
 * Takes the lock of the data directory.
 * @param onLost called once when the lock was lost while held (removed, or the clock jumped): nothing may be written any more
 * @throws KafclawError `store-locked`
 */
export async function takeLock(data: string, now: number, onLost: (error: Error) => void): Promise<HeldLock> {
  const guard = join(data, "lock.guard");
  let leaveGuard = async (): Promise<void> => {};
  try {
    // One that a crash left before the clock was set back would never go stale.
    const left = await statOf(guard);
    if (left !== undefined && Number(left.mtimeMs) > Date.now() + GUARD_STALE)
      await utimes(guard, 0, 0).catch(ignoreMissing);
    leaveGuard = await lockfile.lock(guard, {
      lockfilePath: guard,
      realpath: false,
      stale: GUARD_STALE,
      retries: { retries: 40, factor: 1, minTimeout: 50, maxTimeout: 150, randomize: true },
      // Losing the guard means that somebody took it for stale: the lock itself still decides.
      onCompromised: ignore,
    });
    const holder = await readLock(data);
    if (holder?.alive) throw inUse(data, holder);
    const path = join(data, "lock");
    if (holder) await rmdir(path).catch(ignoreMissing);
    const release = await lockfile.lock(path, {
      lockfilePath: path,
      realpath: false,
      stale: STALE,
      update: TOUCH,
      onCompromised: onLost,
    });
    try {
      await writeHolder(data, now);
    } catch (error) {
      await release();
      throw error;
    }
    return {
      async release() {
        await rm(join(data, "lock.json"), { force: true });
        await release();
      },
    };
  } catch (error) {
    throw systemCode(error) === "ELOCKED" ? inUse(data) : error;
  } finally {
    await leaveGuard().catch(ignore);
  }
}

/**
 * Who holds the lock of this data directory, without touching it; undefined when nobody does.
 * After a crash the entry is still there, with `alive: false`.
 */
export async function readLock(data: string): Promise<LockHolder | undefined> {
  const lock = await statOf(join(data, "lock"));
  if (lock === undefined) return undefined;
  const touched = Number(lock.mtimeMs);
  const fresh = Date.now() - touched < STALE;
  const holder = await readHolder(data);
  if (!holder) return { pid: 0, host: "", isHere: false, since: touched, alive: fresh };
  const { pid, host, since } = holder;
  const isHere = host === hostname() && (holder.space === undefined || holder.space === (await processSpace()));
  if (!isHere) return { pid, host, isHere, since, alive: fresh };
  // On some file systems (an overlay of several disks) inodes change while the holder lives: it shows by touching the lock.
  const isCopied = holder.inode !== undefined && holder.inode !== String(lock.ino);
  if (isCopied) return { pid, host, isHere: false, since, alive: fresh };
  if (!isRunning(pid)) return { pid, host, isHere, since, alive: false };
  const born = await birth(pid);
  // Without /proc a pid may have passed to another program, and only the lock's own freshness tells.
  const alive = born === undefined || holder.born === undefined ? fresh : born === holder.born;
  return { pid, host, isHere, since, alive };
}

/** Who holds a lock, in words. */
export function holderName({ pid, host, isHere }: LockHolder): string {
  if (isHere) return `process ${pid}`;
  return host === "" ? "another process" : `process ${pid} on ${host}, or in a container there`;
}

function inUse(data: string, holder?: LockHolder): KafclawError {
  const home = join(data, "..");
  const who = holder && holder.pid > 0 ? ` (${holderName(holder)})` : "";
  return new KafclawError(
    "store-locked",
    `Another KafClaw process${who} is using ${home}; stop it, or use its dashboard or command line.`,
    "failed",
  );
}

async function writeHolder(data: string, now: number): Promise<void> {
  const born = await birth(process.pid);
  const space = await processSpace();
  const inode = (await statOf(join(data, "lock")))?.ino.toString();
  const holder = { pid: process.pid, host: hostname(), ...present({ space, born, inode }), since: now };
  const file = join(data, "lock.json");
  // One that another user's gateway left (`sudo kafclaw gateway`) can't be written, but it can go.
  await rm(file, { force: true });
  const handle = await open(file, "w", PRIVATE_FILE);
  try {
    await handle.writeFile(`${JSON.stringify(holder)}\n`);
  } finally {
    await handle.close();
  }
}

async function readHolder(data: string): Promise<z.infer<typeof Holder> | undefined> {
  try {
    return Holder.parse(JSON.parse(await readFile(join(data, "lock.json"), "utf8")));
  } catch {
    // Missing, or cut by a crash or a full disk: then only the lock's freshness tells.
    return undefined;
  }
}

async function statOf(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if (systemCode(error) === "ENOENT" || systemCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Absent where there is no /proc. */
function processSpace(): Promise<string | undefined> {
  return readlink("/proc/self/ns/pid").catch(() => undefined);
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and somebody else's.
    return systemCode(error) === "EPERM";
  }
}

/** Field 22 of /proc/<pid>/stat, counted behind the program's name, which may hold spaces and brackets. */
async function birth(pid: number): Promise<string | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

function ignore(): void {}

function ignoreMissing(error: unknown): void {
  if (systemCode(error) !== "ENOENT") throw error;
}
