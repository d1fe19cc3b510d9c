import { addressesOf, type Lid, type Person, type Pn, same } from "../access/identity.js";
import { isWithin } from "../clock.js";
import { present } from "../present.js";
import { backoff } from "./disconnects.js";
import { OutboxBook, type OutboxDoc, type OutboxItem } from "./outbox-book.js";
import { OutboxQueue, type Waiting } from "./outbox-queue.js";
import type { OutboxOptions, Posted, RunningOutbox, Undelivered } from "./outbox-types.js";
import { TokenBucket } from "./pace.js";
import { contentsOf, withAddress } from "./parcel.js";
import type { Ack, Parcel, Signal, Suppression, WireContent } from "./types.js";

export type { OutboxDoc } from "./outbox-book.js";
export type { OutboxOptions, RunningOutbox } from "./outbox-types.js";

/** So many chats besides the admin chat are served at a time; one that does not answer holds up nobody else. */
const CHATS_AT_ONCE = 4;
const HOUR = 60 * 60 * 1000;
const DAY = 24 * HOUR;
/** More than any pause before a try, and any grace. */
const LONGEST_WAIT_MS = HOUR;
/** How often a refused message is tried again, where its error may pass. */
const REFUSALS_BORNE = 2;
/** Errors that may pass: timeouts, too much at once, a stale device session; and all from 500. */
const PASSING = new Set([408, 429, 479]);
const TOO_MUCH = 429;
/** What is for the owner and refused all the same is set aside, and tried so often again before it is given up: for a day. */
const ASIDE_MS = HOUR / 2;
const ASIDE_MOST = 48;
const SUPPRESSED_SHOWN = 50;
const NEVER = Number.POSITIVE_INFINITY;

/** Opens the outbox over its data file and begins to send what a crash left waiting. */
export async function createOutbox(options: OutboxOptions): Promise<RunningOutbox> {
  return new Door(options, await OutboxBook.open(options.collection, options.clock, options.log));
}

/** The one door out (I3): on disk first, judged when leaving, in order within a chat, at a pace that people keep. */
class Door implements RunningOutbox {
  private readonly queue = new OutboxQueue();
  private readonly posting = new Map<string, Promise<readonly string[]>>();
  private readonly answers = new Set<Promise<void>>();
  private readonly idlers = new Set<{ readonly to: Person | undefined; readonly resolve: () => void }>();
  private readonly paces: { readonly buddies: TokenBucket; readonly admin: TokenBucket };
  private suppressedCount = 0;
  private stopped = false;
  private cancelTimer = () => {};
  private cancelPruning = () => {};

  constructor(
    private readonly options: OutboxOptions,
    private readonly book: OutboxBook,
  ) {
    const { clock, random, wire, pace } = options;
    this.paces = {
      buddies: new TokenBucket(pace.buddies, clock, random),
      admin: new TokenBucket(pace.admin, clock, random),
    };
    for (const doc of book.all()) {
      const next = nextOf(doc);
      if (next) this.queue.add(doc._id, withAddress(doc.to, doc.address), next.id);
    }
    wire.onOpen(() => this.opened());
    this.pruneLater();
    this.pump();
  }

  async post(parcel: Parcel): Promise<readonly string[]> {
    const { key } = parcel;
    if (key === undefined) return this.take(parcel);
    const known = this.book.withKey(key);
    if (known) return known.items.map(({ id }) => id);
    const posting = this.posting.get(key) ?? this.take(parcel).finally(() => this.posting.delete(key));
    this.posting.set(key, posting);
    return posting;
  }

  async cancel(key: string): Promise<number> {
    // A parcel that is being written is taken back as soon as it is there.
    await this.posting.get(key)?.catch(() => {});
    const doc = this.book.withKey(key);
    const entry = doc && this.queue.get(doc._id);
    if (!doc || !entry) return 0;
    const onWire = this.queue.isOnWire(entry) ? entry.tried : undefined;
    const left = doc.items.filter((item) => isWaiting(item) && item.id !== onWire);
    entry.cancelled = true;
    await this.settle(entry, left, { state: "cancelled" });
    return left.length;
  }

  async idle(to?: Person): Promise<void> {
    if (!this.queue.has(to)) return;
    await new Promise<void>((resolve) => this.idlers.add({ to, resolve }));
  }

  has(id: string): boolean {
    return this.book.find(id) !== undefined;
  }

  signal(to: Person, signal: Signal, address?: Pn | Lid): void {
    const { wire } = this.options;
    const person = withAddress(to, address);
    if (this.stopped || !wire.open || this.judge(person) !== "send") return;
    void wire.signal(this.jidFor({ address }, person), signal);
  }

  knows(key: string): boolean {
    return this.book.withKey(key) !== undefined;
  }

  withKey(key: string): { to: Person; at: number } | undefined {
    return this.book.withKey(key);
  }

  hadLeft(ids: readonly string[], at: number): boolean {
    return ids.every((id) => {
      const found = this.book.find(id);
      return found === undefined || (found.item.state === "sent" && (found.item.left ?? found.doc.at) <= at);
    });
  }

  isHeld(key: string): boolean {
    const doc = this.book.withKey(key);
    return doc !== undefined && this.heldOf(doc).length > 0;
  }

  async revive(key: string): Promise<void> {
    const doc = this.book.withKey(key);
    const held = doc ? this.heldOf(doc) : [];
    const [first] = held;
    if (!doc || !first) return;
    const ids = held.map(({ id }) => id);
    const saved = this.book.change(doc._id, ids, { state: "waiting" });
    this.queue.add(doc._id, withAddress(doc.to, doc.address), first.tried === true ? first.id : undefined);
    this.pump();
    await saved;
  }

  async recall(id: string, chat: Person): Promise<WireContent | undefined> {
    const found = this.book.find(id);
    if (!found) return undefined;
    const { doc, item } = found;
    const to = withAddress(doc.to, doc.address);
    const wasOnWire = item.state === "sent" || (isWaiting(item) && this.queue.get(doc._id)?.tried === id);
    const isRecent = this.options.clock() - (item.left ?? doc.at) < DAY;
    if (!wasOnWire || !isRecent || this.book.isDeleted(id) || !same(to, chat)) return undefined;
    return this.judge(to, item.content) === "send" ? item.content : undefined;
  }

  counts(): { waiting: number; suppressed: number } {
    const waiting = this.queue.all().flatMap(({ docId }) => this.book.get(docId)?.items.filter(isWaiting) ?? []);
    return { waiting: waiting.length, suppressed: this.suppressedCount };
  }

  suppressed(limit = SUPPRESSED_SHOWN): readonly { at: number; to: Person; content: WireContent }[] {
    const found = this.book
      .all()
      .flatMap(({ to, at, items }) =>
        items.flatMap(({ state, content, left = at }) =>
          state === "suppressed" && content ? [{ at: left, to, content }] : [],
        ),
      );
    return found.sort((a, b) => b.at - a.at).slice(0, limit);
  }

  posted(): readonly Posted[] {
    const posted = this.book.all().flatMap(({ to, toAdmin, at, items }) =>
      items.map(({ state, content, left = at, error, why }) => ({
        at: left,
        to,
        state,
        ...present({ toAdmin, content, error, why }),
      })),
    );
    return posted.sort((a, b) => b.at - a.at);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.cancelTimer();
    this.cancelPruning();
    await Promise.all(this.answers);
    await this.book.flush().catch((err) => this.options.log.warn({ err }, "outbox not written"));
  }

  private async take(parcel: Parcel): Promise<readonly string[]> {
    const { clock, newId, isAdmin } = this.options;
    const { to, address, key } = parcel;
    const person = withAddress(to, address);
    if (addressesOf(person).length === 0) throw new TypeError("A parcel needs a person with an address");
    const contents = contentsOf(parcel);
    const [first, ...rest] = contents.map((content): OutboxItem => ({ id: newId(), state: "waiting", content }));
    if (!first) return [];
    const notBefore = parcel.kind === "text" ? parcel.notBefore : undefined;
    const doc: OutboxDoc = {
      _id: first.id,
      seq: this.book.nextSeq(),
      to,
      toAdmin: isAdmin(person),
      at: clock(),
      items: [first, ...rest],
      ...present({ key, address, notBefore }),
    };
    await this.book.add(doc);
    this.queue.add(doc._id, person, undefined);
    if (parcel.kind === "delete") await this.holdBack(parcel.target);
    this.pump();
    return doc.items.map(({ id }) => id);
  }

  private heldOf({ at, items }: OutboxDoc): readonly OutboxItem[] {
    const isRecent = this.options.clock() - at < DAY;
    return isRecent ? items.filter(({ state, content }) => state === "suppressed" && content) : [];
  }

  /** What is to be deleted and has not been on the wire yet need not leave at all. */
  private async holdBack(id: string): Promise<void> {
    const found = this.book.find(id);
    const entry = found && this.queue.get(found.doc._id);
    if (!entry || !isWaiting(found.item)) return;
    if (this.queue.isOnWire(entry) && entry.tried === id) entry.cancelled = true;
    else await this.settle(entry, [found.item], { state: "cancelled" });
  }

  private opened(): void {
    // What got lost with the old connection goes over the new one at once.
    for (const entry of this.queue.all()) if (entry.refusals === 0 && entry.setAside === 0) entry.retryAt = 0;
    this.pump();
  }

  /** Sends what may go now, and comes back when the next may. Synchronous: nothing happens between judging and sending. */
  private pump(): void {
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
        this.suppressedCount += 1;
        log.info({ id: item.id, kind: item.content.kind, why: verdict }, "suppressed");
        void this.settle(entry, [item], { state: "suppressed", why: verdict });
        this.options.onSuppressed?.(undelivered(doc, item, item.content, toAdmin), verdict);
        continue;
      }
      if (!toAdmin && this.queue.counted() >= CHATS_AT_ONCE) return NEVER;
      const wait = (toAdmin ? this.paces.admin : this.paces.buddies).take();
      if (wait > 0) return now + wait;
      this.leave(entry, doc, item, item.content, toAdmin);
      return NEVER;
    }
  }

  private leave(entry: Waiting, doc: OutboxDoc, item: OutboxItem, content: WireContent, toAdmin: boolean): void {
    const mayLeave = () => !entry.cancelled && this.judge(entry.to, content) === "send";
    const sending = this.options.wire.send(this.jidFor(doc, entry.to), item.id, content, mayLeave);
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
    const saved =
      ack.kind === "acked"
        ? this.settle(entry, [item], { state: "sent" })
        : entry.cancelled
          ? this.settle(entry, [item], { state: "cancelled" })
          : ack.kind === "refused"
            ? this.refused(entry, item, ack.error)
            : ack.kind === "lost" && this.lost(entry, item);
    this.pump();
    await saved;
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
    // Who waits for an idle outbox waits for the disk too.
    for (const idler of this.idlers) {
      if (this.queue.has(idler.to)) continue;
      this.idlers.delete(idler);
      idler.resolve();
    }
  }

  /** Deleting what never was on the wire is nothing to tell WhatsApp. */
  private isPointless(content: WireContent): boolean {
    const target = content.kind === "delete" ? this.book.find(content.target)?.item : undefined;
    return target !== undefined && target.state !== "sent" && target.state !== "waiting" && target.tried !== true;
  }

  /** A judge that fails has not said that this is a buddy. */
  private judge(to: Person, content?: WireContent): "send" | Suppression {
    try {
      return this.options.mayLeave(to, content);
    } catch (err) {
      this.options.log.warn({ err }, "could not judge a message; it stays here");
      return "no-buddy";
    }
  }

  private jidFor({ address }: { readonly address?: Pn | Lid | undefined }, to: Person): string {
    const own = addressesOf(to);
    const wanted = [address, this.options.addressFor?.(to)].find((one) => one !== undefined && own.includes(one));
    return wanted ?? own[0] ?? "";
  }

  private pruneLater(): void {
    const { scheduler, clock, log } = this.options;
    this.cancelPruning = scheduler.at(clock() + HOUR, () => {
      void this.book.prune().catch((err) => log.warn({ err }, "outbox not pruned"));
      this.pruneLater();
    });
  }
}

function isWaiting({ state }: OutboxItem): boolean {
  return state === "waiting";
}

function nextOf(doc: OutboxDoc): OutboxItem | undefined {
  return doc.items.find(isWaiting);
}

function undelivered(doc: OutboxDoc, { id }: OutboxItem, content: WireContent, toAdmin: boolean): Undelivered {
  const { key, to, at } = doc;
  return { id, to, content, at, toAdmin, ...present({ key }) };
}
