import type { Doc } from "./types.js";

/**
 * Documents by their id, in the place of NeDB's search tree, which takes eight times as long to fill, and 200 bytes for each
 * document. It can't tell which ids lie between two others; nobody asks.
 */
export class IdMap {
  /** @param docs what the file holds; kept, and changed from here on */
  constructor(private readonly docs: Map<string, Doc>) {}

  get(id: string): Doc | undefined {
    return this.docs.get(id);
  }

  all(): Doc[] {
    return [...this.docs.values()];
  }

  /** Adds a document, or replaces the one of its id. */
  insert(id: string, doc: Doc): void {
    this.docs.set(id, doc);
  }

  delete(id: string): void {
    this.docs.delete(id);
  }

  /** NeDB looks here: a list of one document, or none. */
  search(id: string): Doc[] {
    const doc = this.docs.get(id);
    return doc === undefined ? [] : [doc];
  }

  /** NeDB walks through all of them here. */
  executeOnEveryNode(see: (node: { readonly data: readonly Doc[] }) => void): void {
    for (const doc of this.docs.values()) see({ data: [doc] });
  }
}
