import type { z } from "zod";
import { KafclawError } from "../errors.js";
import type { DataFile, Doc } from "./types.js";

/**
 * Refuses documents that this version can't work on: an older KafClaw started on a newer one's home.
 * @param shape as much of a document as its owner builds on
 * @throws KafclawError `store-unknown`
 */
export function refuseUnknown(docs: readonly Doc[], file: DataFile, shape: z.ZodType): void {
  const unknown = docs.find((doc) => !shape.safeParse(doc).success);
  if (unknown === undefined) return;
  throw new KafclawError(
    "store-unknown",
    `${file}.db holds a record that this version does not know (${unknown._id}), written by a newer KafClaw? Update KafClaw, or restore the file from a backup.`,
    "failed",
  );
}
