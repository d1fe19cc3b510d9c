import type { Person } from "../../access/identity.js";
import type { Expected } from "../../access/index.js";
import type { Contact } from "../../access/types.js";
import { present } from "../../present.js";
import { type Message, own, say } from "../../text.js";
import { take } from "../arguments.js";
import { considered, type Done, eachReference, implied, nobody, refusal, refused, together } from "../targets.js";
import type { Command, CommandContext, CommandResult, ResponderControl } from "../types.js";
import { byAndWhen, count, label, labels, nameAndNumber, toData } from "../words.js";

/** Up to here `/approve all` needs no number: that many names are read at a glance. */
const AT_A_GLANCE = 3;

export const approve: Command = {
  name: "approve",
  usage: "<ref…>",
  summary: "lets a sender talk to the bot",
  details: [
    "A ref is a code, a number, or a name where it is unique. It can be left out when you quote a notice, or when only one sender is pending.",
    "/approve K7QF · /approve +1 555 000 2000 · /approve alice · /approve K7QF M2TX",
    "/approve all approves everyone pending whose notice you got; with more than three it wants their number: /approve all 7",
  ].join("\n"),
  age: "changes",
  async run(args, context) {
    const { words } = take(args);
    const [first, number, ...more] = words;
    if (first === undefined) {
      const who = implied("Approve", context);
      return "code" in who ? together([await approveOne(who, context, { episode: who.episode })]) : who;
    }
    if (first.toLowerCase() === "all" && more.length === 0 && (number === undefined || /^\d{1,4}$/.test(number))) {
      return approveAll(number === undefined ? undefined : Number(number), context);
    }
    const act = (target: Contact | Person): Promise<Done> => approveOne(target, context);
    return eachReference(words, context, ["pending"], act, ["approved", "denied"]);
  },
};

async function approveAll(number: number | undefined, context: CommandContext): Promise<CommandResult> {
  const waiting = considered(context);
  if (waiting.length === 0) return nobody(context);
  if (number === undefined ? waiting.length > AT_A_GLANCE : number !== waiting.length) {
    const names = labels(waiting, 20);
    const order = own(`/approve all ${waiting.length}`);
    const pending = context.access.counts().pending;
    const message =
      waiting.length < pending
        ? say`${own(waiting.length)} of ${own(pending)} pending are those whose notice you got: ${names}. To approve them: ${order}. /pending shows all.`
        : say`${own(waiting.length)} are pending: ${names}. To approve them all: ${order}`;
    return refusal("how-many", message);
  }
  const done: Done[] = [];
  // One who was decided about at another door in this moment keeps none of the others from it.
  for (const contact of waiting) done.push(await approveOne(contact, context).catch(refused));
  return together(done);
}

/** Approves one and says so in one line. @param expect what it is meant for, where that is known */
export async function approveOne(target: Contact | Person, context: CommandContext, expect?: Expected): Promise<Done> {
  const { decider, gateway, by, clock, timezone } = context;
  const { outcome } = await decider.approve(target, by, present({ expect }));
  const { contact, decision } = outcome;
  const data = toData(contact);
  const again = decision.by.cause !== undefined && decision.by.cause === by.cause;
  if (outcome.unchanged && !again) {
    return { data, message: say`${label(contact)} is approved already, ${byAndWhen(decision, clock(), timezone)}.` };
  }
  const held = outcome.released.length;
  const notes: Message[] = [];
  if (outcome.wasNotPending) notes.push(own(", who was not pending"));
  notes.push(own("."));
  if (held > 0) notes.push(own(` ${count(held, "held message")} ${whereTo(held, gateway.responder)}`));
  if (gateway.silent.on()) notes.push(own(" Silent mode is on: nothing is sent to them."));
  const who = "code" in target ? label(contact) : say`${nameAndNumber(contact)} (${own(contact.code)})`;
  return { data, message: { parts: [...say`✅ Approved ${who}`.parts, ...notes.flatMap((note) => note.parts)] } };
}

/** What becomes of held messages, as a verb to their number. */
function whereTo(held: number, { mode, paused }: ResponderControl): string {
  const one = held === 1;
  if (paused && mode !== "off") return `${one ? "waits" : "wait"}, as the responder is paused: /resume.`;
  return `${one ? "goes" : "go"} to the responder.`;
}
