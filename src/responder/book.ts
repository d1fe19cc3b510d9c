import type { Lid, Person, Pn } from "../access/identity.js";
import { DAY } from "../clock.js";
import type { Collection, Doc } from "../store/types.js";
import type { DayDoc } from "./limit.js";
import type { Kept, MediaContent } from "./media.js";
import type { OutageDoc } from "./outage.js";

/** Whose conversation it is: a contact's id, or the owner. */
export type Who = string;
export const OWNER: Who = "owner";

/** One message that waits for an answer. */
export interface WaitingDoc extends Doc {
  readonly kind: "waiting";
  readonly who: Who;
  /** `due` is answered as soon as may be; `silent` came in silent mode or in a pause and waits for `/answer`. */
  readonly state: "due" | "silent";
  readonly seq: number;
  readonly at: number;
  /** When it came in here, or was taken up for an answer after that; earlier versions did not always write that down. */
  readonly since?: number;
  readonly journalId: string;
  /** WhatsApp's id. */
  readonly id: string;
  readonly text: string;
  /** Its file, where it has one that was kept. */
  readonly file?: Kept & { readonly kind: MediaContent["media"] };
  /** What a relay sends on. */
  readonly media?: MediaContent;
  readonly address?: Pn | Lid;
  readonly expiration?: number;
}

/** What was said back to some messages, written before it is posted: so a crash leads to one answer, never to two. */
export interface TurnDoc extends Doc {
  readonly kind: "turn";
  readonly who: Who;
  readonly seq: number;
  readonly at: number;
  /** The journal ids of what it answers. */
  readonly answers: readonly string[];
  readonly said: string;
  readonly answer: string;
  /** A relay's messages go to the owner and are no part of a conversation with the model. */
  readonly relay?: boolean;
  /** An apology in the place of an answer: what the model did not answer would spoil the questions behind it, too. */
  readonly isApology?: boolean;
  /** Files that go with it, under the journal ids of their messages. */
  readonly media?: readonly { readonly journalId: string; readonly content: MediaContent }[];
  readonly to: Person;
  readonly address?: Pn | Lid;
  readonly expiration?: number;
  /** The WhatsApp ids it went out under; absent until it is in the outbox. */
  readonly ids?: readonly string[];
}

/** All that is in `conversation.db`. */
export type ConversationDoc = WaitingDoc | TurnDoc | DayDoc | OutageDoc;

/** Turns are shown to the model for a day. A relayed message can be answered for a week. */
const TURNS_KEPT_MS = DAY;
const RELAYS_KEPT_MS = 7 * DAY;
const RELAYS_KEPT = 1_000;
/** At least 5 turns are kept for their messages' ids, however few the model is shown: a message that comes again is known. */
const LEAST_TURNS = 5;
/** What waits, and an answer that is held up, waits a week for `/answer`. */
const ASKED_WITHIN_MS = 7 * DAY;
/** At most 1,000 messages of one buddy wait, as all that waits is held in memory. */
const WAITING_EACH = 1_000;
/** At most this many characters of one buddy wait, which is some MB in memory. */
const CHARACTERS_EACH = 1_000_000;
/** At most 3,000 messages of all buddies together wait. */
const WAITING_ALL = 3_000;
const PRUNE_EVERY = 100;
/**
 * How the text of a file's message begins where the file itself could not be had, as `[image (not kept: it can't be
 * decrypted): caption]`: an edit of such a message is a new caption.
 */
const NOT_KEPT = /^\[[^\n]*\(not kept: /;

/** What waits for an answer and what was answered, as it is on disk, in memory alongside; bounded in time and number. */
export class ConversationBook {
  private readonly waiting = new Map<string, WaitingDoc>();
  private readonly turnsOf = new Map<Who, TurnDoc[]>();
  private readonly answered = new Set<string>();
  private readonly relays = new Map<string, TurnDoc>();
  private seq = 0;
  private sincePrune = 0;

  private constructor(
    private readonly collection: Collection<ConversationDoc>,
    private readonly clock: () => number,
    private readonly turnsKept: number,
    private readonly isHeld: (turn: TurnDoc) => boolean,
  ) {}

  /** @param isHeld whether silent mode holds up the answer of a turn, so that `/answer` may send it */
  static async open(
    collection: Collection<ConversationDoc>,
    clock: () => number,
    turns: number,
    isHeld: (turn: TurnDoc) => boolean,
  ): Promise<ConversationBook> {
    const book = new ConversationBook(collection, clock, Math.max(turns, LEAST_TURNS), isHeld);
    for (const doc of await collection.find({}, { sort: { seq: 1 } })) book.index(doc);
    // A crash between the two writes of an answer left these.
    const posted = [...book.turnsOf.values()].flat().filter(({ ids }) => ids !== undefined);
    for (const turn of posted) await book.letGo(turn);
    await book.prune();
    return book;
  }

  /** Takes a message; once, however often it comes. @returns false for one that is known */
  async take(message: Omit<WaitingDoc, "_id" | "kind" | "seq" | "since">): Promise<boolean> {
    const _id = `in:${message.journalId}`;
    if (this.knows(message.journalId)) return false;
    const doc: WaitingDoc = { _id, kind: "waiting", seq: this.nextSeq(), since: this.clock(), ...message };
    await this.collection.put(doc);
    this.index(doc);
    return true;
  }

  /** A message that waits was edited: its new words count. @returns false where none such waits */
  async edit(who: Who, id: string, text: string): Promise<boolean> {
    const doc = this.waitingOf(who, id);
    if (!doc) return false;
    // A file's words say what it is; its new caption comes behind.
    const isFile = doc.file !== undefined || doc.media !== undefined || NOT_KEPT.test(doc.text);
    const edited = { ...doc, text: isFile ? `${doc.text}\n✏️ ${text}` : text };
    await this.collection.put(edited);
    this.waiting.set(doc._id, edited);
    return true;
  }

  /** A message that waits was deleted by whoever wrote it: nobody is to read it any more. @returns false where none such waits */
  async takeBack(who: Who, id: string): Promise<boolean> {
    const doc = this.waitingOf(who, id);
    if (doc) await this.drop([doc]);
    return doc !== undefined;
  }

  private waitingOf(who: Who, id: string): WaitingDoc | undefined {
    return [...this.waiting.values()].find((each) => each.who === who && each.id === id);
  }

  /** What is too much to wait, now that one wrote again: the oldest of theirs, or of everybody's. */
  overflow(who: Who): readonly WaitingDoc[] {
    const all = [...this.waiting.values()];
    let messages = WAITING_EACH;
    let characters = CHARACTERS_EACH;
    const theirs = all.toReversed().filter((doc) => {
      if (doc.who !== who) return false;
      messages -= 1;
      characters -= doc.text.length;
      return messages < 0 || characters < 0;
    });
    return [...new Set([...all.slice(0, Math.max(0, all.length - WAITING_ALL)), ...theirs.toReversed()])];
  }

  /** What nobody asked for within a week: messages that wait, and turns whose answer is held up. */
  overdue(): { readonly waiting: readonly WaitingDoc[]; readonly held: readonly TurnDoc[] } {
    const before = this.clock() - ASKED_WITHIN_MS;
    return {
      waiting: [...this.waiting.values()].filter(({ at, since = at }) => since < before),
      held: [...this.turnsOf.values()].flat().filter((turn) => turn.at < before && this.isHeldUp(turn)),
    };
  }

  /** Was this message taken before? */
  knows(journalId: string): boolean {
    return this.waiting.has(`in:${journalId}`) || this.answered.has(journalId);
  }

  /** The messages of one that are to be answered now, oldest first. */
  due(who: Who): readonly WaitingDoc[] {
    return [...this.waiting.values()].filter((doc) => doc.who === who && doc.state === "due");
  }

  /** Everybody with messages that are to be answered, in order of arrival. */
  whoIsDue(): readonly Who[] {
    return [...new Set([...this.waiting.values()].flatMap(({ who, state }) => (state === "due" ? [who] : [])))];
  }

  /** How many messages of whom came in silent mode or in a pause and wait for `/answer`. */
  backlog(): ReadonlyMap<Who, number> {
    const counts = new Map<Who, number>();
    for (const { who, state } of this.waiting.values()) {
      if (state === "silent") counts.set(who, (counts.get(who) ?? 0) + 1);
    }
    return counts;
  }

  async setState(docs: readonly WaitingDoc[], state: WaitingDoc["state"]): Promise<void> {
    const since = state === "due" ? { since: this.clock() } : {};
    const changed = this.stillWaiting(docs).map((doc) => ({ ...doc, ...since, state }));
    await this.collection.putAll(changed);
    for (const doc of changed) this.waiting.set(doc._id, doc);
  }

  /** Those of some messages that wait still, as they are by now. */
  stillWaiting(docs: readonly WaitingDoc[]): readonly WaitingDoc[] {
    return docs.flatMap(({ _id }) => this.waiting.get(_id) ?? []);
  }

  /** The backlog of one is to be answered. */
  async wake(who: Who): Promise<void> {
    const theirs = [...this.waiting.values()].filter((doc) => doc.who === who && doc.state === "silent");
    await this.setState(theirs, "due");
  }

  /** Lets go of messages unanswered. */
  async drop(docs: readonly WaitingDoc[]): Promise<void> {
    if (docs.length === 0) return;
    await this.collection.remove(docs.map(({ _id }) => _id));
    for (const { _id } of docs) this.waiting.delete(_id);
  }

  /** Keeps what is said back, before it is posted. */
  async commit(turn: Omit<TurnDoc, "_id" | "kind" | "seq" | "at">): Promise<TurnDoc> {
    const _id = turnId(turn.answers);
    const doc: TurnDoc = { _id, kind: "turn", seq: this.nextSeq(), at: this.clock(), ...turn };
    await this.collection.put(doc);
    this.index(doc);
    return doc;
  }

  /** It is in the outbox: what it answers waits no more. */
  async posted(turn: TurnDoc, ids: readonly string[]): Promise<void> {
    // Of a relay nothing but its ids is asked for again; the outbox has its words.
    const doc = Object.assign({}, turn, { ids }, turn.relay === true ? { answer: "", media: [] } : {});
    await this.collection.put(doc);
    this.index(doc);
    await this.letGo(turn);
    this.sincePrune += 1;
    if (this.sincePrune >= PRUNE_EVERY) await this.prune();
  }

  /** What a crash or a full disk left between keeping and posting. */
  unposted(): readonly TurnDoc[] {
    return [...this.turnsOf.values()].flat().filter(({ ids }) => ids === undefined);
  }

  /** What was answered, and silent mode holds up in the outbox. */
  held(): readonly TurnDoc[] {
    return [...this.turnsOf.values()].flat().filter((turn) => this.isHeldUp(turn));
  }

  /** It is not to be posted: what it answers waits on, where it still waits. */
  async withdraw(turn: TurnDoc): Promise<void> {
    await this.collection.remove([turn._id]);
    this.unindex(turn);
  }

  /** The last turns with the model, oldest first. */
  turns(who: Who, most: number): readonly TurnDoc[] {
    const since = this.clock() - TURNS_KEPT_MS;
    const theirs = (this.turnsOf.get(who) ?? []).filter(
      ({ relay, isApology, at }) => relay !== true && isApology !== true && at >= since,
    );
    return most === 0 ? [] : theirs.slice(-most);
  }

  /** The relayed message that went out under a WhatsApp id. */
  relayed(id: string): TurnDoc | undefined {
    return this.relays.get(id);
  }

  /** Forgets everything that was said with one, what waits included. @returns how many turns */
  async forget(who: Who): Promise<number> {
    const turns = this.turnsOf.get(who) ?? [];
    await this.drop([...this.waiting.values()].filter((doc) => doc.who === who));
    const emptied = turns.filter(({ ids }) => ids !== undefined);
    await this.collection.remove(emptied.map(({ _id }) => _id));
    for (const turn of emptied) this.unindex(turn);
    return emptied.length;
  }

  private letGo(turn: TurnDoc): Promise<void> {
    return this.drop(turn.answers.flatMap((id) => this.waiting.get(`in:${id}`) ?? []));
  }

  private isHeldUp(turn: TurnDoc): boolean {
    return turn.relay !== true && turn.ids !== undefined && this.isHeld(turn);
  }

  private nextSeq(): number {
    this.seq += 1;
    return this.seq;
  }

  private async prune(): Promise<void> {
    this.sincePrune = 0;
    const now = this.clock();
    const relays = [...this.turnsOf.values()].flat().filter(({ relay }) => relay === true);
    const over = new Set(relays.slice(0, Math.max(0, relays.length - RELAYS_KEPT)));
    const gone = [...this.turnsOf.values()].flatMap((turns) =>
      turns.filter((turn, index) => {
        if (turn.ids === undefined || this.isHeldUp(turn)) return false;
        if (turn.relay === true) return over.has(turn) || turn.at < now - RELAYS_KEPT_MS;
        return turn.at < now - TURNS_KEPT_MS || index < turns.length - this.turnsKept;
      }),
    );
    await this.collection.remove(gone.map(({ _id }) => _id));
    for (const turn of gone) this.unindex(turn);
  }

  private index(doc: ConversationDoc): void {
    switch (doc.kind) {
      case "waiting":
        this.waiting.set(doc._id, doc);
        this.seq = Math.max(this.seq, doc.seq);
        return;
      case "turn": {
        const others = (this.turnsOf.get(doc.who) ?? []).filter(({ _id }) => _id !== doc._id);
        this.turnsOf.set(doc.who, [...others, doc]);
        for (const id of doc.answers) this.answered.add(id);
        if (doc.relay === true) for (const id of doc.ids ?? []) this.relays.set(id, doc);
        this.seq = Math.max(this.seq, doc.seq);
        return;
      }
      case "day":
      case "outage":
      // DailyLimit and Outage keep their own.
    }
  }

  private unindex(turn: TurnDoc): void {
    const rest = (this.turnsOf.get(turn.who) ?? []).filter(({ _id }) => _id !== turn._id);
    if (rest.length > 0) this.turnsOf.set(turn.who, rest);
    else this.turnsOf.delete(turn.who);
    for (const id of turn.answers) this.answered.delete(id);
    for (const id of turn.ids ?? []) this.relays.delete(id);
  }
}

function turnId(answers: readonly string[]): string {
  return `turn:${answers[0] ?? ""}`;
}
