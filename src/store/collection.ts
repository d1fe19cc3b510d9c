import { fstatSync, statSync, writeSync } from "node:fs";
import { type FileHandle, open, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { KafclawError } from "../errors.js";
import { diskFailed, syncDirectory, systemCode } from "../files.js";
import type { StoreLog } from "./errors.js";
import { allOf, type Change, compactNedb, lookUp, type Nedb, openNedb, putting, removing } from "./nedb.js";
import { examine } from "./repair.js";
import type { Collection, Doc } from "./types.js";

/** Below this a file is not worth compacting. */
const COMPACT_FROM = 1 << 20;
/** A file is compacted when it has grown to this many times what its documents need. */
const COMPACT_FACTOR = 2;

/** Writes go to the end, wherever that is. */
const OPEN = "a+";

/** How a data file is opened. */
export interface CollectionOptions {
  readonly file: string;
  readonly durable: boolean;
  readonly clock: () => number;
  readonly log: StoreLog;
  /** Throws when nothing may be written any more (the lock is lost). */
  readonly mayWrite: () => void;
  readonly onClosed: () => void;
  /** A write failed. */
  readonly onFailure: (error: KafclawError) => void;
}

/**
 * One NeDB file. Reads and writes go one after the other, so a read sees every write that was asked for before it, and never
 * one that failed: the memory changes only when the disk has taken a write, and what a failed append left is cut off.
 */
export class DataFileCollection<T extends Doc> implements Collection<T> {
  #durable: boolean;
  /** Bytes that are known to be good. */
  #length = 0;
  /** When to compact next, bytes. */
  #compactAt = COMPACT_FROM;
  /** The end of the file may hold the beginning of a write that failed. */
  #torn = false;
  /** The open file, to know it again under its name. */
  #opened: { readonly ino: number; readonly dev: number };
  #closed = false;
  #last: Promise<unknown> = Promise.resolve();
  /** Tasks that have not ended. */
  #waiting = 0;

  private constructor(
    readonly options: CollectionOptions,
    private db: Nedb,
    private handle: FileHandle,
  ) {
    this.#durable = options.durable;
    this.#opened = fstatSync(handle.fd);
  }

  /** @throws KafclawError `store-damaged`, `disk-full`, `disk-read-only`, `disk-failed` */
  static async open<T extends Doc>(options: CollectionOptions): Promise<DataFileCollection<T>> {
    const { file } = options;
    try {
      const { length, live, documents } = await examine(file, options.clock(), options.log);
      const db = await openNedb(file, documents);
      const collection = new DataFileCollection<T>(options, db, await open(file, OPEN));
      collection.#length = length;
      collection.#compactAt = compactAt(live);
      collection.#compactIfLarge();
      return collection;
    } catch (error) {
      throw asKafclawError(error, file);
    }
  }

  async get(id: string): Promise<T | undefined> {
    const look = (): T | undefined => {
      // Only documents of type T are ever put here.
      return lookUp(this.db, id) as T | undefined;
    };
    return this.#waiting === 0 && !this.#closed ? look() : this.#inTurn(async () => look());
  }

  async find(
    query: object = {},
    options: { sort?: Record<string, 1 | -1>; skip?: number; limit?: number } = {},
  ): Promise<T[]> {
    return this.#inTurn(async () => {
      // Only documents of type T are ever put here.
      if (Object.keys(query).length === 0) return page(allOf(this.db) as T[], options);
      let cursor = this.db.find({ ...query });
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
    return this.#inTurn(async () => this.db.count({ ...query }));
  }

  async put(doc: T): Promise<void> {
    await this.putAll([doc]);
  }

  async putAll(docs: readonly T[]): Promise<void> {
    for (const { _id } of docs) checkId(_id);
    const latest = [...new Map(docs.map((doc) => [doc._id, doc])).values()];
    if (latest.length === 0) return;
    await this.#write((db) => putting(db, latest));
  }

  async remove(ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0;
    return this.#write((db) => removing(db, ids));
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

  async #write(prepare: (db: Nedb) => Change): Promise<number> {
    const changed = await this.#inTurn(async () => {
      this.options.mayWrite();
      const { lines, apply } = prepare(this.db);
      if (lines === "") return 0;
      if (this.#torn) await this.#cutOff();
      // Else what is refused would be found in it by the next start.
      const before = this.#sizeNow();
      try {
        const length = before + this.#append(lines);
        if (this.#durable) {
          await this.handle.datasync();
          this.#sizeNow();
        }
        this.#length = length;
      } catch (error) {
        this.#torn = true;
        await this.#cutOff().catch((cause) =>
          this.options.log.warn(
            { file: this.options.file, error: systemCode(cause) },
            "could not cut off a failed write",
          ),
        );
        throw error;
      }
      return apply();
    }).catch((error: unknown) => {
      if (error instanceof KafclawError) this.options.onFailure(error);
      throw error;
    });
    this.#compactIfLarge();
    return changed;
  }

  /**
   * Writes to the open file at once. What goes into the system's memory takes microseconds; handing it to a thread and
   * back takes many times as long, for each message that comes in. Only {@link makeDurable durable} files wait for the disk itself.
   * @returns how many bytes
   */
  #append(lines: string): number {
    const bytes = Buffer.from(lines);
    // A disk that is nearly full takes a part first and says no to the rest.
    for (let done = 0; done < bytes.length; ) done += writeSync(this.handle.fd, bytes, done);
    return bytes.length;
  }

  /** The disk back to what was good. */
  async #cutOff(): Promise<void> {
    if (this.#sizeNow() > this.#length) {
      await this.handle.truncate(this.#length);
      await this.handle.sync();
    }
    this.#torn = false;
  }

  /** Bytes of the file under its name. @throws KafclawError `store-damaged` when it is not the file that we opened, or was cut */
  #sizeNow(): number {
    const named = statSync(this.options.file, { throwIfNoEntry: false });
    const isSame = named?.ino === this.#opened.ino && named.dev === this.#opened.dev;
    if (isSame && named.size >= this.#length) return named.size;
    throw new KafclawError(
      "store-damaged",
      `${this.options.file} was deleted, replaced or cut while KafClaw was using it; restore it from a backup and start again.`,
      "failed",
    );
  }

  /** Runs after what is already waiting; a failed compaction loses nothing and is tried again when the file has grown more. */
  #compactIfLarge(): void {
    if (this.#length < this.#compactAt || this.#closed) return;
    this.#compactAt = Number.POSITIVE_INFINITY;
    void this.#inTurn(async () => {
      if (this.#torn) await this.#cutOff();
      const before = this.#length;
      try {
        this.options.mayWrite();
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
      this.#compactAt = compactAt(this.#length);
      this.options.log.warn({ file: this.options.file, error: systemCode(error) ?? String(error) }, "could not reopen");
    });
  }

  /** After a compaction the name stands for a new file. */
  async #reopen(): Promise<void> {
    const fresh = await open(this.options.file, OPEN);
    await this.handle.close();
    this.handle = fresh;
    const { ino, dev, size } = fstatSync(fresh.fd);
    this.#opened = { ino, dev };
    this.#length = size;
    this.#compactAt = compactAt(this.#length);
    await syncDirectory(dirname(this.options.file));
  }

  /** One after the other; a task that fails doesn't stop the next. */
  async #inTurn<R>(task: () => Promise<R>): Promise<R> {
    if (this.#closed) throw new KafclawError("store-closed", `${this.options.file} is closed.`, "failed");
    this.#waiting += 1;
    const turn = this.#waiting === 1 ? task() : this.#last.then(task, task);
    this.#last = turn.catch(() => {});
    try {
      return await turn;
    } catch (error) {
      throw asKafclawError(error, this.options.file);
    } finally {
      this.#waiting -= 1;
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

/** One page of documents in an order. */
function page<T extends Doc>(
  docs: T[],
  { sort = {}, skip = 0, limit }: { sort?: Record<string, 1 | -1>; skip?: number; limit?: number },
): T[] {
  const keys = Object.entries(sort);
  if (keys.length > 0) docs.sort((a, b) => order(a, b, keys));
  return skip === 0 && limit === undefined ? docs : docs.slice(skip, limit === undefined ? undefined : skip + limit);
}

function order(a: object, b: object, keys: readonly (readonly [string, 1 | -1])[]): number {
  for (const [key, direction] of keys) {
    const [one, other] = [Reflect.get(a, key), Reflect.get(b, key)];
    if (one < other) return -direction;
    if (one > other) return direction;
  }
  return 0;
}
