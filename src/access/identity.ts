/**
 * Who somebody is on WhatsApp: the only place that takes a JID apart (DESIGN 3).
 *
 * WhatsApp knows a person by a phone number (PN) and by a LID, and writes both with a device part, on several hosts and
 * in several spellings. Everything else in KafClaw sees one normal form, made here:
 *
 * ```ts
 * parseJid("491701234567:12@s.whatsapp.net"); // { kind: "pn", pn: "491701234567@s.whatsapp.net", device: 12 }
 * parseAddress("+49 170 1234567");            // the same person, typed by hand
 * formatNumber(person);                       // "+49 170 1234567", or "number hidden" where only a LID is known
 * ```
 */
import { parsePhoneNumberFromString } from "libphonenumber-js";
import { present } from "../present.js";
import { oneLine, plainDigits } from "../text.js";

declare const brand: unique symbol;

/** A phone-number address in normal form, `<digits>@s.whatsapp.net`, without a device part. */
export type Pn = string & { readonly [brand]: "Pn" };

/** A LID address in normal form, `<digits>@lid`, without a device part. */
export type Lid = string & { readonly [brand]: "Lid" };

/** One person: one or both of WhatsApp's two addresses. At least one is present. */
export interface Person {
  readonly pn?: Pn;
  readonly lid?: Lid;
}

/** What a raw JID names. `device` is 0 for the phone itself. */
export type Address =
  | { readonly kind: "pn"; readonly pn: Pn; readonly device: number }
  | { readonly kind: "lid"; readonly lid: Lid; readonly device: number }
  | { readonly kind: "group" | "broadcast" | "status" | "newsletter" | "other"; readonly jid: string };

const PN_HOST = "s.whatsapp.net";
const LID_HOST = "lid";

/** The hosts under which a person's number or LID is seen: today's, the older web client's, and hosted businesses'. */
const PERSON_HOSTS: ReadonlyMap<string, "pn" | "lid"> = new Map([
  [PN_HOST, "pn"],
  ["c.us", "pn"],
  ["hosted", "pn"],
  [LID_HOST, "lid"],
  ["hosted.lid", "lid"],
]);

/** `<user>[_<agent>][:<device>]`: what stands before the host of a person's JID. */
const USER = /^(\d{1,20})(?:_\d{1,3})?(?::(\d{1,5}))?$/;

/**
 * Takes a JID apart. Never throws: what is not a person, group, broadcast, status or newsletter is `other`.
 * @param jid as WhatsApp writes it, e.g. `491701234567:12@s.whatsapp.net`, `1234@lid`, `1203@g.us`
 */
export function parseJid(jid: string): Address {
  const at = jid.lastIndexOf("@");
  const user = jid.slice(0, Math.max(at, 0));
  const host = jid.slice(at + 1).toLowerCase();
  if (at < 1) return { kind: "other", jid };
  if (host === "g.us") return { kind: "group", jid };
  if (host === "newsletter") return { kind: "newsletter", jid };
  if (host === "broadcast") return { kind: user === "status" ? "status" : "broadcast", jid };

  const personal = PERSON_HOSTS.get(host);
  const parts = USER.exec(user);
  const digits = parts?.[1];
  // User 0 is WhatsApp itself, which sends service announcements and is nobody to talk to.
  if (personal === undefined || digits === undefined || /^0/.test(digits)) return { kind: "other", jid };
  const device = Number(parts?.[2] ?? 0);
  return personal === "pn" ? { kind: "pn", pn: toPn(digits), device } : { kind: "lid", lid: toLid(digits), device };
}

/**
 * Reads what a person types for somebody: a number with country code in any spelling, a JID, or a LID.
 * @returns `undefined` for what is neither; numbers are checked for a possible length, not for being in use
 */
export function parseAddress(text: string): Address | undefined {
  const typed = oneLine(text);
  if (typed.includes("@")) {
    const address = parseJid(typed.replace(/^\+/, ""));
    return address.kind === "other" ? undefined : address;
  }
  const pn = parseNumber(typed);
  return pn === undefined ? undefined : { kind: "pn", pn, device: 0 };
}

/** The digits of a number as people type it, in any script, without the 00 that stands for its plus. */
export function typedDigits(text: string): string {
  return plainDigits(text).replace(/\D/g, "").replace(/^00/, "");
}

/** Whether a text is meant as a phone number: digits, at most with the marks that people put between them. */
export function looksLikeNumber(text: string): boolean {
  // Numbers that were copied out of a phone's contacts come between direction marks.
  const typed = plainDigits(oneLine(text));
  return /^[+(]?[\d\s().\-/‐-―]*$/u.test(typed) && /\d/.test(typed);
}

/** WhatsApp still writes a 1 behind Mexico's country code, which the numbering plan has dropped. */
const MEXICAN_MOBILE = /^521\d{10}$/;

/** Reads a phone number with its country code: `+49 170 1234567`, `0049170…`, `491701234567`. */
export function parseNumber(text: string): Pn | undefined {
  if (!looksLikeNumber(text)) return undefined;
  const digits = typedDigits(text);
  // A single leading zero is a national number, and which nation we can't know.
  if (digits === "" || digits.startsWith("0")) return undefined;
  if (MEXICAN_MOBILE.test(digits)) return toPn(digits);
  const number = parsePhoneNumberFromString(`+${digits}`);
  if (!number?.isPossible()) return undefined;
  // Reading takes out a national prefix, as in +49 (0)170; where a second reading takes out more, it was no number.
  return parsePhoneNumberFromString(number.number)?.number === number.number ? toPn(number.number.slice(1)) : undefined;
}

/** The person whom a JID names, or `undefined` where it names none (a group, a broadcast, rubbish). */
export function personOf(jid: string): Person | undefined {
  const address = parseJid(jid);
  if (address.kind === "pn") return { pn: address.pn };
  if (address.kind === "lid") return { lid: address.lid };
  return undefined;
}

/**
 * One person from the JIDs that a message brings (`remoteJid` and `remoteJidAlt`, say), in any order.
 * @returns `undefined` where none of them names a person
 */
export function personFrom(...jids: readonly (string | null | undefined)[]): Person | undefined {
  const known: { pn?: Pn; lid?: Lid } = {};
  for (const jid of jids) {
    const address = parseJid(jid ?? "");
    if (address.kind === "pn") known.pn ??= address.pn;
    if (address.kind === "lid") known.lid ??= address.lid;
  }
  return known.pn === undefined && known.lid === undefined ? undefined : known;
}

/** The addresses of a person and nothing else, e.g. of a contact. */
export function identityOf({ pn, lid }: Person): Person {
  return present({ pn, lid });
}

/** The addresses of a person, LID first: it is the one that WhatsApp delivers by today. */
export function addressesOf(person: Person): readonly (Pn | Lid)[] {
  return [person.lid, person.pn].filter((address) => address !== undefined);
}

/**
 * Whether two records name one person. A LID belongs to one account for good, so where both LIDs are known they decide;
 * a number can pass to someone else, so it decides only where a LID is missing.
 */
export function same(a: Person, b: Person): boolean {
  if (a.lid !== undefined && b.lid !== undefined) return a.lid === b.lid;
  return a.pn !== undefined && a.pn === b.pn;
}

/** The digits of an address, for a search by number or a `wa.me` link. */
export function digitsOf(address: Pn | Lid): string {
  return address.slice(0, address.indexOf("@"));
}

/** A person's number for people: `+1 555 000 2000`, or `number hidden` where only the LID is known. */
export function formatNumber(person: Person): string {
  if (person.pn === undefined) return "number hidden";
  const number = `+${digitsOf(person.pn)}`;
  const parsed = parsePhoneNumberFromString(number);
  // What is shown holds every digit of the address, so that it can be typed back.
  return parsed?.number === number ? parsed.formatInternational() : number;
}

function toPn(digits: string): Pn {
  // The one place where a number becomes a Pn: the callers above have checked that it is nothing but digits.
  return `${digits}@${PN_HOST}` as Pn;
}

function toLid(digits: string): Lid {
  // The one place where digits become a Lid, checked likewise.
  return `${digits}@${LID_HOST}` as Lid;
}
