import type { Request, Response } from "express";
import { formatNumber, isObeyed } from "../../access/index.js";
import { formatDuration } from "../../admin/index.js";
import { DAY } from "../../clock.js";
import { drawDay } from "../picture.js";
import type { Desk } from "./desk.js";
import { looksOf, onPages } from "./link.js";
import { lastDecision } from "./whatsapp.js";

/** The rest is on the WhatsApp page. */
const WAITING_SHOWN = 5;

/** How it stands: link, silent mode, who waits, the last day. */
export function overview(desk: Desk) {
  const { access, activity, clock, gateway } = desk.parts;
  return async (request: Request, response: Response): Promise<void> => {
    const link = gateway.link();
    const looks = looksOf(desk);
    const me = gateway.me();
    const { responder, startedAt, version } = gateway;
    const pending = access.list("pending");
    const now = clock();
    const messages = activity.seen(now - DAY);
    const owner = access.owner();
    desk.show(request, response, "overview", "Overview", {
      link: {
        ...link,
        ...looks,
        isBad: looks.look === "bad",
        remedy: link.code === "open" ? "" : onPages(link.remedy, "Link this device"),
      },
      trouble: gateway.trouble?.(),
      needsLink: link.code === "unlinked" || link.code === "loggedOut",
      me: me && formatNumber(me),
      ...silentModel(desk),
      pending: pending.slice(0, WAITING_SHOWN).map((contact) => desk.contact(contact)),
      more: Math.max(0, pending.length - WAITING_SHOWN),
      nobodyEnters: access.token() === undefined && !access.isOpen(),
      ownerMissing: owner === undefined,
      ownerUnconfirmed: owner?.confirmed === false,
      ownerLocked: owner?.locked,
      last: lastDecision(desk),
      counts: access.counts(),
      picture: drawDay(messages, now),
      dayBefore: desk.time(now - DAY + 60_000),
      now: desk.time(now),
      responder,
      uptime: startedAt === undefined ? undefined : formatDuration(now - startedAt),
      version,
    });
  };
}

/** Silent mode as the switch shows it. */
export function silentModel(desk: Desk): object {
  const until = desk.parts.gateway.silent.until();
  return { whenOff: whenOff(desk), silentUntil: until === undefined ? undefined : desk.time(until) };
}

/** What becomes of buddies' messages while silent mode is off. */
function whenOff({ parts: { access, gateway } }: Desk): string {
  const { mode, paused } = gateway.responder;
  if (mode === undefined || mode === "off") return "Buddies are greeted, but nothing answers them: no model is set.";
  if (paused) return "Buddies are greeted, but not answered: the responder is paused.";
  if (mode === "model") return "Buddies are answered.";
  if (!isObeyed(access.owner())) {
    return "Buddies are greeted; what they write waits until there is an owner who can answer it.";
  }
  return "Buddies’ messages come to your admin chat, and your replies go back to them.";
}
