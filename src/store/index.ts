/**
 * The data files of a home (DESIGN 8): the face of this folder.
 *
 *     const store = await openStore(home.root, { clock: Date.now, log, onLost: (error) => stop(error) });
 *     const contacts = await store.open<Contact>("access", { durable: true });
 */
import { chmod, mkdir, open, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { isWithin } from "../clock.js";
import { KafclawError } from "../errors.js";
import { diskFailed, PRIVATE_DIRECTORY, PRIVATE_FILE, syncDirectory, systemCode } from "../files.js";
import { DataFileCollection } from "./collection.js";
import { missing, type StoreLog } from "./errors.js";
import { type LockHolder, readLock as readLockOf, takeLock } from "./lock.js";
import { type Collection, DATA_FILES, type DataFile, type Doc, type Store } from "./types.js";

export type { StoreLog } from "./errors.js";
export { holderName, type LockHolder } from "./lock.js";
export { refuseUnknown } from "./shape.js";
export type { Collection, DataFile, Doc, Store } from "./types.js";

/** What failed is tried again more often than that; after so long without another failure it is over. */
const FAILURE_SHOWN_MS = 60_000;

/** What {@link openStore} needs from outside. */
export interface StoreOptions {
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  readonly log: StoreLog;
  /** The lock was lost while it was held; from then on every write is refused. */
  readonly onLost?: (error: KafclawError) => void;
}

/**
 * Takes the lock of a home and opens its data files on demand. Documents are plain JSON values: no Buffers, no field names
 * that begin with "$" or hold a "." (NeDB refuses them), ids neither empty nor `__proto__`.
 * @param home the home's directory; `data/` below it is created where missing
 * @throws KafclawError `store-locked`, `disk-full`, `disk-read-only`, `disk-failed`
 */
export async function openStore(home: string, options: StoreOptions): Promise<Store> {
  const data = join(home, "data");
  let lost: KafclawError | undefined;
  const lose = (): void => {
    lost = new KafclawError(
      "store-lock-lost",
      `This process lost its hold of ${home} (its lock was removed or taken over); nothing more is written, restart KafClaw.`,
      "failed",
    );
    options.onLost?.(lost);
  };
  const lock = await asSentence(data, async () => {
    await mkdir(data, { recursive: true, mode: PRIVATE_DIRECTORY });
    await chmod(data, PRIVATE_DIRECTORY);
    return takeLock(data, options.clock(), lose);
  });
  const gone = await asSentence(data, () => makeMissing(data)).catch(async (error: unknown) => {
    await lock.release();
    throw error;
  });
  const files = new Map<DataFile, Promise<DataFileCollection<Doc>>>();
  let failed: { readonly at: number; readonly sentence: string } | undefined;
  const onFailure = (error: KafclawError): void => {
    failed = { at: options.clock(), sentence: error.message };
  };
  const mayWrite = (): void => {
    if (lost) throw lost;
  };

  return {
    async open<T extends Doc>(name: DataFile, { durable = false } = {}): Promise<Collection<T>> {
      const file = join(data, `${name}.db`);
      const other = gone.get(name);
      if (other !== undefined) throw missing(file, other);
      const onClosed = (): void => void files.delete(name);
      const opening =
        files.get(name) ?? DataFileCollection.open<Doc>({ ...options, file, durable, mayWrite, onClosed, onFailure });
      files.set(name, opening);
      const collection = await opening.catch((error: unknown) => {
        files.delete(name);
        throw error;
      });
      if (durable) collection.makeDurable();
      // Each file has one owner, who names the type of its documents.
      return collection as unknown as Collection<T>;
    },
    trouble() {
      return failed && isWithin(FAILURE_SHOWN_MS, failed.at, options.clock()) ? failed.sentence : undefined;
    },
    async close() {
      await Promise.allSettled([...files.values()].map(async (file) => (await file).close()));
      files.clear();
      if (!lost) await lock.release();
    },
  };
}

/** Who uses this home's data files, for a command line that wants to know whether a gateway runs; undefined: nobody. */
export async function readLock(home: string): Promise<LockHolder | undefined> {
  return asSentence(home, () => readLockOf(join(home, "data")));
}

/**
 * Makes the data files of a new home. Where one holds something already, those that are missing were lost: an empty one in
 * place of `access.db` would forget who was denied.
 * @returns the lost ones, each with a file that shows it
 */
async function makeMissing(data: string): Promise<ReadonlyMap<DataFile, string>> {
  const names = await readdir(data);
  const absent = DATA_FILES.filter((name) => !names.includes(`${name}.db`));
  if (absent.length === 0) return new Map();
  for (const name of names.filter((each) => /\.db~?$/.test(each))) {
    const file = join(data, name);
    // What a compaction left beside a missing file is told by whoever opens that one.
    if ((await stat(file)).size > 0) {
      return new Map(absent.flatMap((each) => (name === `${each}.db~` ? [] : [[each, file] as const])));
    }
  }
  for (const name of absent) await (await open(join(data, `${name}.db`), "a", PRIVATE_FILE)).close();
  await syncDirectory(data);
  return new Map();
}

async function asSentence<R>(path: string, task: () => Promise<R>): Promise<R> {
  try {
    return await task();
  } catch (error) {
    if (systemCode(error) === undefined || error instanceof KafclawError) throw error;
    // The file of the directory that it was about, where the system says so.
    const named = error instanceof Error && "path" in error ? error.path : undefined;
    throw diskFailed(error, typeof named === "string" ? named : path);
  }
}
