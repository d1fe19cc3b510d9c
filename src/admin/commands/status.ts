import { formatNumber } from "../../access/identity.js";
import { own } from "../../text.js";
import { take } from "../arguments.js";
import { refusal } from "../targets.js";
import type { Command } from "../types.js";
import { formatDuration, formatTime, stack } from "../words.js";
import { backlogOf, whoWrote } from "./answer.js";

export const status: Command = {
  name: "status",
  usage: "",
  summary: "link, silent mode, counts, uptime, responder, version",
  details: "How the gateway is doing, and what to do where something is wrong.",
  age: "looks",
  async run(args, { access, gateway, clock, timezone }) {
    if (take(args).words.length > 0) return refusal("bad-usage", own("/status takes nothing behind it."), "usage");
    const link = gateway.link();
    const me = gateway.me();
    const isOpen = link.code === "open" && me !== undefined;
    const counts = access.counts();
    const { silent, responder, startedAt, version } = gateway;
    const waiting = backlogOf({ access, gateway });
    const until = silent.until();
    const quiet = silent.on()
      ? "on"
      : `off${until === undefined ? "" : ` until ${formatTime(until, clock(), timezone)}`}`;
    const uptime = startedAt === undefined ? "not running" : `up ${formatDuration(clock() - startedAt)}`;
    const message = stack([
      isOpen
        ? own(`Link: open, as ${formatNumber(me)}`)
        : own(`Link: ${link.sentence}${link.remedy === "" ? "" : ` ${link.remedy}`}`),
      own(`Silent mode: ${quiet}`),
      own(`${counts.approved} approved, ${counts.pending} pending, ${counts.denied} denied`),
      own(`Responder: ${responder.name}${responder.paused ? ", paused (/resume)" : ""}`),
      waiting.length > 0 && whoWrote(waiting),
      own(`KafClaw ${version}, ${uptime}`),
    ]);
    const data = {
      link: link.code,
      sentence: link.sentence,
      remedy: link.remedy,
      me: me === undefined ? null : { pn: me.pn, lid: me.lid ?? null },
      silent: silent.on(),
      silentUntil: until ?? null,
      counts,
      responder: { name: responder.name, mode: responder.mode ?? null, paused: responder.paused },
      startedAt: startedAt ?? null,
      version,
    };
    return { ok: true, message, data };
  },
};
