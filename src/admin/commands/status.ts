import { formatNumber } from "../../access/identity.js";
import type { Owner } from "../../access/index.js";
import { own } from "../../text.js";
import { take } from "../arguments.js";
import { refusal } from "../targets.js";
import type { Command } from "../types.js";
import { formatDuration, formatTime, stack } from "../words.js";
import { backlogOf, whoWrote } from "./answer.js";

const NO_TOKEN = "none, so nobody can enter the pending queue (/token rotate makes one)";
const OPEN = "none, and pairing is open: everyone who writes becomes pending (/token rotate ends that)";

export const status: Command = {
  name: "status",
  usage: "",
  summary: "link, silent mode, counts, uptime, responder, version",
  details: "How the gateway is doing, and what to do where something is wrong.",
  age: "looks",
  async run(args, { access, gateway, clock, timezone, door }) {
    if (take(args).words.length > 0) return refusal("bad-usage", own("/status takes nothing behind it."), "usage");
    const link = gateway.link();
    const me = gateway.me();
    const isOpen = link.code === "open" && me !== undefined;
    const counts = access.counts();
    const { silent, responder, startedAt, version } = gateway;
    const waiting = backlogOf({ access, gateway });
    const owner = access.owner();
    const hasToken = access.token() !== undefined;
    const until = silent.until();
    const quiet = silent.on()
      ? "on"
      : `off${until === undefined ? "" : ` until ${formatTime(until, clock(), timezone)}`}`;
    const uptime = startedAt === undefined ? "not running" : `up ${formatDuration(clock() - startedAt)}`;
    const trouble = gateway.trouble?.();
    const message = stack([
      trouble !== undefined && own(`⚠️ ${trouble}`),
      isOpen
        ? own(`Link: open, as ${formatNumber(me)}`)
        : own(`Link: ${link.sentence}${link.remedy === "" ? "" : ` ${link.remedy}`}`),
      own(`Silent mode: ${quiet}`),
      own(`${counts.approved} approved, ${counts.pending} pending, ${counts.denied} denied`),
      own(`Responder: ${responder.name}${responder.paused ? ", paused (/resume)" : ""}`),
      waiting.length > 0 && whoWrote(waiting),
      // Whoever reads this in the admin chat is the owner.
      door !== "whatsapp" && own(`Owner: ${ownerWords(owner)}`),
      (door !== "whatsapp" || !hasToken) &&
        own(`Pairing token: ${hasToken ? "set" : access.isOpen() ? OPEN : NO_TOKEN}`),
      own(`KafClaw ${version}, ${uptime}`),
    ]);
    const data = {
      link: link.code,
      sentence: link.sentence,
      trouble: trouble ?? null,
      remedy: link.remedy,
      me: me === undefined ? null : { pn: me.pn, lid: me.lid ?? null },
      silent: silent.on(),
      silentUntil: until ?? null,
      counts,
      responder: { name: responder.name, mode: responder.mode ?? null, paused: responder.paused },
      owner: ownerData(owner),
      token: hasToken,
      running: startedAt !== undefined,
      startedAt: startedAt ?? null,
      version,
    };
    return { ok: true, message, data };
  },
};

function ownerWords(owner: Owner | undefined): string {
  if (owner === undefined) return "none, so nobody can command the bot (kafclaw whatsapp-setup names one)";
  const { setup, person, confirmed, confirmCode, locked } = owner;
  const who = setup === "self" ? "the linked number itself" : formatNumber(person);
  if (locked !== undefined) {
    const again = setup === "self" ? "self" : "<number>";
    return `${who}, whose commands are stopped: ${locked} (kafclaw owner set ${again})`;
  }
  return confirmed || confirmCode === undefined ? who : `${who}, who has not sent the confirmation code yet`;
}

/** The owner as JSON, without the code that confirms them. */
function ownerData(owner: Owner | undefined): object | null {
  if (owner === undefined) return null;
  const { setup, person, confirmed, locked } = owner;
  return { setup, pn: person.pn ?? null, lid: person.lid ?? null, confirmed, locked: locked ?? null };
}
