import type { Access, Clock } from "../access/index.js";
import type { Contact } from "../access/types.js";
import type { Message } from "../text.js";
import * as texts from "./notice-texts.js";
import { allOf, type Records, type WaitingRecord } from "./records.js";
import { SentNotices } from "./sent.js";

/** What a notice that waits is about. */
export type About = WaitingRecord["about"];

/** What the book of notices needs. */
export interface NoticeBookParts {
  readonly access: Access;
  readonly records: Records;
  readonly clock: Clock;
  readonly timezone: string;
}

const OWNER_NAME = "notice:owner-name";

/** What of the notices is on disk: those that wait, those that went out, and the owner's name, which some warn of. */
export class NoticeBook {
  private loading: Promise<SentNotices> | undefined;
  private readonly waiting = new Map<string, WaitingRecord>();
  /** By key, until they are written. */
  private readonly unwritten = new Map<string, { readonly about: About; readonly alarm: boolean }>();
  private ownerName: string | undefined;
  private order = 0;

  constructor(private readonly parts: NoticeBookParts) {}

  /** The record of what went out. The first call reads all of the book. */
  load(): Promise<SentNotices> {
    this.loading ??= this.read().catch((error: unknown) => {
      this.loading = undefined;
      throw error;
    });
    return this.loading;
  }

  private async read(): Promise<SentNotices> {
    const { records, access, clock, timezone } = this.parts;
    for (const record of await allOf(records, "waiting")) {
      this.waiting.set(record._id, record);
      this.order = Math.max(this.order, record.order);
    }
    const name = await records.get(OWNER_NAME);
    if (name?.kind === "fact") this.ownerName = name.value;
    return SentNotices.load(records, access, clock, timezone);
  }

  /** Whether nothing waits. */
  get isEmpty(): boolean {
    return this.waiting.size === 0;
  }

  /** The place of the last notice in the order in which they leave. */
  get lastOrder(): number {
    return this.order;
  }

  /** What waits, in the order in which it leaves. */
  inOrder(): readonly WaitingRecord[] {
    return [...this.waiting.values()].sort((a, b) => a.order - b.order);
  }

  /** Takes a notice, on disk when this resolves; once while it waits under this key. */
  async write(key: string, about: About, alarm: boolean): Promise<void> {
    await this.load();
    const _id = `notice:waiting:${key}`;
    if (this.waiting.has(_id)) return;
    const record: WaitingRecord = { _id, kind: "waiting", at: this.parts.clock(), order: ++this.order, alarm, about };
    await this.parts.records.put(record);
    this.waiting.set(_id, record);
  }

  /** As {@link write}; what the disk refuses is kept in memory for {@link writeKept}. */
  async writeOrKeep(key: string, about: About, alarm: boolean): Promise<void> {
    await this.write(key, about, alarm).catch(() => this.unwritten.set(key, { about, alarm }));
  }

  async writeKept(): Promise<void> {
    for (const [key, { about, alarm }] of this.unwritten) {
      await this.write(key, about, alarm);
      this.unwritten.delete(key);
    }
  }

  /** Puts notices into one bundle, so that a crash sends the same again. */
  async bundle(records: readonly WaitingRecord[], batch: string): Promise<readonly WaitingRecord[]> {
    const bundled = records.map((record) => ({ ...record, batch }));
    await this.parts.records.putAll(bundled);
    for (const record of bundled) this.waiting.set(record._id, record);
    return bundled;
  }

  /** These went out, or are no news any more. */
  async drop(records: readonly WaitingRecord[]): Promise<void> {
    if (records.length === 0) return;
    await this.parts.records.remove(records.map(({ _id }) => _id));
    for (const { _id } of records) this.waiting.delete(_id);
  }

  /** The owner's own name, so that nobody is mistaken for them. */
  async ownerNamed(name: string): Promise<void> {
    await this.load();
    if (name === "" || name === this.ownerName) return;
    await this.parts.records.put({ _id: OWNER_NAME, kind: "fact", value: name });
    this.ownerName = name;
  }

  /** Where a name resembles the owner's or a buddy's. */
  warningOf(contact: Contact): Message | undefined {
    return texts.likeness(contact, this.ownerName, this.parts.access.list("approved"));
  }
}
