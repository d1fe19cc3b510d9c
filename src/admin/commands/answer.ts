import type { Contact } from "../../access/types.js";
import { type Message, own, say } from "../../text.js";
import { take } from "../arguments.js";
import { type Done, eachReference, isContact, refusal, together } from "../targets.js";
import type { Command, CommandContext } from "../types.js";
import { count, label, labels, toData } from "../words.js";

export const answer: Command = {
  name: "answer",
  usage: "<ref…|all>",
  summary: "answers what buddies wrote in silent mode or in a pause",
  details:
    "What came in silent mode or in a pause is not answered by itself when it ends.\n/answer shows who wrote · /answer all · /answer K7QF · /answer alice",
  age(args) {
    return take(args).words.length === 0 ? "looks" : "changes";
  },
  async run(args, context) {
    const { words } = take(args);
    const [first] = words;
    const waiting = backlogOf(context);
    if (first === undefined) {
      const data = waiting.map(({ contact, messages }) => ({ ...toData(contact), messages }));
      return { ok: true, message: waiting.length === 0 ? NOBODY : whoWrote(waiting), data };
    }
    const { silent, responder } = context.gateway;
    // A relay goes to the admin chat, which is never silent.
    if (silent.on() && responder.mode !== "relay")
      return refusal("silent", own("Silent mode is on, so nobody can be answered: /silent off first."));
    if (responder.paused) return refusal("paused", own("The responder is paused: /resume first."));
    const act = (contact: Contact): Promise<Done> => answerOne(contact, context);
    if (first.toLowerCase() === "all" && words.length === 1) {
      if (waiting.length === 0) return refusal("nothing-to-answer", NOBODY);
      const done: Done[] = [];
      for (const { contact } of waiting) done.push(await act(contact));
      return together(done);
    }
    return eachReference(words, context, ["approved"], async (target) =>
      isContact(target) ? act(target) : { ok: false, message: own("That number is on no list: /list shows who is.") },
    );
  },
};

/** Whom `/answer` would answer. */
export function backlogOf({ access, gateway }: Pick<CommandContext, "access" | "gateway">): readonly Backlog[] {
  return [...(gateway.responder.backlog?.() ?? [])].flatMap(([id, messages]) => {
    const contact = access.byId(id);
    return contact === undefined ? [] : [{ contact, messages }];
  });
}

/** One buddy who wrote in silent mode or in a pause. */
interface Backlog {
  readonly contact: Contact;
  readonly messages: number;
}

/** `2 buddies wrote meanwhile: Alice (K7QF), Bob (M2TX). /answer all, or /answer K7QF.` */
export function whoWrote(waiting: readonly Backlog[]): Message {
  const contacts = waiting.map(({ contact }) => contact);
  const many = count(contacts.length, "buddy", "buddies");
  return say`${own(many)} wrote meanwhile: ${labels(contacts)}. /answer all, or /answer ${own(contacts[0]?.code ?? "")}.`;
}

async function answerOne(contact: Contact, { gateway }: CommandContext): Promise<Done> {
  const { responder } = gateway;
  const messages = responder.backlog?.().get(contact._id) ?? 0;
  const data = { ...toData(contact), messages };
  if (messages === 0)
    return { ok: false, data, message: say`${label(contact)} wrote nothing in silent mode or in a pause.` };
  await responder.answer?.(contact._id);
  return { data, message: say`▶️ Answering ${own(count(messages, "message"))} of ${label(contact)}.` };
}

const NOBODY = own("Nobody wrote in silent mode or in a pause.");
