/** NeDB as this folder uses it: hooks that check each line, private modes, and no rewriting of the file when it is read. */
import Datastore from "nedb-promises";
import { decodeLine, encodeLine } from "./line.js";
import type { Doc } from "./types.js";

/** An open NeDB file. */
export type Nedb = Datastore<Doc>;

/** What NeDB has and the types of nedb-promises leave out. */
interface Inside {
  readonly persistence: { persistCachedDatabaseAsync?: () => Promise<void> };
  compactDatafileAsync(): Promise<void>;
}

/**
 * Reads a checked file. NeDB would rewrite (compact) it after each reading, which needs as much room again, and so would
 * fail on a full disk, just when a failed append makes us read again; so that step is left out here and done by size.
 */
export async function readNedb(filename: string): Promise<Nedb> {
  const options = {
    filename,
    corruptAlertThreshold: 0,
    afterSerialization: encodeLine,
    beforeDeserialization: decodeLine,
    modes: { fileMode: 0o600, dirMode: 0o700 },
  };
  const db = Datastore.create(options);
  const { persistence } = inside(db);
  persistence.persistCachedDatabaseAsync = async () => {};
  try {
    await db.load();
  } finally {
    delete persistence.persistCachedDatabaseAsync;
  }
  return db;
}

/** Rewrites the file with one line per document: into `<file>~`, fsynced, then renamed over it. */
export async function compactNedb(db: Nedb): Promise<void> {
  await inside(db).compactDatafileAsync();
}

function inside(db: Nedb): Inside {
  // nedb-promises passes what it lacks itself on to NeDB's own object; only the types stop short.
  return db as unknown as Inside;
}
