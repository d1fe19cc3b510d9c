import type { ConversationBook, WaitingDoc } from "./book.js";
import { partnerOf } from "./partner.js";
import type { ResponderParts } from "./parts.js";
import { unanswered } from "./texts.js";

/** Lets go of messages that nobody will answer, as they waited too long or too many came; the owner is told. */
export async function letGo(
  docs: readonly WaitingDoc[],
  why: "old" | "many",
  book: Pick<ConversationBook, "drop">,
  { access, tell }: Pick<ResponderParts, "access" | "tell">,
): Promise<void> {
  for (const who of new Set(docs.map((doc) => doc.who))) {
    const contact = partnerOf(access, who)?.contact;
    const theirs = docs.filter((doc) => doc.who === who).length;
    if (contact) await tell(`unanswered:${why}:${contact._id}`, unanswered(contact, why, theirs), true);
  }
  await book.drop(docs);
}
