/**
 * How contacts and decisions are called in sentences for people. Plain text: names in it are data, and whoever shows it
 * escapes it for the place (I9).
 */
import type { AuditRecord } from "./api.js";
import { formatNumber } from "./identity.js";
import type { Action, Contact, Decision, Door } from "./types.js";

/** What somebody is called: by name, where there is one. */
export function nameOrNumber(contact: Contact): string {
  return contact.name || formatNumber(contact);
}

/** A contact in a sentence: `K7QF Alice`, or `K7QF +1 555 000 2000` where no name is known. */
export function describe(contact: Contact): string {
  return `${contact.code} ${nameOrNumber(contact)}`;
}

/** The last entry of a contact's history that changed what they may do; new addresses don't. */
export function lastChange({ history }: Pick<Contact, "history">): Decision | undefined {
  return history.findLast(({ action }) => action !== "identity" && action !== "merge");
}

const PAST: Readonly<Record<Action, string>> = {
  enter: "entered the queue",
  approve: "approved",
  deny: "denied",
  remove: "removed",
  undo: "set back",
  expire: "expired",
  suspend: "suspended",
  merge: "merged",
  identity: "changed address",
};
/** What a contact did, where the others were done to it. */
const OWN_DOING: ReadonlySet<Action> = new Set(["enter", "expire", "identity"]);

/** What a decision did: `approved`. */
export function pastTense({ action }: Pick<Decision, "action">): string {
  return PAST[action];
}

/** What happened to a contact, in a sentence about it: `was approved`, `entered the queue`. */
export function predicate({ action }: Pick<Decision, "action">): string {
  return OWN_DOING.has(action) ? PAST[action] : `was ${PAST[action]}`;
}

/** Whether an audit record's action is one of a contact's history. */
export function isContactAction(action: string): action is Action {
  return Object.hasOwn(PAST, action);
}

/** What else the audit tells of. */
const EVENTS: Readonly<Record<string, string>> = {
  invite: "invite made",
  "invite-revoke": "invite revoked",
  "invite-number": "invite's number as WhatsApp writes it",
  "owner-set": "owner set",
  "owner-locked": "owner locked",
  "owner-number": "owner's number as WhatsApp writes it",
  "token-set": "pairing token set",
  "token-rotate": "pairing token replaced",
  linked: "linked to WhatsApp",
  "silent on": "silent mode on",
  "silent off": "silent mode off",
  pause: "responder paused",
  resume: "responder resumed",
  forget: "conversation forgotten",
};

/** What an audit record tells of, for people: `approved`, `silent mode on`. */
export function eventOf({ action }: Pick<AuditRecord, "action">): string {
  return isContactAction(action) ? PAST[action] : (EVENTS[action] ?? action);
}

const DOORS: Readonly<Record<Door, string>> = {
  whatsapp: "on WhatsApp",
  dashboard: "on the dashboard",
  cli: "at the command line",
  kafka: "through Kafka",
  gateway: "by the gateway",
};

/** Where a decision was made: `on the dashboard`. */
export function doorOf({ by }: Pick<Decision, "by">): string {
  return DOORS[by.door];
}

/** Up to five contacts for a sentence: `Alice (K7QF), Bob (M2TX) and 3 more`. */
export function listOf(contacts: readonly Contact[]): string {
  const shown = contacts.slice(0, 5).map((contact) => `${nameOrNumber(contact)} (${contact.code})`);
  const rest = contacts.length - shown.length;
  return shown.join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
