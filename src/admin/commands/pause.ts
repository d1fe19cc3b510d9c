import { lines, own } from "../../text.js";
import { take } from "../arguments.js";
import { refusal } from "../targets.js";
import type { Command } from "../types.js";
import { backlogOf, whoWrote } from "./answer.js";

export const pause: Command = {
  name: "pause",
  usage: "",
  summary: "stops the responder; silent mode stays as it is",
  details: "Buddies' messages are still taken in, and wait: after /resume, /answer answers them.",
  age: "stricter",
  async run(args, { access, gateway, by }) {
    if (take(args).words.length > 0) return refusal("bad-usage", own("/pause takes nothing behind it."), "usage");
    const { responder } = gateway;
    const was = responder.paused;
    // It takes effect first: what makes things stricter doesn't wait for a disk.
    responder.pause();
    if (!was) await access.record("pause", by).catch(() => {});
    const message = own(
      was
        ? "The responder is paused already: /resume starts it."
        : "⏸ The responder is paused: /resume starts it again.",
    );
    return { ok: true, message, data: { paused: true } };
  },
};

export const resume: Command = {
  name: "resume",
  usage: "",
  summary: "starts the responder again",
  details: "What buddies wrote during the pause is not answered by itself: /answer all. Silent mode stays as it is.",
  age: "changes",
  async run(args, context) {
    const { access, gateway, by } = context;
    if (take(args).words.length > 0) return refusal("bad-usage", own("/resume takes nothing behind it."), "usage");
    const { responder, silent } = gateway;
    const was = responder.paused;
    if (was) await access.record("resume", by);
    responder.resume();
    const quiet = silent.on() ? " Silent mode is on, so nobody hears it: /silent off." : "";
    const state = own(`${was ? "▶️ The responder answers again." : "The responder is not paused."}${quiet}`);
    const waiting = backlogOf(context);
    const message = waiting.length === 0 ? state : lines(state, whoWrote(waiting));
    return { ok: true, message, data: { paused: false } };
  },
};
