import PQueue from "p-queue";
import { present } from "../present.js";
import { refuseUnknown } from "../store/index.js";
import type { Access, AuditQuery, AuditRecord, Due, Entry, Knock, Learned, Outcome, Owner, Scope } from "./api.js";
import { parseCode } from "./code.js";
import { Decisions } from "./decisions.js";
import { type AccessDoc, isKnown } from "./documents.js";
import { heaviest, judge } from "./gate.js";
import { heldOf, journalIdsOf } from "./held.js";
import { Identities } from "./identities.js";
import type { Person, Pn } from "./identity.js";
import { Ledger, without } from "./ledger.js";
import { Ownership } from "./ownership.js";
import { Pairing } from "./pairing.js";
import { Queue } from "./queue.js";
import { resolve } from "./references.js";
import { type AccessParts, DEFAULT_SETTINGS, UNDO_WINDOW_MS } from "./settings.js";
import { maskToken, tokenId } from "./tokens.js";
import type { Actor, Contact, ContactState, Held, Invite, Verdict } from "./types.js";

/**
 * Opens the contact book. What a crash left half-done is finished: the loser of a merge is removed, an invite that was
 * used is marked, and decisions without an audit record get theirs.
 * @throws KafclawError `store-unknown`
 */
export async function createAccess(parts: AccessParts): Promise<Access> {
  const docs = await parts.access.find();
  refuseUnknown(docs, "access", isKnown);
  const ledger = new Ledger(parts);
  await ledger.load(docs);
  return new ContactAccess(parts, ledger, docs);
}

/** The rooms of this folder, put together. Looks are synchronous; whatever changes something waits its turn. */
class ContactAccess implements Access {
  readonly #ledger: Ledger;
  readonly #identities: Identities;
  readonly #ownership: Ownership;
  readonly #pairing: Pairing;
  readonly #decisions: Decisions;
  readonly #queue: Queue;
  /** One change at a time, so that each sees what the one before it did, whichever door they came through. */
  readonly #turns = new PQueue({ concurrency: 1 });

  constructor(parts: AccessParts, ledger: Ledger, docs: readonly AccessDoc[]) {
    const settings = { ...DEFAULT_SETTINGS, ...parts.settings };
    this.#ledger = ledger;
    this.#identities = new Identities(ledger);
    this.#ownership = new Ownership(ledger, docs);
    this.#pairing = new Pairing(ledger, parts.clock, parts.random);
    this.#pairing.load(docs);
    this.#decisions = new Decisions(ledger, this.#identities, () => this.owner());
    const full = docs.find((doc) => doc.kind === "queue");
    this.#queue = new Queue(ledger, this.#pairing, this.#decisions, settings, full);
    void this.#turns
      .add(async () => {
        await ledger.trail.reconcile(docs);
        const owner = this.owner();
        // A crash may have come before that, when the owner was named.
        if (owner) await this.#queue.letGoOf(owner.person, { door: "gateway", who: "start" });
      })
      .catch((error: unknown) => {
        parts.log?.warn({ error }, "The owner's entry in the queue could not be removed yet.");
      });
  }

  // --- looking ---

  judge(knock: Knock): Verdict {
    return judge({ knock, owner: this.owner(), contacts: this.#ledger.book.matches(knock.sender) });
  }

  find(person: Person): Contact | undefined {
    return heaviest(this.#ledger.book.matches(person), person);
  }

  byCode(text: string): Contact | undefined {
    const code = parseCode(text);
    return code === undefined ? undefined : this.#ledger.book.byCode(code);
  }

  byId(id: string): Contact | undefined {
    return this.#ledger.book.byId(id);
  }

  list(state: ContactState, options?: { skip?: number; limit?: number; search?: string }): readonly Contact[] {
    return this.#ledger.book.list(state, options);
  }

  counts(): { approved: number; denied: number; pending: number } {
    const { book } = this.#ledger;
    return { approved: book.count("approved"), denied: book.count("denied"), pending: book.count("pending") };
  }

  resolve(reference: string, scope?: Scope): Contact | Person {
    return resolve(this.#ledger.book, reference, scope);
  }

  unsettled(): readonly Contact[] {
    return this.list("approved").filter((contact) => contact.held.length > 0);
  }

  lastUndoable(contactId?: string): Pick<Outcome, "contact" | "decision"> | undefined {
    return this.#decisions.lastUndoable(contactId);
  }

  wanted(): ReadonlySet<string> {
    const ids = new Set<string>();
    const undoable = this.#ledger.now() - UNDO_WINDOW_MS;
    for (const contact of this.#ledger.book.all()) {
      const last = contact.history.at(-1);
      const isUndoable = last !== undefined && last.at >= undoable;
      for (const id of journalIdsOf(isUndoable ? heldOf(contact) : contact.held)) ids.add(id);
    }
    return ids;
  }

  blocksDue(): readonly Contact[] {
    return [...this.#ledger.book.all()].filter(({ blockDue }) => blockDue === true);
  }

  blockTold(contact: Contact): Promise<void> {
    return this.#turn(async () => {
      const now = this.#now(contact);
      if (now.blockDue && now.blocked === contact.blocked) await this.#ledger.save(without(now, "blockDue"));
    });
  }

  // --- what messages do ---

  knock(input: Parameters<Access["knock"]>[0]): Promise<Entry> {
    return this.#turn(async () => {
      if (this.#ownership.news(input.person, undefined) !== undefined) return { kind: "nothing" };
      await this.#follow(input.person, input.cause);
      const contact = this.find(input.person);
      // A token is never used up by those who are in already, nor by the denied.
      if (contact?.state === "approved" || contact?.state === "denied") {
        return this.#queue.letInBefore(contact, input.cause) ?? { kind: "nothing" };
      }
      return this.#queue.knock(contact, input);
    });
  }

  hold(contact: Contact, held: Held): Promise<boolean> {
    return this.#turn(() => this.#queue.hold(this.#now(contact), held));
  }

  amend(contact: Contact, id: string, edit?: Held): Promise<boolean> {
    return this.#turn(() => this.#queue.amend(this.#now(contact), id, edit));
  }

  settle(contact: Contact, journalIds: readonly string[]): Promise<void> {
    return this.#turn(async () => {
      const now = this.#now(contact);
      const held = now.held.filter(({ journalId }) => !journalIds.includes(journalId));
      if (held.length < now.held.length) await this.#ledger.save({ ...now, held });
    });
  }

  async learn(
    person: Person,
    facts: { name?: string; chat?: NonNullable<Contact["chat"]>; cause?: string } = {},
  ): Promise<Learned> {
    const news = this.#ownership.news(person, facts.chat);
    if (news !== undefined && news.owner === undefined) return news.learned;
    if (news === undefined && this.#isKnown(person, facts)) {
      const contact = this.find(person);
      return this.#identities.news(facts.cause) ?? { kind: "same", ...present({ contact }) };
    }
    return this.#turn(() => this.#learn(person, facts));
  }

  respell(typed: Pn, person: Person): Promise<Learned> {
    const by: Actor = { door: "gateway", who: "WhatsApp" };
    return this.#turn(async () => {
      if (await this.#ownership.respell(typed, person, by)) await this.#queue.letGoOf(person, by);
      await this.#pairing.respell(typed, person, by);
      return this.#identities.respell(typed, person, by);
    });
  }

  // --- deciding ---

  approve(...[target, by, options]: Parameters<Access["approve"]>): Promise<Outcome> {
    return this.#turn(() => this.#decisions.approve(target, by, options));
  }

  deny(...[target, by, options]: Parameters<Access["deny"]>): Promise<Outcome> {
    return this.#turn(() => this.#decisions.deny(target, by, options));
  }

  remove(...[target, by, options]: Parameters<Access["remove"]>): Promise<Outcome> {
    return this.#turn(() => this.#decisions.remove(target, by, options));
  }

  undo(by: Actor, decisionId?: string): Promise<Outcome> {
    return this.#turn(() => this.#decisions.undo(by, decisionId));
  }

  tick(tell: (due: Due) => Promise<void> = async () => {}): Promise<Due> {
    return this.#turn(async () => {
      const due = this.#queue.due();
      await tell(due);
      const done = await this.#queue.expire(due);
      await this.#pairing.tidy();
      return done;
    });
  }

  // --- tokens and invites ---

  token(): { readonly masked: string; readonly since: number } | undefined {
    const token = this.#pairing.token();
    return token === undefined ? undefined : { masked: maskToken(token.token), since: token.since };
  }

  isOpen(): boolean {
    return this.#queue.isOpen;
  }

  revealToken(): string | undefined {
    return this.#pairing.token()?.token;
  }

  setToken(token: string, by: Actor): Promise<void> {
    return this.#turn(() => this.#pairing.setToken(token, by, "token-set"));
  }

  rotateToken(by: Actor): Promise<{ readonly token: string; readonly pendingWithOld: readonly Contact[] }> {
    return this.#turn(async () => {
      const token = await this.#pairing.rotate(by);
      return { token, pendingWithOld: this.pendingWithOldToken() };
    });
  }

  pendingWithOldToken(): readonly Contact[] {
    const now = this.#pairing.token();
    if (now === undefined) return [];
    const id = tokenId(now.token);
    return this.list("pending").filter(({ via }) => via?.kind === "token" && via.tokenId !== id);
  }

  invite(...[input, by]: Parameters<Access["invite"]>): Promise<Invite> {
    return this.#turn(() => this.#pairing.invite(input, by));
  }

  invites(): readonly Invite[] {
    return this.#pairing.invites();
  }

  revokeInvite(id: string, by: Actor): Promise<Invite> {
    return this.#turn(() => this.#pairing.revoke(id, by));
  }

  mask(text: string): string {
    return this.#pairing.mask(text);
  }

  // --- owner ---

  owner(): Owner | undefined {
    return this.#ownership.owner();
  }

  setOwner(owner: Owner, by: Actor): Promise<void> {
    return this.#turn(async () => {
      const voided = this.#ownership.isSomeoneElse(owner) ? this.#pairing.voided(by) : [];
      await this.#ownership.set(owner, by, voided);
      await this.#pairing.acceptWritten(voided);
      await this.#queue.letGoOf(owner.person, by);
    });
  }

  // --- the record ---

  audit(query?: AuditQuery): Promise<readonly AuditRecord[]> {
    return this.#turn(() => this.#ledger.trail.query(query));
  }

  auditCount(query?: AuditQuery): number {
    return this.#ledger.trail.count(query);
  }

  causedBy(cause: string): Promise<readonly AuditRecord[]> {
    return this.#turn(() => this.#ledger.trail.causedBy(cause));
  }

  record(action: string, by: Actor, note?: string): Promise<void> {
    return this.#turn(() => this.#ledger.trail.insist(this.#ledger.record(action, by, note)));
  }

  async close(): Promise<void> {
    await this.#turn(async () => undefined);
  }

  /** Runs a change when those before it are done; what the audit is owed goes first. */
  #turn<R>(task: () => Promise<R>): Promise<R> {
    return this.#turns.add(async () => {
      await this.#ledger.trail.catchUp();
      return task();
    });
  }

  /** The record as it is now, of a contact that was read earlier. */
  #now(contact: Contact): Contact {
    return this.byId(contact._id) ?? this.#ledger.book.byCode(contact.code) ?? contact;
  }

  /** Whether nothing would change, so that most messages cost no write and no waiting. */
  #isKnown(person: Person, { name = "", chat }: { name?: string; chat?: NonNullable<Contact["chat"]> }): boolean {
    if (this.#identities.plan(person).kind !== "nothing") return false;
    const contact = this.find(person);
    if (contact === undefined) return true;
    return (name === "" || name === contact.name) && (chat === undefined || chat === contact.chat);
  }

  async #learn(person: Person, facts: Parameters<Access["learn"]>[1] = {}): Promise<Learned> {
    const news = this.#ownership.news(person, facts.chat);
    if (news !== undefined) {
      const by: Actor = { door: "gateway", who: "WhatsApp", ...present({ cause: facts.cause }) };
      if (news.owner !== undefined) {
        await this.#ownership.follow(news.owner, by);
        await this.#queue.letGoOf(news.owner.person, by);
      }
      return news.learned;
    }
    const followed = await this.#follow(person, facts.cause);
    const learned = followed.kind === "same" ? (this.#identities.news(facts.cause) ?? followed) : followed;
    const contact = this.find(person);
    if (contact === undefined || this.#isKnown(person, facts)) return withContact(learned, contact);
    const named = {
      ...contact,
      ...(facts.name ? { name: facts.name } : {}),
      ...present({ chat: facts.chat }),
    };
    await this.#ledger.save(named);
    return withContact(learned, named);
  }

  #follow(person: Person, cause: string | undefined): Promise<Learned> {
    return this.#identities.follow(this.#identities.plan(person), person, cause);
  }
}

/** What was learned, with the contact as it is after everything was written. */
function withContact(learned: Learned, contact: Contact | undefined): Learned {
  if (contact === undefined) return learned;
  switch (learned.kind) {
    case "same":
      return { kind: "same", contact };
    case "merged":
    case "new-number":
      return learned.contact._id === contact._id ? { ...learned, contact } : learned;
    default:
      return learned;
  }
}
