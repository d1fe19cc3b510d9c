/**
 * The gate: who wrote this, as far as access is concerned (I1, I2, I7). A pure function of what is known; it does no I/O,
 * asks no clock and decides nothing by a name.
 */
import type { Knock, Owner } from "./api.js";
import { type Person, same } from "./identity.js";
import type { Contact, ContactState, Verdict } from "./types.js";

/** All that the gate looks at. */
export interface GateInput {
  readonly knock: Knock;
  readonly owner: Owner | undefined;
  /** Every contact that is known under any of the sender's addresses. */
  readonly contacts: readonly Contact[];
}

/** How much a record weighs where a person has several: deny wins, then the record that lets in, then the rest. */
const WEIGHT: Readonly<Record<ContactState, number>> = { denied: 3, approved: 2, pending: 1, stranger: 0 };

/**
 * Judges one message: owner > denied > approved > pending > stranger.
 *
 * ```ts
 * judge({ knock: { place: "group", sender, fromMe: false }, owner, contacts: [] }); // { kind: "ignored", reason: "group" }
 * ```
 */
export function judge({ knock, owner, contacts }: GateInput): Verdict {
  const { place, sender, fromMe } = knock;
  if (place === "other") return { kind: "ignored", reason: "unknown" };
  if (place !== "person") return { kind: "ignored", reason: place };
  if (sender.pn === undefined && sender.lid === undefined) return { kind: "ignored", reason: "unknown" };

  const isOwner = owner !== undefined && isOwnerAddress(owner.person, sender);
  if (fromMe) {
    // What the linked account itself wrote counts in one place: "Message yourself" of an owner who lent their own number.
    if (!isOwner || owner.setup !== "self") return { kind: "ignored", reason: "own" };
  } else if (isOwner && owner.setup === "self") {
    // Nobody else can write in "Message yourself".
    return { kind: "ignored", reason: "unknown" };
  }
  if (isOwner) {
    if (owner.locked !== undefined) return { kind: "stranger", owner: "locked" };
    return owner.confirmed ? { kind: "owner" } : { kind: "stranger", owner: "unconfirmed" };
  }
  return verdictOf(heaviest(contacts, sender));
}

/**
 * The record that counts for a person: any denied one, else the heaviest that is really theirs. A number that now comes
 * with another LID has passed to someone else, and what was allowed to its former holder is not theirs.
 */
export function heaviest(contacts: readonly Contact[], person: Person): Contact | undefined {
  let found: Contact | undefined;
  for (const contact of contacts) {
    if (contact.state !== "denied" && !same(contact, person)) continue;
    if (found === undefined || WEIGHT[contact.state] > WEIGHT[found.state]) found = contact;
  }
  return found;
}

/** Of two records of one person, whether the first one's state holds: denied > approved > pending > stranger. */
export function outweighs(a: Contact, b: Contact): boolean {
  return WEIGHT[a.state] > WEIGHT[b.state];
}

/** The owner's commands need the owner's addresses without a contradiction: another number on their LID is no owner either. */
function isOwnerAddress(owner: Person, sender: Person): boolean {
  const contradicted = owner.pn !== undefined && sender.pn !== undefined && owner.pn !== sender.pn;
  return same(owner, sender) && !contradicted;
}

function verdictOf(contact: Contact | undefined): Verdict {
  if (contact === undefined) return { kind: "stranger" };
  return contact.state === "approved" ? { kind: "buddy", contact } : { kind: contact.state, contact };
}
