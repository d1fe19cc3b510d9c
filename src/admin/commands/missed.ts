import { own, say } from "../../text.js";
import { take } from "../arguments.js";
import { refusal } from "../targets.js";
import type { Command } from "../types.js";
import { count, formatTime, stack } from "../words.js";

/** What one look shows; `--json` has all. */
const SHOWN = 50;

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
      ...strangers
        .slice(0, SHOWN)
        .map(({ at, who, what }) => say`• ${own(formatTime(at, clock(), timezone))} · ${who} · ${what}`),
    ]);
    return { ok: true, message, data: strangers };
  },
};
