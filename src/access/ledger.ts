import { present } from "../present.js";
import type { Collection } from "../store/types.js";
import type { AuditRecord } from "./api.js";
import { AuditTrail } from "./audit.js";
import { newCode, type Random, randomText } from "./code.js";
import { ContactBook, codesOf } from "./contacts.js";
import { type AccessDoc, auditOf } from "./documents.js";
import { identityOf, type Person } from "./identity.js";
import type { AccessParts } from "./settings.js";
import { stateAfter, type TableAction } from "./transitions.js";
import type { Action, Actor, Contact, ContactState, Decision } from "./types.js";

/** Decisions that a contact keeps; the audit keeps all. */
const HISTORY_LENGTH = 50;

/** What a new decision is made of. The state table tells what it leads to, where it is not named. */
export type Draft = DraftFacts &
  ({ readonly action: TableAction } | { readonly action: Exclude<Action, TableAction>; readonly to: ContactState });

interface DraftFacts {
  readonly by: Actor;
  readonly via?: Decision["via"];
  readonly note?: string;
  readonly undoes?: string;
}

/** A contact together with the decision that made it what it is. */
export interface Decided {
  readonly contact: Contact;
  readonly decision: Decision;
}

/**
 * Contacts on disk and in memory. Each change is written (and fsynced) first, and memory follows when that went well: a
 * failed write throws and leaves everything as it was. The contact carries its decision in its history, so a decision
 * and its state are one write; the audit comes second.
 */
export class Ledger {
  readonly book = new ContactBook();
  readonly trail: AuditTrail;
  readonly #docs: Collection<AccessDoc>;
  readonly #clock: () => number;
  readonly #random: Random;
  readonly #log: AccessParts["log"];
  #records = 0;

  constructor(parts: AccessParts) {
    this.trail = new AuditTrail(parts);
    this.#docs = parts.access;
    this.#clock = parts.clock;
    this.#random = parts.random;
    this.#log = parts.log;
  }

  /** Reads the contacts among the documents of `access.db`, and finishes a merge that a crash cut short. */
  async load(docs: readonly AccessDoc[]): Promise<void> {
    const contacts = docs.flatMap((doc) => (doc.kind === "contact" ? [doc.contact] : []));
    const merged = new Set(contacts.flatMap((contact) => contact.merged ?? []));
    for (const contact of contacts) if (!merged.has(contact._id)) this.book.set(contact);
    await this.#forget(contacts.filter((contact) => merged.has(contact._id)).map((contact) => contact._id));
  }

  now(): number {
    return this.#clock();
  }

  /** A new id for a record, e.g. `c7QF2M9TX3K4B`. */
  newId(prefix: string): string {
    return prefix + randomText(this.#random, 12);
  }

  /** A stranger's record that is nowhere yet: {@link decide} writes it with its first decision. */
  create(person: Person, name: string): Contact {
    const pending = [...this.book.in("pending")].flatMap(codesOf);
    return {
      _id: this.newId("c"),
      code: newCode(this.#random, (code) => this.book.byCode(code) !== undefined, pending),
      aliases: [],
      ...identityOf(person),
      name,
      state: "stranger",
      since: this.now(),
      episode: 0,
      held: [],
      history: [],
    };
  }

  /**
   * Writes a decision about a contact, then its audit record.
   * @param change makes the new contact; its state, its `since` and its history are set here
   * @param more documents that change with it, in the same write
   */
  async decide(
    before: Contact,
    draft: Draft,
    change: (contact: Contact, decision: Decision) => Contact,
    more: readonly AccessDoc[] = [],
  ): Promise<Decided> {
    const decision = this.draft(before, draft);
    const changed = change(before, decision);
    const contact: Contact = {
      ...changed,
      state: decision.to,
      history: [...changed.history, decision].slice(-HISTORY_LENGTH),
    };
    await this.save(contact, more);
    await this.trail.append(auditOf(contact, decision));
    return { contact, decision };
  }

  /** Makes a decision without writing it. */
  draft(before: Contact, draft: Draft): Decision {
    const { action, by, via, note, undoes } = draft;
    const to = "to" in draft ? draft.to : stateAfter(before.state, draft.action);
    const at = this.now();
    return {
      id: this.#recordId(at),
      action,
      from: before.state,
      to,
      at,
      by,
      ...present({ via, note, undoes }),
    };
  }

  /** The audit record of something that is not about a contact. */
  record(action: string, by: Actor, note?: string): AuditRecord {
    const at = this.now();
    return { _id: this.#recordId(at), at, action, by, ...present({ note }) };
  }

  /** Writes a contact, and what changes with it; no decision. */
  async save(contact: Contact, more: readonly AccessDoc[] = []): Promise<void> {
    await this.#docs.putAll([{ _id: contact._id, kind: "contact", contact }, ...more]);
    this.book.set(contact);
  }

  /** Writes what is not a contact. */
  async put(...docs: readonly AccessDoc[]): Promise<void> {
    await this.#docs.putAll(docs);
  }

  /** Removes what is not a contact; a failure leaves it for the next time. */
  async drop(ids: readonly string[]): Promise<void> {
    await this.#forget(ids);
  }

  /** Writes the record of two that turned out to be one person, then removes the other. */
  async merge(winner: Contact, loser: Contact, decision: Decision): Promise<Contact> {
    const contact = { ...winner, history: [...winner.history, decision].slice(-HISTORY_LENGTH) };
    await this.#docs.put({ _id: contact._id, kind: "contact", contact });
    this.book.delete(loser._id);
    this.book.set(contact);
    // The winner names the loser's id, so a removal that fails is made up for at the next start.
    await this.#forget([loser._id]);
    await this.trail.append(auditOf(contact, decision));
    return contact;
  }

  /** Sorts in the order of making, also within one millisecond. */
  #recordId(at: number): string {
    const serial = (this.#records++ % 36 ** 4).toString(36).padStart(4, "0");
    return `${at.toString(36).padStart(9, "0")}${serial}${randomText(this.#random, 6)}`;
  }

  async #forget(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    try {
      await this.#docs.remove(ids);
    } catch (error) {
      this.#log?.warn({ error, ids }, "Records that are no longer needed could not be removed yet.");
    }
  }
}

/** A value without some of its optional keys. */
export function without<T extends object, K extends keyof T>(value: T, ...keys: readonly K[]): Omit<T, K> {
  const rest = { ...value };
  for (const key of keys) delete rest[key];
  return rest;
}
