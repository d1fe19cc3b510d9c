import type { Lid, Person, Pn } from "../../access/identity.js";
import { DAY } from "../../clock.js";
import { present } from "../../present.js";
import { refuseUnknown } from "../../store/index.js";
import type { Collection, Doc } from "../../store/types.js";
import type { ParcelState, Suppression, WireContent } from "../types.js";
import type { Posted } from "./types.js";

/** One parcel on disk. All chunks of a text are in one document, so a crash never leaves half of them. */
export interface OutboxDoc extends Doc {
  /** The WhatsApp id of its first item. */
  readonly _id: string;
  /** Position in the order of posting. */
  readonly seq: number;
  readonly key?: string;
  readonly to: Person;
  readonly address?: Pn | Lid;
  /** Whether it was for the admin chat when it was posted; earlier versions did not write that down. */
  readonly toAdmin?: boolean;
  /** When it was posted, or suppressed and asked for again; milliseconds since 1970. */
  readonly at: number;
  readonly notBefore?: number;
  readonly items: readonly OutboxItem[];
}

/** One WhatsApp message of a parcel. */
export interface OutboxItem {
  /** Its WhatsApp id, the same at every attempt. */
  readonly id: string;
  readonly state: ParcelState;
  /** Absent once nobody can ask for it any more. */
  readonly content?: WireContent;
  /** When it stopped waiting, milliseconds since 1970. */
  readonly left?: number;
  /** It was on the wire without an answer, and may have arrived all the same. */
  readonly tried?: boolean;
  /** WhatsApp's error, where it was refused. */
  readonly error?: number;
  /** Why it was suppressed, where it was. */
  readonly why?: Suppression;
}

const STATES: readonly ParcelState[] = ["waiting", "sent", "suppressed", "failed", "cancelled"];

/** Texts are kept for a day: so long a device can ask for them again, and Activity shows them. */
const CONTENT_KEPT_MS = DAY;
/** What was suppressed is kept longer: whoever may want it sent has a week for that, and then another to tell that it is over. */
const SUPPRESSED_KEPT_MS = 14 * DAY;
/** Keys and ids stay as long as the journal's: a message handled again after weeks must find that it was answered. */
const IDS_KEPT_MS = 31 * DAY;
const DOCS_KEPT = 10_000;
const PRUNE_EVERY = 200;

/** What the outbox remembers: in memory as it is on disk, found by id and by key. */
export class OutboxBook {
  private readonly docs = new Map<string, OutboxDoc>();
  private readonly byItem = new Map<string, string>();
  private readonly byKey = new Map<string, string>();
  /** Ids of messages that were, or are to be, deleted for everyone. */
  private readonly deleted = new Set<string>();
  /** Changes that the disk did not take; they go with the next that it takes. */
  private readonly unsaved = new Set<string>();
  private lastSeq = 0;
  private sincePrune = 0;

  private constructor(
    private readonly collection: Collection<OutboxDoc>,
    private readonly clock: () => number,
    private readonly log: { warn(details: object, message: string): void },
  ) {}

  /** @throws KafclawError `store-unknown` */
  static async open(
    collection: Collection<OutboxDoc>,
    clock: () => number,
    log: { warn(details: object, message: string): void },
  ): Promise<OutboxBook> {
    const book = new OutboxBook(collection, clock, log);
    const docs = await collection.find({}, { sort: { seq: 1 } });
    refuseUnknown(docs, "outbox", isKnown);
    for (const doc of docs) book.index(doc);
    await book.prune().catch((err) => log.warn({ err }, "outbox not pruned"));
    return book;
  }

  /** All parcels, in the order of posting. */
  all(): readonly OutboxDoc[] {
    return [...this.docs.values()];
  }

  get(docId: string): OutboxDoc | undefined {
    return this.docs.get(docId);
  }

  /** The parcel and item of a WhatsApp id. */
  find(id: string): { readonly doc: OutboxDoc; readonly item: OutboxItem } | undefined {
    const doc = this.docs.get(this.byItem.get(id) ?? "");
    const item = doc?.items.find((candidate) => candidate.id === id);
    return doc && item && { doc, item };
  }

  withKey(key: string): OutboxDoc | undefined {
    return this.docs.get(this.byKey.get(key) ?? "");
  }

  /** What of the parcel with this key was suppressed, and could go now. */
  heldWithKey(key: string): readonly OutboxItem[] {
    return this.withKey(key)?.items.filter(isHeld) ?? [];
  }

  /** What was posted to somebody by this number alone and could still go, in the order of posting. */
  postedTo(pn: Pn): readonly OutboxDoc[] {
    return this.all().filter(
      ({ to, items }) => to.pn === pn && to.lid === undefined && items.some((item) => isWaiting(item) || isHeld(item)),
    );
  }

  /** Had WhatsApp taken these messages by then? What is long forgotten, it had. */
  hadLeft(ids: readonly string[], at: number): boolean {
    return ids.every((id) => {
      const found = this.find(id);
      return found === undefined || (found.item.state === "sent" && (found.item.left ?? found.doc.at) <= at);
    });
  }

  /** Every message that was posted, newest first. */
  posted(): readonly Posted[] {
    const posted = this.all().flatMap(({ to, toAdmin, at, items }) =>
      items.map(({ state, content, left = at, error, why }) => ({
        at: left,
        to,
        state,
        ...present({ toAdmin, content, error, why }),
      })),
    );
    return posted.sort((a, b) => b.at - a.at);
  }

  nextSeq(): number {
    this.lastSeq += 1;
    return this.lastSeq;
  }

  /** Is this message, by its WhatsApp id, to be deleted for everyone? */
  isDeleted(id: string): boolean {
    return this.deleted.has(id);
  }

  /** Takes a new parcel; known once it is on disk, and not at all where the disk refuses it. */
  async add(doc: OutboxDoc): Promise<void> {
    await this.collection.put(doc);
    this.index(doc);
    for (const { content } of doc.items) if (content?.kind === "delete") await this.forget(content.target);
  }

  /**
   * Changes some of a parcel's items. It holds at once; where the disk refuses it, it is written with the next change. A
   * crash before that sends the item again under the same id, which WhatsApp drops.
   */
  async change(docId: string, ids: readonly string[], change: Partial<OutboxItem>): Promise<void> {
    const doc = this.docs.get(docId);
    if (!doc) return;
    await this.save({
      ...doc,
      // What is to go after all has its day for that from now on.
      at: change.state === "waiting" ? this.clock() : doc.at,
      items: doc.items.map((item) => (ids.includes(item.id) ? this.kept(Object.assign({}, item, change)) : item)),
    });
    this.sincePrune += 1;
    if (this.sincePrune >= PRUNE_EVERY) await this.prune().catch((err) => this.log.warn({ err }, "outbox not pruned"));
  }

  /** A parcel for a number as it was typed is for this person. Like {@link change}, it holds at once. */
  async readdress({ address, ...doc }: OutboxDoc, typed: Pn, to: Person): Promise<void> {
    await this.save({ ...doc, to, ...(address === undefined || address === typed ? {} : { address }) });
  }

  /** Drops what is held of the parcel with this key. */
  async dropHeld(key: string): Promise<void> {
    const doc = this.withKey(key);
    if (!doc?.items.some(isHeld)) return;
    await this.save({ ...doc, items: doc.items.map((item) => (isHeld(item) ? withoutContent(item) : item)) });
  }

  /** Drops texts after a day or, suppressed, two weeks, and parcels that are long done or too many. What waits stays. */
  async prune(): Promise<void> {
    this.sincePrune = 0;
    const now = this.clock();
    const done = this.all().filter(({ items }) => items.every(({ state }) => state !== "waiting"));
    const over = done.length - DOCS_KEPT;
    const gone = done.filter((doc, index) => index < over || leftAt(doc) < now - IDS_KEPT_MS);
    await this.collection.remove(gone.map(({ _id }) => _id));
    for (const doc of gone) this.unindex(doc);
    const isOld = (left: number, { state, content }: OutboxItem): boolean =>
      content !== undefined && left < now - (state === "suppressed" ? SUPPRESSED_KEPT_MS : CONTENT_KEPT_MS);
    const stale = done.filter((doc) => this.docs.has(doc._id) && doc.items.some((item) => isOld(leftAt(doc), item)));
    for (const doc of stale) this.undelete(doc);
    const stripped = stale.map((doc) => ({
      ...doc,
      items: doc.items.map((item) => (isOld(leftAt(doc), item) ? withoutContent(item) : item)),
    }));
    await this.collection.putAll(stripped);
    for (const doc of stripped) this.docs.set(doc._id, doc);
  }

  /** Writes what the disk refused before. */
  async flush(): Promise<void> {
    const docs = [...this.unsaved].flatMap((id) => this.docs.get(id) ?? []);
    await this.collection.putAll(docs);
    // What changed again meanwhile has a write of its own.
    for (const doc of docs) if (this.docs.get(doc._id) === doc) this.unsaved.delete(doc._id);
  }

  /** Drops the text of a message that is deleted for everyone, as far as it is done with. */
  private async forget(id: string): Promise<void> {
    const found = this.find(id);
    if (found && found.item.state !== "waiting") await this.change(found.doc._id, [id], {});
  }

  private kept(item: OutboxItem): OutboxItem {
    return item.state !== "waiting" && this.deleted.has(item.id) ? withoutContent(item) : item;
  }

  private async save(doc: OutboxDoc): Promise<void> {
    this.docs.set(doc._id, doc);
    try {
      await this.collection.put(doc);
      if (this.docs.get(doc._id) === doc) this.unsaved.delete(doc._id);
      if (this.unsaved.size > 0) await this.flush();
    } catch (err) {
      this.unsaved.add(doc._id);
      this.log.warn({ err, id: doc._id }, "outbox not written, kept for later");
    }
  }

  private index(doc: OutboxDoc): void {
    this.docs.set(doc._id, doc);
    for (const { id } of doc.items) this.byItem.set(id, doc._id);
    if (doc.key !== undefined) this.byKey.set(doc.key, doc._id);
    for (const { content } of doc.items) if (content?.kind === "delete") this.deleted.add(content.target);
    this.lastSeq = Math.max(this.lastSeq, doc.seq);
  }

  private unindex(doc: OutboxDoc): void {
    this.docs.delete(doc._id);
    for (const { id } of doc.items) this.byItem.delete(id);
    this.undelete(doc);
    if (doc.key !== undefined) this.byKey.delete(doc.key);
  }

  /** What was deleted for everyone has no text here any more: its id need not be remembered longer than the deletion. */
  private undelete(doc: OutboxDoc): void {
    for (const { content } of doc.items) if (content?.kind === "delete") this.deleted.delete(content.target);
  }
}

/** Whether this version can work on what a file holds; its type is only what this version would have written. */
function isKnown({ items }: OutboxDoc): boolean {
  return Array.isArray(items) && items.every(({ state }) => STATES.includes(state));
}

/** Whether a message is to be sent still. */
export function isWaiting({ state }: OutboxItem): boolean {
  return state === "waiting";
}

/** Whether a message never left and does not wait any more. Without an answer it may have arrived; a refusal is one. */
export function isLost({ state, tried, error }: OutboxItem): boolean {
  const isOver = state !== "sent" && state !== "waiting";
  return isOver && (tried !== true || error !== undefined);
}

/** Whether a message was suppressed, and could go now. */
function isHeld({ state, content }: OutboxItem): boolean {
  return state === "suppressed" && content !== undefined;
}

/** The message of a parcel that leaves next. */
export function nextOf(doc: OutboxDoc): OutboxItem | undefined {
  return doc.items.find(isWaiting);
}

function leftAt({ items, at }: OutboxDoc): number {
  return Math.max(at, ...items.map(({ left }) => left ?? 0));
}

function withoutContent({ content: _, ...item }: OutboxItem): OutboxItem {
  return item;
}
