/**
 * The access methods and what they take and give. WhatsApp, dashboard, command line and Kafka all decide through
 * {@link Access} (I6).
 */
import type { Lid, Person, Pn } from "./identity.js";
import type { Actor, Code, Contact, ContactState, Decision, Door, Held, Invite, Verdict, Via } from "./types.js";

/** A point in time, milliseconds since 1970. */
export type Clock = () => number;

/** What a message looks like to the gate. */
export interface Knock {
  readonly place: "person" | "group" | "broadcast" | "status" | "newsletter" | "call" | "other";
  /** The other side of a direct chat; who wrote, elsewhere. */
  readonly sender: Person;
  /** Written by the linked account itself. */
  readonly fromMe: boolean;
}

/** The outcome of a decision, for every door to word in its own way. */
export interface Outcome {
  readonly contact: Contact;
  readonly decision: Decision;
  /** Nothing changed, because it was so already (approve of a buddy) or the same cause came again. */
  readonly unchanged: boolean;
  /** Approved, but was not pending (never wrote, or was removed). */
  readonly wasNotPending?: boolean;
  /** Held messages to be handled now (approval); each stays on record until {@link Access.settle} takes it off. */
  readonly released: readonly Held[];
}

/** Pending entries whose time is up, and those that expire within a day and of which nobody was reminded. */
export interface Due {
  readonly expired: readonly Contact[];
  readonly expiring: readonly Contact[];
}

/** Ties a decision to what its maker saw: it is refused (`already-decided`) when that pending episode, or that state, is over. */
export type Expected = { readonly episode: number } | { readonly state: ContactState };

/** Which contacts a reference may name. */
export interface Scope {
  /** Only these states are considered by name and for "the only one". */
  readonly states?: readonly ContactState[];
  /** For chat: only contacts whose notice was sent before the command, under the name that it showed. */
  readonly shown?: ReadonlyMap<string, string>;
}

/** What became of a stranger's message. */
export type Entry =
  /** Also where the same message came before, and the sender is pending since. */
  | { readonly kind: "entered"; readonly contact: Contact; readonly via: Via }
  | { readonly kind: "auto-approved"; readonly contact: Contact; readonly outcome: Outcome; readonly invite: Invite }
  /** The queue is full; `first` is true once, when the owner should be told. */
  | { readonly kind: "full"; readonly first: boolean }
  | { readonly kind: "nothing" };

/** The access methods: the one door to who may talk. Every method that decides resolves only when it is on disk. */
export interface Access {
  // --- looking ---
  /** The gate: pure, synchronous, under 5 µs (I1, I2, I7). */
  judge(knock: Knock): Verdict;
  find(person: Person): Contact | undefined;
  byCode(code: string): Contact | undefined;
  byId(id: string): Contact | undefined;
  list(state: ContactState, options?: { skip?: number; limit?: number; search?: string }): readonly Contact[];
  counts(): { approved: number; denied: number; pending: number };
  /**
   * Finds the one contact that a person means: a code, a number, a JID, or (in scope) a name.
   * An empty reference means the only one in scope. A person whom no record knows is given back as a {@link Person}.
   * @throws KafclawError `unknown-reference`, `ambiguous` (lists both), `not-a-person` (a group's JID), `bad-number`
   */
  resolve(reference: string, scope?: Scope): Contact | Person;

  // --- what messages do ---
  /** A stranger's (or pending sender's) message: does it hold the token or an invite? */
  knock(input: {
    person: Person;
    name: string;
    text: string;
    at: number;
    chat?: Pn | Lid;
    cause: string;
  }): Promise<Entry>;
  /** Keeps a pending sender's message (the last 5). `false`: the contact is not pending any more, ask the gate again. */
  hold(contact: Contact, held: Held): Promise<boolean>;
  /**
   * A pending sender deletes what they wrote under this id of WhatsApp's, or edits it: then `edit` counts. What is not
   * held stays as it is. `false` as with {@link hold}; but what somebody deletes is not brought back by an undo either.
   */
  amend(contact: Contact, id: string, edit?: Held): Promise<boolean>;
  /** Takes released messages off the record, once each was handled; until then a restart finds them in {@link unsettled}. */
  settle(contact: Contact, journalIds: readonly string[]): Promise<void>;
  /** Buddies with held messages that were released and not yet handled: what a crash right after an approval left. */
  unsettled(): readonly Contact[];
  /** The last decision, of all or about one contact (by id), that an undo by its id would take back now. */
  lastUndoable(contactId?: string): Pick<Outcome, "contact" | "decision"> | undefined;
  /** The journal ids of all messages that an approval, or an undo, may still want. */
  wanted(): ReadonlySet<string>;
  /** Contacts of whom WhatsApp is still to be told whether they are blocked. */
  blocksDue(): readonly Contact[];
  /** WhatsApp was told of the contact as it is given; what was decided since is still to be told. */
  blockTold(contact: Contact): Promise<void>;
  /** New facts about a person: the other address, a name, the chat they write in. May merge, suspend or follow (DESIGN 3). */
  learn(person: Person, facts?: { name?: string; chat?: Pn | Lid; cause?: string }): Promise<Learned>;
  /**
   * A number that was typed while WhatsApp could not be asked is that person's: whoever is known by it alone (the owner,
   * a contact, who an invite is for) is known by their addresses from now on. May merge, as {@link learn}.
   */
  respell(typed: Pn, person: Person): Promise<Learned>;

  // --- deciding ---
  /** @throws KafclawError `denied`, `owner`, `already-decided` */
  approve(target: Contact | Person, by: Actor, options?: { name?: string; expect?: Expected }): Promise<Outcome>;
  /** @throws KafclawError `owner`, `already-decided` */
  deny(target: Contact | Person, by: Actor, options?: { block?: boolean; expect?: Expected }): Promise<Outcome>;
  /** @throws KafclawError `owner`, `unknown-reference` */
  remove(target: Contact | Person, by: Actor, options?: { expect?: Expected }): Promise<Outcome>;
  /** Takes the last decision back, or `decisionId`. @throws KafclawError `nothing-to-undo`, `too-late`, `changed-since` */
  undo(by: Actor, decisionId?: string): Promise<Outcome>;
  /**
   * Expires pending entries and invites that are due, and marks who expires within a day.
   * @param tell hears of both before anything is written, so that a crash tells twice at worst, and never not at all
   */
  tick(tell?: (due: Due) => Promise<void>): Promise<Due>;

  // --- tokens and invites ---
  token(): { readonly masked: string; readonly since: number } | undefined;
  /** Whether everyone who writes becomes pending: pairing is open, and there is no token. */
  isOpen(): boolean;
  /** The token itself, for the few places that show it to the owner. */
  revealToken(): string | undefined;
  /** @throws KafclawError `bad-token` (under 8 characters, trivially guessed, more than one word) */
  setToken(token: string, by: Actor): Promise<void>;
  /** Makes a new token; tells which pending senders came with the old one. */
  rotateToken(by: Actor): Promise<{ readonly token: string; readonly pendingWithOld: readonly Contact[] }>;
  /** The pending senders who came with a token that was replaced since, whatever the clock says. */
  pendingWithOldToken(): readonly Contact[];
  /** @throws KafclawError `bad-days`, `bad-label`, `too-many-invites` */
  invite(input: { label: string; days?: number; auto?: boolean; for?: Person }, by: Actor): Promise<Invite>;
  /** The invites on record, the newest first. One can be used while it is neither `used` nor `revoked` and `expires` lies ahead. */
  invites(): readonly Invite[];
  /** @throws KafclawError `unknown-invite`, `invite-used` */
  revokeInvite(id: string, by: Actor): Promise<Invite>;
  /** Replaces tokens and codes of invites in a text by `•••` (notices, held messages, logs). */
  mask(text: string): string;

  // --- owner ---
  owner(): Owner | undefined;
  /** Sets, confirms or locks the owner. Another person than before voids the invites. */
  setOwner(owner: Owner, by: Actor): Promise<void>;

  // --- the record ---
  /** The newest first. */
  audit(query?: AuditQuery): Promise<readonly AuditRecord[]>;
  /** How many records fit, on all pages. */
  auditCount(query?: AuditQuery): number;
  /** What a message of the owner's led to, by its journal id: one that comes again (I10) is not to be taken for new. */
  causedBy(cause: string): Promise<readonly AuditRecord[]>;
  /** Writes an audit record of something that is not a contact's state (silent mode, token, link, owner). */
  record(action: string, by: Actor, note?: string): Promise<void>;
  /** Resolves when every decision under way is on disk; call it before the store is closed. */
  close(): Promise<void>;
}

/** What {@link Access.learn} found out. */
export type Learned =
  | { readonly kind: "same"; readonly contact?: Contact }
  /** Two records are one person: `gone`, which `was` in that state, is `contact` now, whose state holds. */
  | {
      readonly kind: "merged";
      readonly contact: Contact;
      readonly gone: Code;
      readonly was: ContactState;
      readonly before?: Pn;
    }
  /**
   * The number now belongs to another account: the old contact is suspended, the writer is a stranger. Where the old one
   * was denied, it stays so and the denial covers the writer too, whom it shuts out where they were let in or waited.
   */
  | {
      readonly kind: "new-person";
      readonly old: Contact;
      readonly was: ContactState;
      readonly suspended?: readonly Contact[];
    }
  /** A known LID has a new number. */
  | { readonly kind: "new-number"; readonly contact: Contact; readonly before: Pn }
  /** The owner's number now belongs to another account: commands stop until confirmed at the machine. */
  | { readonly kind: "owner-locked" };

/** The person whom the bot belongs to. */
export interface Owner {
  /** `self`: the owner's own number is the linked account and the admin chat is "Message yourself". */
  readonly setup: "own-number" | "self";
  readonly person: Person;
  /** False until the owner has sent the shown code (interactive set-up); no notice goes out before. */
  readonly confirmed: boolean;
  /** The code that the owner has to send, while not confirmed. */
  readonly confirmCode?: string;
  /** Why commands are stopped, where they are. */
  readonly locked?: string;
  /** The address of the admin chat as last seen. */
  readonly chat?: Pn | Lid;
}

/** Which records of the audit. */
export interface AuditQuery {
  /** Only about the contact with this id. */
  readonly contact?: string | undefined;
  /** Only what came through this door. */
  readonly door?: Door | undefined;
  /** How many of the newest to leave out, and how many to give at most. */
  readonly skip?: number;
  readonly limit?: number;
}

/** One line of the audit. */
export interface AuditRecord {
  readonly _id: string;
  readonly at: number;
  readonly action: string;
  readonly by: Actor;
  readonly contact?: string;
  readonly code?: Code;
  readonly name?: string;
  readonly from?: ContactState;
  readonly to?: ContactState;
  readonly note?: string;
}
