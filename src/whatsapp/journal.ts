import { parseJid, personOf } from "../access/identity.js";
import { DAY } from "../clock.js";
import { present } from "../present.js";
import type { Collection, Doc } from "../store/types.js";
import { secretAlone } from "./sealed.js";

/** A message as it was decrypted, with the stanza's attributes, written in the transaction that moves the ratchet. */
export interface JournalRecord extends Doc {
  /** The stanza's attributes: from, id, t, participant, recipient, sender_pn, sender_lid, notify, …; none once handled. */
  readonly attrs: Readonly<Record<string, string>>;
  /** The decrypted, still padded protobuf in base64; once handled, at most what edits of it are sealed with. */
  readonly body: string;
  /** Arrival, milliseconds since 1970. */
  readonly at: number;
  /** Position in the order of arrival. */
  readonly seq: number;
  /** `new` until its effect is on disk. */
  readonly state: "new" | "held" | "done";
  /** What the gate said, once handled. */
  readonly verdict?: string;
  /** A short, cleaned word on what it was, for `/missed` and Activity. */
  readonly what?: string;
  /** Who wrote it, for `/missed`: a number, or "number hidden". */
  readonly who?: string;
}

/** A handled message, in short. */
export interface Mark {
  readonly id: string;
  readonly at: number;
  readonly verdict: string;
}

/** How a handled message is remembered. */
export interface Handled {
  readonly verdict: string;
  readonly who?: string;
  readonly what?: string;
  /** Held until the sender is approved: the text stays, which otherwise leaves the journal now. */
  readonly held?: boolean;
}

/** How long a handled id is remembered: WhatsApp replays what was queued for at most a month. */
const IDS_KEPT_MS = 31 * DAY;
/** Ids are bounded by number too, so that a flood can't fill memory; whoever floods pushes out nobody else's. */
const KEPT = { contacts: 20_000, strangers: 5_000, others: 5_000 } as const;
const CONTACTS_VERDICTS: ReadonlySet<string> = new Set(["owner", "buddy", "pending", "entered", "auto-approved"]);
const PRUNE_EVERY = 500;

/** Of tens of thousands of records, each with none of its own. */
const NO_ATTRS: JournalRecord["attrs"] = Object.freeze({});

/**
 * The journal: every message that WhatsApp believes delivered is here, written before the receipt leaves (I10).
 * Work starts from it, never from an event, so a message has its effect once over reconnects, replays and crashes.
 */
export class Journal {
  private seq = 0;
  private sincePrune = 0;
  /** Every handled message, oldest first: NeDB would copy all of them for a look at a few. */
  private readonly marks = new Map<string, Mark>();
  private readonly listeners: ((record: JournalRecord) => void)[] = [];
  private recording: Promise<void> = Promise.resolve();

  private constructor(
    private readonly collection: Collection<JournalRecord>,
    private readonly clock: () => number,
  ) {}

  static async open(collection: Collection<JournalRecord>, clock: () => number): Promise<Journal> {
    const journal = new Journal(collection, clock);
    const records = await collection.find({}, { sort: { seq: 1 } });
    journal.seq = records.at(-1)?.seq ?? 0;
    for (const record of records) journal.mark(record);
    return journal;
  }

  /** Calls `listener` for each new record, after it is on disk. */
  onRecord(listener: (record: JournalRecord) => void): void {
    this.listeners.push(listener);
  }

  /** A record for {@link record}, not yet on disk. */
  draft(attrs: Readonly<Record<string, string>>, plaintext: Uint8Array): JournalRecord {
    this.seq += 1;
    return {
      _id: journalId(attrs),
      attrs,
      body: Buffer.from(plaintext).toString("base64"),
      at: this.clock(),
      seq: this.seq,
      state: "new",
    };
  }

  /** Writes records that are not known yet; what came before under the same id stays as it is. */
  async record(records: readonly JournalRecord[]): Promise<void> {
    for (const record of records) {
      // One at a time: the same message may come by itself and with the history or from our phone at once.
      const recorded = this.recording.then(() => this.recordOne(record));
      this.recording = recorded.catch(() => {});
      await recorded;
    }
  }

  private async recordOne(record: JournalRecord): Promise<void> {
    if (await this.isKnown(record)) return;
    await this.collection.put(record);
    for (const listener of this.listeners) listener(record);
  }

  /** Whether a message came before, perhaps by number, when nobody knew its sender's LID yet. */
  private async isKnown({ _id, attrs }: JournalRecord): Promise<boolean> {
    if (await this.collection.get(_id)) return true;
    const byNumber = idByNumber(attrs);
    return byNumber !== undefined && byNumber !== _id && (await this.collection.get(byNumber)) !== undefined;
  }

  get(id: string): Promise<JournalRecord | undefined> {
    return this.collection.get(id);
  }

  /** What the sender of a record wrote under another of WhatsApp's ids. */
  async bySameSender({ attrs }: JournalRecord, id: string): Promise<JournalRecord | undefined> {
    const other = { ...attrs, id };
    return (await this.get(journalId(other))) ?? this.get(idByNumber(other) ?? "");
  }

  /** What came in and was not handled, in order of arrival: the work left by a crash. */
  unhandled(): Promise<JournalRecord[]> {
    return this.collection.find({ state: "new" }, { sort: { seq: 1 } });
  }

  /** Remembers that a record had its effect. */
  async handled({ _id, attrs, body, at, seq }: JournalRecord, { held, ...how }: Handled): Promise<void> {
    // Not `{ ...record, … }`: where a spread gets new properties, V8 of Node 20 makes a hidden class for each object.
    const kept = held
      ? ({ state: "held", attrs, body } as const)
      : ({
          state: "done",
          attrs: NO_ATTRS,
          body: CONTACTS_VERDICTS.has(how.verdict) ? secretAlone(body) : "",
        } as const);
    const done: JournalRecord = { _id, ...kept, at, seq, ...how };
    await this.collection.put(done);
    this.mark(done);
    this.sincePrune += 1;
    if (this.sincePrune >= PRUNE_EVERY) await this.prune();
  }

  /** The ids of what is held, in order of arrival. */
  async held(): Promise<readonly string[]> {
    return (await this.collection.find({ state: "held" }, { sort: { seq: 1 } })).map(({ _id }) => _id);
  }

  /** What was held is wanted no more: its text leaves the journal. */
  async letGo(id: string): Promise<void> {
    const record = await this.collection.get(id);
    if (record?.state !== "held") return;
    const { verdict = "pending", who, what } = record;
    await this.handled(record, { verdict, ...present({ who, what }) });
  }

  private mark({ _id: id, at, verdict }: JournalRecord): void {
    if (verdict !== undefined) this.marks.set(id, { id, at, verdict });
  }

  /**
   * The last people whose messages had no valid token, newest first: the last message of each, and how many there are.
   * @param isMissed says by somebody's JID whether to show them
   */
  async missed(limit: number, isMissed: (jid: string) => boolean): Promise<(JournalRecord & { messages: number })[]> {
    const people = new Map<string, { readonly last: string; messages: number }>();
    for (const { id, verdict } of [...this.marks.values()].reverse()) {
      if (verdict !== "stranger") continue;
      const sender = senderOf(id);
      const known = people.get(sender);
      if (known) known.messages += 1;
      else if (people.size < limit && isMissed(sender)) people.set(sender, { last: id, messages: 1 });
    }
    const found = [...people.values()].map(async ({ last, messages }) => {
      const record = await this.collection.get(last);
      return record ? [{ ...record, messages }] : [];
    });
    return (await Promise.all(found)).flat();
  }

  /** What was handled since a time, newest first; the records themselves by {@link get}. */
  handledSince(at: number): readonly Mark[] {
    return [...this.marks.values()].filter((mark) => mark.at >= at).reverse();
  }

  /** Drops the ids that are too old or too many. What is held stays. */
  async prune(): Promise<void> {
    this.sincePrune = 0;
    const oldest = this.clock() - IDS_KEPT_MS;
    const left: Record<keyof typeof KEPT, number> = { ...KEPT };
    const gone: string[] = [];
    for (const { id, at, verdict } of [...this.marks.values()].reverse()) {
      const kind = kindOf(verdict);
      left[kind] -= 1;
      if (at >= oldest && left[kind] >= 0) continue;
      if ((await this.collection.get(id))?.state === "done") gone.push(id);
    }
    await this.collection.remove(gone);
    for (const id of gone) this.marks.delete(id);
  }
}

function kindOf(verdict: string): keyof typeof KEPT {
  if (CONTACTS_VERDICTS.has(verdict)) return "contacts";
  return verdict === "stranger" ? "strangers" : "others";
}

/**
 * One message, one id, however it is addressed: who sent it (the LID where the stanza tells it, without the device) and
 * WhatsApp's message id. The sender is part of it, so nobody can use up another's id.
 */
export function journalId(attrs: Readonly<Record<string, string>>): string {
  const from = attrs.participant ?? attrs.from ?? "";
  const { participant_lid, sender_lid, peer_recipient_lid } = attrs;
  const isLid = parseJid(from).kind === "lid";
  return idOf(isLid ? from : (participant_lid ?? sender_lid ?? peer_recipient_lid ?? from), attrs);
}

/** What {@link journalId} would be, had the stanza not told the LID; undefined where it tells no number. */
function idByNumber(attrs: Readonly<Record<string, string>>): string | undefined {
  const from = attrs.participant ?? attrs.from ?? "";
  const pn = parseJid(from).kind === "lid" ? (attrs.participant_pn ?? attrs.sender_pn) : from;
  return pn === undefined ? undefined : idOf(pn, attrs);
}

function idOf(sender: string, { id = "" }: Readonly<Record<string, string>>): string {
  const { pn, lid } = personOf(sender) ?? {};
  return `${lid ?? pn ?? sender.replace(/:\d+@/, "@")}/${id}`;
}

/** Who sent the message of a journal id: a JID without the device. */
export function senderOf(id: string): string {
  return id.slice(0, id.indexOf("/"));
}
