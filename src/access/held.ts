import type { Contact, Held } from "./types.js";

/** All that the journal keeps for held messages: themselves, and the last edit of each. */
export function journalIdsOf(held: readonly Held[]): readonly string[] {
  return held.flatMap(({ journalId, edit }) => (edit === undefined ? [journalId] : [journalId, edit]));
}

/** What is held of somebody, and what an undo would bring back. */
export function heldOf({ held, before }: Pick<Contact, "held" | "before">): readonly Held[] {
  return before === undefined ? held : [...held, ...heldOf(before)];
}

/** Whether a held message is the one with this id of WhatsApp's, which is how its sender names what they edit or delete. */
export function isUnder({ journalId }: Held, id: string): boolean {
  return journalId.endsWith(`/${id}`);
}
