/**
 * WHO may talk: the face of this folder. WhatsApp, dashboard, command line and Kafka all decide through {@link Access}
 * (I6). Knows no WhatsApp, no HTTP and no clock but the one it is given.
 */
import type { Lid, Person, Pn } from "./identity.js";
import type { Actor, Code, Contact, ContactState, Decision, Held, Invite, Verdict, Via } from "./types.js";

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
  /** Held messages to be handled now (approval). */
  readonly released: readonly Held[];
}

/** Which contacts a reference may name. */
export interface Scope {
  /** Only these states are considered by name and for "the only one". */
  readonly states?: readonly ContactState[];
  /** For chat: only contacts whose notice was sent before the command, under the name that it showed. */
  readonly shown?: ReadonlyMap<string, string>;
}

/** What became of a stranger's message. */
export type Entry =
  | { readonly kind: "entered"; readonly contact: Contact; readonly via: Via }
  | { readonly kind: "auto-approved"; readonly contact: Contact; readonly outcome: Outcome; readonly invite: Invite }
  /** The queue is full; `first` is true once, when the owner should be told. */
  | { readonly kind: "full"; readonly first: boolean }
  | { readonly kind: "nothing"; readonly guessed: boolean };

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
   * @throws KafclawError `unknown-reference`, `ambiguous` (lists both), `not-a-person` (a group's JID)
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
  /** Keeps a pending sender's message (the last 5). */
  hold(contact: Contact, held: Held): Promise<void>;
  /** New facts about a person: the other address, a name, the chat they write in. May merge, suspend or follow (DESIGN 3). */
  learn(person: Person, facts?: { name?: string; chat?: Pn | Lid; cause?: string }): Promise<Learned>;

  // --- deciding ---
  approve(target: Contact | Person, by: Actor, options?: { name?: string }): Promise<Outcome>;
  deny(target: Contact | Person, by: Actor, options?: { block?: boolean }): Promise<Outcome>;
  remove(target: Contact | Person, by: Actor): Promise<Outcome>;
  /** Takes the last decision back, or `decisionId`. @throws KafclawError `nothing-to-undo`, `too-late`, `changed-since` */
  undo(by: Actor, decisionId?: string): Promise<Outcome>;
  /** Expires pending entries and invites that are due; tells which, and which expire within a day and were not reminded. */
  tick(): Promise<{ readonly expired: readonly Contact[]; readonly expiring: readonly Contact[] }>;

  // --- tokens and invites ---
  token(): { readonly masked: string; readonly since: number } | undefined;
  /** The token itself, for the few places that show it to the owner. */
  revealToken(): string | undefined;
  /** @throws KafclawError `bad-token` (under 8 characters, only digits repeated, …) */
  setToken(token: string, by: Actor): Promise<void>;
  /** Makes a new token; tells which pending senders came with the old one. */
  rotateToken(by: Actor): Promise<{ readonly token: string; readonly pendingWithOld: readonly Contact[] }>;
  invite(input: { label: string; days?: number; auto?: boolean; for?: Person }, by: Actor): Promise<Invite>;
  invites(): readonly Invite[];
  revokeInvite(id: string, by: Actor): Promise<Invite>;
  /** Replaces tokens and codes of invites in a text by `•••` (notices, held messages, logs). */
  mask(text: string): string;

  // --- owner ---
  owner(): Owner | undefined;
  setOwner(owner: Owner, by: Actor): Promise<void>;

  // --- the record ---
  audit(query?: { skip?: number; limit?: number; contact?: string }): Promise<readonly AuditRecord[]>;
  /** Writes an audit record of something that is not a contact's state (silent mode, token, link, owner). */
  record(action: string, by: Actor, note?: string): Promise<void>;
}

/** What {@link Access.learn} found out. */
export type Learned =
  | { readonly kind: "same"; readonly contact?: Contact }
  | { readonly kind: "merged"; readonly contact: Contact; readonly gone: Code }
  /** The number now belongs to another account: the old contact is suspended, the writer is a stranger. */
  | { readonly kind: "new-person"; readonly old: Contact; readonly was: ContactState }
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
