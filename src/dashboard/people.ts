/** Persons in what the API takes and gives. */
import { type Contact, digitsOf, type Invite, KafclawError, type Owner, parseNumber } from "../access/index.js";
import { firstWords } from "../text.js";

/** A contact as JSON, the same in every list. */
export function contactData({ code, pn, lid, name, state, since }: Contact): object {
  return { code, pn: pn ?? null, lid: lid ?? null, name, state, since };
}

/** An invite as JSON, without its token: who may see that opens its page. */
export function inviteData({ _id: id, label, created, expires, auto, for: bound, used, revoked }: Invite): object {
  const person = bound === undefined ? null : { pn: bound.pn ?? null, lid: bound.lid ?? null };
  return { id, label, created, expires, auto, for: person, used: used?.at ?? null, revoked: revoked ?? null };
}

/** The owner as JSON, without the code that confirms them. */
export function ownerData(owner: Owner | undefined): object | null {
  if (owner === undefined) return null;
  const { setup, person, confirmed, locked } = owner;
  return { setup, pn: person.pn ?? null, lid: person.lid ?? null, confirmed, locked: locked ?? null };
}

/**
 * The digits of a phone number, as a pairing code is asked for.
 * @throws KafclawError `bad-number` (kind `usage`)
 */
export function phoneDigits(phone: string): string {
  const pn = parseNumber(phone);
  if (pn !== undefined) return digitsOf(pn);
  throw new KafclawError(
    "bad-number",
    `"${firstWords(phone, 40)}" is no phone number; write it with its country code, like +1 555 000 2000.`,
    "usage",
  );
}
