import type { Contact } from "../access/types.js";
import { isWithin } from "../clock.js";
import { present } from "../present.js";
import type { Message } from "../text.js";
import { describe } from "../whatsapp/describe.js";
import type { Inbound } from "../whatsapp/types.js";
import { ConversationBook, OWNER, type TurnDoc, type WaitingDoc, type Who } from "./book.js";
import { fitting } from "./frame.js";
import { DailyLimit, type DayDoc } from "./limit.js";
import { Manners } from "./manners.js";
import { type Kept, type MediaContent, MediaStore, type NotKept } from "./media.js";
import { Mind } from "./mind.js";
import { Outage, type OutageDoc } from "./outage.js";
import { idsOf, obeyedOwner, type Partner, partnerOf } from "./partner.js";
import type { ResponderParts } from "./parts.js";
import { ModelProblem, Unwanted } from "./problem.js";
import { isStale, Relay } from "./relay.js";
import { inWords } from "./senses.js";
import { Soul } from "./soul.js";
import * as texts from "./texts.js";
import { Turns } from "./turns.js";
import type { Mode, RunningResponder } from "./types.js";

/** At most 4 conversations are answered at once: an endpoint of one's own does little more at a time. */
const AT_ONCE = 4;
/** A burst of 30 messages is answered without waiting for its end, so that what waits is bounded. */
const LONGEST_BURST = 30;
/** How long to wait before the disk, or an owner who is obeyed, is looked for again. */
const AGAIN_MS = 5_000;
const HOUR = 60 * 60_000;
/** What waited longer than a day in an outage is no conversation any more. */
const WAITS_MS = 24 * HOUR;

/** Makes the responder of a gateway. Nothing is answered before {@link RunningResponder.start}. */
export async function createResponder(parts: ResponderParts): Promise<RunningResponder> {
  const { collection, clock, settings } = parts;
  const docs = await collection.find({ kind: { $in: ["day", "outage"] } });
  const days = docs.filter((doc) => doc.kind === "day");
  const outage = docs.find((doc) => doc.kind === "outage");
  return new Conversations(parts, await ConversationBook.open(collection, clock, settings.turns), days, outage);
}

class Conversations implements RunningResponder {
  private readonly turns: Turns;
  private readonly soul: Soul;
  private readonly manners: Manners;
  private readonly limit: DailyLimit;
  private readonly outage: Outage;
  private readonly relay: Relay;
  private readonly media: MediaStore;
  private readonly mind: Mind | undefined;
  private readonly stopping = new AbortController();
  private readonly timers = new Set<() => void>();
  /** Whose conversation the disk held up when it was served last. */
  private readonly failed = new Set<Who>();
  private refusalTold = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly parts: ResponderParts,
    private readonly book: ConversationBook,
    days: readonly DayDoc[],
    outage: OutageDoc | undefined,
  ) {
    const { clock, scheduler, soulPath } = parts;
    const tell = this.tell.bind(this);
    this.turns = new Turns({
      clock,
      scheduler,
      room: () => (this.mode === "model" ? this.outage.room(() => this.turns.waiting()) : AT_ONCE),
      serve: (who) => this.serve(who),
    });
    this.soul = new Soul(soulPath, (sentence) => void tell(`soul:${sentence}`, texts.soulTrouble(sentence), true));
    this.manners = new Manners(parts);
    this.limit = new DailyLimit(days, { ...parts, tell });
    this.outage = new Outage(outage, book, { ...parts, tell, atOnce: AT_ONCE, mayTry: () => this.turns.pump() });
    this.relay = new Relay(book, parts);
    this.media = new MediaStore(parts.mediaPath, parts.settings, parts.fetchMedia);
    this.mind = parts.model && new Mind(parts.model, this.soul, parts);
  }

  get mode(): Mode {
    if (this.parts.model) return "model";
    return this.parts.access.owner()?.setup === "own-number" ? "relay" : "off";
  }

  get name(): string {
    const { mode } = this;
    if (mode === "relay")
      return "relay (no model is set: buddies' messages come to the admin chat, a quoted reply goes back)";
    if (mode === "off") return "off (no model is set, and a relay needs a number of the bot's own)";
    return `model ${this.parts.model?.name ?? ""}${this.outage.isOn ? ", which does not answer now" : ""}`;
  }

  async start(): Promise<void> {
    await this.soul.read();
    await this.media.open();
    await this.finish(this.book.unposted());
    for (const who of this.book.whoIsDue()) {
      if (this.isHeldBack(who)) await this.book.setState(this.book.due(who), "silent");
      else this.turns.wrote(who);
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort(new Error("the gateway stops"));
    for (const cancel of this.timers) cancel();
    await this.turns.stop();
  }

  async respond(message: Inbound, buddy: Contact): Promise<void> {
    if (this.mode === "off") return;
    if (this.book.knows(message.journalId)) return;
    const { content } = message;
    if (content.kind === "edit") return this.edit(message, content.target, content.text, buddy._id);
    if (content.kind === "revoke") return this.book.takeBack(buddy._id, content.target);
    const kept = content.kind === "media" ? await this.keep(message, content, buddy) : undefined;
    await this.take(message, buddy._id, kept);
  }

  async fromOwner(message: Inbound): Promise<Message | "taken" | "unmeant"> {
    const { access, settings, serverNow } = this.parts;
    const turn = message.quotes === undefined ? undefined : this.book.relayed(message.quotes);
    if (turn) return this.relay.back(message, turn);
    const isSelf = access.owner()?.setup === "self";
    const isTalk = message.content.kind === "text" || message.content.kind === "media";
    if (this.mode !== "model" || !isTalk || (isSelf && !settings.selfChat) || isStale(message, serverNow)) {
      return "unmeant";
    }
    await this.take(message, OWNER);
    return "taken";
  }

  backlog(): ReadonlyMap<string, number> {
    const all = new Map<string, number>();
    const held = this.book.answers().filter((turn) => this.parts.outbox.isHeld(keyOf(turn)));
    for (const [who, count] of [
      ...this.book.backlog(),
      ...held.map(({ who, answers }) => [who, answers.length] as const),
    ]) {
      const contact = this.parts.access.byId(who);
      if (contact?.state === "approved") all.set(contact._id, (all.get(contact._id) ?? 0) + count);
    }
    return all;
  }

  async answer(contactId: string): Promise<void> {
    for (const who of idsOf(this.parts.access, contactId)) {
      for (const turn of this.book.answers()) {
        if (turn.who === who) await this.parts.outbox.revive(keyOf(turn));
      }
      await this.book.wake(who);
      this.turns.ready(who);
    }
  }

  async forget(contactId: string): Promise<number> {
    let turns = 0;
    for (const who of idsOf(this.parts.access, contactId)) turns += await this.book.forget(who);
    return turns;
  }

  /** Keeps a buddy's file; where that can't be done, the owner is told why. */
  private async keep(message: Inbound, content: MediaContent, buddy: Contact): Promise<Kept | NotKept> {
    const kept = await this.media.keep(message, content, buddy, this.stopping.signal);
    if (typeof kept === "string") {
      const { mediaLimit } = this.parts.settings;
      await this.tell(`file:${kept}:${buddy._id}`, texts.fileNotKept(buddy, kept, mediaLimit));
    }
    return kept;
  }

  /** An edit of what waits is taken in; a relay passes on what was edited later; a model does not answer twice. */
  private async edit(message: Inbound, target: string, text: string, who: Who): Promise<void> {
    const isTaken = await this.book.edit(who, target, this.parts.access.mask(text));
    if (!isTaken && this.mode === "relay") await this.take(message, who);
  }

  private async take(message: Inbound, who: Who, kept?: Kept | NotKept): Promise<void> {
    const { journalId, id, at, content, chat, expiration } = message;
    const text = this.parts.access.mask(wordsOf(content, kept));
    const media = content.kind === "media" ? content : undefined;
    const isNew = await this.book.take({
      who,
      state: this.isHeldBack(who) ? "silent" : "due",
      at,
      journalId,
      id,
      text,
      ...(media && typeof kept === "object" ? { file: { ...kept, kind: media.media } } : {}),
      ...(media?.file && kept !== "damaged" && kept !== "gone" ? { media } : {}),
      ...(chat.kind === "person" ? { address: chat.address } : {}),
      ...present({ expiration }),
    });
    if (!isNew) return;
    await this.makeRoom(who);
    // A burst that is long enough ends at once: what waits is bounded.
    if (this.book.due(who).length >= LONGEST_BURST) this.turns.ready(who);
    else this.turns.wrote(who);
  }

  /** Lets go of what is too much to wait, which the owner is told. */
  private async makeRoom(who: Who): Promise<void> {
    const over = this.book.overflow(who);
    for (const each of new Set(over.map((doc) => doc.who))) await this.tellUnanswered(each, "many", over);
    await this.book.drop(over);
  }

  /**
   * The owner's pause holds up every buddy. Nobody's model is called in silent mode; the admin chat is never silent, and
   * so a relay goes on.
   */
  private isHeldBack(who: Who): boolean {
    return who !== OWNER && (this.parts.paused() || (this.mode === "model" && this.parts.silent()));
  }

  /** Serves one conversation; what goes wrong on the disk is tried again. */
  private async serve(who: Who): Promise<void> {
    try {
      await this.serveNow(who);
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      this.failed.add(who);
      this.parts.log.error({ err: error }, "a conversation could not go on; tried again soon");
      this.later(AGAIN_MS, () => this.turns.ready(who));
    }
  }

  private async serveNow(who: Who): Promise<void> {
    const { access } = this.parts;
    if (this.mode === "relay" && !obeyedOwner(access)) return this.later(AGAIN_MS, () => this.turns.ready(who));
    await this.finish(this.book.unposted().filter((turn) => turn.who === who));
    const waiting = this.book.due(who);
    const partner = partnerOf(access, who);
    if (waiting.length === 0) return;
    if (partner === undefined || this.mode === "off") return this.book.drop(waiting);
    if (this.isHeldBack(who)) return this.book.setState(waiting, "silent");
    if (this.mind === undefined) return this.pass(who, partner, waiting);
    if (partner.contact && (await this.limit.isReached(partner.contact))) return this.book.drop(waiting);
    // A model costs money: it is not asked again before the disk takes what is there already.
    if (this.failed.has(who)) await this.book.setState(waiting, "due");
    this.failed.delete(who);
    const room = this.parts.settings.contextTokens;
    const texts = waiting.map(({ text }) => text);
    const burst = waiting.slice(0, fitting(texts, room));
    await this.ask(this.mind, who, partner, burst);
    // What one question has no room for goes into the next; while the model is down it is ready already.
    if (burst.length < waiting.length) this.turns.ready(who);
  }

  /** Without a model the owner gets it. */
  private async pass(who: Who, { contact }: Partner, burst: readonly WaitingDoc[]): Promise<void> {
    const owner = obeyedOwner(this.parts.access);
    if (contact && owner) await this.post(await this.relay.forward(who, contact, burst, owner));
    else await this.book.drop(burst);
  }

  /** Brings answers to an end that a crash or a full disk came behind, before anything else is answered under their names. */
  private async finish(turns: readonly TurnDoc[]): Promise<void> {
    for (const turn of turns) {
      // What did not reach the outbox is asked for again, as much may have been decided since; a relay goes to the owner.
      const owner = obeyedOwner(this.parts.access);
      if (this.parts.outbox.withKey(keyOf(turn))) await this.post(turn);
      else if (turn.relay !== true) await this.book.withdraw(turn);
      else if (owner) await this.post({ ...turn, to: owner });
    }
  }

  private async ask(mind: Mind, who: Who, partner: Partner, burst: readonly WaitingDoc[]): Promise<void> {
    const { access, settings, log } = this.parts;
    const { signal } = this.stopping;
    await this.manners.acknowledge(partner, burst);
    const stopTyping = this.manners.type(partner, burst);
    const look = (): void => {
      if (!this.wanting(who, burst)) throw new Unwanted();
    };
    let said = "";
    let answer: string;
    try {
      said = await mind.hear(burst, signal, look);
      answer = await mind.answer(partner, { said, burst, turns: this.book.turns(who, settings.turns) }, signal, look);
      await this.outage.end(who);
    } catch (error) {
      if (error instanceof Unwanted) return this.putBy(who, burst);
      if (!(error instanceof ModelProblem)) throw error;
      const isBlamed = error.isAtQuestion && this.outage.isBlamed(who);
      if (error.kind === "down" && !isBlamed) return this.beginOutage(who, burst, error);
      await this.outage.end(who);
      log.warn({ problem: error.sentence }, "a question was not answered");
      await this.tellOfRefusal(partner, error.sentence);
      answer = texts.NO_ANSWER;
    } finally {
      stopTyping();
    }
    await this.say(who, burst, said, access.mask(answer));
  }

  /** Judged again after the model has thought: much may have been decided meanwhile. */
  private async say(who: Who, burst: readonly WaitingDoc[], said: string, answer: string): Promise<void> {
    const partner = this.wanting(who, burst);
    if (partner === undefined) return this.putBy(who, burst);
    const last = burst.at(-1);
    const turn = await this.book.commit({
      who,
      answers: burst.map(({ journalId }) => journalId),
      said,
      answer,
      to: partner.to,
      ...present({ address: last?.address, expiration: last?.expiration }),
    });
    await this.post(turn);
    if (partner.contact) await this.limit.count(partner.contact);
  }

  /** Who is to get an answer to a burst as of now; forgotten words get none. */
  private wanting(who: Who, burst: readonly WaitingDoc[]): Partner | undefined {
    const isForgotten = this.book.stillWaiting(burst).length === 0;
    return isForgotten || this.isHeldBack(who) ? undefined : partnerOf(this.parts.access, who);
  }

  /** Lets go of a burst that is not to be answered; what is held back waits to be asked for. */
  private putBy(who: Who, burst: readonly WaitingDoc[]): Promise<void> {
    if (partnerOf(this.parts.access, who) === undefined) return this.book.drop(this.book.stillWaiting(burst));
    return this.book.setState(burst, "silent");
  }

  private async post(turn: TurnDoc): Promise<void> {
    const { to, address, expiration, answer, media = [] } = turn;
    const { outbox } = this.parts;
    const place = {
      to,
      ...present({ address, expiration }),
    };
    const ids = [...(await outbox.post({ kind: "text", text: answer, key: keyOf(turn), ...place }))];
    for (const { journalId, content } of media) {
      const { file } = content;
      // The caption is in the text before it.
      if (file) ids.push(...(await outbox.post({ ...content, file, caption: "", key: `file:${journalId}`, ...place })));
    }
    await this.book.posted(turn, ids);
  }

  private async beginOutage(who: Who, burst: readonly WaitingDoc[], problem: ModelProblem): Promise<void> {
    await this.outage.begin(who, problem);
    await this.letGoOfOld(who, burst);
    this.turns.ready(who);
    for (const each of this.turns.waiting()) await this.outage.apologise(each);
  }

  /** What has waited in an outage for a day is let go of, which the owner is told. */
  private async letGoOfOld(who: Who, burst: readonly WaitingDoc[]): Promise<void> {
    const before = this.parts.clock() - WAITS_MS;
    const old = burst.filter(({ at, since = at }) => Math.max(since, this.outage.since ?? since) < before);
    if (old.length > 0) await this.tellUnanswered(who, "old", old);
    await this.book.drop(old);
  }

  /** An endpoint that refuses every question would bring a notice for each. */
  private async tellOfRefusal({ contact }: Partner, sentence: string): Promise<void> {
    const now = this.parts.clock();
    if (isWithin(HOUR, this.refusalTold, now)) return;
    this.refusalTold = now;
    await this.tell("model-refused", texts.refusedOnce(contact, sentence));
  }

  private async tellUnanswered(who: Who, why: "old" | "many", docs: readonly WaitingDoc[]): Promise<void> {
    const contact = partnerOf(this.parts.access, who)?.contact;
    const theirs = docs.filter((doc) => doc.who === who).length;
    if (contact) await this.tell(`unanswered:${why}:${contact._id}`, texts.unanswered(contact, why, theirs), true);
  }

  private tell(key: string, message: Message, alarm = false): Promise<void> {
    return this.parts
      .tell(key, message, alarm)
      .catch((error: unknown) => this.parts.log.error({ err: error }, "a notice was lost"));
  }

  private later(ms: number, work: () => void): void {
    const cancel = this.parts.scheduler.at(this.parts.clock() + ms, () => {
      this.timers.delete(cancel);
      work();
    });
    this.timers.add(cancel);
  }
}

/** What was written, in words. */
function wordsOf(content: Inbound["content"], kept: Kept | NotKept | undefined): string {
  if (content.kind === "text") return content.text;
  if (content.kind === "edit") return `✏️ ${content.text}`;
  return content.kind === "media" ? inWords(content, kept) : `[${describe(content)}]`;
}

/** The outbox's key of an answer: the same for the same messages, so none goes out twice. */
function keyOf(turn: TurnDoc): string {
  return `${turn.relay === true ? "relay" : "answer"}:${turn.answers[0] ?? ""}`;
}
