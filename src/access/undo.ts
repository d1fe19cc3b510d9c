/**
 * What undo takes back, and when it refuses (DESIGN 4). Pure: `decisions.ts` writes the result.
 */
import { MINUTE } from "../clock.js";
import { KafclawError } from "../errors.js";
import { present } from "../present.js";
import type { ContactBook } from "./contacts.js";
import { type Decided, without } from "./ledger.js";
import { UNDO_WINDOW_MS } from "./settings.js";
import { isUndoable } from "./transitions.js";
import type { Before, Contact, Decision, Held } from "./types.js";
import { describe, doorOf, pastTense } from "./words.js";

/** A decision that may be taken back, and whose it is. */
export interface Undoable {
  readonly contact: string;
  readonly decision: Decision;
}

/** The decisions of the undo window, oldest first. */
export class RecentDecisions {
  #recent: Undoable[] = [];

  constructor(contacts: Iterable<Contact>, now: number) {
    for (const contact of contacts) {
      for (const decision of contact.history) {
        // One from before the clock was set back has no place in the order: nobody knows how long ago it was.
        const isRecent = decision.at >= now - UNDO_WINDOW_MS && decision.at <= now;
        if (isRecent) this.#recent.push({ contact: contact._id, decision });
      }
    }
    this.#recent.sort((a, b) => (a.decision.id < b.decision.id ? -1 : 1));
  }

  add(contact: Contact, decision: Decision): void {
    const oldest = decision.at - UNDO_WINDOW_MS;
    this.#recent = this.#recent.filter((recent) => recent.decision.at >= oldest);
    this.#recent.push({ contact: contact._id, decision });
  }

  /**
   * The decision that an undo means now: the last one that still stands, or the named one.
   * @throws KafclawError `nothing-to-undo`, `too-late`, `changed-since`
   */
  choose(book: ContactBook, now: number, decisionId?: string): Decided {
    const minutes = UNDO_WINDOW_MS / MINUTE;
    const found = decisionId === undefined ? this.#standing(book, now).at(-1) : search(book, decisionId);
    if (found === undefined) {
      const why =
        decisionId === undefined ? `No decision of the last ${minutes} minutes is left` : "There is no such decision";
      throw new KafclawError(
        "nothing-to-undo",
        `${why}, so there is nothing to undo; approve, deny or remove instead.`,
      );
    }
    const { contact, decision } = found;
    if (decision.at < now - UNDO_WINDOW_MS) {
      throw new KafclawError(
        "too-late",
        `${describe(contact)} was ${pastTense(decision)} more than ${minutes} minutes ago, too long to undo; approve, deny or remove instead.`,
      );
    }
    const later = standing(since(contact, decision));
    const last = later.at(-1);
    if (isUndone(contact, decision)) {
      throw new KafclawError(
        "nothing-to-undo",
        `That was undone already; ${describe(contact)} is ${contact.state}. Approve, deny or remove instead.`,
      );
    }
    if (last !== undefined) {
      throw new KafclawError(
        "changed-since",
        `${describe(contact)} changed since: ${pastTense(last)} ${doorOf(last)}. Approve, deny or remove instead.`,
      );
    }
    return { contact, decision };
  }

  /** The last decision, of all or about one contact, that {@link choose} would not refuse by its id. */
  last(book: ContactBook, now: number, contactId?: string): Decided | undefined {
    return this.#standing(book, now).findLast(
      ({ contact, decision }) =>
        (contactId === undefined || contact._id === contactId) && standing(since(contact, decision)).length === 0,
    );
  }

  /** The decisions that a person took within the window and that were not taken back, oldest first. */
  #standing(book: ContactBook, now: number): readonly Decided[] {
    return this.#recent
      .filter(({ decision }) => isUndoable(decision.action) && decision.at >= now - UNDO_WINDOW_MS)
      .flatMap(({ contact: id, decision }) => {
        const contact = book.byId(id);
        return contact === undefined || isUndone(contact, decision) ? [] : [{ contact, decision }];
      });
  }
}

/** The contact as it was before a decision. */
export function restore(contact: Contact, decision: Decision, now: number): Contact {
  const { before } = contact;
  const isKnown = before?.decision === decision.id;
  const wasBlocked = isKnown && before.blocked === true;
  const rest: Contact = {
    ...without(contact, "blocked", "also", "before"),
    ...(wasBlocked === (contact.blocked === true) ? {} : { blockDue: true }),
  };
  // Too many steps back: what the decision replaced is gone, the state before it is known.
  if (!isKnown) return { ...rest, since: now };
  const { decision: _, also, held, ...kept } = before;
  return {
    ...without(rest, "via"),
    ...kept,
    ...(also.length === 0 ? {} : { also }),
    // What an approval released may have been handled since; only the rest waits again.
    held: decision.action === "approve" ? contact.held : held,
  };
}

/** What of a contact a decision replaces, for {@link restore}. */
export function beforeOf(contact: Contact, decision: Decision): Before {
  const { since, held, also, via, blocked, reminded, before } = contact;
  return {
    decision: decision.id,
    since,
    held,
    also: also ?? [],
    ...present({ via, blocked, reminded, before: before && cutOff(before, STEPS_BACK - 1) }),
  };
}

/** A contact without a held message, which no undo brings back either. */
export function withoutHeld(contact: Contact, isGone: (message: Held) => boolean): Contact {
  const left = (held: readonly Held[]) => held.filter((message) => !isGone(message));
  const earlier = ({ before, ...step }: Before): Before => ({
    ...step,
    held: left(step.held),
    ...present({ before: before && earlier(before) }),
  });
  const { held, before } = contact;
  return { ...contact, held: left(held), ...present({ before: before && earlier(before) }) };
}

/** How many decisions about one contact can be taken back one after the other with all that they replaced. */
const STEPS_BACK = 4;

function cutOff(before: Before, steps: number): Before {
  const { before: earlier, ...rest } = before;
  return earlier === undefined || steps <= 1 ? rest : { ...rest, before: cutOff(earlier, steps - 1) };
}

/** The last decision about a contact that still stands: what was taken back is as if it had not been. */
export function lastStanding({ history }: Pick<Contact, "history">): Decision | undefined {
  return standing(history).findLast(({ action }) => action !== "merge");
}

function isUndone(contact: Contact, decision: Decision): boolean {
  return contact.history.some((later) => later.undoes === decision.id);
}

function since(contact: Contact, decision: Decision): readonly Decision[] {
  return contact.history.slice(contact.history.findIndex(({ id }) => id === decision.id) + 1);
}

/** The decisions that still count: without those taken back, without the taking back, and without mere changes of address. */
function standing(decisions: readonly Decision[]): readonly Decision[] {
  const undone = new Set(decisions.map((decision) => decision.undoes));
  return decisions.filter(({ id, action }) => !undone.has(id) && action !== "undo" && action !== "identity");
}

/** A decision by its id, however old, so that a refusal can say what it was. */
function search(book: ContactBook, decisionId: string): Decided | undefined {
  for (const contact of book.all()) {
    const decision = contact.history.find(({ id, action }) => id === decisionId && isUndoable(action));
    if (decision !== undefined) return { contact, decision };
  }
  return undefined;
}
