import { formatNumber } from "../../access/identity.js";
import type { Contact } from "../../access/types.js";
import { own, quote, say } from "../../text.js";
import { take } from "../arguments.js";
import { isContact, refusal, target } from "../targets.js";
import type { Command, CommandContext } from "../types.js";
import { count, formatTime, nameAndCode, stack, stateName, toData, viaOf, whatHappened } from "../words.js";

/** Decisions shown; the audit has all. */
const LATEST = 8;

export const whois: Command = {
  name: "whois",
  usage: "<ref>",
  summary: "all that is known of one sender",
  details:
    "State, number, since when, how they came in, what is held, and who decided what.\n/whois K7QF · /whois +1 555 000 2000 · /whois alice",
  age: "looks",
  async run(args, context) {
    const { words } = take(args);
    // A look finds everyone, those too whose notice is still on its way.
    const { shown: _, ...anyone } = context;
    const found = words.length === 0 ? context.quoted : await target(words, anyone, ["pending", "approved", "denied"]);
    if (found === undefined) return refusal("bad-usage", say`Who? /whois and a code, number or name.`, "usage");
    if (!isContact(found)) {
      return {
        ok: true,
        message: own(`${formatNumber(found)} is on no list. /missed shows which strangers wrote.`),
        data: null,
      };
    }
    return { ok: true, message: about(found, context), data: { ...toData(found), history: found.history } };
  },
};

function about(contact: Contact, { clock, timezone }: CommandContext) {
  const now = clock();
  const state = own(`${stateName(contact.state)} since ${formatTime(contact.since, now, timezone)}`);
  const also = contact.aliases.length > 0 && own(`also known as ${contact.aliases.join(", ")}`);
  const last = contact.held.at(-1);
  return stack([
    say`${nameAndCode(contact)} · ${own(formatNumber(contact))}`,
    state,
    also,
    contact.via !== undefined && viaOf(contact),
    contact.blocked === true && own("blocked at WhatsApp"),
    last !== undefined && own(`${count(contact.held.length, "held message")}, the last:`),
    last !== undefined && quote(last.preview),
    ...contact.history.slice(-LATEST).map((entry) => say`• ${whatHappened(entry, now, timezone)}`),
  ]);
}
