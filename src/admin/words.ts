/** How people, times and decisions are called, the same in every answer and notice. */
import { formatNumber, type Person } from "../access/identity.js";
import { type AuditRecord, eventOf, isContactAction, predicate, doorOf as whereOf } from "../access/index.js";
import type { Contact, ContactState, Decision } from "../access/types.js";
import { DAY, HOUR, MINUTE } from "../clock.js";
import { lines, type Message, own, say } from "../text.js";

const UNITS: Readonly<Record<string, number>> = { m: MINUTE, h: HOUR, d: DAY };
/** Longer than a month is no "for a while" any more. */
const LONGEST = 31 * DAY;

/** `30m`, `2h`, `1d`, `1h30m` as milliseconds; `undefined` for anything else, and beyond 31 days. */
export function parseDuration(text: string): number | undefined {
  const compact = text.trim().toLowerCase();
  if (!/^(\d{1,5}[mhd])+$/.test(compact)) return undefined;
  let total = 0;
  for (const [, count, unit] of compact.matchAll(/(\d+)([mhd])/g)) total += Number(count) * (UNITS[unit ?? ""] ?? 0);
  return total > 0 && total <= LONGEST ? total : undefined;
}

/** "2 h 5 min", "3 days", "under a minute". */
export function formatDuration(ms: number): string {
  if (ms < MINUTE) return "under a minute";
  const [days, hours, minutes] = [
    Math.floor(ms / DAY),
    Math.floor((ms % DAY) / HOUR),
    Math.floor((ms % HOUR) / MINUTE),
  ];
  if (days > 0) return hours > 0 ? `${count(days, "day")} ${hours} h` : count(days, "day");
  if (hours > 0) return minutes > 0 ? `${hours} h ${minutes} min` : `${hours} h`;
  return `${minutes} min`;
}

/** "1 message", "3 messages". */
export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

/** The time of day in the owner's time zone, with the date where it isn't today: `14:02`, `21 Nov 14:02`. */
export function formatTime(at: number, now: number, timezone: string): string {
  const time = inZone(at, timezone, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", year: "numeric" };
  if (inZone(at, timezone, day) === inZone(now, timezone, day)) return time;
  const sameYear = inZone(at, timezone, { year: "numeric" }) === inZone(now, timezone, { year: "numeric" });
  return `${inZone(at, timezone, sameYear ? { day: "numeric", month: "short" } : day)} ${time}`;
}

function inZone(at: number, timeZone: string, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat("en-GB", { ...options, timeZone }).format(at);
}

/** `Alice (K7QF)`, or by the number where no name is known. */
export function label(contact: Pick<Contact, "name" | "code"> & Person): Message {
  const isNumber = contact.name === "" && contact.pn !== undefined;
  return isNumber ? say`${own(formatNumber(contact))} (${own(contact.code)})` : nameAndCode(contact);
}

/** `Alice (K7QF)`, for where the number is told beside it. */
export function nameAndCode(contact: Pick<Contact, "name" | "code">): Message {
  return say`${nameOf(contact)} (${own(contact.code)})`;
}

/** The name as data, or our own word that there is none. */
export function nameOf(contact: Pick<Contact, "name">): Message {
  return contact.name === "" ? own("no name") : say`${contact.name}`;
}

/** `Alice · +1 555 000 2000`. */
export function nameAndNumber(contact: Pick<Contact, "name"> & Person): Message {
  return say`${nameOf(contact)} · ${own(formatNumber(contact))}`;
}

/** A list in one line: `Alice (K7QF), Bob (M2TX) and 3 more`. */
export function labels(contacts: readonly Contact[], most = 5): Message {
  const shown = contacts.slice(0, most);
  const parts = shown.map((contact, index) => (index === 0 ? label(contact) : say`, ${label(contact)}`));
  const rest = contacts.length - shown.length;
  return { parts: [...parts.flatMap((part) => part.parts), ...(rest > 0 ? own(` and ${rest} more`).parts : [])] };
}

/** Messages one below the other from a list. */
export function stack(messages: readonly (Message | undefined | false)[]): Message {
  return lines(...messages);
}

/** `on the dashboard`, `by you on WhatsApp`, `by an invite`. */
export function doorOf(decision: Pick<Decision, "by">): string {
  if (decision.by.door === "gateway" && decision.by.who.startsWith("invite")) return "by an invite";
  return decision.by.door === "whatsapp" ? "by you on WhatsApp" : whereOf(decision);
}

/** What an order had done before a restart, where its own answer can't be made again: `Alice (K7QF) was removed`. */
export function wasDone(records: readonly AuditRecord[]): Message {
  const each = records.map(({ action, code, name = "", note = "" }) =>
    code !== undefined && isContactAction(action)
      ? say`${label({ code, name })} ${own(predicate({ action }))}`
      : say`${own(eventOf({ action }))}${own(note && ": ")}${note}`,
  );
  return stack([
    own("That was done before something interrupted me. Send it again if you meant more than this:"),
    ...each,
  ]);
}

/** `was approved by you on WhatsApp, 14:03`. */
export function whatHappened(decision: Decision, now: number, timezone: string): Message {
  const time = formatTime(decision.at, now, timezone);
  if (!isDecided(decision)) return own(`${predicate(decision)}, ${time}`);
  if (decision.action === "undo") {
    return own(`was set back to ${stateName(decision.to)} ${doorOf(decision)}, ${time}`);
  }
  return own(`${predicate(decision)} ${doorOf(decision)}, ${time}`);
}

/** `by you on WhatsApp, 14:03`. */
export function byAndWhen(decision: Decision, now: number, timezone: string): Message {
  return own(`${doorOf(decision)}, ${formatTime(decision.at, now, timezone)}`);
}

/** What somebody decided, as against what came to pass. */
function isDecided({ action }: Decision): boolean {
  return action === "approve" || action === "deny" || action === "remove" || action === "undo";
}

/** A contact's state as people read it. */
export function stateName(state: ContactState): string {
  return state === "stranger" ? "a stranger" : state;
}

/** How a contact came into the queue. */
export function viaOf(contact: Contact): Message {
  switch (contact.via?.kind) {
    case "token":
      return own("sent the pairing token");
    case "invite":
      return say`used the invite for ${contact.via.label}`;
    case "open":
      return own("wrote (pairing is open)");
    case undefined:
      return own("wrote");
  }
}

/** What `--json` prints of a contact. */
export function toData(contact: Contact): object {
  const { code, pn = null, lid = null, name, state, since } = contact;
  return { code, pn, lid, name, state, since };
}
