/** Persons in what the API takes and gives. */
import type { Contact, Invite } from "../access/index.js";

/** A contact as JSON, the same in every list. */
export function contactData({ code, pn, lid, name, state, since, episode }: Contact): object {
  return { code, pn: pn ?? null, lid: lid ?? null, name, state, since, episode };
}

/** An invite as JSON, without its token: that has an address of its own. */
export function inviteData({ _id: id, label, created, expires, auto, for: bound, used, revoked }: Invite): object {
  const person = bound === undefined ? null : { pn: bound.pn ?? null, lid: bound.lid ?? null };
  return { id, label, created, expires, auto, for: person, used: used?.at ?? null, revoked: revoked ?? null };
}
