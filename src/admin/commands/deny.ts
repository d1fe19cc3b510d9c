import type { Person } from "../../access/identity.js";
import type { Expected } from "../../access/index.js";
import type { Contact } from "../../access/types.js";
import { present } from "../../present.js";
import { own, say } from "../../text.js";
import { take } from "../arguments.js";
import { type Done, eachReference, implied, resolvedNow, together } from "../targets.js";
import type { Command, CommandContext } from "../types.js";
import { byAndWhen, label, toData } from "../words.js";

export const deny: Command = {
  name: "deny",
  usage: "<ref…> [--block]",
  summary: "shuts a sender out, for good",
  details: [
    "They hear nothing of it, and no token or invite lets them in again until /remove. A ref is as for /approve.",
    "/deny M2TX · /deny M2TX --block also blocks them at WhatsApp",
  ].join("\n"),
  age(args, context) {
    const { words } = take(args, { flags: ["block"] });
    const { quoted } = context;
    const targets =
      words.length === 0 && quoted !== undefined ? [quoted] : resolvedNow(words, context, ["pending", "approved"]);
    return targets.every((target) => target !== undefined && "code" in target && target.state === "pending")
      ? "stricter"
      : "changes";
  },
  async run(args, context) {
    const { words, flag } = take(args, { flags: ["block"] });
    const block = flag("block");
    if (words.length === 0) {
      const who = implied("Deny", context);
      if (!("code" in who)) return who;
      const expect = who.state === "pending" ? { expect: { episode: who.episode } } : {};
      return together([await denyOne(who, context, { block, ...expect })]);
    }
    const act = (target: Contact | Person): Promise<Done> => denyOne(target, context, { block });
    return eachReference(words, context, ["pending", "approved"], act, ["denied"]);
  },
};

/** Denies one and says so in one line. `expect`: what it is meant for, where that is known. */
export async function denyOne(
  target: Contact | Person,
  context: CommandContext,
  { block = false, expect }: { block?: boolean; expect?: Expected } = {},
): Promise<Done> {
  const { decider, by, clock, timezone } = context;
  const { outcome, blocking } = await decider.deny(target, by, { block, ...present({ expect }) });
  const { contact, decision } = outcome;
  const data = toData(contact);
  const again = decision.by.cause !== undefined && decision.by.cause === by.cause;
  const how = blocking === false ? " WhatsApp blocks them as soon as the link is open." : " Blocked at WhatsApp too.";
  const blocked = own(contact.blocked === true ? how : "");
  if (outcome.unchanged && !again) {
    const since = byAndWhen(decision, clock(), timezone);
    return { data, message: say`${label(contact)} is denied already, ${since}.${blocked}` };
  }
  const free = own(`/remove ${contact.code}`);
  return { data, message: say`⛔ Denied ${label(contact)}: they hear nothing, and ${free} frees them.${blocked}` };
}
