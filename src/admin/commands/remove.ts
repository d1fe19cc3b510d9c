import type { Person } from "../../access/identity.js";
import type { Expected } from "../../access/index.js";
import type { Contact } from "../../access/types.js";
import { present } from "../../present.js";
import { own, say } from "../../text.js";
import { take } from "../arguments.js";
import { type Done, eachReference, implied, refusal, together } from "../targets.js";
import type { Command, CommandContext, CommandResult } from "../types.js";
import { count, label, nameAndNumber, toData } from "../words.js";

/** Names everyone who came with a token that was replaced since. */
const OLD_TOKEN = "old-token";

export const remove: Command = {
  name: "remove",
  usage: "<ref…>",
  summary: "makes anyone a stranger again: buddy, denied or pending",
  details: [
    "A stranger needs the token or an invite to come back. What was blocked at WhatsApp is unblocked.",
    "/remove K7QF · /remove +1 555 000 2000",
    `/remove ${OLD_TOKEN} removes everyone pending who came with a token that you have replaced since`,
  ].join("\n"),
  age: "changes",
  async run(args, context) {
    const { words } = take(args);
    if (words.length === 0) {
      const quoted = context.quoted ?? context.unquotable;
      if (quoted === undefined) {
        return refusal("bad-usage", say`Remove whom? /remove and a code, say /remove K7QF; /list shows them.`, "usage");
      }
      const who = implied("Remove", context);
      return "code" in who ? together([await removeOne(who, context)]) : who;
    }
    if (words.length === 1 && words[0]?.toLowerCase() === OLD_TOKEN) return removeOldToken(context);
    return eachReference(words, context, ["pending", "approved", "denied"], (target) => removeOne(target, context));
  },
};

/** Removes one and says so in one line. */
export async function removeOne(target: Contact | Person, context: CommandContext, expect?: Expected): Promise<Done> {
  const { decider, by } = context;
  const { outcome, blocking } = await decider.remove(target, by, present({ expect }));
  const { contact, decision } = outcome;
  const data = toData(contact);
  const again = decision.by.cause !== undefined && decision.by.cause === by.cause;
  if (outcome.unchanged && !again) {
    return {
      data,
      ok: false,
      message: say`${nameAndNumber(contact)} is a stranger already: nothing to remove. /list shows who is on a list.`,
    };
  }
  const unblocked =
    blocking === undefined
      ? own("")
      : own(blocking ? " Unblocked at WhatsApp." : " WhatsApp unblocks them as soon as the link is open.");
  return {
    data,
    message: say`Removed ${label(contact)}, who was ${own(decision.from)} and is a stranger now.${unblocked}`,
  };
}

async function removeOldToken(context: CommandContext): Promise<CommandResult> {
  const old = context.access.pendingWithOldToken();
  if (old.length === 0) return refusal("nobody", say`Nobody pending came with an old token.`);
  const done: Done[] = [];
  for (const contact of old) done.push(await removeOne(contact, context));
  return { ...together(done), message: own(`Removed ${count(old.length, "sender")} who came with an old token.`) };
}
