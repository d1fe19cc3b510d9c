import type { Lid, Person, Pn } from "../../access/identity.js";
import { addressesOf } from "../../access/identity.js";
import { DAY, HOUR, isWithin } from "../../clock.js";
import { present } from "../../present.js";
import { backoff } from "../disconnects.js";
import { TokenBucket } from "../pace.js";
import type { Ack, Signal, Suppression, WireContent } from "../types.js";
import { isWaiting, nextOf, type OutboxBook, type OutboxDoc, type OutboxItem } from "./book.js";
import { withAddress } from "./parcel.js";
import { OutboxQueue, type Waiting } from "./queue.js";
import type { Known, OutboxOptions, Undelivered } from "./types.js";

/** At most 4 chats besides the admin chat are served at a time, so that one that does not answer holds up nobody else. */
const CHATS_AT_ONCE = 4;
/** More than any pause before a try, and any grace. */
const LONGEST_WAIT_MS = HOUR;
/** How often a refused message is tried again, where its error may pass. */
const REFUSALS_BORNE = 2;
/** Errors that may pass: timeouts, too much at once, a stale device session; and all from 500. */
const PASSING = new Set([408, 429, 479]);
const TOO_MUCH = 429;
/** What is for the owner and refused all the same is set aside for half an hour, so that later notices go before it. */
const ASIDE_MS = HOUR / 2;
/** It is set aside at most 48 times, which is a day, and then given up. */
const ASIDE_MOST = 48;
const NEVER = Number.POSITIVE_INFINITY;

/** Lets out what waits: judged when it leaves, in order within a chat, at a pace that people keep; and hears what became of it. */
export class Sender {
  private readonly queue = new OutboxQueue();
  private readonly answers = new Set<Promise<void>>();
  private readonly paces: { readonly buddies: TokenBucket; readonly admin: TokenBucket };
  private stopped = false;
  private cancelTimer = () => {};

  constructor(
    private readonly options: OutboxOptions,
    private readonly book: OutboxBook,
  ) {
    const { clock, random, wire, pace } = options;
    this.paces = {
      buddies: new TokenBucket(pace.buddies, clock, random),
      admin: new TokenBucket(pace.admin, clock, random),
    };
    wire.onOpen(() => this.opened());
  }

  /**
   * Takes a parcel with something left to send; {@link Sender.pump} lets it out.
   * @param tried the item that may have been on the wire before
   */
  add(doc: OutboxDoc, tried?: string): void {
    this.queue.add(doc._id, withAddress(doc.to, doc.address), tried);
  }

  /** Takes over whom a waiting parcel is for by now; {@link Sender.pump} lets it out. What is on the wire is not touched. */
  readdress(docId: string): void {
    const doc = this.book.get(docId);
    const entry = this.queue.get(docId);
    if (doc && entry) entry.to = withAddress(doc.to, doc.address);
  }

  /** Takes back what of a parcel is not on the wire. @returns how many messages */
  async cancel(doc: OutboxDoc): Promise<number> {
    const entry = this.queue.get(doc._id);
    if (!entry) return 0;
    const onWire = this.queue.isOnWire(entry) ? entry.tried : undefined;
    const left = doc.items.filter((item) => isWaiting(item) && item.id !== onWire);
    entry.cancelled = true;
    await this.settle(entry, left, { state: "cancelled" });
    return left.length;
  }

  /** What is to be deleted and has not been on the wire yet need not leave at all. */
  async holdBack(id: string): Promise<void> {
    const found = this.book.find(id);
    const entry = found && this.queue.get(found.doc._id);
    if (!entry || !isWaiting(found.item)) return;
    if (this.queue.isOnWire(entry) && entry.tried === id) entry.cancelled = true;
    else await this.settle(entry, [found.item], { state: "cancelled" });
  }

  /** Whether an item that waits was on the wire already, without an answer. */
  wasTried(doc: OutboxDoc, id: string): boolean {
    return this.queue.get(doc._id)?.tried === id;
  }

  /** Lets a signal out, if it may leave right now. */
  signal(to: Person, signal: Signal, address?: Pn | Lid): void {
    const { wire } = this.options;
    const person = withAddress(to, address);
    if (this.stopped || !wire.open || this.judge(person) !== "send") return;
    void wire.signal(this.jidFor({ address }, person), signal);
  }

  /** Whether something may leave for somebody now. A judge that fails has not said that this is a buddy. */
  judge(to: Person, content?: WireContent): "send" | Suppression {
    try {
      return this.options.mayLeave(to, content);
    } catch (err) {
      this.options.log.warn({ err }, "could not judge a message; it stays here");
      return "no-buddy";
    }
  }

  /**
   * Somebody as we know them now. A LID is a person's own for good; a number, as it was when something was posted, is not.
   */
  whoNow(to: Person): Known {
    const now = this.options.whoNow(to);
    return to.lid !== undefined && now?.lid !== to.lid ? { lid: to.lid } : (now ?? to);
  }

  /** Sends nothing more; resolves when what is on the wire has its answer. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelTimer();
    await Promise.all(this.answers);
  }

  /** Sends what may go now, and comes back when the next may. Synchronous: nothing happens between judging and sending. */
  pump(): void {
    this.cancelTimer();
    let next = NEVER;
    let before: number;
    do {
      if (this.stopped || !this.options.wire.open) return;
      before = this.queue.size;
      const now = this.options.clock();
      next = NEVER;
      for (const entry of this.queue.heads()) {
        const due = Math.max(entry.retryAt, this.book.get(entry.docId)?.notBefore ?? 0);
        // Nothing waits for longer; where it seems to, the clock was set back.
        next = Math.min(next, isWithin(LONGEST_WAIT_MS, due - LONGEST_WAIT_MS, now) ? due : this.serve(entry, now));
      }
      // Where a parcel was done with at once, the next of its chat may go.
    } while (this.queue.size < before);
    if (next < NEVER) this.cancelTimer = this.options.scheduler.at(next, () => this.pump());
  }

  private opened(): void {
    // What got lost with the old connection goes over the new one at once.
    for (const entry of this.queue.all()) if (entry.refusals === 0 && entry.setAside === 0) entry.retryAt = 0;
    this.pump();
  }

  /** Lets the next item of a parcel out, where it may go. Tells when to try again, where only time is missing. */
  private serve(entry: Waiting, now: number): number {
    const { isAdmin, log } = this.options;
    const toAdmin = isAdmin(entry.to);
    for (;;) {
      const doc = this.book.get(entry.docId);
      const item = doc && nextOf(doc);
      if (!doc || !item?.content) return NEVER;
      if (!toAdmin && now - Math.max(doc.at, doc.notBefore ?? 0) > DAY) {
        void this.fail(entry, doc, "expired");
        return NEVER;
      }
      if (this.isPointless(item.content)) {
        void this.settle(entry, [item], { state: "cancelled" });
        continue;
      }
      const verdict = this.judge(entry.to, item.content);
      if (verdict !== "send") {
        log.info({ id: item.id, kind: item.content.kind, why: verdict }, "suppressed");
        void this.settle(entry, [item], { state: "suppressed", why: verdict });
        this.options.onSuppressed?.(undelivered(doc, item, item.content, toAdmin), verdict);
        continue;
      }
      if (!toAdmin && (!this.options.wire.caughtUp || this.queue.counted() >= CHATS_AT_ONCE)) return NEVER;
      const wait = (toAdmin ? this.paces.admin : this.paces.buddies).take();
      if (wait > 0) return now + wait;
      this.leave(entry, doc, item, item.content, toAdmin);
      return NEVER;
    }
  }

  private leave(entry: Waiting, doc: OutboxDoc, item: OutboxItem, content: WireContent, toAdmin: boolean): void {
    const jid = this.jidFor(doc, entry.to);
    // What the network is asked first takes its time: by then they may have another number.
    const mayLeave = () =>
      !entry.cancelled && this.judge(entry.to, content) === "send" && this.jidFor(doc, entry.to) === jid;
    const sending = this.options.wire.send(jid, item.id, content, mayLeave);
    entry.tried = item.id;
    this.queue.leave(entry, !toAdmin);
    const lost: Ack = { kind: "lost" };
    const answer = sending
      .catch(() => lost)
      .then((ack) => this.answered(entry, item, ack))
      .finally(() => this.answers.delete(answer));
    this.answers.add(answer);
  }

  private async answered(entry: Waiting, item: OutboxItem, ack: Ack): Promise<void> {
    this.queue.arrive(entry);
    const saved = this.conclude(entry, item, ack);
    this.pump();
    await saved;
  }

  /** Draws from an answer what follows. It holds at once; what is returned resolves when it is on disk. */
  private conclude(entry: Waiting, item: OutboxItem, ack: Ack): Promise<void> | undefined {
    if (entry.cancelled && ack.kind !== "acked") return this.settle(entry, [item], { state: "cancelled" });
    switch (ack.kind) {
      case "acked":
        return this.settle(entry, [item], { state: "sent" });
      case "refused":
        return this.refused(entry, item, ack.error);
      case "lost":
        this.lost(entry, item);
        return undefined;
      case "withheld":
        // It is judged again, and then recorded as what it is.
        return undefined;
    }
  }

  private lost(entry: Waiting, { id }: OutboxItem): void {
    const { log, clock, random, wire } = this.options;
    entry.losses += 1;
    // Without a connection it waits for the next one; with one, something on the way did not answer.
    entry.retryAt = wire.open ? clock() + backoff(entry.losses, random) : 0;
    log.info({ id, losses: entry.losses }, "no answer to a message; it is sent again under its id");
  }

  private async refused(entry: Waiting, { id }: OutboxItem, error: number): Promise<void> {
    const { log, clock, random } = this.options;
    const doc = this.book.get(entry.docId);
    entry.refusals += 1;
    log.warn({ id, error, refusals: entry.refusals }, "WhatsApp refused a message");
    if ((PASSING.has(error) || error >= 500) && entry.refusals <= REFUSALS_BORNE) {
      entry.retryAt = clock() + backoff(entry.refusals, random, error === TOO_MUCH);
    } else if (this.options.isAdmin(entry.to) && entry.setAside < ASIDE_MOST) {
      Object.assign(entry, { refusals: 0, setAside: entry.setAside + 1, retryAt: clock() + ASIDE_MS });
    } else if (doc) await this.fail(entry, doc, error);
  }

  /** Gives up what is left of a parcel: a text with a hole in it would be worse than its beginning. */
  private fail(entry: Waiting, doc: OutboxDoc, error: number | "expired"): Promise<void> {
    const left = doc.items.filter(isWaiting);
    const saved = this.settle(entry, left, { state: "failed", ...(error === "expired" ? {} : { error }) });
    const [first] = left;
    if (first?.content) {
      this.options.onFailed?.(undelivered(doc, first, first.content, this.options.isAdmin(entry.to)), error);
    }
    return saved;
  }

  /** Ends the waiting of items. It holds at once; resolves when it is on disk. */
  private async settle(entry: Waiting, items: readonly OutboxItem[], change: Partial<OutboxItem>): Promise<void> {
    const left = this.options.clock();
    const wasTried = change.state !== "sent" && items.some(({ id }) => id === entry.tried);
    const ids = items.map(({ id }) => id);
    const saved = this.book.change(entry.docId, ids, { left, ...(wasTried ? { tried: true } : {}), ...change });
    if (!this.queue.isOnWire(entry)) Object.assign(entry, { tried: undefined, losses: 0, refusals: 0, retryAt: 0 });
    const doc = this.book.get(entry.docId);
    if (!doc || !nextOf(doc)) this.queue.remove(entry.docId);
    await saved;
  }

  /** Deleting what never was on the wire is nothing to tell WhatsApp. */
  private isPointless(content: WireContent): boolean {
    const target = content.kind === "delete" ? this.book.find(content.target)?.item : undefined;
    return target !== undefined && target.state !== "sent" && target.state !== "waiting" && target.tried !== true;
  }

  /** Where somebody is reached now: at the address that it is for, where that is theirs still. */
  private jidFor({ address }: { readonly address?: Pn | Lid | undefined }, to: Person): string {
    const now = this.whoNow(to);
    const own = addressesOf(now);
    const wanted = [address, now.chat].find((one) => one !== undefined && own.includes(one));
    return wanted ?? own[0] ?? "";
  }
}

function undelivered(doc: OutboxDoc, { id }: OutboxItem, content: WireContent, toAdmin: boolean): Undelivered {
  const { key, to, at } = doc;
  return { id, to, content, at, toAdmin, ...present({ key }) };
}
