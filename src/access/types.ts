import type { Lid, Person, Pn } from "./identity.js";

export { KafclawError } from "../errors.js";

declare const brand: unique symbol;

/** Names one contact for good: 4 characters of Crockford base32 without vowels, at least one of them a letter. */
export type Code = string & { readonly [brand]: "Code" };

/** The states a contact record can be in. A `stranger` record is kept for its code and history (after remove). */
export type ContactState = "stranger" | "pending" | "approved" | "denied";

/** The ways a decision can reach us (I6). */
export type Door = "whatsapp" | "dashboard" | "cli" | "kafka" | "gateway";

/** Who decided, through which door, and what caused it. */
export interface Actor {
  readonly door: Door;
  /** The owner's PN or LID on WhatsApp, the user name at the machine, "invite K7QF", "expiry", … */
  readonly who: string;
  /** The WhatsApp message id (or request id) that caused it; the same cause has its effect once (I10). */
  readonly cause?: string;
}

/** How a contact came into the pending queue. */
export type Via =
  | { readonly kind: "token"; readonly tokenId: string }
  | { readonly kind: "invite"; readonly inviteId: string; readonly label: string }
  | { readonly kind: "open" };

/** What can happen to a contact. */
export type Action = "enter" | "approve" | "deny" | "remove" | "undo" | "expire" | "suspend" | "merge" | "identity";

/** One entry of a contact's history; also what the audit records. */
export interface Decision {
  /** Unique; the audit record carries the same id. */
  readonly id: string;
  readonly action: Action;
  readonly from: ContactState;
  readonly to: ContactState;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly by: Actor;
  readonly via?: Via;
  readonly note?: string;
  /** The decision that this one took back (`undo`). */
  readonly undoes?: string;
}

/** A message kept while its sender is pending, handled on approval. `journalId` points into the journal. */
export interface Held {
  readonly journalId: string;
  readonly at: number;
  /** The cleaned first words, for lists; tokens are masked. */
  readonly preview: string;
  /** Its sender's last edit of it, in the journal too: those words count, and the preview shows them. */
  readonly edit?: string;
}

/** One pending episode of one record. */
export interface Episode {
  readonly contactId: string;
  readonly episode: number;
}

/** The record of one sender: identity, state, code, history of decisions. */
export interface Contact {
  readonly _id: string;
  readonly code: Code;
  /** Codes of records that were merged into this one; they name this contact for good (I8). */
  readonly aliases: readonly Code[];
  readonly pn?: Pn;
  readonly lid?: Lid;
  /** Cleaned push name; "" when unknown. */
  readonly name: string;
  readonly state: ContactState;
  /** When the present state began, milliseconds since 1970. */
  readonly since: number;
  /** Counts pending episodes; a notice acts only on the episode that it announced. */
  readonly episode: number;
  /** Pending episodes of records that were merged into this one meanwhile: what they announced goes on with this one. */
  readonly joined?: readonly Episode[];
  readonly via?: Via;
  readonly held: readonly Held[];
  readonly history: readonly Decision[];
  /** Blocked at WhatsApp too (`--block`). */
  readonly blocked?: boolean;
  /** WhatsApp is still to be told whether they are blocked: written with the decision, so that no crash comes between. */
  readonly blockDue?: true;
  /** The address of the chat that the contact last wrote in, so that answers go where they are looking. */
  readonly chat?: Pn | Lid;
  /** When the owner was reminded that this pending entry is about to expire. */
  readonly reminded?: number;
  /** Further addresses that a denial covers: a denied person's former number, the new account on a denied number. */
  readonly also?: readonly (Pn | Lid)[];
  /** Ids of the records that were merged into this one; they name this contact like its codes do. */
  readonly merged?: readonly string[];
  /** What the last decision replaced, so that undo can bring it back. */
  readonly before?: Before;
}

/** What a contact was before its last decision. */
export interface Before {
  /** The decision that replaced it. */
  readonly decision: string;
  readonly since: number;
  readonly held: readonly Held[];
  readonly also: readonly (Pn | Lid)[];
  readonly via?: Via;
  readonly blocked?: boolean;
  readonly reminded?: number;
  /** What the decision before that one had replaced, a few steps back. */
  readonly before?: Before;
}

/** What the gate says about one message (I1, I2). */
export type Verdict =
  | { readonly kind: "owner" }
  | { readonly kind: "buddy"; readonly contact: Contact }
  | { readonly kind: "pending"; readonly contact: Contact }
  | { readonly kind: "denied"; readonly contact: Contact }
  /** `owner` is there for the owner who is not obeyed: not confirmed yet, or locked. */
  | { readonly kind: "stranger"; readonly contact?: Contact; readonly owner?: "unconfirmed" | "locked" }
  | {
      readonly kind: "ignored";
      readonly reason: "group" | "broadcast" | "status" | "newsletter" | "own" | "call" | "unknown";
    };

/** An invite: a pairing token made for one person. */
export interface Invite {
  readonly _id: string;
  readonly label: string;
  readonly token: string;
  readonly created: number;
  readonly expires: number;
  readonly auto: boolean;
  /** Binds an `--auto` invite to one person. */
  readonly for?: Person;
  readonly used?: { readonly by: string; readonly at: number };
  readonly revoked?: number;
  readonly by: Actor;
}
