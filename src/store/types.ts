/**
 * A document in a data file: plain JSON values. NeDB refuses field names that begin with "$" or hold a ".", so such names
 * (and bytes, as base64) belong into values. An `_id` is neither empty nor `__proto__`.
 */
export interface Doc {
  readonly _id: string;
}

/**
 * One NeDB data file, opened under the home's lock.
 *
 * Every line carries a checksum; a line that was torn by a crash is repaired at open, any other damage refuses to open
 * (KafclawError `store-damaged`). A failed append is cut off before the error is thrown (KafclawError `disk-full`,
 * `disk-read-only`, `disk-failed`), and memory changes after the disk, so it never knows more; the next write works as soon as
 * the disk does. Reads and writes go one after the other: a read sees every write that was asked for before it. Documents
 * are shared with whoever puts or gets them, and never changed in place.
 */
export interface Collection<T extends Doc> {
  get(id: string): Promise<T | undefined>;
  /** NeDB query; everything without one. */
  find(query?: object, options?: { sort?: Record<string, 1 | -1>; skip?: number; limit?: number }): Promise<T[]>;
  count(query?: object): Promise<number>;
  /** Inserts or replaces. Resolves when written (and fsynced, where the file is `durable`). */
  put(doc: T): Promise<void>;
  /** Inserts or replaces many with one write. A failed one leaves none of them, a crash in the middle may leave some. */
  putAll(docs: readonly T[]): Promise<void>;
  remove(ids: readonly string[]): Promise<number>;
  close(): Promise<void>;
}

/** The data files of one home, all under one lock. */
export interface Store {
  /**
   * Opens (once) the data file `data/<name>.db`.
   * @param durable fsync after each write (access and audit).
   */
  open<T extends Doc>(name: DataFile, options?: { durable?: boolean }): Promise<Collection<T>>;
  /** Why a write failed within the last minute, as a sentence for people; undefined where all went well. */
  trouble(): string | undefined;
  /** Closes all files and gives the lock back. */
  close(): Promise<void>;
}

/** Every data file of a home. They are made together, so that one that is missing later is known to be lost. */
export const DATA_FILES = ["access", "audit", "session", "journal", "outbox", "settings", "conversation"] as const;
export type DataFile = (typeof DATA_FILES)[number];
