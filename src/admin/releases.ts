import { identityOf } from "../access/identity.js";
import { type Access, type Clock, type Outcome, UNDO_WINDOW_MS } from "../access/index.js";
import type { Contact, Decision } from "../access/types.js";
import { DAY, isWithin, MINUTE, type Scheduler } from "../clock.js";
import { KafclawError } from "../errors.js";
import type { Outbox } from "../whatsapp/types.js";
import { allOf, type Records, type ReleaseRecord } from "./records.js";
import type { Decided, Gateway } from "./types.js";

/** For so long the outbox knows a greeting that it has sent. */
const GREETING_KNOWN_MS = DAY;

/** What the releases need. */
export interface ReleasesParts {
  readonly access: Access;
  readonly gateway: Pick<Gateway, "release" | "silent">;
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

/** An approval and whose it is. */
type Approval = Pick<Outcome, "contact" | "decision">;

/** A release whose time has not come, or that is tried again. */
interface Armed {
  readonly contactId: string;
  readonly cancel: () => void;
  /** Whether what the contact writes waits until it is over. */
  readonly holdsUp: boolean;
}

/**
 * What follows from approvals: the greeting, and the held messages, when the grace is over. Each is on disk before it is
 * due, so that no crash loses it, and stays for the undo window, so that undo can tell what was sent.
 */
export class Releases {
  /** By their record's id. */
  private readonly armed = new Map<string, Armed>();
  /** Who waits until a contact's releases are over. */
  private readonly waiters = new Set<{ readonly contactId: string; readonly resolve: () => void }>();
  private isStopped = false;
  /** When old releases were last forgotten. */
  private forgotten = Number.NEGATIVE_INFINITY;

  constructor(private readonly parts: ReleasesParts) {}

  /** Takes up what a crash or an offline command left to do. */
  async start(): Promise<void> {
    const { access, records } = this.parts;
    const left = await allOf(records, "release");
    for (const record of left) if (record.done === undefined) await this.put(record);
    // What a crash left in the middle of handling the held messages, or right behind an approval.
    for (const contact of access.unsettled()) {
      const isArmed = left.some(({ contactId, done }) => contactId === contact._id && done === undefined);
      const approval = approvalOf(contact);
      if (!isArmed && approval !== undefined) await this.put(this.recordOf(contact, approval));
    }
    for (const contact of access.list("approved")) {
      const approval = contact.history.findLast(({ action }) => action === "approve");
      if (approval !== undefined && this.isRecent(approval)) await this.follow({ contact, decision: approval });
    }
    await this.forgetOld();
  }

  stop(): void {
    this.isStopped = true;
    for (const { cancel } of this.armed.values()) cancel();
    this.armed.clear();
  }

  /** Puts the greeting into the outbox, and handles the held messages when the grace is over; once for each decision. */
  async follow({ contact, decision }: Approval): Promise<void> {
    const { records, outbox } = this.parts;
    const record = this.recordOf(contact, decision);
    const known = await records.get(record._id);
    if (known === undefined) {
      await this.put(record);
      const over = (await this.releasesOf(contact)).filter(({ heldBack }) => heldBack);
      if (over.length > 0) await records.remove(over.map(({ _id }) => _id));
      return;
    }
    // One that is known and armed for nothing was not for want of room.
    const isLeft = known.kind === "release" && known.done === undefined && !this.armed.has(known._id);
    if (isLeft && outbox !== undefined) await this.arm(known);
  }

  /**
   * A decision that is on disk holds, also where the disk then has no room for what follows: that is made up for, here
   * again and again, without a gateway at its next start.
   */
  async followPatiently(approval: Approval): Promise<void> {
    const { access, clock, log, scheduler } = this.parts;
    const { contact, decision } = approval;
    try {
      await this.follow(approval);
    } catch (error) {
      log.error({ err: error, code: contact.code }, "what follows from an approval could not be written; tried again");
      scheduler.at(clock() + MINUTE, () => {
        const now = access.byId(contact._id);
        const holds = now?.state === "approved" && approvalOf(now)?.id === decision.id;
        if (!this.isStopped && holds) void this.followPatiently({ contact: now, decision });
      });
    }
  }

  /** Follows an undo that makes a buddy again, who may not have been greeted yet, or whose messages may wait. */
  async followAgain(approval: Approval): Promise<void> {
    const { contact } = approval;
    const isUngreeted = (await this.releasesOf(contact)).some(({ heldBack }) => heldBack);
    if (contact.held.length > 0 || isUngreeted) await this.followPatiently(approval);
  }

  /** Sees to what is held of a buddy whose record was just merged with that of a pending sender. */
  async catchUp(contact: Contact): Promise<void> {
    const approval = approvalOf(contact);
    const merge = contact.history.findLast(({ action }) => action === "merge");
    const isDue = contact.state === "approved" && contact.held.length > 0 && !this.isHeldUp(contact._id);
    if (!isDue || approval === undefined || merge === undefined) return;
    await this.put({ ...this.recordOf(contact, approval), _id: `release:${merge.id}`, isSilent: true });
  }

  /** Takes back what approvals of this contact have not done yet, and tells what they have done. */
  async takeBack(contact: Contact): Promise<NonNullable<Decided["trace"]>> {
    const { clock, log, outbox, records } = this.parts;
    const theirs = await this.releasesOf(contact);
    const kept: ReleaseRecord[] = [];
    let isGreeted = false;
    let handled = 0;
    for (const record of theirs) {
      // Without a connection it waits in the outbox though its time has come.
      const isHeldBack = ((await outbox?.cancel(greetingKey(record.decisionId))) ?? 0) > 0;
      isGreeted ||= record.done?.greeted === true && !isHeldBack;
      handled += record.done?.handled ?? 0;
      this.disarm(record);
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
  }

  /** Resolves when nothing of the contact's held messages waits for its grace (or the disk) any more, or at `stop`. */
  async released({ _id: contactId }: Contact, stop: AbortSignal): Promise<void> {
    if (stop.aborted || !this.isHeldUp(contactId)) return;
    await new Promise<void>((resolve) => {
      const waiter = { contactId, resolve: () => done() };
      const done = (): void => {
        stop.removeEventListener("abort", done);
        this.waiters.delete(waiter);
        resolve();
      };
      stop.addEventListener("abort", done);
      this.waiters.add(waiter);
    });
  }

  /** Whether a decision can still be undone. What was done about it is on record for longer than that. */
  isRecent({ at }: Decision): boolean {
    return this.parts.clock() - at <= UNDO_WINDOW_MS;
  }

  private async put(record: ReleaseRecord): Promise<void> {
    await this.parts.records.put(record);
    // Without a gateway nothing can be sent: the next start takes it up.
    if (this.parts.outbox !== undefined) await this.arm(record);
  }

  private async arm(record: ReleaseRecord): Promise<void> {
    const { access, greeting, outbox } = this.parts;
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
    this.releaseAt(due, record);
  }

  private releaseAt(time: number, record: ReleaseRecord, holdsUp = true): void {
    this.armed.get(record._id)?.cancel();
    const cancel = this.parts.scheduler.at(time, () => void this.release(record));
    this.armed.set(record._id, { contactId: record.contactId, cancel, holdsUp });
    this.letGo();
  }

  private disarm({ _id }: ReleaseRecord): void {
    this.armed.get(_id)?.cancel();
    this.armed.delete(_id);
    this.letGo();
  }

  private letGo(): void {
    for (const waiter of this.waiters) if (!this.isHeldUp(waiter.contactId)) waiter.resolve();
  }

  /** Releases, and who waits for them, may be of a record that was merged with another meanwhile. */
  private isHeldUp(id: string): boolean {
    const { access } = this.parts;
    const now = access.byId(id);
    return [...this.armed.values()].some(
      ({ contactId, holdsUp }) => holdsUp && now && access.byId(contactId)?._id === now._id,
    );
  }

  /** Handles the held messages; again and again where the disk is full, or the link away. */
  private async release(record: ReleaseRecord): Promise<void> {
    const { access, clock, gateway, greeting, log, records } = this.parts;
    const contact = access.byId(record.contactId);
    if (this.isStopped) return;
    if (contact?.state !== "approved") return this.disarm(record);
    const isGreeted = greeting !== "" && record.isSilent !== true && !gateway.silent.on();
    // What was sent when it was due stays what was sent, though the messages are handled later.
    const done = record.done ?? { greeted: isGreeted, handled: contact.held.length };
    try {
      await records.put({ ...record, done });
      if (contact.held.length > 0) await gateway.release(contact, contact.held);
      this.disarm(record);
      await this.forgetOld();
    } catch (error) {
      if (record.done === undefined) {
        log.error({ err: error, code: contact.code }, "held messages could not be handled; tried again every minute");
      }
      // What no room on the disk explains may stay so: it is tried again, and what came later no longer waits for it.
      const isPassing = error instanceof KafclawError && error.kind === "failed";
      if (!this.isStopped) this.releaseAt(clock() + MINUTE, { ...record, done }, isPassing);
    }
  }

  /** What follows, or followed, from the approvals of a contact, those of records merged into it included. */
  private async releasesOf(contact: Contact): Promise<readonly ReleaseRecord[]> {
    const { access, records } = this.parts;
    const all = await allOf(records, "release");
    return all.filter(({ contactId }) => access.byId(contactId)?._id === contact._id);
  }

  private async forgetOld(): Promise<void> {
    const { clock, records } = this.parts;
    // Many releases end together, and each look goes through all of them.
    if (isWithin(MINUTE, this.forgotten, clock())) return;
    this.forgotten = clock();
    const over = (await allOf(records, "release")).filter(
      ({ done, due }) => done !== undefined && clock() - due > UNDO_WINDOW_MS,
    );
    if (over.length > 0) await records.remove(over.map(({ _id }) => _id));
  }

  private recordOf(contact: Contact, approval: Decision): ReleaseRecord {
    const { clock, graceMs } = this.parts;
    return {
      _id: `release:${approval.id}`,
      kind: "release",
      contactId: contact._id,
      decisionId: approval.id,
      due: clock() + graceMs,
      ...(clock() - approval.at < GREETING_KNOWN_MS ? {} : { isSilent: true }),
    };
  }
}

/** What made a contact a buddy. */
function approvalOf({ history }: Contact): Decision | undefined {
  return history.findLast(({ action, to }) => to === "approved" && (action === "approve" || action === "undo"));
}

function greetingKey(decisionId: string): string {
  return `greet:${decisionId}`;
}
