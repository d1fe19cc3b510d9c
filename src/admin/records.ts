/**
 * What the owner's side of the gateway keeps in `settings.db`. One shape a kind; ids begin with the kind, so that nobody
 * else's settings are met.
 */
import type { Lid, Person, Pn } from "../access/identity.js";
import type { Episode } from "../access/types.js";
import type { Collection, Doc } from "../store/types.js";
import type { Message } from "../text.js";

/** What follows from an approval when the grace is over; kept for the undo window, so that undo can tell what was sent. */
export interface ReleaseRecord extends Doc {
  readonly kind: "release";
  readonly contactId: string;
  readonly decisionId: string;
  /** When the grace ends. */
  readonly due: number;
  /** Set where the greeting belongs to another release, or was sent long ago. */
  readonly isSilent?: true;
  /** What happened then; absent before. */
  readonly done?: { readonly greeted: boolean; readonly handled: number };
  /** Set where a decision against the contact kept the greeting back: once that is undone, it is due again. */
  readonly heldBack?: true;
}

/** A notice that the owner has not been sent yet. */
export interface WaitingRecord extends Doc {
  readonly kind: "waiting";
  readonly at: number;
  /** Counts up; notices leave in this order. */
  readonly order: number;
  /** Goes out in quiet hours too. */
  readonly alarm: boolean;
  /** Set once it is bundled, so that a crash sends the same bundle again and not another. */
  readonly batch?: string;
  readonly about:
    | { readonly kind: "entered"; readonly contactId: string; readonly episode: number; readonly text: string }
    | { readonly kind: "auto"; readonly contactId: string; readonly decisionId: string; readonly message: Message }
    /** Told of those who wait still when it leaves. */
    | { readonly kind: "expiring"; readonly episodes: readonly Episode[] }
    | { readonly kind: "news"; readonly message: Message };
}

/** A contact in a notice that went out. */
export interface Shown extends Episode {
  /** The name that the notice showed. */
  readonly name: string;
}

/** A notice that went out: what reactions and quotes are matched with. */
export interface SentRecord extends Doc {
  readonly kind: "sent";
  /** The WhatsApp ids it went out under. */
  readonly ids: readonly string[];
  /** Who was the owner then. */
  readonly to: Person;
  readonly form: "entered" | "auto" | "reminder" | "digest" | "news";
  readonly shown: readonly Shown[];
  readonly at: number;
  /** The decision that a reaction to this notice made, or that the notice told of. */
  readonly decisionId?: string;
  /** The reaction that made it. */
  readonly reaction?: "approve" | "deny";
}

/** The answer to one order, so that an order read twice has its effect once. */
export interface OrderRecord extends Doc {
  readonly kind: "order";
  readonly at: number;
  /** The WhatsApp ids that its answer went out under. */
  readonly ids?: readonly string[];
  /** Absent once it is in the outbox. */
  readonly reply?: { readonly text: string; readonly secret?: { readonly until: number; readonly id?: string } };
}

/** A message of ours that carries a secret and is to be deleted for everyone. */
export interface SecretRecord extends Doc {
  readonly kind: "secret";
  readonly ids: readonly string[];
  readonly to: Person;
  readonly address?: Pn | Lid;
  readonly until: number;
  readonly secretId?: string;
}

/** A single fact to remember. */
interface FactRecord extends Doc {
  readonly kind: "fact";
  readonly value: string;
}

export type AdminRecord = ReleaseRecord | WaitingRecord | SentRecord | OrderRecord | SecretRecord | FactRecord;

/** The settings file as the owner's side sees it. */
export type Records = Collection<AdminRecord>;

/** All records of one kind. */
export async function allOf<K extends AdminRecord["kind"]>(
  records: Records,
  kind: K,
): Promise<Extract<AdminRecord, { kind: K }>[]> {
  // The whole file comes without copies, what is queried for does not.
  const found = await records.find();
  return found.filter((record): record is Extract<AdminRecord, { kind: K }> => record.kind === kind);
}
