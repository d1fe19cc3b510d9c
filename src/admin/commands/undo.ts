import { predicate } from "../../access/index.js";
import { type Message, own, say } from "../../text.js";
import { take } from "../arguments.js";
import { refusal, together } from "../targets.js";
import type { Command, CommandContext, Decided } from "../types.js";
import { doorOf, formatTime, label, stateName, toData } from "../words.js";

export const undo: Command = {
  name: "undo",
  usage: "",
  summary: "takes the last decision back, within 10 minutes",
  details:
    "Names whom it was about and where it was decided. What was sent meanwhile stays sent, and it says so. Quoting a notice, it is the last decision about whom that names; quoting an answer, the one that it tells.",
  age: "changes",
  async run(args, context) {
    if (take(args).words.length > 0) {
      return refusal(
        "bad-usage",
        say`/undo takes the last decision back and names nobody; for others there is /remove.`,
        "usage",
      );
    }
    const { quotedDecision, unquotable, access } = context;
    const last = access.lastUndoable();
    if (unquotable !== undefined && quotedDecision === undefined && last !== undefined) {
      return refusal(
        "quote",
        say`What you quoted tells of no single decision, so nothing changed: /undo without a quote takes back the last one, about ${label(last.contact)}.`,
      );
    }
    return together([undone(await context.decider.undo(context.by, quotedDecision), context)]);
  },
};

/** What an undo did, in one line. */
export function undone(
  { outcome, blocking, trace }: Decided,
  context: CommandContext,
): { message: Message; data: object } {
  const { contact, decision } = outcome;
  const before = contact.history.find(({ id }) => id === decision.undoes);
  const what =
    before && ` (${predicate(before)} ${doorOf(before)}, ${formatTime(before.at, context.clock(), context.timezone)})`;
  const sent = SENT[trace ?? "none"];
  const block =
    blocking === undefined
      ? ""
      : blocking
        ? " WhatsApp's block changed with it."
        : " WhatsApp's block follows when linked.";
  return {
    data: toData(contact),
    message: say`↩️ Undone: ${label(contact)} is ${own(stateName(contact.state))} again${own(what ?? "")}.${own(sent)}${own(block)}`,
  };
}

const SENT = {
  none: "",
  greeting: " The greeting was sent already.",
  handled: " The held messages went to the responder already.",
  "greeting and handled": " The greeting was sent and the held messages went to the responder already.",
} as const;
