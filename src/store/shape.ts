import { KafclawError } from "../errors.js";
import type { DataFile, Doc } from "./types.js";

/**
 * Refuses documents that this version can't work on: an older KafClaw started on a newer one's home.
 * @param isKnown tells it by as little of a document as that takes, since every start looks at all of them
 * @throws KafclawError `store-unknown`
 */
export function refuseUnknown<T extends Doc>(docs: readonly T[], file: DataFile, isKnown: (doc: T) => boolean): void {
  const unknown = docs.find((doc) => !isKnown(doc));
  if (unknown === undefined) return;
  throw new KafclawError(
    "store-unknown",
    `${file}.db holds a record that this version does not know (${unknown._id}), written by a newer KafClaw? Update KafClaw, or restore the file from a backup.`,
    "failed",
  );
}
