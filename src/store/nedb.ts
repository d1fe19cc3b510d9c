/** NeDB as this folder uses it: hooks that check each line, private modes, and no rewriting of the file when it is read. */
import Datastore from "nedb-promises";
import { PRIVATE_DIRECTORY, PRIVATE_FILE } from "../files.js";
import { decodeLine, encodeLine } from "./line.js";
import type { Doc } from "./types.js";

const IDS_AT_ONCE = 200;

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
    modes: { fileMode: PRIVATE_FILE, dirMode: PRIVATE_DIRECTORY },
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

/** Inserts or replaces. NeDB has no bulk upsert; new documents at least go in one append. */
export async function upsert(db: Nedb, docs: readonly Doc[]): Promise<void> {
  const present = docs.length > 1 ? await presentOf(db, docs) : undefined;
  for (const doc of docs) {
    if (!present || present.has(doc._id)) await db.update({ _id: doc._id }, doc, { upsert: true });
  }
  const fresh = present ? docs.filter(({ _id }) => !present.has(_id)) : [];
  if (fresh.length > 0) await db.insertMany(fresh);
}

/** Removes by id. */
export async function removeIds(db: Nedb, ids: readonly string[]): Promise<number> {
  let removed = 0;
  for (const some of chunks(ids)) removed += await db.remove({ _id: { $in: some } }, { multi: true });
  return removed;
}

/** Rewrites the file with one line per document: into `<file>~`, fsynced, then renamed over it. */
export async function compactNedb(db: Nedb): Promise<void> {
  await inside(db).compactDatafileAsync();
}

async function presentOf(db: Nedb, docs: readonly Doc[]): Promise<ReadonlySet<string>> {
  const present = new Set<string>();
  for (const ids of chunks(docs.map(({ _id }) => _id))) {
    for (const { _id } of await db.find({ _id: { $in: ids } }, { _id: 1 })) present.add(_id);
  }
  return present;
}

/** NeDB's `$in` compares each match with each id, so it gets few at once. */
function* chunks(ids: readonly string[]): Generator<string[]> {
  for (let start = 0; start < ids.length; start += IDS_AT_ONCE) yield ids.slice(start, start + IDS_AT_ONCE);
}

function inside(db: Nedb): Inside {
  // nedb-promises passes what it lacks itself on to NeDB's own object; only the types stop short.
  return db as unknown as Inside;
}
