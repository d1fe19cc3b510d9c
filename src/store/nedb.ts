/** NeDB as this folder uses it: checksums and private modes where it writes, and the disk before the memory. */
import Datastore from "nedb-promises";
import { PRIVATE_DIRECTORY, PRIVATE_FILE } from "../files.js";
import { IdMap } from "./ids.js";
import { encodeLine } from "./line.js";
import type { Doc } from "./types.js";

/** An open NeDB file. */
export type Nedb = Datastore<Doc>;

/** What NeDB has and the types of nedb-promises leave out. */
interface Inside {
  readonly persistence: { loadDatabaseAsync: () => Promise<void> };
  /** Holds back what is asked for until the file is loaded. */
  readonly executor: { processBuffer(): void };
  /** The ids' index is the only one. */
  readonly indexes: { readonly _id: { tree: IdMap } };
  compactDatafileAsync(): Promise<void>;
}

/** A change as lines for the end of the file, and the same for the memory. */
export interface Change {
  readonly lines: string;
  /** Does not fail; once the lines are on disk. @returns how many documents changed */
  apply(): number;
}

/**
 * Opens NeDB over a file that was read already. NeDB would read it again, and rewrite (compact) it at once, which needs as
 * much room again, and so would fail on a full disk; that is done by size instead.
 * @param documents what the file holds, by id; kept
 */
export async function openNedb(filename: string, documents: Map<string, Doc>): Promise<Nedb> {
  const options = {
    filename,
    afterSerialization: encodeLine,
    // NeDB wants it beside the other; nothing is read by it.
    beforeDeserialization: (line: string) => line,
    modes: { fileMode: PRIVATE_FILE, dirMode: PRIVATE_DIRECTORY },
  };
  const db = Datastore.create(options);
  const { persistence, executor, indexes } = inside(db);
  persistence.loadDatabaseAsync = async () => executor.processBuffer();
  indexes._id.tree = new IdMap(documents);
  await db.load();
  return db;
}

/** Looks a document up as it is in memory: NeDB's own way copies it and takes many times as long. */
export function lookUp(db: Nedb, id: string): Doc | undefined {
  return inside(db).indexes._id.tree.get(id);
}

/** All documents as they are in memory, in no order: NeDB's own way copies each of them. */
export function allOf(db: Nedb): Doc[] {
  return inside(db).indexes._id.tree.all();
}

/**
 * Inserts or replaces, each id once. NeDB's own way changes the memory before the disk, searches and copies several times,
 * and opens and closes the file for each document, which together takes most of a message's time. What is given is kept
 * as it is: documents are never changed in place.
 * @throws TypeError for field names that NeDB does not take
 */
export function putting(db: Nedb, docs: readonly Doc[]): Change {
  for (const doc of docs) checkNames(doc);
  const { tree } = inside(db).indexes._id;
  return {
    lines: linesOf(docs),
    apply() {
      for (const doc of docs) tree.insert(doc._id, doc);
      return docs.length;
    },
  };
}

/** Removes by id; what is not there is passed over. */
export function removing(db: Nedb, ids: readonly string[]): Change {
  const { tree } = inside(db).indexes._id;
  const gone = [...new Set(ids)].filter((id) => tree.get(id) !== undefined);
  return {
    lines: linesOf(gone.map((_id) => ({ $$deleted: true, _id }))),
    apply() {
      for (const id of gone) tree.delete(id);
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
