import { own, say } from "../../text.js";
import { take } from "../arguments.js";
import { refusal } from "../targets.js";
import type { Command } from "../types.js";
import { formatTime, stack } from "../words.js";

/** The secret id of messages that show a login link. */
export const LOGIN_SECRET = "login";

export const dashboard: Command = {
  name: "dashboard",
  usage: "",
  summary: "a login link for the dashboard",
  details:
    "The link works once, for 5 minutes; a new link voids the last. Without a public address it says how to reach the machine.",
  age: "changes",
  async run(args, { gateway, clock, door, timezone }) {
    if (take(args).words.length > 0) return refusal("bad-usage", say`/dashboard takes nothing behind it.`, "usage");
    const link = await gateway.loginLink?.(door);
    if (link === undefined) {
      const where = own(gateway.dashboardUrl ?? "http://127.0.0.1:18791");
      const message = say`The dashboard has no address that your phone could open: on the machine it is ${where}`;
      return { ok: true, message, data: { url: null } };
    }
    const until = formatTime(link.until, clock(), timezone);
    return {
      ok: true,
      message: stack([own(link.url), own(`Works once, until ${until}.`)]),
      data: link,
      secret: { until: link.until, id: LOGIN_SECRET },
      voids: [LOGIN_SECRET],
    };
  },
};
