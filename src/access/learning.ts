/**
 * What two addresses that came together tell about the records we have (DESIGN 3). Pure: finds out what is to be done;
 * `identities.ts` does it.
 */
import { present } from "../present.js";
import { outweighs } from "./gate.js";
import { addressesOf, identityOf, type Lid, type Person, type Pn } from "./identity.js";
import type { Contact, Episode, Held } from "./types.js";

/** What is to be done about a person's records. */
export type Plan =
  | { readonly kind: "nothing" }
  /** The other address of a known contact. */
  | { readonly kind: "fill"; readonly contact: Contact; readonly person: Person }
  | {
      readonly kind: "merge";
      readonly winner: Contact;
      readonly loser: Contact;
      /** What holds from now on. */
      readonly addresses: Person;
    }
  /** `old` loses its number to another account, which may be known as `writer`. */
  | { readonly kind: "new-person"; readonly old: Contact; readonly writer?: Contact }
  | { readonly kind: "new-number"; readonly contact: Contact; readonly before: Pn }
  /** A denial grows over addresses; whoever else was let in under them is suspended. */
  | {
      readonly kind: "cover";
      readonly denied: Contact;
      readonly addresses: readonly (Pn | Lid)[];
      readonly suspended: readonly Contact[];
    };

const NOTHING: Plan = { kind: "nothing" };

/** What is on record about the two addresses of a person. */
export interface Known {
  readonly byPn: Contact | undefined;
  readonly byLid: Contact | undefined;
  /** All that match, also by a further address that a denial covers. */
  readonly matches: readonly Contact[];
}

/** Finds out what it means that `pn` and `lid` are one person now. */
export function plan(pn: Pn, lid: Lid, { byPn, byLid, matches }: Known): Plan {
  if (byPn !== undefined && byPn === byLid) return NOTHING;
  const denied = matches.find((contact) => contact.state === "denied" && isSomeoneElse(contact, pn, lid));
  if (denied !== undefined) return cover(denied, pn, lid, [byPn, byLid]);

  if (byPn === undefined) {
    if (byLid === undefined) return NOTHING;
    if (byLid.pn === undefined) return { kind: "fill", contact: byLid, person: { pn, lid } };
    return { kind: "new-number", contact: byLid, before: byLid.pn };
  }
  if (byPn.lid !== undefined) return { kind: "new-person", old: byPn, ...present({ writer: byLid }) };
  if (byLid === undefined) return { kind: "fill", contact: byPn, person: { pn, lid } };
  return merge(byPn, byLid, { pn, lid });
}

/**
 * Finds out what it means that WhatsApp writes a contact's number otherwise than it was typed.
 * @param contact who is known by the typed number alone
 * @param person whose number it is, as WhatsApp says
 * @param known who is on record under that person's addresses
 */
export function planRespelled(contact: Contact, typed: Pn, person: Person, known: ReadonlySet<Contact>): Plan {
  const [other, ...more] = known;
  if (other === undefined) return { kind: "new-number", contact, before: typed };
  // A record with another LID may be of who had the number before: what was decided about the typed number is not theirs.
  const isTheirs = more.length === 0 && (other.lid === undefined || other.lid === person.lid);
  return isTheirs ? merge(contact, other, person) : NOTHING;
}

/** Two records of one person: the heavier state wins, then the older record. */
function merge(a: Contact, b: Contact, addresses: Person): Plan {
  return outweighs(a, b) || (!outweighs(b, a) && a.since < b.since)
    ? { kind: "merge", winner: a, loser: b, addresses }
    : { kind: "merge", winner: b, loser: a, addresses };
}

/** Whether a record that matches belongs to another account: the number is its own with another LID, or only covered. */
function isSomeoneElse(contact: Contact, pn: Pn, lid: Lid): boolean {
  if (contact.lid === lid) return false;
  return contact.lid !== undefined || contact.pn !== pn;
}

function cover(denied: Contact, pn: Pn, lid: Lid, others: readonly (Contact | undefined)[]): Plan {
  const covered = new Set([...addressesOf(denied), ...(denied.also ?? [])]);
  const addresses = [pn, lid].filter((address) => !covered.has(address));
  const suspended = others
    .filter((contact) => contact !== undefined)
    .filter(({ state }) => state === "approved" || state === "pending");
  if (addresses.length === 0 && suspended.length === 0) return NOTHING;
  return { kind: "cover", denied, addresses, suspended };
}

/**
 * Two records of one person as one: the winner's state, code and id stay, the other's names lead to it.
 * @param addresses the addresses that hold from now on
 */
export function mergeOf(winner: Contact, loser: Contact, addresses: Person): Contact {
  const { pn, lid } = addresses;
  const { before: _, ...kept } = winner;
  const isDenied = winner.state === "denied";
  const former = [...addressesOf(winner), ...addressesOf(loser)].filter((address) => address !== pn && address !== lid);
  const also = isDenied ? bounded([...(winner.also ?? []), ...(loser.also ?? []), ...former], addresses) : [];
  const via = winner.via ?? loser.via;
  const joined = [...episodesOf(winner).slice(1), ...(loser.state === "pending" ? episodesOf(loser) : [])];
  return {
    ...kept,
    ...identityOf(addresses),
    aliases: [...winner.aliases, loser.code, ...loser.aliases],
    merged: [...(winner.merged ?? []), loser._id, ...(loser.merged ?? [])],
    name: winner.name || loser.name,
    joined,
    held: isDenied ? [] : lastHeld([...winner.held, ...loser.held]),
    history: [...winner.history, ...loser.history].sort((a, b) => a.at - b.at),
    ...present({ via }),
    ...(winner.blocked || loser.blocked ? { blocked: true } : {}),
    ...(winner.blockDue || loser.blockDue ? { blockDue: true } : {}),
    ...(also.length === 0 ? {} : { also }),
  };
}

/** The pending episodes that the present one of a contact stands for: its own, and those of records that were merged into it. */
export function episodesOf({ _id, episode, joined, merged = [] }: Contact): readonly Episode[] {
  // A merge of an earlier version kept the higher number of the two, and nothing else.
  const others = joined ?? merged.map((contactId) => ({ contactId, episode }));
  return [{ contactId: _id, episode }, ...others];
}

/** Messages kept while a sender is pending. */
const HELD = 5;

/** The last held messages, oldest first, each once. */
export function lastHeld(held: readonly Held[]): readonly Held[] {
  const once = new Map(held.map((message) => [message.journalId, message]));
  return [...once.values()].sort((a, b) => a.at - b.at).slice(-HELD);
}

/** More further addresses than one denied person will ever have; the oldest go. */
const COVERED = 50;

/** Further addresses of a denial: each once, and none that is the record's own. */
export function bounded(addresses: readonly (Pn | Lid)[], own: Person): readonly (Pn | Lid)[] {
  return [...new Set(addresses)].filter((address) => address !== own.pn && address !== own.lid).slice(-COVERED);
}
