import { DAY } from "../clock.js";
import { present } from "../present.js";
import type { Due, Entry } from "./api.js";
import { type Decisions, repeated, unchanged } from "./decisions.js";
import type { QueueDoc } from "./documents.js";
import { heldOf, isUnder } from "./held.js";
import { formatNumber, type Person, same } from "./identity.js";
import { lastHeld } from "./learning.js";
import { type Ledger, without } from "./ledger.js";
import type { Key, Pairing } from "./pairing.js";
import type { AccessSettings } from "./settings.js";
import type { Actor, Contact, Decision, Held, Via } from "./types.js";
import { withoutHeld } from "./undo.js";

/** A message of somebody who is a stranger or pending. */
export interface Caller {
  readonly person: Person;
  readonly name: string;
  readonly text: string;
  readonly cause: string;
  readonly chat?: NonNullable<Contact["chat"]>;
}

/**
 * The pending queue: who enters it and how, what is held for them, and when they leave it by themselves. Bounded: a
 * sender without a valid token leaves nothing here.
 */
export class Queue {
  readonly #ledger: Ledger;
  readonly #pairing: Pairing;
  readonly #decisions: Decisions;
  readonly #settings: AccessSettings;
  /** The queue was full, and there was no room since. */
  #full: QueueDoc | undefined;

  /** @param full on record where the queue was full in the last run */
  constructor(ledger: Ledger, pairing: Pairing, decisions: Decisions, settings: AccessSettings, full?: QueueDoc) {
    this.#ledger = ledger;
    this.#pairing = pairing;
    this.#decisions = decisions;
    this.#settings = settings;
    this.#full = full;
  }

  /** @param contact the record of the caller, where there is one: a stranger's or a pending sender's */
  async knock(contact: Contact | undefined, caller: Caller): Promise<Entry> {
    const before = contact === undefined ? undefined : this.#again(contact, caller.cause);
    if (before !== undefined) return before;

    const isPending = contact?.state === "pending";
    const key = this.#pairing.search(caller.person, caller.text, isPending);
    const via = this.#viaOf(key, isPending);
    if (via === undefined) return { kind: "nothing" };
    const known = { ...(contact ?? this.#ledger.create(caller.person, caller.name)), ...factsOf(caller, contact) };
    if (key.kind === "invite" && key.invite.auto) return this.#letIn(known, key, caller);
    return this.#enter(known, via, key, caller);
  }

  /** Keeps a pending sender's message. @returns false where the contact is not pending */
  async hold(contact: Contact, held: Held): Promise<boolean> {
    if (contact.state !== "pending") return false;
    if (contact.held.some(({ journalId }) => journalId === held.journalId)) return true;
    const preview = this.#pairing.mask(held.preview);
    await this.#ledger.save({ ...contact, held: lastHeld([...contact.held, { ...held, preview }]) });
    return true;
  }

  /**
   * A pending sender deletes a held message, or edits it. What somebody else deletes is not brought back by an undo.
   * @returns false where the contact is not pending
   */
  async amend(contact: Contact, id: string, edit: Held | undefined): Promise<boolean> {
    const isPending = contact.state === "pending";
    if (edit !== undefined && !isPending) return false;
    if (!heldOf(contact).some((message) => isUnder(message, id))) return isPending;
    if (edit === undefined) {
      await this.#ledger.save(withoutHeld(contact, (message) => isUnder(message, id)));
      return isPending;
    }
    const edited = { edit: edit.journalId, preview: this.#pairing.mask(edit.preview) };
    const held = contact.held.map((message) => (isUnder(message, id) ? { ...message, ...edited } : message));
    await this.#ledger.save({ ...contact, held });
    return true;
  }

  /** Who waited too long, and for whom this comes within a day. */
  due(): Due {
    const left = ({ since }: Contact): number => since + this.#settings.expiryDays * DAY - this.#ledger.now();
    const pending = this.#ledger.book.list("pending");
    return {
      expired: pending.filter((contact) => left(contact) <= 0),
      expiring: pending.filter((contact) => {
        // Where they expire within a day from the first, their notice says it all.
        const isLate = this.#settings.expiryDays > 1 && left(contact) <= DAY;
        return isLate && left(contact) > 0 && contact.reminded === undefined;
      }),
    };
  }

  /** Takes out who waited too long, and marks the others. @returns them as they are now */
  async expire(due: Due): Promise<Due> {
    const expired: Contact[] = [];
    const expiring: Contact[] = [];
    for (const contact of due.expired) {
      const { contact: gone } = await this.#ledger.decide(
        contact,
        { action: "expire", by: { door: "gateway", who: "expiry" } },
        outOfQueue,
      );
      expired.push(gone);
    }
    for (const contact of due.expiring) {
      const reminded = { ...contact, reminded: this.#ledger.now() };
      await this.#ledger.save(reminded);
      expiring.push(reminded);
    }
    return { expired, expiring };
  }

  /** Whoever is the owner waits for nobody's decision, and nobody could take them out: an entry from before goes. */
  async letGoOf(owner: Person, by: Actor): Promise<void> {
    for (const contact of this.#ledger.book.list("pending")) {
      if (!same(owner, contact)) continue;
      await this.#ledger.decide(contact, { action: "suspend", by, note: "is the owner" }, outOfQueue);
    }
  }

  /** Whether everyone who writes enters. */
  get isOpen(): boolean {
    return this.#settings.open && this.#pairing.token() === undefined;
  }

  #viaOf(key: Key, isPending: boolean): Via | undefined {
    if (key.kind !== "none") return key.via;
    return this.isOpen && !isPending ? { kind: "open" } : undefined;
  }

  async #letIn(contact: Contact, key: Extract<Key, { kind: "invite" }>, caller: Caller): Promise<Entry> {
    const { invite, via } = key;
    const used = this.#pairing.use(invite, contact);
    const by: Actor = { door: "gateway", who: `invite ${invite._id}`, cause: caller.cause };
    const outcome = await this.#decisions.approveByInvite(contact, by, via, used);
    this.#pairing.accept(used);
    return { kind: "auto-approved", contact: outcome.contact, outcome, invite };
  }

  async #enter(contact: Contact, via: Via, key: Key, caller: Caller): Promise<Entry> {
    if (!this.#hasRoom(via)) {
      if (this.#full === undefined) {
        const full: QueueDoc = { _id: "queue", kind: "queue", fullSince: this.#ledger.now(), cause: caller.cause };
        await this.#ledger.put(full);
        this.#full = full;
      }
      // The message that found it full is the first also when it comes again: a crash may have kept it from the owner.
      return { kind: "full", first: this.#full.cause === caller.cause };
    }
    const isFullNoMore = this.#full !== undefined && this.#hasRoom({ kind: "open" });
    const used = key.kind === "invite" ? this.#pairing.use(key.invite, contact) : [];
    const by: Actor = { door: "whatsapp", who: formatNumber(caller.person), cause: caller.cause };
    const { contact: entered } = await this.#ledger.decide(
      contact,
      { action: "enter", by, via },
      (known, { at }): Contact => ({
        ...without(known, "before", "reminded", "joined"),
        ...(known.merged ? { joined: [] } : {}),
        via,
        held: [],
        since: at,
        episode: known.episode + 1,
      }),
      used,
    );
    this.#pairing.accept(used);
    if (isFullNoMore) {
      this.#full = undefined;
      await this.#ledger.drop(["queue"]);
    }
    return { kind: "entered", contact: entered, via };
  }

  /** Whether there is a place: some of them only an invite can take. */
  #hasRoom(via: Via): boolean {
    const { maxPending, keptForInvites } = this.#settings;
    const total = this.#ledger.book.count("pending");
    if (total >= maxPending) return false;
    if (via.kind === "invite") return true;
    let others = 0;
    for (const contact of this.#ledger.book.in("pending")) if (contact.via?.kind !== "invite") others++;
    return others < maxPending - keptForInvites;
  }

  /** The same message again, after a crash, whose `--auto` invite let its sender in. */
  letInBefore(contact: Contact, cause: string): Entry | undefined {
    const decision = contact.history.findLast(({ action }) => action === "approve");
    if (contact.state !== "approved" || decision?.by.cause !== cause || decision.via?.kind !== "invite")
      return undefined;
    const invite = this.#pairing.byId(decision.via.inviteId);
    return invite && { kind: "auto-approved", contact, outcome: unchanged(contact, decision), invite };
  }

  /** The same message again, after a crash: it has had its effect. */
  #again(contact: Contact, cause: string): Entry | undefined {
    const by: Actor = { door: "whatsapp", who: "", cause };
    const entered = repeated(contact, "enter", by);
    if (entered?.via === undefined) return undefined;
    const isLast =
      contact.state === "pending" && contact.history.findLast(({ action }) => action === "enter") === entered;
    return isLast ? { kind: "entered", contact, via: entered.via } : { kind: "nothing" };
  }
}

/** A contact who waits no more, though nobody decided about them. */
function outOfQueue(known: Contact, { at }: Decision): Contact {
  return { ...without(known, "via", "reminded", "before"), held: [], since: at };
}

/** What the message tells about its sender, for a record that is written anyway. */
function factsOf(caller: Caller, contact: Contact | undefined): { name?: string; chat?: NonNullable<Contact["chat"]> } {
  return {
    ...(caller.name === "" || contact?.name === caller.name ? {} : { name: caller.name }),
    ...present({ chat: caller.chat }),
  };
}
