import { HOUR, isWithin } from "../clock.js";
import { present } from "../present.js";
import type { ConversationBook, TurnDoc, WaitingDoc, Who } from "./book.js";
import { fitting } from "./frame.js";
import type { DailyLimit } from "./limit.js";
import { Manners } from "./manners.js";
import type { Mind } from "./mind.js";
import { isHeldBack, modeOf } from "./mode.js";
import type { Outage } from "./outage.js";
import { obeyedOwner, type Partner, partnerOf } from "./partner.js";
import type { ResponderParts } from "./parts.js";
import { ModelProblem, Unwanted } from "./problem.js";
import { isRelayedReply, type Relay } from "./relay.js";
import * as texts from "./texts.js";
import type { Turns } from "./turns.js";
import { letGo } from "./unanswered.js";

/** How long to wait before the disk, or an owner who is obeyed, is looked for again. */
const AGAIN_MS = 5_000;
/** What waited longer than a day in an outage is no conversation any more. */
const WAITS_MS = 24 * HOUR;

/** What answering needs of the other rooms. */
export interface AnsweringRooms {
  readonly book: ConversationBook;
  readonly turns: Turns;
  readonly limit: DailyLimit;
  readonly outage: Outage;
  readonly relay: Relay;
  /** Absent where no model is set. */
  readonly mind: Mind | undefined;
}

/** Answers a conversation when its turn comes: by the model, or through the owner where there is none. */
export class Answering {
  private readonly manners: Manners;
  /** Whose conversation is looked at again, at most once at a time, however much they write meanwhile. */
  private readonly timers = new Map<Who, () => void>();
  /** Whose conversation the disk held up when it was served last. */
  private readonly failed = new Set<Who>();
  private refusalTold = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly rooms: AnsweringRooms,
    private readonly parts: ResponderParts,
    private readonly stopping: AbortSignal,
  ) {
    this.manners = new Manners(parts);
  }

  /** Looks for nothing again by itself. */
  stop(): void {
    for (const cancel of this.timers.values()) cancel();
  }

  /** Serves one conversation; what goes wrong on the disk is tried again. */
  async serve(who: Who): Promise<void> {
    try {
      await this.serveNow(who);
    } catch (error) {
      if (this.stopping.aborted) return;
      this.failed.add(who);
      this.parts.log.error({ err: error }, "a conversation could not go on; tried again soon");
      this.lookAgain(who);
    }
  }

  /** Brings answers to an end that a crash or a full disk came behind, before anything else is answered under their names. */
  async finish(turns: readonly TurnDoc[]): Promise<void> {
    for (const turn of turns) {
      // What did not reach the outbox is asked for again, as much may have been decided since; a relay goes to the owner.
      const owner = obeyedOwner(this.parts.access);
      if (this.parts.outbox.withKey(keyOf(turn))) await this.post(turn);
      else if (turn.relay !== true) await this.rooms.book.withdraw(turn);
      else if (owner) await this.post({ ...turn, to: owner });
    }
  }

  private async serveNow(who: Who): Promise<void> {
    const { book, turns, limit, mind } = this.rooms;
    const { access } = this.parts;
    const isUnheard = modeOf(this.parts) === "relay" && !obeyedOwner(access);
    if (isUnheard) return this.lookAgain(who);
    await this.finish(book.unposted().filter((turn) => turn.who === who));
    const waiting = book.due(who);
    const partner = partnerOf(access, who);
    if (waiting.length === 0) return;
    if (partner === undefined || modeOf(this.parts) === "off") return book.drop(waiting);
    if (isHeldBack(who, this.parts)) return book.setState(waiting, "silent");
    if (mind === undefined) return this.pass(who, partner, waiting);
    if (partner.contact && (await limit.isReached(partner.contact))) return book.drop(waiting);
    // A model costs money: it is not asked again before the disk takes what is there already.
    if (this.failed.has(who)) await book.setState(waiting, "due");
    this.failed.delete(who);
    const room = this.parts.settings.contextTokens;
    const texts = waiting.map(({ text }) => text);
    const burst = waiting.slice(0, fitting(texts, room));
    await this.ask(mind, who, partner, burst);
    // What one question has no room for goes into the next; while the model is down it is ready already.
    if (burst.length < waiting.length) turns.ready(who);
  }

  /** Without a model the owner gets it. */
  private async pass(who: Who, { contact }: Partner, burst: readonly WaitingDoc[]): Promise<void> {
    const owner = obeyedOwner(this.parts.access);
    if (contact && owner) await this.post(await this.rooms.relay.forward(who, contact, burst, owner));
    else await this.rooms.book.drop(burst);
  }

  private async ask(mind: Mind, who: Who, partner: Partner, burst: readonly WaitingDoc[]): Promise<void> {
    const { book, outage } = this.rooms;
    const { access, settings, log } = this.parts;
    const signal = this.stopping;
    await this.manners.acknowledge(partner, burst);
    const stopTyping = this.manners.type(partner, burst);
    const look = (): void => {
      if (!this.wanting(who, burst)) throw new Unwanted();
    };
    let said = "";
    let answer: string | undefined;
    try {
      said = await mind.hear(burst, signal, look);
      const turns = book.turns(who, settings.turns);
      answer = await mind.answer(partner, { said, burst, turns }, signal, look);
      await outage.end(who);
    } catch (error) {
      if (error instanceof Unwanted) return this.putBy(who, burst);
      if (!(error instanceof ModelProblem)) throw error;
      const isBlamed = error.isAtQuestion && outage.isBlamed(who);
      if (error.kind === "down" && !isBlamed) return this.beginOutage(who, burst, error);
      await outage.end(who);
      log.warn({ problem: error.sentence }, "a question was not answered");
      await this.tellOfRefusal(partner, error.sentence);
    } finally {
      stopTyping();
    }
    await this.say(who, burst, said, answer && access.mask(answer));
  }

  /**
   * Judged again after the model has thought: much may have been decided meanwhile.
   * @param answer absent where there is none
   */
  private async say(who: Who, burst: readonly WaitingDoc[], said: string, answer: string | undefined): Promise<void> {
    const partner = this.wanting(who, burst);
    if (partner === undefined) return this.putBy(who, burst);
    const last = burst.at(-1);
    const turn = await this.rooms.book.commit({
      who,
      answers: burst.map(({ journalId }) => journalId),
      said,
      answer: answer ?? texts.NO_ANSWER,
      ...(answer === undefined ? { isApology: true } : {}),
      to: partner.to,
      ...present({ address: last?.address, expiration: last?.expiration }),
    });
    await this.post(turn);
    if (partner.contact) await this.rooms.limit.count(partner.contact);
  }

  /** Who is to get an answer to a burst as of now; words that were forgotten, deleted or edited meanwhile get none. */
  private wanting(who: Who, burst: readonly WaitingDoc[]): Partner | undefined {
    const now = new Map(this.rooms.book.stillWaiting(burst).map(({ _id, text }) => [_id, text]));
    const isAsAsked = burst.every(({ _id, text }) => now.get(_id) === text);
    return isAsAsked && !isHeldBack(who, this.parts) ? partnerOf(this.parts.access, who) : undefined;
  }

  /** Lets go of a burst that is not to be answered; what is held back waits to be asked for, and the rest is asked anew. */
  private async putBy(who: Who, burst: readonly WaitingDoc[]): Promise<void> {
    const { book, turns } = this.rooms;
    if (partnerOf(this.parts.access, who) === undefined) return book.drop(book.stillWaiting(burst));
    if (isHeldBack(who, this.parts)) return book.setState(burst, "silent");
    turns.ready(who);
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
    await this.rooms.book.posted(turn, ids);
  }

  private async beginOutage(who: Who, burst: readonly WaitingDoc[], problem: ModelProblem): Promise<void> {
    const { book, outage, turns } = this.rooms;
    await outage.begin(who, problem);
    const before = this.parts.clock() - WAITS_MS;
    const old = burst.filter(({ at, since = at }) => Math.max(since, outage.since ?? since) < before);
    await letGo(old, "old", book, this.parts);
    turns.ready(who);
    for (const each of turns.waiting()) await outage.apologise(each);
  }

  /** An endpoint that refuses every question would bring a notice for each. */
  private async tellOfRefusal({ contact }: Partner, sentence: string): Promise<void> {
    const now = this.parts.clock();
    if (isWithin(HOUR, this.refusalTold, now)) return;
    this.refusalTold = now;
    await this.parts.tell("model-refused", texts.refusedOnce(contact, sentence));
  }

  private lookAgain(who: Who): void {
    const { clock, scheduler } = this.parts;
    this.timers.get(who)?.();
    const cancel = scheduler.at(clock() + AGAIN_MS, () => {
      this.timers.delete(who);
      this.rooms.turns.ready(who);
    });
    this.timers.set(who, cancel);
  }
}

/** The outbox's key of an answer: the same for the same messages, so none goes out twice. */
export function keyOf(turn: TurnDoc): string {
  return `${turn.relay === true ? "relay" : "answer"}:${turn.answers[0] ?? ""}`;
}

/** Whether something in the outbox is for somebody who has just written: an answer, the owner's reply, a reaction, an apology. */
export function isAnswer(key: string | undefined): boolean {
  return isRelayedReply(key) || /^(answer|ack|sorry):/.test(key ?? "");
}
