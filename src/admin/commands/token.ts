import { MINUTE } from "../../clock.js";
import { own, say } from "../../text.js";
import { take } from "../arguments.js";
import { refusal } from "../targets.js";
import type { Command } from "../types.js";
import { count, formatTime, stack } from "../words.js";

/** How long a shown token stays in the chat: time to copy it. */
const TOKEN_SHOWN_MS = 15 * MINUTE;
/** The secret id of messages that show the shared token. */
const TOKEN_SECRET = "token";

export const token: Command = {
  name: "token",
  usage: "[rotate]",
  summary: "shows (masked) or replaces the pairing token",
  details: [
    "The token is what a stranger sends first to get into the pending queue. Share it only with people you know.",
    "/token · /token rotate makes a new one, and the old one is void at once",
  ].join("\n"),
  age: (args) => (args.length === 0 ? "looks" : "changes"),
  async run(args, { access, by, clock, timezone, door }) {
    const { words } = take(args);
    if (words.length === 0) {
      const now = access.token();
      if (now === undefined) {
        const who = access.isOpen()
          ? "There is no pairing token, and pairing is open: everyone who writes becomes pending. /token rotate ends that."
          : "There is no pairing token: nobody can enter. /token rotate makes one.";
        return { ok: true, message: own(who), data: null };
      }
      const since = formatTime(now.since, clock(), timezone);
      const message = own(`Pairing token: ${now.masked}, since ${since}. /token rotate replaces it.`);
      return { ok: true, message, data: { masked: now.masked, since: now.since } };
    }
    if (words.length > 1 || words[0]?.toLowerCase() !== "rotate") {
      return refusal("bad-usage", say`It is /token or /token rotate.`, "usage");
    }
    const isFirst = access.token() === undefined;
    const rotated = await access.rotateToken(by);
    const old = rotated.pendingWithOld.length;
    const message = stack([
      say`New pairing token: ${own(rotated.token)}`,
      !isFirst && own("The old one is void. Whoever is approved stays approved."),
      door === "whatsapp" && own("This message is deleted in 15 minutes: copy the token now."),
      old > 0 && own(`${count(old, "pending sender")} came with the old token: /remove old-token removes them.`),
    ]);
    return {
      ok: true,
      message,
      data: { token: rotated.token, pendingWithOld: rotated.pendingWithOld.map((contact) => contact.code) },
      secret: { until: clock() + TOKEN_SHOWN_MS, id: TOKEN_SECRET },
      voids: [TOKEN_SECRET],
    };
  },
};
