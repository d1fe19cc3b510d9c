import type { Lid, Person, Pn } from "../../access/identity.js";
import type { Scheduler } from "../../clock.js";
import type { Collection } from "../../store/types.js";
import type { Paces } from "../pace.js";
import type { Outbox, ParcelState, Signal, Suppression, Wire, WireContent } from "../types.js";
import type { OutboxDoc } from "./book.js";

/** Something that was suppressed, or could not be sent. */
export interface Undelivered {
  readonly id: string;
  readonly key?: string;
  readonly to: Person;
  readonly content: WireContent;
  /** When it was posted, milliseconds since 1970. */
  readonly at: number;
  /** It was for the admin chat: telling the owner there would fail the same way. */
  readonly toAdmin: boolean;
}

/** Somebody we know, with the address that they last wrote from. */
export type Known = Person & { readonly chat?: Pn | Lid };

/** What the outbox is made of. Time, chance and network come from outside. */
export interface OutboxOptions {
  readonly collection: Collection<OutboxDoc>;
  readonly wire: Wire;
  readonly clock: () => number;
  readonly random: () => number;
  readonly scheduler: Scheduler;
  readonly newId: () => string;
  /** Asked at the very moment when an item leaves (I3, I4). `content`: absent for signals. */
  readonly mayLeave: (to: Person, content?: WireContent) => "send" | Suppression;
  /** Is this the owner's admin chat? It has a pace of its own, and its notices wait for as long as it takes. */
  readonly isAdmin: (to: Person) => boolean;
  /** Who that is by now, if it is somebody we know: since something was posted their number may have passed on (DESIGN 3). */
  readonly whoNow: (to: Person) => Known | undefined;
  readonly onSuppressed?: (item: Undelivered, why: Suppression) => void;
  /** A parcel is given up: refused with WhatsApp's error (463: the account may not start new chats), or a day old. */
  readonly onFailed?: (item: Undelivered, error: number | "expired") => void;
  readonly log: { info(details: object, message: string): void; warn(details: object, message: string): void };
  readonly pace: Paces;
}

/** One message that was posted, and what became of it. */
export interface Posted {
  readonly at: number;
  readonly to: Person;
  /** Whether it was for the admin chat when it was posted; unknown where an earlier version posted it. */
  readonly toAdmin?: boolean;
  readonly state: ParcelState;
  readonly content?: WireContent;
  /** WhatsApp's error, where it was refused. */
  readonly error?: number;
  /** Why it was suppressed, where it was. */
  readonly why?: Suppression;
}

/** The outbox as its owner, the gateway, sees it. */
export interface RunningOutbox extends Outbox {
  /** Did this message, by its WhatsApp id, come from here (I12)? */
  has(id: string): boolean;
  /** Lets a signal out, if it may leave right now; else it is gone (I3). */
  signal(to: Person, signal: Signal, address?: Pn | Lid): void;
  /** Was some of the parcel with this key suppressed, and could it go now? */
  isHeld(key: string): boolean;
  /** Lets go what is held of a parcel, under its ids of then: what arrived already is known to WhatsApp. */
  revive(key: string): Promise<void>;
  /** Drops what is held of a parcel: nobody will want it. */
  dropHeld(key: string): Promise<void>;
  /**
   * What was posted to a number as it was typed is for the person whom WhatsApp knows by it: what waits goes to them in
   * its turn, and what is held can be revived for them. Call it when it turns out that WhatsApp spells the number otherwise.
   */
  readdress(typed: Pn, person: Person): Promise<void>;
  /**
   * What was sent under an id, for a device that asks for it again: only to the very chat it went to, within a day, and
   * only what would still be sent now (I3).
   */
  recall(id: string, chat: Person): Promise<WireContent | undefined>;
  /** What was posted, newest first; texts for a day, suppressed ones for two weeks. */
  posted(): readonly Posted[];
  /** Sends nothing more, and resolves when what is on the wire has its answer. What waits is there at the next start. */
  stop(): Promise<void>;
}
