import { digitsOf, formatNumber, type Person, parseAddress, same } from "../../access/identity.js";
import { INVITE_DAYS, isLive } from "../../access/index.js";
import type { Invite } from "../../access/types.js";
import { HOUR } from "../../clock.js";
import { KafclawError } from "../../errors.js";
import { present } from "../../present.js";
import { cleanName, type Message, own, say } from "../../text.js";
import type { Me } from "../../whatsapp/types.js";
import { type Taken, take } from "../arguments.js";
import { refusal } from "../targets.js";
import type { Command, CommandContext, CommandResult } from "../types.js";
import { formatTime, label, stack } from "../words.js";

/** WhatsApp lets a message be deleted for everyone for a good two days; the secret goes before that. */
const DELETABLE_MS = 48 * HOUR;

/** The secret id of messages that show an invite. */
export function inviteSecret(inviteId: string): string {
  return `invite ${inviteId}`;
}

/** A link that opens WhatsApp with the invite already typed; undefined while no account is linked. */
export function inviteLink({ token }: Pick<Invite, "token">, me: Me | undefined): string | undefined {
  return me && `https://wa.me/${digitsOf(me.pn)}?text=${encodeURIComponent(token)}`;
}

export const invite: Command = {
  name: "invite",
  usage: "<name> [--days 7] [--auto] [--for <number>] | list | revoke <name>",
  summary: "makes an invite for one person, with a wa.me link",
  details: [
    "An invite is a token that works once. Who uses it becomes pending, and you are told.",
    "/invite Bob · /invite Bob --days 2 · /invite list · /invite revoke Bob",
    "--auto approves whoever uses it first, within 24 hours; --for +15550002000 binds that to one number",
  ].join("\n"),
  age: (args) => (args.length === 1 && args[0]?.toLowerCase() === "list" ? "looks" : "changes"),
  async run(args, context) {
    const taken = take(withWholeNumber(args), { flags: ["auto"], values: ["days", "for"] });
    const [first, ...rest] = taken.words;
    if (first === undefined) {
      return refusal(
        "bad-usage",
        say`For whom? /invite and a name, say /invite Bob; /invite list shows the open ones.`,
        "usage",
      );
    }
    if (first.toLowerCase() === "list" && rest.length === 0) return listInvites(context);
    if (first.toLowerCase() === "revoke") return revoke(rest.join(" "), context);
    return make(taken, context);
  },
};

async function make({ words, flag, value }: Taken, context: CommandContext): Promise<CommandResult> {
  const { access, by, clock, timezone, gateway, door } = context;
  const days = daysOf(value("days"));
  const bound = await boundTo(value("for"), context);
  const auto = flag("auto");
  if (bound !== undefined && !auto) {
    return refusal("bad-usage", say`--for goes with --auto: without it you decide anyway who comes in.`, "usage");
  }
  const needless = bound && whyNeedless(bound, context);
  if (needless !== undefined) return refusal("needless", needless);
  const made = await access.invite(
    {
      label: cleanName(words.join(" ")),
      auto,
      ...present({ days, for: bound }),
    },
    by,
  );
  const me = gateway.me();
  const link = inviteLink(made, me);
  const now = clock();
  const effect = made.auto
    ? own(`${made.for ? formatNumber(made.for) : "Whoever uses it first"} is approved at once, and you are told.`)
    : own("Who uses it becomes pending, and you decide.");
  const message = stack([
    say`Invite for ${made.label}: ${own(made.token)}`,
    link !== undefined && own(link),
    say`Works once, until ${own(formatTime(made.expires, now, timezone))}. ${effect}`,
    door === "whatsapp" &&
      own("This message is deleted once the invite is used or over, after two days at the latest."),
  ]);
  return {
    ok: true,
    message,
    data: {
      id: made._id,
      label: made.label,
      token: made.token,
      link: link ?? null,
      expires: made.expires,
      auto: made.auto,
    },
    secret: { until: Math.min(made.expires, now + DELETABLE_MS), id: inviteSecret(made._id) },
  };
}

function daysOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const days = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (days >= 1 && days <= INVITE_DAYS) return days;
  throw new KafclawError("bad-usage", `--days takes a whole number from 1 to ${INVITE_DAYS}, not ${text}.`, "usage");
}

/** Phones show numbers with spaces: `--for +1 555 000 2000` is one number, as far as the words behind it look like one. */
function withWholeNumber(args: readonly string[]): readonly string[] {
  const option = args.findIndex((arg) => arg === "--for" || arg.startsWith("--for="));
  const at = args[option] === "--for" ? option + 1 : option;
  const start = args[at]?.replace(/^--for=/, "");
  if (option < 0 || start === undefined) return args;
  const isCut = /^\+?[\d(]/.test(start) && parseAddress(start)?.kind !== "pn";
  const rest = args.slice(at + 1);
  const end = rest.findIndex((word) => !/^[\d()./-]+$/.test(word));
  const more = isCut ? rest.slice(0, end < 0 ? rest.length : end) : [];
  return [...args.slice(0, at), [args[at], ...more].join(" "), ...rest.slice(more.length)];
}

/** The person that an invite is bound to, under WhatsApp's own form of the number where we are linked. */
async function boundTo(text: string | undefined, { gateway }: CommandContext): Promise<Person | undefined> {
  if (text === undefined) return undefined;
  const address = parseAddress(text);
  if (address?.kind === "lid") return { lid: address.lid };
  if (address?.kind === "pn") {
    const canonical = await gateway.onWhatsApp(address.pn);
    if (canonical === null) {
      const number = formatNumber({ pn: address.pn });
      throw new KafclawError("not-on-whatsapp", `${number} is not on WhatsApp: check the number.`);
    }
    return canonical ?? { pn: address.pn };
  }
  throw new KafclawError(
    "bad-number",
    `--for takes a number with country code, like +15550002000, not ${text}.`,
    "usage",
  );
}

/** Why an invite bound to this person would let nobody in. */
function whyNeedless(bound: Person, { access, gateway }: CommandContext): Message | undefined {
  const owner = access.owner();
  if (owner !== undefined && same(owner.person, bound))
    return own("That is the owner's number, which needs no invite.");
  const me = gateway.me();
  if (me !== undefined && same(me, bound)) return own("That is the bot's own number, which can't use an invite.");
  const contact = access.find(bound);
  if (contact?.state === "denied") {
    return say`${label(contact)} is denied, and no invite lets them in: /remove ${own(contact.code)} first.`;
  }
  if (contact?.state === "approved") return say`${label(contact)} is approved already and needs no invite.`;
  return undefined;
}

function openInvites({ access, clock }: CommandContext): readonly Invite[] {
  return access.invites().filter((invite) => isLive(invite, clock()));
}

function listInvites(context: CommandContext): CommandResult {
  const open = openInvites(context);
  const data = open.map(({ _id, label, created, expires, auto }) => ({ id: _id, label, created, expires, auto }));
  if (open.length === 0) return { ok: true, message: say`No invite is open. /invite and a name makes one.`, data };
  const rows = open.map(({ label, expires, auto }): Message => {
    const until = formatTime(expires, context.clock(), context.timezone);
    return say`• ${label} · until ${own(until)}${own(auto ? " · approves by itself" : "")}`;
  });
  return { ok: true, message: stack([...rows, own("/invite revoke and the name takes one back.")]), data };
}

/** Shells and keyboards write one letter in several ways. */
function isSame(label: string, typed: string): boolean {
  return cleanName(label).toLowerCase() === cleanName(typed).toLowerCase();
}

async function revoke(wanted: string, context: CommandContext): Promise<CommandResult> {
  if (wanted === "") {
    return refusal("bad-usage", say`Whose? /invite revoke and the name; /invite list shows the open ones.`, "usage");
  }
  const open = openInvites(context);
  const found = open.filter(({ _id, label }) => _id === wanted || isSame(label, wanted));
  const [one] = found;
  if (one === undefined)
    return refusal("unknown-invite", say`No open invite is for ${wanted}: /invite list shows them.`);
  for (const each of found) await context.access.revokeInvite(each._id, context.by);
  return {
    ok: true,
    message:
      found.length === 1
        ? say`The invite for ${one.label} is void.`
        : say`The ${own(found.length)} invites for ${one.label} are void.`,
    data: found.map(({ _id }) => _id),
    voids: found.map(({ _id }) => inviteSecret(_id)),
  };
}
