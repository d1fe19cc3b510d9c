/** NeDB as this folder uses it: checksums and private modes where it writes, and the disk before the memory. */
import type { Readable } from "node:stream";
import Datastore from "nedb-promises";
import { PRIVATE_DIRECTORY, PRIVATE_FILE } from "../files.js";
import { IdMap } from "./ids.js";
import { encodeLine } from "./line.js";
import type { Doc } from "./types.js";

/** An open NeDB file. */
export type Nedb = Datastore<Doc>;

/** What NeDB has and the types of nedb-promises leave out. */
interface Inside {
  readonly persistence: {
    persistCachedDatabaseAsync?: () => Promise<void>;
    treatRawStreamAsync?: (stream: Readable) => Promise<{ data: Doc[]; indexes: object }>;
  };
  readonly indexes: {
    readonly _id: { tree: IdMap; reset(docs?: Doc[]): void; insert(docs: Doc[]): void; getMatching(id: string): Doc[] };
  };
  compactDatafileAsync(): Promise<void>;
  getAllData(): Doc[];
  _addToIndexes(doc: Doc): void;
  _removeFromIndexes(doc: Doc): void;
}

/** A change as lines for the end of the file, and the same for the memory. */
export interface Change {
  readonly lines: string;
  /** Does not fail; once the lines are on disk. @returns how many documents changed */
  apply(): number;
}

/**
 * Opens NeDB over a file that was read already. NeDB would also rewrite (compact) it at once, which needs as much room again,
 * and so would fail on a full disk; so that step is left out here and done by size.
 */
export async function openNedb(filename: string, documents: Iterable<Doc>): Promise<Nedb> {
  const options = {
    filename,
    afterSerialization: encodeLine,
    // NeDB wants it beside the other; it reads nothing.
    beforeDeserialization: (line: string) => line,
    modes: { fileMode: PRIVATE_FILE, dirMode: PRIVATE_DIRECTORY },
  };
  const db = Datastore.create(options);
  const { persistence, indexes } = inside(db);
  indexes._id.reset = (docs) => {
    indexes._id.tree = new IdMap();
    if (docs !== undefined) indexes._id.insert(docs);
  };
  persistence.treatRawStreamAsync = async (stream) => {
    stream.destroy();
    return { data: [...documents], indexes: {} };
  };
  persistence.persistCachedDatabaseAsync = async () => {};
  try {
    await db.load();
  } finally {
    delete persistence.treatRawStreamAsync;
    delete persistence.persistCachedDatabaseAsync;
  }
  return db;
}

/** Looks a document up as it is in memory: NeDB's own way copies it and takes many times as long. */
export function lookUp(db: Nedb, id: string): Doc | undefined {
  return inside(db).indexes._id.getMatching(id)[0];
}

/** All documents as they are in memory, in no order: NeDB's own way copies each of them. */
export function allOf(db: Nedb): Doc[] {
  return inside(db).getAllData();
}

/**
 * Inserts or replaces, each id once. NeDB's own way changes the memory before the disk, searches and copies several times,
 * and opens and closes the file for each document, which together takes most of a message's time. What is given is kept
 * as it is: documents are never changed in place.
 * @throws TypeError for field names that NeDB does not take
 */
export function putting(db: Nedb, docs: readonly Doc[]): Change {
  const nedb = inside(db);
  for (const doc of docs) checkNames(doc);
  return {
    lines: linesOf(docs),
    apply() {
      for (const doc of docs) {
        // The ids' index is the only one, and its own list for this id is what it gives.
        const place = nedb.indexes._id.getMatching(doc._id);
        if (place.length > 0) place[0] = doc;
        else nedb._addToIndexes(doc);
      }
      return docs.length;
    },
  };
}

/** Removes by id; what is not there is passed over. */
export function removing(db: Nedb, ids: readonly string[]): Change {
  const nedb = inside(db);
  const gone = [...new Set(ids)].flatMap((id) => lookUp(db, id) ?? []);
  return {
    lines: linesOf(gone.map(({ _id }) => ({ $$deleted: true, _id }))),
    apply() {
      for (const doc of gone) nedb._removeFromIndexes(doc);
      return gone.length;
    },
  };
}

/** Rewrites the file with one line per document: into `<file>~`, fsynced, then renamed over it. */
export async function compactNedb(db: Nedb): Promise<void> {
  await inside(db).compactDatafileAsync();
}

/** NeDB reads "$…" as an operator and "a.b" as a way into a document. */
function checkNames(value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const [name, inner] of Object.entries(value)) {
    if (name.startsWith("$") || name.includes("."))
      throw new TypeError(`A field can't have the name ${JSON.stringify(name)}`);
    checkNames(inner);
  }
}

function linesOf(entries: readonly object[]): string {
  return entries.map((entry) => `${encodeLine(JSON.stringify(entry))}\n`).join("");
}

function inside(db: Nedb): Inside {
  // nedb-promises wraps NeDB's own object; only the types stop short.
  return (db as unknown as { __original: Inside }).__original;
}
