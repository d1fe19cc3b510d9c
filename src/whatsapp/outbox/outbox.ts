import { addressesOf, type Lid, type Person, type Pn, same } from "../../access/identity.js";
import { DAY, HOUR } from "../../clock.js";
import { present } from "../../present.js";
import type { Parcel, Signal, WireContent } from "../types.js";
import { isLost, isWaiting, nextOf, OutboxBook, type OutboxDoc, type OutboxItem } from "./book.js";
import { contentsOf, withAddress } from "./parcel.js";
import { Sender } from "./sender.js";
import type { OutboxOptions, Posted, RunningOutbox } from "./types.js";

/** Opens the outbox over its data file and begins to send what a crash left waiting. */
export async function createOutbox(options: OutboxOptions): Promise<RunningOutbox> {
  return new Door(options, await OutboxBook.open(options.collection, options.clock, options.log));
}

/** The one door out (I3): what is posted is on disk first; {@link Sender} lets it out when it may leave. */
class Door implements RunningOutbox {
  private readonly sender: Sender;
  private readonly posting = new Map<string, Promise<readonly string[]>>();
  private cancelPruning = () => {};

  constructor(
    private readonly options: OutboxOptions,
    private readonly book: OutboxBook,
  ) {
    this.sender = new Sender(options, book);
    for (const doc of book.all()) {
      const next = nextOf(doc);
      // A crash may have come between its leaving and the answer.
      if (next) this.sender.add(doc, next.id);
    }
    this.pruneLater();
    this.sender.pump();
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
    return doc ? this.sender.cancel(doc) : 0;
  }

  has(id: string): boolean {
    return this.book.find(id) !== undefined;
  }

  signal(to: Person, signal: Signal, address?: Pn | Lid): void {
    this.sender.signal(to, signal, address);
  }

  withKey(key: string): { to: Person; at: number; isLost: boolean } | undefined {
    const doc = this.book.withKey(key);
    return doc && { to: doc.to, at: doc.at, isLost: doc.items.every(isLost) };
  }

  hadLeft(ids: readonly string[], at: number): boolean {
    return this.book.hadLeft(ids, at);
  }

  isHeld(key: string): boolean {
    return this.book.heldWithKey(key).length > 0;
  }

  async revive(key: string): Promise<void> {
    const doc = this.book.withKey(key);
    const held = this.book.heldWithKey(key);
    const [first] = held;
    if (!doc || !first) return;
    const ids = held.map(({ id }) => id);
    const saved = this.book.change(doc._id, ids, { state: "waiting" });
    this.sender.add(doc, first.tried === true ? first.id : undefined);
    this.sender.pump();
    await saved;
  }

  dropHeld(key: string): Promise<void> {
    return this.book.dropHeld(key);
  }

  async readdress(typed: Pn, person: Person): Promise<void> {
    const saved = this.book.postedTo(typed).map((doc) => {
      const saving = this.book.readdress(doc, typed, person);
      this.sender.readdress(doc._id);
      return saving;
    });
    this.sender.pump();
    await Promise.all(saved);
  }

  async recall(id: string, chat: Person): Promise<WireContent | undefined> {
    const found = this.book.find(id);
    if (!found) return undefined;
    const { doc, item } = found;
    const to = withAddress(doc.to, doc.address);
    const wasOnWire = item.state === "sent" || (isWaiting(item) && this.sender.wasTried(doc, id));
    const isRecent = this.options.clock() - (item.left ?? doc.at) < DAY;
    if (!wasOnWire || !isRecent || this.book.isDeleted(id) || !same(this.sender.whoNow(to), chat)) return undefined;
    return this.sender.judge(to, item.content) === "send" ? item.content : undefined;
  }

  posted(): readonly Posted[] {
    return this.book.posted();
  }

  async stop(): Promise<void> {
    this.cancelPruning();
    await this.sender.stop();
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
    this.sender.add(doc);
    if (parcel.kind === "delete") await this.sender.holdBack(parcel.target);
    this.sender.pump();
    return doc.items.map(({ id }) => id);
  }

  private pruneLater(): void {
    const { scheduler, clock, log } = this.options;
    this.cancelPruning = scheduler.at(clock() + HOUR, () => {
      void this.book.prune().catch((err) => log.warn({ err }, "outbox not pruned"));
      this.pruneLater();
    });
  }
}
