import { own, say } from "../../text.js";
import { take } from "../arguments.js";
import { refusal } from "../targets.js";
import type { Command } from "../types.js";
import { count, formatTime, stack } from "../words.js";

export const missed: Command = {
  name: "missed",
  usage: "",
  summary: "the last strangers without a valid token",
  details: "Who wrote, when, and what kind of message. They were not answered. /approve and their number lets one in.",
  age: "looks",
  async run(args, { gateway, clock, timezone }) {
    if (take(args).words.length > 0) return refusal("bad-usage", own("/missed takes nothing behind it."), "usage");
    const strangers = await gateway.missed();
    if (strangers.length === 0) return { ok: true, message: own("No stranger was missed."), data: [] };
    const message = stack([
      own(`${count(strangers.length, "stranger")} without a valid token:`),
      ...strangers.map(({ at, who, what, messages }) => {
        const more = own(messages > 1 ? ` (the last of ${messages} messages)` : "");
        return say`• ${own(formatTime(at, clock(), timezone))} · ${who} · ${what}${more}`;
      }),
    ]);
    return { ok: true, message, data: strangers };
  },
};
