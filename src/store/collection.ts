import { fstatSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { KafclawError } from "../errors.js";
import { syncDirectory, systemCode } from "../files.js";
import { damaged, diskFailed, type StoreLog } from "./errors.js";
import { encodeLine } from "./line.js";
import { compactNedb, type Nedb, readNedb, removeIds, upsert } from "./nedb.js";
import { examine } from "./repair.js";
import type { Collection, Doc } from "./types.js";

/** Below this a file is not worth compacting. */
const COMPACT_FROM = 1 << 20;
/** A file is compacted when it has grown to this many times what its documents need. */
const COMPACT_FACTOR = 2;

/** How a data file is opened. */
export interface CollectionOptions {
  readonly file: string;
  readonly durable: boolean;
  readonly clock: () => number;
  readonly log: StoreLog;
  /** Throws when nothing may be written any more (the lock is lost). */
  readonly mayWrite: () => void;
  readonly onClosed: () => void;
}

/**
 * One NeDB file. Reads and writes go one after the other, so a read sees every write that was asked for before it, and never
 * one that failed: NeDB changes its memory before the disk, so after a failed append the file is cut back to its last good
 * length and read again.
 */
export class DataFileCollection<T extends Doc> implements Collection<T> {
  #durable: boolean;
  /** Bytes that are known to be good. */
  #length = 0;
  /** When to compact next, bytes. */
  #compactAt = COMPACT_FROM;
  /** Memory may differ from the disk: read again before the next use. */
  #stale = false;
  /** The last write failed: try the disk before NeDB changes its memory. */
  #suspect = false;
  #closed = false;
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    readonly options: CollectionOptions,
    private db: Nedb,
    private handle: FileHandle,
  ) {
    this.#durable = options.durable;
  }

  /** @throws KafclawError `store-damaged`, `disk-full`, `disk-read-only`, `disk-failed` */
  static async open<T extends Doc>(options: CollectionOptions): Promise<DataFileCollection<T>> {
    const { file } = options;
    try {
      const { length, lines } = await examine(file, options.clock(), options.log);
      const db = await readNedb(file);
      const collection = new DataFileCollection<T>(options, db, await open(file, "r+"));
      collection.#length = length;
      const documents = await db.count({});
      collection.#compactAt = compactAt(lines === 0 ? 0 : (length / lines) * documents);
      collection.#compactIfLarge();
      return collection;
    } catch (error) {
      throw asKafclawError(error, file);
    }
  }

  async get(id: string): Promise<T | undefined> {
    // Only documents of type T are ever put here.
    return this.#read(async (db) => ((await db.findOne({ _id: id })) ?? undefined) as T | undefined);
  }

  async find(
    query: object = {},
    options: { sort?: Record<string, 1 | -1>; skip?: number; limit?: number } = {},
  ): Promise<T[]> {
    return this.#read(async (db) => {
      let cursor = db.find({ ...query });
      if (options.sort) cursor = cursor.sort(options.sort);
      if (options.skip) cursor = cursor.skip(options.skip);
      // NeDB takes a limit of 0 for none.
      if (options.limit === 0) return [];
      if (options.limit !== undefined) cursor = cursor.limit(options.limit);
      // Only documents of type T are ever put here.
      return (await cursor.exec()) as T[];
    });
  }

  async count(query: object = {}): Promise<number> {
    return this.#read(async (db) => db.count({ ...query }));
  }

  async put(doc: T): Promise<void> {
    await this.putAll([doc]);
  }

  async putAll(docs: readonly T[]): Promise<void> {
    for (const { _id } of docs) checkId(_id);
    const latest = [...new Map(docs.map((doc) => [doc._id, doc])).values()];
    if (latest.length === 0) return;
    await this.#write(latest, (db) => upsert(db, latest));
  }

  async remove(ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0;
    const gone = ids.map((_id) => ({ $$deleted: true, _id }));
    return this.#write(gone, (db) => removeIds(db, ids));
  }

  async close(): Promise<void> {
    if (this.#closed) return this.#settled();
    const last = this.#inTurn(async () => {
      await this.handle.close();
    });
    this.#closed = true;
    this.options.onClosed();
    await last;
  }

  /** Makes the file durable from now on, where it was opened without. */
  makeDurable(): void {
    this.#durable = true;
  }

  async #read<R>(task: (db: Nedb) => Promise<R>): Promise<R> {
    return this.#inTurn(async () => {
      if (this.#stale) await this.#readAgain();
      return task(this.db);
    });
  }

  async #write<R>(changes: readonly object[], task: (db: Nedb) => Promise<R>): Promise<R> {
    const result = await this.#inTurn(async () => {
      this.options.mayWrite();
      if (this.#stale) await this.#readAgain();
      try {
        if (this.#suspect) await this.#tryDisk(changes);
        const done = await task(this.db);
        await this.#confirm();
        return done;
      } catch (error) {
        await this.#takeBack();
        throw error;
      }
    });
    this.#compactIfLarge();
    return result;
  }

  /** The append went through: make it durable, and remember how much is good now. */
  async #confirm(): Promise<void> {
    if (this.#durable) await this.handle.datasync();
    const { size, nlink } = fstatSync(this.handle.fd);
    if (nlink === 0 || size < this.#length) {
      this.#stale = true;
      throw new KafclawError(
        "store-damaged",
        `${this.options.file} was deleted or replaced while KafClaw was using it; restore it from a backup and start again.`,
        "failed",
      );
    }
    this.#length = size;
    this.#suspect = false;
  }

  /** After a failed write: the disk back to what was good, and memory with it. A failure here is retried before the next use. */
  async #takeBack(): Promise<void> {
    this.#stale = true;
    this.#suspect = true;
    try {
      await this.#readAgain();
    } catch (error) {
      this.options.log.warn({ file: this.options.file, error: systemCode(error) }, "could not read the file again yet");
    }
  }

  async #readAgain(): Promise<void> {
    const { size, nlink } = fstatSync(this.handle.fd);
    if (nlink === 0 || size < this.#length) throw damaged(this.options.file, 1, "it was deleted or replaced");
    if (size > this.#length) {
      await this.handle.truncate(this.#length);
      await this.handle.sync();
    }
    this.db = await readNedb(this.options.file);
    this.#stale = false;
  }

  /**
   * Whether there is room again for these changes: reading the whole file again after each failure would make a full disk
   * slow too. What is written here is a line without its end, so that a crash at this point looks like a torn append.
   */
  async #tryDisk(changes: readonly object[]): Promise<void> {
    const bytes = Buffer.from(changes.map((change) => encodeLine(JSON.stringify(change))).join(" ")).subarray(0, -1);
    try {
      // A disk that is nearly full takes a part first and says no to the rest.
      for (let done = 0; done < bytes.length; ) {
        done += (await this.handle.write(bytes, done, bytes.length - done, this.#length + done)).bytesWritten;
      }
      await this.handle.datasync();
    } finally {
      await this.handle.truncate(this.#length);
    }
  }

  /** Runs after what is already waiting; a failed compaction loses nothing and is tried again when the file has grown more. */
  #compactIfLarge(): void {
    if (this.#length < this.#compactAt || this.#closed) return;
    this.#compactAt = Number.POSITIVE_INFINITY;
    void this.#inTurn(async () => {
      const before = this.#length;
      try {
        this.options.mayWrite();
        if (this.#stale) await this.#readAgain();
        await compactNedb(this.db);
        this.options.log.info({ file: this.options.file, before }, "compacted");
      } catch (error) {
        this.options.log.warn(
          { file: this.options.file, error: systemCode(error) ?? String(error) },
          "could not compact",
        );
        await rm(`${this.options.file}~`, { force: true });
      }
      await this.#reopen();
    }).catch((error: unknown) => {
      this.options.log.warn({ file: this.options.file, error: systemCode(error) ?? String(error) }, "could not reopen");
    });
  }

  /** After a compaction the name stands for a new file. */
  async #reopen(): Promise<void> {
    const fresh = await open(this.options.file, "r+");
    await this.handle.close();
    this.handle = fresh;
    this.#length = fstatSync(fresh.fd).size;
    this.#compactAt = compactAt(this.#length);
    await syncDirectory(dirname(this.options.file));
  }

  /** One after the other; a task that fails doesn't stop the next. */
  async #inTurn<R>(task: () => Promise<R>): Promise<R> {
    if (this.#closed) throw new KafclawError("store-closed", `${this.options.file} is closed.`, "failed");
    const turn = this.#last.then(task, task);
    this.#last = turn.catch(() => {});
    try {
      return await turn;
    } catch (error) {
      throw asKafclawError(error, this.options.file);
    }
  }

  async #settled(): Promise<void> {
    await this.#last;
  }
}

function compactAt(liveBytes: number): number {
  return Math.max(COMPACT_FROM, Math.ceil(liveBytes * COMPACT_FACTOR));
}

/** NeDB loses an empty id when it reads the file again, and `__proto__` too. */
function checkId(id: string): void {
  if (id === "" || id === "__proto__") throw new TypeError(`A document can't have the _id ${JSON.stringify(id)}`);
}

/** System errors become sentences; mistakes of the caller (a field name with "$") stay what they are. */
function asKafclawError(error: unknown, file: string): unknown {
  return systemCode(error) !== undefined && !(error instanceof KafclawError) ? diskFailed(error, file) : error;
}
