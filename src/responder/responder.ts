import { identityOf, type Lid, type Person, type Pn } from "../access/identity.js";
import type { Access } from "../access/index.js";
import type { Contact } from "../access/types.js";
import type { Collection } from "../store/types.js";
import { type Message, renderWhatsApp } from "../text.js";
import { describe } from "../whatsapp/describe.js";
import type { Inbound, Outbox, Signal } from "../whatsapp/types.js";
import { ConversationBook, type ConversationDoc, OWNER, type TurnDoc, type WaitingDoc, type Who } from "./book.js";
import { messagesFor } from "./frame.js";
import { toWhatsApp } from "./markdown.js";
import type { Asked } from "./model.js";
import { ModelProblem } from "./problems.js";
import { Soul } from "./soul.js";
import * as texts from "./texts.js";
import { type Scheduler, Turns } from "./turns.js";
import type { Mode, RunningResponder } from "./types.js";

/** What the responder is made of. */
export interface ResponderParts {
  readonly collection: Collection<ConversationDoc>;
  readonly access: Access;
  readonly outbox: Outbox & {
    knows(key: string): boolean;
    signal(to: Person, signal: Signal, address?: Pn | Lid): void;
  };
  readonly settings: {
    readonly turns: number;
    readonly contextTokens: number;
    readonly dailyLimit: number;
    readonly ackReaction: string | undefined;
    /** Whether the model answers the owner's notes to self. */
    readonly selfChat: boolean;
  };
  /** Absent: the bot relays on its own number, and is quiet in self-chat. */
  readonly model: Asked | undefined;
  readonly soulPath: string;
  readonly timezone: string;
  readonly silent: () => boolean;
  readonly paused: () => boolean;
  /** WhatsApp's time: the age of an owner's reply is measured by it. */
  readonly serverNow: () => number;
  readonly tell: (key: string, message: Message, alarm?: boolean) => Promise<void>;
  readonly clock: () => number;
  readonly scheduler: Scheduler;
  readonly log: {
    info(details: object, message: string): void;
    warn(details: object, message: string): void;
    error(details: object, message: string): void;
  };
}

const AT_ONCE = 4;
/** While the model is down it is tried after so long, then twice that, up to the longest. */
const PROBE_MS = 15_000;
const LONGEST_PROBE_MS = 5 * 60_000;
/** How long to wait for the disk. */
const DISK_MS = 5_000;
/** Phones show "typing …" for some 25 seconds, and no longer. */
const TYPING_MS = 10_000;
const STALE_MS = 15 * 60_000;
const HOUR = 60 * 60_000;
/** What waited longer than a day in an outage is no conversation any more. */
const WAITS_MS = 24 * HOUR;

/** Makes the responder of a gateway. Nothing is answered before {@link RunningResponder.start}. */
export async function createResponder(parts: ResponderParts): Promise<RunningResponder> {
  const { collection, clock, settings } = parts;
  return new Conversations(parts, await ConversationBook.open(collection, clock, settings.turns));
}

/** Who is on the other side, as of now. */
interface Partner {
  readonly contact?: Contact;
  readonly to: Person;
  readonly name: string;
}

class Conversations implements RunningResponder {
  private readonly turns: Turns;
  private readonly soul: Soul;
  private readonly stopping = new AbortController();
  private readonly timers = new Set<() => void>();
  /** While the model is down: when it may be tried again, and how often it was in vain. */
  private probe = { at: 0, failures: 0 };

  constructor(
    private readonly parts: ResponderParts,
    private readonly book: ConversationBook,
  ) {
    const { clock, scheduler, soulPath } = parts;
    this.turns = new Turns({ clock, scheduler, room: () => this.room(), serve: (who) => this.serve(who) });
    this.soul = new Soul(soulPath, (sentence) => this.tell(`soul:${sentence}`, texts.soulTrouble(sentence), true));
  }

  get mode(): Mode {
    if (this.parts.model) return "model";
    return this.parts.access.owner()?.setup === "own-number" ? "relay" : "off";
  }

  get name(): string {
    const { mode } = this;
    if (mode === "relay")
      return "relay (no model is set: buddies' messages come to this chat, a quoted reply goes back)";
    if (mode === "off") return "off (no model is set, and a relay needs a number of the bot's own)";
    const down = this.book.outage === undefined ? "" : ", which does not answer now";
    return `model ${this.parts.model?.name ?? ""}${down}`;
  }

  async start(): Promise<void> {
    await this.soul.read();
    for (const turn of this.book.unposted()) {
      // Silent mode is on at each start: what did not reach the outbox before is asked for again, or relayed now.
      if (turn.relay === true || this.parts.outbox.knows(keyOf(turn))) await this.post(turn);
      else await this.book.withdraw(turn);
    }
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
    if (this.mode === "off" || this.parts.paused()) return;
    await this.take(message, buddy._id);
  }

  async fromOwner(message: Inbound): Promise<Message | "taken" | "unmeant"> {
    const turn = message.quotes === undefined ? undefined : this.book.relayed(message.quotes);
    if (turn) return this.relayBack(message, turn);
    const isSelf = this.parts.access.owner()?.setup === "self";
    const isTalk = message.content.kind === "text" || message.content.kind === "media";
    if (this.mode !== "model" || !isTalk || (isSelf && !this.parts.settings.selfChat) || this.isStale(message)) {
      return "unmeant";
    }
    await this.take(message, OWNER);
    return "taken";
  }

  backlog(): ReadonlyMap<string, number> {
    const all = new Map<string, number>();
    for (const [who, count] of this.book.backlog()) {
      const contact = this.parts.access.byId(who);
      if (contact?.state === "approved") all.set(contact._id, (all.get(contact._id) ?? 0) + count);
    }
    return all;
  }

  async answer(contactId: string): Promise<void> {
    for (const who of this.idsOf(contactId)) {
      await this.book.wake(who);
      this.turns.isReady(who);
    }
  }

  async forget(contactId: string): Promise<number> {
    let turns = 0;
    for (const who of this.idsOf(contactId)) turns += await this.book.forget(who);
    return turns;
  }

  private async take(message: Inbound, who: Who): Promise<void> {
    const { journalId, id, at, content, chat, expiration } = message;
    const text = this.parts.access.mask(content.kind === "text" ? content.text : `[${describe(content)}]`);
    const isNew = await this.book.take({
      who,
      state: this.isHeldBack(who) ? "silent" : "due",
      at,
      journalId,
      id,
      text,
      ...(chat.kind === "person" ? { address: chat.address } : {}),
      ...(expiration === undefined ? {} : { expiration }),
    });
    if (isNew) this.turns.wrote(who);
  }

  /** Nobody's model is called in silent mode; the admin chat is never silent, and so a relay goes on. */
  private isHeldBack(who: Who): boolean {
    return who !== OWNER && this.mode === "model" && this.parts.silent();
  }

  /** The owner's quoted reply to a relayed message goes to the buddy. */
  private async relayBack(message: Inbound, turn: TurnDoc): Promise<Message | "taken"> {
    const { access, outbox, silent } = this.parts;
    const contact = access.byId(turn.who);
    if (contact?.state !== "approved") return texts.notRelayed(contact, "gone");
    if (message.content.kind !== "text") return texts.notRelayed(contact, "empty");
    if (this.isStale(message)) return texts.notRelayed(contact, "old");
    if (silent()) return texts.notRelayed(contact, "silent");
    const { expiration } = turn;
    await outbox.post({
      kind: "text",
      to: identityOf(contact),
      text: message.content.text,
      key: `relay-back:${message.journalId}`,
      ...(expiration === undefined ? {} : { expiration }),
    });
    const owner = access.owner()?.person ?? message.sender;
    await outbox.post({
      kind: "reaction",
      to: owner,
      ...(message.chat.kind === "person" ? { address: message.chat.address } : {}),
      emoji: "✅",
      target: { id: message.id, fromMe: message.fromMe },
      key: `relayed:${message.journalId}`,
    });
    return "taken";
  }

  /** Serves one conversation; what goes wrong on the disk is tried again. */
  private async serve(who: Who): Promise<void> {
    try {
      await this.serveNow(who);
    } catch (error) {
      if (this.stopping.signal.aborted) return;
      this.parts.log.error({ err: error }, "a conversation could not go on; tried again soon");
      this.later(DISK_MS, () => this.turns.isReady(who));
    }
  }

  private async serveNow(who: Who): Promise<void> {
    const { clock } = this.parts;
    const waiting = this.book.due(who);
    const old = waiting.filter(({ at }) => at < clock() - WAITS_MS && this.book.outage !== undefined);
    await this.book.drop(old);
    const burst = waiting.filter((doc) => !old.includes(doc));
    const partner = this.partner(who);
    const { model } = this.parts;
    if (burst.length === 0) return;
    if (partner === undefined || this.mode === "off" || (this.parts.paused() && partner.contact)) {
      return this.book.drop(burst);
    }
    if (model === undefined) return this.relay(who, partner, burst);
    if (this.isHeldBack(who)) return this.book.setState(burst, "silent");
    if (await this.isOverLimit(partner)) return this.book.drop(burst);
    await this.ask(model, who, partner, burst);
  }

  private async relay(who: Who, { contact }: Partner, burst: readonly WaitingDoc[]): Promise<void> {
    const owner = this.parts.access.owner();
    if (!contact || !owner) return this.book.drop(burst);
    const said = burst.map(({ text }) => text).join("\n");
    const answer = renderWhatsApp(texts.relayed(contact, said));
    const answers = burst.map(({ journalId }) => journalId);
    const expiration = burst.at(-1)?.expiration;
    const turn = { who, answers, said: "", answer, relay: true, to: owner.person };
    await this.post(await this.book.commit({ ...turn, ...(expiration === undefined ? {} : { expiration }) }));
  }

  private async ask(model: Asked, who: Who, partner: Partner, burst: readonly WaitingDoc[]): Promise<void> {
    const { access, settings } = this.parts;
    const said = burst.map(({ text }) => text).join("\n");
    const messages = messagesFor({
      soul: await this.soul.read(),
      name: partner.name,
      isOwner: partner.contact === undefined,
      turns: this.book.turns(who, settings.turns),
      room: settings.contextTokens,
      said,
      mask: (text) => access.mask(text),
    });
    await this.acknowledge(partner, burst);
    const stopTyping = this.type(partner, burst);
    let answer: string;
    try {
      answer = toWhatsApp(await model.ask(messages, this.stopping.signal));
      await this.isUp();
    } catch (error) {
      if (!(error instanceof ModelProblem)) throw error;
      if (error.kind === "down") return this.isDown(who, error.sentence);
      await this.isUp();
      this.parts.log.warn({ problem: error.sentence }, "a question was not answered");
      await this.tell("model-refused", texts.refusedOnce(partner.contact, error.sentence));
      answer = texts.NO_ANSWER;
    } finally {
      stopTyping();
    }
    await this.say(who, burst, said, access.mask(answer));
  }

  /** Judged again after the model has thought: much may have been decided meanwhile. */
  private async say(who: Who, burst: readonly WaitingDoc[], said: string, answer: string): Promise<void> {
    const partner = this.partner(who);
    if (partner === undefined || (this.parts.paused() && partner.contact)) return this.book.drop(burst);
    if (this.isHeldBack(who)) return this.book.setState(burst, "silent");
    const last = burst.at(-1);
    const turn = await this.book.commit({
      who,
      answers: burst.map(({ journalId }) => journalId),
      said,
      answer,
      to: partner.to,
      ...(last?.address === undefined ? {} : { address: last.address }),
      ...(last?.expiration === undefined ? {} : { expiration: last.expiration }),
    });
    await this.post(turn);
    if (partner.contact) await this.counted(partner.contact);
  }

  private async post(turn: TurnDoc): Promise<void> {
    const { to, address, expiration, answer } = turn;
    const ids = await this.parts.outbox.post({
      kind: "text",
      to,
      text: answer,
      key: keyOf(turn),
      ...(address === undefined ? {} : { address }),
      ...(expiration === undefined ? {} : { expiration }),
    });
    await this.book.posted(turn, ids);
  }

  /** Blue ticks and "typing …", for buddies, while an answer is made. @returns ends the typing */
  private type({ contact, to }: Partner, burst: readonly WaitingDoc[]): () => void {
    const { outbox, clock, scheduler, access } = this.parts;
    const address = burst.at(-1)?.address;
    if (contact === undefined) return () => {};
    // In self-chat the owner would no longer see what is unread.
    const isOwnNumber = access.owner()?.setup === "own-number";
    if (isOwnNumber) outbox.signal(to, { kind: "read", ids: burst.map(({ id }) => id) }, address);
    let cancel = (): void => {};
    const show = (): void => {
      outbox.signal(to, { kind: "typing", on: true }, address);
      cancel = scheduler.at(clock() + TYPING_MS, show);
    };
    show();
    return () => {
      cancel();
      outbox.signal(to, { kind: "typing", on: false }, address);
    };
  }

  private async acknowledge({ contact, to }: Partner, burst: readonly WaitingDoc[]): Promise<void> {
    const { ackReaction } = this.parts.settings;
    const last = burst.at(-1);
    if (ackReaction === undefined || contact === undefined || last === undefined) return;
    await this.parts.outbox.post({
      kind: "reaction",
      to,
      ...(last.address === undefined ? {} : { address: last.address }),
      emoji: ackReaction,
      target: { id: last.id, fromMe: false },
      key: `ack:${last.journalId}`,
    });
  }

  private async isOverLimit({ contact }: Partner): Promise<boolean> {
    const { dailyLimit } = this.parts.settings;
    if (!contact) return false;
    const { answers, told } = this.book.answersOn(contact._id, this.today());
    if (answers < dailyLimit) return false;
    if (!told) {
      await this.tell(`daily-limit:${contact._id}:${this.today()}`, texts.limitReached(contact, dailyLimit));
      await this.book.count(contact._id, this.today(), { answers, told: true });
    }
    return true;
  }

  private async counted({ _id }: Contact): Promise<void> {
    const { answers, told } = this.book.answersOn(_id, this.today());
    await this.book.count(_id, this.today(), { answers: answers + 1, told });
  }

  private async isDown(who: Who, sentence: string): Promise<void> {
    const { clock, log } = this.parts;
    const known = this.book.outage;
    log.warn({ problem: sentence }, "the model does not answer");
    const outage = known ?? (await this.book.beginOutage(sentence));
    if (!known) await this.tell(`model-down:${outage.since}`, texts.modelDown(sentence), true);
    const wait = Math.min(PROBE_MS * 2 ** this.probe.failures, LONGEST_PROBE_MS);
    this.probe = { at: clock() + wait, failures: this.probe.failures + 1 };
    this.turns.isReady(who);
    for (const each of this.turns.waiting()) await this.apologise(each);
    this.later(wait, () => this.turns.pump());
  }

  private async isUp(): Promise<void> {
    this.probe = { at: 0, failures: 0 };
    const { outage } = this.book;
    if (!outage) return;
    await this.book.endOutage();
    await this.tell(`model-back:${outage.since}`, texts.modelBack(), true);
  }

  /** Once an outage, and to buddies who wrote in it. */
  private async apologise(who: Who): Promise<void> {
    const { outage } = this.book;
    const partner = this.partner(who);
    const last = this.book.due(who).at(-1);
    if (!outage || !last || partner === undefined || this.parts.silent() || this.parts.paused()) return;
    await this.parts.outbox.post({
      kind: "text",
      to: partner.to,
      text: texts.SORRY,
      key: `sorry:${outage.since}:${who}`,
      ...(last.address === undefined ? {} : { address: last.address }),
      ...(last.expiration === undefined ? {} : { expiration: last.expiration }),
    });
  }

  /** While the model is down nobody is served but one, now and then, to see whether it is back. */
  private room(): number {
    if (this.mode !== "model" || this.book.outage === undefined) return AT_ONCE;
    if (this.parts.clock() >= this.probe.at) return 1;
    for (const who of this.turns.waiting()) void this.apologise(who).catch(() => {});
    return 0;
  }

  private partner(who: Who): Partner | undefined {
    const { access } = this.parts;
    if (who === OWNER) {
      const owner = access.owner();
      const isObeyed = owner?.confirmed === true && owner.locked === undefined;
      return isObeyed ? { to: owner.person, name: "" } : undefined;
    }
    const contact = access.byId(who);
    if (contact?.state !== "approved") return undefined;
    return { contact, to: identityOf(contact), name: contact.name };
  }

  /** The ids under which one contact's messages may be kept: its own, and those of records merged into it. */
  private idsOf(contactId: string): readonly Who[] {
    return [contactId, ...(this.parts.access.byId(contactId)?.merged ?? [])];
  }

  private isStale(message: Inbound): boolean {
    return this.parts.serverNow() - message.at > STALE_MS;
  }

  private today(): string {
    const { clock, timezone } = this.parts;
    return new Intl.DateTimeFormat("en-CA", { timeZone: timezone }).format(clock());
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

function keyOf(turn: TurnDoc): string {
  return `${turn.relay === true ? "relay" : "answer"}:${turn.answers[0] ?? ""}`;
}
