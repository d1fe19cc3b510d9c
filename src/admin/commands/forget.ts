import { own, say } from "../../text.js";
import { take } from "../arguments.js";
import { eachReference, isContact, refusal } from "../targets.js";
import type { Command } from "../types.js";
import { label, toData } from "../words.js";

export const forget: Command = {
  name: "forget",
  usage: "<ref…>",
  summary: "forgets the conversation with a buddy; the contact stays",
  details:
    "The model begins anew with that buddy, and what waits for an answer is dropped.\n/forget K7QF · /forget alice",
  age: "changes",
  async run(args, context) {
    const { words } = take(args);
    const { access, gateway, by } = context;
    if (words.length === 0) return refusal("bad-usage", own("Whose? /forget and a code, number or name."), "usage");
    return eachReference(words, context, ["approved", "denied"], async (target) => {
      if (!isContact(target)) return { ok: false, message: own("That number is on no list: /list shows who is.") };
      await gateway.responder.forget?.(target._id);
      await access.record("forget", by, target.code);
      return { data: toData(target), message: say`The conversation with ${label(target)} is forgotten.` };
    });
  },
};
