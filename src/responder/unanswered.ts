import type { ConversationBook, WaitingDoc, Who } from "./book.js";
import { partnerOf } from "./partner.js";
import type { ResponderParts } from "./parts.js";
import { unanswered } from "./texts.js";

type Why = Parameters<typeof unanswered>[1];
type Parts = Pick<ResponderParts, "access" | "tell">;

/** Lets go of messages that nobody will answer, as they waited too long or too many came; the owner is told. */
export async function letGo(
  docs: readonly WaitingDoc[],
  why: Why,
  book: Pick<ConversationBook, "drop">,
  parts: Parts,
): Promise<void> {
  await tellOf(
    docs.map(({ who }) => who),
    why,
    parts,
  );
  await book.drop(docs);
}

/** Lets go of what nobody asked for within a week, held-up answers too; the owner is told. */
export async function letGoOverdue(book: ConversationBook, parts: Parts): Promise<void> {
  const { waiting, held } = book.overdue();
  const answered = held.flatMap(({ who, answers }) => answers.map(() => who));
  await tellOf([...waiting.map(({ who }) => who), ...answered], "week", parts);
  await book.drop(waiting);
  for (const turn of held) await book.withdraw(turn);
}

/** @param writers who wrote each of the messages */
async function tellOf(writers: readonly Who[], why: Why, { access, tell }: Parts): Promise<void> {
  for (const who of new Set(writers)) {
    const partner = partnerOf(access, who);
    const theirs = writers.filter((writer) => writer === who).length;
    if (partner) await tell(`unanswered:${why}:${who}`, unanswered(partner.contact, why, theirs), true);
  }
}
