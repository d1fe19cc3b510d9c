import { KafclawError } from "../errors.js";
import { present } from "../present.js";
import type { Expected, Outcome, Owner } from "./api.js";
import type { AccessDoc } from "./documents.js";
import { heaviest } from "./gate.js";
import type { Identities } from "./identities.js";
import { formatNumber, identityOf, type Person, same } from "./identity.js";
import { type Ledger, without } from "./ledger.js";
import { type AccessSettings, MINUTE } from "./settings.js";
import { transition } from "./transitions.js";
import type { Actor, Contact, Decision, Via } from "./types.js";
import { beforeOf, RecentDecisions, restore } from "./undo.js";
import { describe, doorOf, lastChange, listOf, pastTense } from "./words.js";

/**
 * What the owner decides: approve, deny, remove, undo. Runs one call at a time (the caller sees to that), so that of two
 * doors that decide at once the second one sees what the first did.
 */
export class Decisions {
  readonly #ledger: Ledger;
  readonly #identities: Identities;
  readonly #owner: () => Owner | undefined;
  readonly #recent: RecentDecisions;
  /** Undos by what caused them, so that a message that comes twice does not take back a second decision. */
  readonly #undos = new Map<string, { readonly contact: string; readonly decision: string }>();

  constructor(ledger: Ledger, identities: Identities, owner: () => Owner | undefined, settings: AccessSettings) {
    this.#ledger = ledger;
    this.#identities = identities;
    this.#owner = owner;
    this.#recent = new RecentDecisions(ledger.book.all(), settings.undoMinutes * MINUTE, ledger.now());
    for (const contact of ledger.book.all()) for (const decision of contact.history) this.#noteUndo(contact, decision);
  }

  async approve(
    target: Contact | Person,
    by: Actor,
    { name = "", expect }: { name?: string; expect?: Expected } = {},
  ): Promise<Outcome> {
    this.#refuseOwner(target, "who needs no approval");
    const contact = await this.#locate(target, name);
    const again = repeated(contact, "approve", by);
    if (again !== undefined) return unchanged(contact, again);
    const denied = this.#ledger.book.matches(contact).find(({ state }) => state === "denied");
    if (denied !== undefined) {
      const { code, name: called } = denied;
      const who = called === "" ? formatNumber(denied) : called;
      throw new KafclawError("denied", `${who} (${code}) is denied: /remove ${code} first, then /approve ${code}.`);
    }
    if (transition(contact.state, "approve").kind === "unchanged") return asItWas(contact);
    refuseUnexpected(contact, expect);
    return this.#approve(contact, by, name);
  }

  /** Approval of a stranger or pending sender, by the owner or by an `--auto` invite, whose mark is written with it. */
  async #approve(
    contact: Contact,
    by: Actor,
    name: string,
    via?: Via,
    invite: readonly AccessDoc[] = [],
  ): Promise<Outcome> {
    const { contact: approved, decision } = await this.#ledger.decide(
      contact,
      { action: "approve", by, ...present({ via }) },
      (known, made): Contact => ({
        ...without(known, "reminded"),
        ...present({ via }),
        name: known.name || name,
        since: made.at,
        before: beforeOf(known, made),
      }),
      invite,
    );
    this.#recent.add(approved, decision);
    const wasNotPending = contact.state === "pending" ? {} : { wasNotPending: true };
    return { contact: approved, decision, unchanged: false, released: approved.held, ...wasNotPending };
  }

  /** Lets the user of an `--auto` invite in. */
  approveByInvite(contact: Contact, by: Actor, via: Via, invite: readonly AccessDoc[]): Promise<Outcome> {
    return this.#approve(contact, by, "", via, invite);
  }

  async deny(
    target: Contact | Person,
    by: Actor,
    { block = false, expect }: { block?: boolean; expect?: Expected } = {},
  ): Promise<Outcome> {
    this.#refuseOwner(target, "who can't be denied");
    const contact = await this.#locate(target, "");
    const again = repeated(contact, "deny", by);
    if (again !== undefined) return unchanged(contact, again);
    const isNewlyBlocked = block && contact.blocked !== true;
    if (contact.state === "denied" && !isNewlyBlocked) return asItWas(contact);
    if (contact.state !== "denied") refuseUnexpected(contact, expect);
    const { contact: denied, decision } = await this.#ledger.decide(
      contact,
      { action: "deny", by, ...(isNewlyBlocked ? { note: "blocked at WhatsApp" } : {}) },
      (known, made): Contact => ({
        ...without(known, "reminded"),
        held: [],
        since: known.state === "denied" ? known.since : made.at,
        ...(isNewlyBlocked ? { blocked: true, blockDue: true } : {}),
        before: beforeOf(known, made),
      }),
    );
    this.#recent.add(denied, decision);
    return { contact: denied, decision, unchanged: false, released: [] };
  }

  async remove(target: Contact | Person, by: Actor, { expect }: { expect?: Expected } = {}): Promise<Outcome> {
    this.#refuseOwner(target, "who can't be removed");
    const contact = await this.#locate(target);
    const again = repeated(contact, "remove", by);
    if (again !== undefined) return unchanged(contact, again);
    if (transition(contact.state, "remove").kind === "unchanged") return asItWas(contact);
    refuseUnexpected(contact, expect);
    const { contact: removed, decision } = await this.#ledger.decide(
      contact,
      { action: "remove", by },
      (known, made): Contact => ({
        ...without(known, "via", "blocked", "reminded", "also"),
        ...(known.blocked ? { blockDue: true } : {}),
        held: [],
        since: made.at,
        before: beforeOf(known, made),
      }),
    );
    this.#recent.add(removed, decision);
    return { contact: removed, decision, unchanged: false, released: [] };
  }

  async undo(by: Actor, decisionId?: string): Promise<Outcome> {
    const earlier = by.cause === undefined ? undefined : this.#undos.get(by.cause);
    const known = earlier === undefined ? undefined : this.#ledger.book.byId(earlier.contact);
    const again = known?.history.find(({ id }) => id === earlier?.decision);
    if (known !== undefined && again !== undefined) return unchanged(known, again);

    const { contact, decision: undone } = this.#recent.choose(this.#ledger.book, this.#ledger.now(), decisionId);
    const restored = restore(contact, undone, this.#ledger.now());
    const note = `took back: ${undone.action} by ${undone.by.door}`;
    const { contact: now, decision } = await this.#ledger.decide(
      contact,
      { action: "undo", to: undone.from, by, undoes: undone.id, note },
      () => restored,
    );
    this.#noteUndo(now, decision);
    return { contact: now, decision, unchanged: false, released: [] };
  }

  /** The last decision, of all or about one contact, that an undo would take back now. */
  lastUndoable(contactId?: string): Pick<Outcome, "contact" | "decision"> | undefined {
    return this.#recent.last(this.#ledger.book, this.#ledger.now(), contactId);
  }

  /** The record of a target as it is now; a person without one gets a new one where `name` is given. */
  async #locate(target: Contact | Person, name?: string): Promise<Contact> {
    const { book } = this.#ledger;
    if ("_id" in target) {
      const contact = book.byId(target._id) ?? book.byCode(target.code);
      if (contact !== undefined) return contact;
      throw new KafclawError(
        "unknown-reference",
        `No contact has the code ${target.code}; look at the list and try again.`,
      );
    }
    await this.#identities.follow(this.#identities.plan(target), target, undefined);
    const contact = heaviest(book.matches(target), target);
    if (contact !== undefined) return contact;
    if (name !== undefined) return this.#ledger.create(identityOf(target), name);
    throw new KafclawError(
      "unknown-reference",
      `${formatNumber(target)} is on no list, so there is nothing to remove; /list shows who is.`,
    );
  }

  #refuseOwner(target: Person, what: string): void {
    const owner = this.#owner();
    if (owner === undefined || !same(owner.person, target)) return;
    throw new KafclawError("owner", `That is the owner, ${what}; name somebody else.`);
  }

  #noteUndo(contact: Contact, { id, action, by }: Decision): void {
    if (action !== "undo" || by.cause === undefined) return;
    this.#undos.set(by.cause, { contact: contact._id, decision: id });
  }
}

/** The outcome of what was so before. */
export function unchanged(contact: Contact, decision: Decision): Outcome {
  return { contact, decision, unchanged: true, released: [] };
}

/** The decision that this cause led to before: a message that comes twice has its effect once (I10). */
export function repeated(contact: Contact, action: Decision["action"], by: Actor): Decision | undefined {
  if (by.cause === undefined) return undefined;
  return contact.history.find((decision) => decision.action === action && decision.by.cause === by.cause);
}

/** The answer to a decision that changes nothing: it names the decision that made it so. */
function asItWas(contact: Contact): Outcome {
  const decision = lastChange(contact);
  if (decision !== undefined) return unchanged(contact, decision);
  throw new KafclawError("unknown-reference", `${describe(contact)} is on no list, so there is nothing to change.`);
}

/** A decision made on a notice or a page counts only while what that showed lasts. */
function refuseUnexpected(contact: Contact, expect: Expected | undefined): void {
  if (expect === undefined) return;
  const { state, episode } = contact;
  if ("state" in expect ? state === expect.state : state === "pending" && episode === expect.episode) return;
  const last = lastChange(contact);
  const how = last === undefined ? "" : ` (${pastTense(last)} ${doorOf(last)})`;
  throw new KafclawError(
    "already-decided",
    `Nothing changed: ${listOf([contact])} is ${contact.state} by now${how}. /whois ${contact.code} tells more.`,
  );
}
