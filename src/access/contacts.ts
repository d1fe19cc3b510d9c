import { oneLine } from "../text.js";
import { addressesOf, digitsOf, type Lid, type Person, type Pn, typedDigits } from "./identity.js";
import type { Code, Contact, ContactState } from "./types.js";

/**
 * All contacts in memory, found in constant time by either address, by id and by code: the gate asks here for every
 * message. Holds what is on disk and nothing else; whoever changes a contact writes it first and puts it here then.
 */
export class ContactBook {
  readonly #byId = new Map<string, Contact>();
  readonly #byCode = new Map<Code, Contact>();
  readonly #byAddress = new Map<Pn | Lid, Contact>();
  /** Further addresses that a denial covers; kept apart, as they may be somebody else's own address as well. */
  readonly #denied = new Map<Pn | Lid, Contact>();
  readonly #byState: Readonly<Record<ContactState, Map<string, Contact>>> = {
    stranger: new Map(),
    pending: new Map(),
    approved: new Map(),
    denied: new Map(),
  };
  /** Names as they are compared, of those that were. */
  readonly #folded = new Map<string, string>();

  /** Adds a contact, or replaces what is known by its id. */
  set(contact: Contact): void {
    this.delete(contact._id);
    for (const id of idsOf(contact)) this.#byId.set(id, contact);
    for (const code of codesOf(contact)) this.#byCode.set(code, contact);
    for (const address of addressesOf(contact)) this.#byAddress.set(address, contact);
    for (const address of contact.also ?? []) this.#denied.set(address, contact);
    this.#byState[contact.state].set(contact._id, contact);
  }

  delete(id: string): void {
    const contact = this.#byId.get(id);
    if (contact?._id !== id) return;
    for (const known of idsOf(contact)) forget(this.#byId, known, contact);
    for (const code of codesOf(contact)) forget(this.#byCode, code, contact);
    for (const address of addressesOf(contact)) forget(this.#byAddress, address, contact);
    for (const address of contact.also ?? []) forget(this.#denied, address, contact);
    this.#byState[contact.state].delete(id);
    this.#folded.delete(id);
  }

  /** By the id of the record, or of one that was merged into it. */
  byId(id: string): Contact | undefined {
    return this.#byId.get(id);
  }

  /** By its code or an alias. */
  byCode(code: Code): Contact | undefined {
    return this.#byCode.get(code);
  }

  /** The record whose own address this is. */
  byAddress(address: Pn | Lid | undefined): Contact | undefined {
    return address === undefined ? undefined : this.#byAddress.get(address);
  }

  /** Every contact known under any address of a person, those denied under a further address included. */
  matches(person: Person): readonly Contact[] {
    const found: Contact[] = [];
    for (const address of [person.lid, person.pn]) {
      if (address === undefined) continue;
      const own = this.#byAddress.get(address);
      const denied = this.#denied.get(address);
      if (own !== undefined) found.push(own);
      if (denied !== undefined) found.push(denied);
    }
    return found;
  }

  in(state: ContactState): Iterable<Contact> {
    return this.#byState[state].values();
  }

  count(state: ContactState): number {
    return this.#byState[state].size;
  }

  all(): Iterable<Contact> {
    return Object.values(this.#byState).flatMap((contacts) => [...contacts.values()]);
  }

  /**
   * The contacts of a state, the longest waiting first where they wait, else the newest first.
   * @param search part of a name (case and accents don't matter) or of a number, or a code
   */
  list(state: ContactState, options: { skip?: number; limit?: number; search?: string } = {}): readonly Contact[] {
    const wanted = asMeant(options.search ?? "");
    const found = [...this.in(state)].filter((contact) => wanted === "" || this.#fits(contact, wanted));
    const order = state === "pending" ? 1 : -1;
    found.sort((a, b) => order * (a.since - b.since) || (a.code < b.code ? -1 : 1));
    const skip = options.skip ?? 0;
    return found.slice(skip, options.limit === undefined ? undefined : skip + options.limit);
  }

  /** A contact's name, ready to be compared. */
  folded(contact: Contact): string {
    const known = this.#folded.get(contact._id);
    if (known !== undefined) return known;
    const folded = fold(contact.name);
    this.#folded.set(contact._id, folded);
    return folded;
  }

  #fits(contact: Contact, wanted: string): boolean {
    const name = fold(wanted);
    if (name !== "" && this.folded(contact).includes(name)) return true;
    const code = wanted.toUpperCase();
    if (codesOf(contact).some((own) => own === code)) return true;
    const digits = /[\p{L}]/u.test(wanted) ? "" : typedDigits(wanted);
    return digits !== "" && contact.pn !== undefined && digitsOf(contact.pn).includes(digits);
  }
}

/**
 * What was typed or copied to name somebody, without the marks that nobody sees; of those alone it names nobody, and stays as
 * it stands.
 */
export function asMeant(typed: string): string {
  return oneLine(typed) || typed.trim();
}

/** A name as it is compared: case, accents, width and repeated spaces don't matter. */
export function fold(name: string): string {
  return name.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/\s+/g, " ").trim();
}

/** The codes that name a contact: its own, and those of records merged into it. */
export function codesOf(contact: Contact): readonly Code[] {
  return [contact.code, ...contact.aliases];
}

function idsOf(contact: Contact): readonly string[] {
  return [contact._id, ...(contact.merged ?? [])];
}

/** Takes a key out of an index, unless it leads to someone else by now. */
function forget<K>(index: Map<K, Contact>, key: K, contact: Contact): void {
  if (index.get(key)?._id === contact._id) index.delete(key);
}
