import { lines, type Message, own, say } from "../../text.js";
import { take } from "../arguments.js";
import { refusal } from "../targets.js";
import type { Command, CommandContext, CommandResult, ResponderControl } from "../types.js";
import { formatTime, parseDuration } from "../words.js";
import { backlogOf, whoWrote } from "./answer.js";

export const silent: Command = {
  name: "silent",
  usage: "[on|off [--for 2h]]",
  summary: "silent mode: nothing goes out but to the admin chat",
  details: [
    "It is on after every start and every new link. What is held back by it is not sent later by itself: /answer sends it.",
    "/silent shows it · /silent off · /silent off --for 2h (30m, 2h, 1d) returns to silent by itself · /silent on",
  ].join("\n"),
  age(args) {
    const [word] = take(args, { values: ["for"] }).words;
    if (word === undefined) return "looks";
    return word.toLowerCase() === "on" ? "stricter" : "this run";
  },
  async run(args, context) {
    const { words, value } = take(args, { values: ["for"] });
    const [word, ...more] = words.map((each) => each.toLowerCase());
    const forText = value("for");
    const isKnown = word === undefined || word === "on" || word === "off";
    if (!isKnown || more.length > 0 || (forText !== undefined && word !== "off")) {
      return refusal("bad-usage", say`It is /silent on, /silent off or /silent off --for 2h.`, "usage");
    }
    if (word === undefined) return shown(context, stateOf(context));
    if (word === "on") {
      await context.gateway.silent.set(true, context.by);
      return shown(context, say`🔇 Silent mode is on: nothing goes out but to the admin chat. /silent off ends it.`);
    }
    const forMs = forText === undefined ? undefined : parseDuration(forText);
    if (forText !== undefined && forMs === undefined) {
      return refusal("bad-usage", say`--for takes a time like 30m, 2h or 1d, up to 31d, not ${forText}.`, "usage");
    }
    await context.gateway.silent.set(false, context.by, forMs);
    const waiting = backlogOf(context);
    const state = stateOf(context);
    return shown(context, waiting.length === 0 ? state : lines(state, whoWrote(waiting)));
  },
};

/** What buddies get while silent mode is off. */
const ANSWERED: Readonly<Record<NonNullable<ResponderControl["mode"]>, string>> = {
  model: "buddies are answered",
  relay: "what you reply to buddies' messages in the admin chat goes out",
  off: "greetings go out; nothing answers buddies, as no model is set",
};

const PAUSED = "greetings go out; what buddies write waits, as the responder is paused (/resume)";

function stateOf({ gateway, clock, timezone }: CommandContext): Message {
  if (gateway.silent.on()) return say`🔇 Silent mode is on. /silent off ends it.`;
  const until = gateway.silent.until();
  const back = until === undefined ? "" : ` until ${formatTime(until, clock(), timezone)}, then it returns by itself`;
  const { mode = "model", paused } = gateway.responder;
  const answered = paused && mode !== "off" ? PAUSED : ANSWERED[mode];
  return say`🔊 Silent mode is off${own(back)}: ${own(answered)}. /silent on stops that at once.`;
}

function shown({ gateway }: CommandContext, message: Message): CommandResult {
  return { ok: true, message, data: { silent: gateway.silent.on(), until: gateway.silent.until() ?? null } };
}
