/**
 * The documents of `access.db`: one per contact and invite, and one each for the owner, the token and the full queue.
 */
import { present } from "../present.js";
import type { AuditRecord, Owner } from "./api.js";
import type { Contact, ContactState, Decision, Invite } from "./types.js";

/** A document of `access.db`. */
export type AccessDoc = ContactDoc | InviteDoc | OwnerDoc | TokenDoc | QueueDoc;

const STATES: readonly ContactState[] = ["stranger", "pending", "approved", "denied"];
const KINDS: readonly AccessDoc["kind"][] = ["contact", "invite", "owner", "token", "queue"];

/** Whether this version can work on what a file holds; its type is only what this version would have written. */
export function isKnown(doc: AccessDoc): boolean {
  return doc.kind === "contact" ? STATES.includes(doc.contact?.state) : KINDS.includes(doc.kind);
}

interface ContactDoc {
  readonly _id: string;
  readonly kind: "contact";
  readonly contact: Contact;
}

interface InviteDoc extends Logged {
  readonly kind: "invite";
  readonly invite: Invite;
}

interface OwnerDoc extends Logged {
  readonly kind: "owner";
  readonly owner: Owner;
}

/** The shared pairing token. */
export interface TokenDoc extends Logged {
  readonly kind: "token";
  readonly token: string;
  readonly since: number;
}

/** There while the queue is full. */
export interface QueueDoc {
  readonly _id: "queue";
  readonly kind: "queue";
  readonly fullSince: number;
  /** The journal id of the message that found it full, on which the owner is told. */
  readonly cause?: string;
}

/** What is not a contact carries its last audit records itself, as a contact carries its history. */
interface Logged {
  readonly _id: string;
  readonly log: readonly AuditRecord[];
}

/** How many audit records a {@link Logged} document carries: those that could be missing from the audit after a crash. */
const LOG_LENGTH = 5;

/** The log with one more record. */
export function logged(log: readonly AuditRecord[] | undefined, record: AuditRecord): readonly AuditRecord[] {
  return [...(log ?? []), record].slice(-LOG_LENGTH);
}

/** The audit record of a decision; it carries the decision's id, so that it is written once. */
export function auditOf(contact: Contact, decision: Decision): AuditRecord {
  return {
    _id: decision.id,
    at: decision.at,
    action: decision.action,
    by: decision.by,
    contact: contact._id,
    code: contact.code,
    from: decision.from,
    to: decision.to,
    ...(contact.name === "" ? {} : { name: contact.name }),
    ...present({ note: decision.note }),
  };
}
