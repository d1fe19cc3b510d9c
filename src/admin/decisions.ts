import { formatNumber, identityOf, type Person, same } from "../access/identity.js";
import type { Access, Clock, Outcome } from "../access/index.js";
import type { Contact, Decision } from "../access/types.js";
import { isWithin } from "../clock.js";
import { KafclawError } from "../errors.js";
import { present } from "../present.js";
import type { Outbox } from "../whatsapp/types.js";
import { allOf, type Records, type ReleaseRecord } from "./records.js";
import type { Scheduler } from "./schedule.js";
import type { Decided, Decider, Gateway } from "./types.js";

/** How long a decision can be taken back; after that, what was done about it is forgotten. */
export const UNDO_WINDOW_MS = 10 * 60_000;
const MINUTE = 60_000;
/** For so long the outbox knows a greeting that it has sent. */
const GREETING_KNOWN_MS = 24 * 60 * MINUTE;

/** A release whose time has not come, or that is tried again. */
interface Armed {
  readonly contactId: string;
  readonly cancel: () => void;
  /** Whether what the contact writes waits until it is over. */
  readonly holdsUp: boolean;
}

/** What the decider needs. */
export interface DeciderParts {
  readonly access: Access;
  readonly gateway: Gateway;
  /** Absent when no gateway runs: what follows from a decision then happens at the next start. */
  readonly outbox?: Outbox | undefined;
  readonly records: Records;
  readonly clock: Clock;
  readonly scheduler: Scheduler;
  /** What an approved sender is told; "" for nothing. */
  readonly greeting: string;
  /** How long greeting and held messages wait, so that an undo at once leaves no trace with the buddy. */
  readonly graceMs: number;
  readonly log: { error(details: object, message: string): void };
}

/** A decider that can be started, stopped, and told that the link is open. */
export interface RunningDecider extends Decider {
  /** Takes up what a crash or an offline command left to do. Call before messages are handled. */
  start(): Promise<void>;
  /** Blocks and unblocks whom it couldn't before. */
  linkOpened(): Promise<void>;
  stop(): void;
}

/** Makes the one {@link Decider} of a gateway. */
export function createDecider(parts: DeciderParts): RunningDecider {
  const { access, gateway, outbox, records, clock, scheduler, greeting, graceMs, log } = parts;
  /** Releases whose time has not come, or that are tried again, by their record's id. */
  const armed = new Map<string, Armed>();
  /** Who waits until a contact's releases are over. */
  const waiters = new Set<{ readonly contactId: string; readonly resolve: () => void }>();
  let isStopped = false;
  /** When old releases were last forgotten. */
  let forgotten = Number.NEGATIVE_INFINITY;

  /** Puts the greeting into the outbox, and handles the held messages when the grace is over; once for each decision. */
  const follow = async ({ contact, decision }: Pick<Outcome, "contact" | "decision">): Promise<void> => {
    const record = releaseOf(contact, decision);
    const known = await records.get(record._id);
    if (known === undefined) {
      await put(record);
      const over = (await releasesOf(contact)).filter(({ heldBack }) => heldBack);
      if (over.length > 0) await records.remove(over.map(({ _id }) => _id));
      return;
    }
    // One that is known and armed for nothing was not for want of room.
    const isLeft = known.kind === "release" && known.done === undefined && !armed.has(known._id);
    if (isLeft && outbox !== undefined) await arm(known);
  };

  /**
   * A decision that is on disk holds, also where the disk then has no room for what follows: that is made up for, here
   * again and again, without a gateway at its next start.
   */
  const followPatiently = async (outcome: Pick<Outcome, "contact" | "decision">): Promise<void> => {
    const { contact, decision } = outcome;
    try {
      await follow(outcome);
    } catch (error) {
      log.error({ err: error, code: contact.code }, "what follows from an approval could not be written; tried again");
      scheduler.at(clock() + MINUTE, () => {
        const now = access.byId(contact._id);
        const holds = now?.state === "approved" && approvalOf(now)?.id === decision.id;
        if (!isStopped && holds) void followPatiently({ contact: now, decision });
      });
    }
  };

  const put = async (record: ReleaseRecord): Promise<void> => {
    await records.put(record);
    // Without a gateway nothing can be sent: the next start takes it up.
    if (outbox !== undefined) await arm(record);
  };

  const arm = async (record: ReleaseRecord): Promise<void> => {
    const { contactId, decisionId, due } = record;
    const contact = access.byId(contactId);
    if (contact === undefined) return;
    if (greeting !== "" && record.isSilent !== true) {
      await outbox?.post({
        kind: "text",
        to: identityOf(contact),
        text: greeting,
        key: greetingKey(decisionId),
        notBefore: due,
      });
    }
    releaseAt(due, record);
  };

  const releaseAt = (time: number, record: ReleaseRecord, holdsUp = true): void => {
    armed.get(record._id)?.cancel();
    const cancel = scheduler.at(time, () => void release(record));
    armed.set(record._id, { contactId: record.contactId, cancel, holdsUp });
    letGo();
  };

  const disarm = ({ _id }: ReleaseRecord): void => {
    armed.get(_id)?.cancel();
    armed.delete(_id);
    letGo();
  };

  const letGo = (): void => {
    for (const waiter of waiters) if (!isHeldUp(waiter.contactId)) waiter.resolve();
  };

  /** Releases, and who waits for them, may be of a record that was merged with another meanwhile. */
  const isHeldUp = (id: string): boolean => {
    const now = access.byId(id);
    return [...armed.values()].some(({ contactId, holdsUp }) => holdsUp && now && access.byId(contactId) === now);
  };

  /** Handles the held messages; again and again where the disk is full, or the link away. */
  const release = async (record: ReleaseRecord): Promise<void> => {
    const contact = access.byId(record.contactId);
    if (isStopped) return;
    if (contact?.state !== "approved") return disarm(record);
    const isGreeted = greeting !== "" && record.isSilent !== true && !gateway.silent.on();
    // What was sent when it was due stays what was sent, though the messages are handled later.
    const done = record.done ?? { greeted: isGreeted, handled: contact.held.length };
    try {
      await records.put({ ...record, done });
      if (contact.held.length > 0) await gateway.release(contact, contact.held);
      disarm(record);
      await forgetOld();
    } catch (error) {
      if (record.done === undefined) {
        log.error({ err: error, code: contact.code }, "held messages could not be handled; tried again every minute");
      }
      // What no room on the disk explains may stay so: it is tried again, and what came later no longer waits for it.
      const isPassing = error instanceof KafclawError && error.kind === "failed";
      if (!isStopped) releaseAt(clock() + MINUTE, { ...record, done }, isPassing);
    }
  };

  /** What follows, or followed, from the approvals of a contact, those of records merged into it included. */
  const releasesOf = async (contact: Contact): Promise<readonly ReleaseRecord[]> => {
    const all = await allOf(records, "release");
    return all.filter(({ contactId }) => access.byId(contactId)?._id === contact._id);
  };

  /** Takes back what approvals of this contact have not done yet, and tells what they have done. */
  const takeBack = async (contact: Contact): Promise<NonNullable<Decided["trace"]>> => {
    const theirs = await releasesOf(contact);
    const kept: ReleaseRecord[] = [];
    let isGreeted = false;
    let handled = 0;
    for (const record of theirs) {
      // Without a connection it waits in the outbox though its time has come.
      const isHeldBack = ((await outbox?.cancel(greetingKey(record.decisionId))) ?? 0) > 0;
      isGreeted ||= record.done?.greeted === true && !isHeldBack;
      handled += record.done?.handled ?? 0;
      disarm(record);
      // Past its time without an end it may have greeted all the same.
      const isBefore = record.done === undefined && clock() < record.due;
      const isDueAgain = isHeldBack || isBefore || record.heldBack;
      if (isDueAgain) kept.push({ ...record, due: clock(), done: { greeted: false, handled: 0 }, heldBack: true });
    }
    const gone = theirs.filter(({ _id }) => !kept.some((record) => record._id === _id));
    // What stays for want of room does nothing for who is no buddy.
    await records
      .putAll(kept)
      .then(() => records.remove(gone.map(({ _id }) => _id)))
      .catch((error: unknown) => log.error({ err: error, code: contact.code }, "a release could not be removed"));
    if (isGreeted) return handled > 0 ? "greeting and handled" : "greeting";
    return handled > 0 ? "handled" : "none";
  };

  const forgetOld = async (): Promise<void> => {
    // Many releases end together, and each look goes through all of them.
    if (isWithin(MINUTE, forgotten, clock())) return;
    forgotten = clock();
    const over = (await allOf(records, "release")).filter(
      ({ done, due }) => done !== undefined && clock() - due > UNDO_WINDOW_MS,
    );
    if (over.length > 0) await records.remove(over.map(({ _id }) => _id));
  };

  /** Tells WhatsApp whether a contact is blocked; what it is not told now is told when the link opens. */
  const tellBlock = async (contact: Contact): Promise<boolean> => {
    const isDone = await gateway.block(contact, contact.blocked === true).catch((error: unknown) => {
      log.error({ err: error, code: contact.code }, "WhatsApp did not change the block");
      return false;
    });
    if (isDone) await access.blockTold(contact);
    return isDone;
  };

  const decided = async (outcome: Outcome, trace?: NonNullable<Decided["trace"]>): Promise<Decided> => {
    const { contact } = outcome;
    const traced = { outcome, ...present({ trace }) };
    return contact.blockDue ? { ...traced, blocking: await tellBlock(contact) } : traced;
  };

  const releaseOf = (contact: Contact, approval: Decision): ReleaseRecord => ({
    _id: `release:${approval.id}`,
    kind: "release",
    contactId: contact._id,
    decisionId: approval.id,
    due: clock() + graceMs,
    ...(clock() - approval.at < GREETING_KNOWN_MS ? {} : { isSilent: true }),
  });

  /** Whether it can still be undone. What was done about it is on record for longer than that. */
  const isRecent = ({ at }: Decision): boolean => clock() - at <= UNDO_WINDOW_MS;

  const refuseOwnNumber = (target: Contact | Person): void => {
    const me = gateway.me();
    // In self-chat it is the owner's too, and the rules for the owner hold.
    if (me === undefined || access.owner()?.setup === "self" || !same(me, target)) return;
    throw ownNumber(me);
  };

  return {
    follow,
    async approve(target, by, options) {
      refuseOwnNumber(target);
      const outcome = await access.approve(target, by, options);
      // The same order again may find it approved just now, and what a full disk kept from following follows now.
      const { decision } = outcome;
      if (decision.action === "approve" && isRecent(decision)) await followPatiently(outcome);
      return decided(outcome);
    },
    async deny(target, by, options) {
      refuseOwnNumber(target);
      const outcome = await access.deny(target, by, options);
      await takeBack(outcome.contact);
      return decided(outcome);
    },
    async remove(target, by, options) {
      const outcome = await access.remove(target, by, options);
      await takeBack(outcome.contact);
      return decided(outcome);
    },
    async undo(by, decisionId) {
      const outcome = await access.undo(by, decisionId);
      const { contact } = outcome;
      if (contact.state !== "approved") return decided(outcome, await takeBack(contact));
      // A buddy again, who may not have been greeted yet, or whose messages may not have been handled.
      const isUngreeted = (await releasesOf(contact)).some(({ heldBack }) => heldBack);
      if (contact.held.length > 0 || isUngreeted) await followPatiently(outcome);
      return decided(outcome, "none");
    },
    async start() {
      const left = await allOf(records, "release");
      for (const record of left) if (record.done === undefined) await put(record);
      // What a crash left in the middle of handling the held messages, or right behind an approval.
      for (const contact of access.unsettled()) {
        const isArmed = left.some(({ contactId, done }) => contactId === contact._id && done === undefined);
        const approval = approvalOf(contact);
        if (!isArmed && approval !== undefined) await put(releaseOf(contact, approval));
      }
      for (const contact of access.list("approved")) {
        const approval = contact.history.findLast(({ action }) => action === "approve");
        if (approval !== undefined && isRecent(approval)) await follow({ contact, decision: approval });
      }
      await forgetOld();
    },
    async catchUp(contact) {
      const approval = approvalOf(contact);
      const merge = contact.history.findLast(({ action }) => action === "merge");
      const isDue = contact.state === "approved" && contact.held.length > 0 && !isHeldUp(contact._id);
      if (!isDue || approval === undefined || merge === undefined) return;
      await put({ ...releaseOf(contact, approval), _id: `release:${merge.id}`, isSilent: true });
    },
    async released({ _id: contactId }, stop) {
      if (stop.aborted || !isHeldUp(contactId)) return;
      await new Promise<void>((resolve) => {
        const waiter = { contactId, resolve: () => done() };
        const done = (): void => {
          stop.removeEventListener("abort", done);
          waiters.delete(waiter);
          resolve();
        };
        stop.addEventListener("abort", done);
        waiters.add(waiter);
      });
    },
    async linkOpened() {
      for (const contact of access.blocksDue()) await tellBlock(contact);
    },
    stop() {
      isStopped = true;
      for (const { cancel } of armed.values()) cancel();
      armed.clear();
    },
  };
}

/** What made a contact a buddy. */
function approvalOf({ history }: Contact): Decision | undefined {
  return history.findLast(({ action, to }) => to === "approved" && (action === "approve" || action === "undo"));
}

function greetingKey(decisionId: string): string {
  return `greet:${decisionId}`;
}

/** The refusal of a decision about the linked account itself. */
export function ownNumber(me: Person): KafclawError {
  return new KafclawError(
    "own-number",
    `${formatNumber(me)} is the bot's own number: it talks to others, not to itself.`,
  );
}
