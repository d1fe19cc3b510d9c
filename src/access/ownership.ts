import { isDeepStrictEqual } from "node:util";
import type { Learned, Owner } from "./api.js";
import { type AccessDoc, logged } from "./documents.js";
import { addressesOf, identityOf, type Person, type Pn, same } from "./identity.js";
import type { Ledger } from "./ledger.js";
import type { Actor, Contact } from "./types.js";

type OwnerDoc = Extract<AccessDoc, { kind: "owner" }>;

/** Whether the owner's chat is the admin chat now: they are confirmed, and nothing has locked them. */
export function isObeyed(owner: Owner | undefined): owner is Owner {
  return owner?.confirmed === true && owner.locked === undefined;
}

/** The owner on record: set, confirmed, locked, and followed when WhatsApp tells the other address. */
export class Ownership {
  readonly #ledger: Ledger;
  #doc: OwnerDoc | undefined;

  constructor(ledger: Ledger, docs: readonly AccessDoc[]) {
    this.#ledger = ledger;
    this.#doc = docs.find((doc) => doc.kind === "owner");
  }

  owner(): Owner | undefined {
    return this.#doc?.owner;
  }

  /** Whether the owner would be another person than before. */
  isSomeoneElse({ person }: Owner): boolean {
    const before = this.owner();
    return before !== undefined && addressesOf(before.person).length > 0 && !same(before.person, person);
  }

  /** @param more documents that change with it, in the same write */
  async set(owner: Owner, by: Actor, more: readonly AccessDoc[]): Promise<void> {
    if (isDeepStrictEqual(this.owner(), owner)) return;
    await this.#write(owner, by, owner.locked === undefined ? "owner-set" : "owner-locked", owner.locked, more);
  }

  /**
   * What it means for the owner that a person's two addresses came together, or that they wrote in their chat.
   * @returns `undefined` where this is not about the owner
   */
  news(person: Person, chat: Contact["chat"]): { learned: Learned; owner: Owner | undefined } | undefined {
    const owner = this.owner();
    if (owner === undefined) return undefined;
    const { pn, lid } = owner.person;
    const isNumber = pn !== undefined && pn === person.pn;
    const isLid = lid !== undefined && lid === person.lid;
    if (!isNumber && !isLid) return undefined;
    const isOtherAccount = isNumber && lid !== undefined && person.lid !== undefined && lid !== person.lid;
    const isOtherNumber = isLid && pn !== undefined && person.pn !== undefined && pn !== person.pn;
    // The linked account itself may change its number.
    if (isOtherAccount || (isOtherNumber && owner.setup !== "self")) {
      // The other account on the owner's number is somebody else, of whom there may be more to learn.
      if (owner.locked !== undefined)
        return isOtherNumber ? { learned: { kind: "same" }, owner: undefined } : undefined;
      const locked = isOtherAccount
        ? "the owner's number now belongs to another WhatsApp account"
        : "the owner's WhatsApp account has a new number";
      return { learned: { kind: "owner-locked" }, owner: { ...owner, locked } };
    }
    const known = { ...owner.person, ...identityOf(person) };
    // Only their own chat is the admin chat: elsewhere the owner writes to other people.
    const isOwnChat = chat !== undefined && (chat === known.pn || chat === known.lid);
    const now: Owner = { ...owner, person: known, ...(isOwnChat ? { chat } : {}) };
    return { learned: { kind: "same" }, owner: isDeepStrictEqual(owner, now) ? undefined : now };
  }

  /** Writes what {@link news} found. */
  async follow(owner: Owner, by: Actor): Promise<void> {
    if (owner.locked !== this.owner()?.locked) await this.#write(owner, by, "owner-locked", owner.locked);
    else await this.#save(owner, this.#doc?.log ?? []);
  }

  /** The owner's number as WhatsApp writes it, where only another way to type it was known. @returns whether it was */
  async respell(typed: Pn, person: Person, by: Actor): Promise<boolean> {
    const owner = this.owner();
    if (owner?.person.pn !== typed || owner.person.lid !== undefined) return false;
    await this.#write({ ...owner, person: identityOf(person) }, by, "owner-number", `number was ${typed}`);
    return true;
  }

  async #write(
    owner: Owner,
    by: Actor,
    action: string,
    note: string | undefined,
    more: readonly AccessDoc[] = [],
  ): Promise<void> {
    const record = this.#ledger.record(action, by, note);
    await this.#save(owner, logged(this.#doc?.log, record), more);
    await this.#ledger.trail.append(record);
  }

  async #save(owner: Owner, log: OwnerDoc["log"], more: readonly AccessDoc[] = []): Promise<void> {
    const doc: OwnerDoc = { _id: "owner", kind: "owner", owner, log };
    // The owner last: what cuts the write short may leave the former owner's invites void, and never in force for nobody.
    await this.#ledger.put(...more, doc);
    this.#doc = doc;
  }
}
