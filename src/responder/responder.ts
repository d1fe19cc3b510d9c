import type { Contact } from "../access/types.js";
import type { Message } from "../text.js";
import type { Inbound } from "../whatsapp/types.js";
import { Answering, keyOf } from "./answering.js";
import { ConversationBook, type TurnDoc, type Who } from "./book.js";
import { Intake } from "./intake.js";
import { DailyLimit, type DayDoc } from "./limit.js";
import { MediaStore } from "./media.js";
import { Mind } from "./mind.js";
import { isHeldBack, modeOf } from "./mode.js";
import { Outage, type OutageDoc } from "./outage.js";
import { idsOf } from "./partner.js";
import type { ResponderParts } from "./parts.js";
import { Relay } from "./relay.js";
import { Soul } from "./soul.js";
import * as texts from "./texts.js";
import { Turns } from "./turns.js";
import type { Mode, RunningResponder } from "./types.js";
import { letGoOverdue } from "./unanswered.js";

/** At most 4 conversations are answered at once: an endpoint of one's own does little more at a time. */
const AT_ONCE = 4;

/** Makes the responder of a gateway. Nothing is answered before {@link RunningResponder.start}. */
export async function createResponder(parts: ResponderParts): Promise<RunningResponder> {
  const { collection, clock, settings, log } = parts;
  const tell: ResponderParts["tell"] = (...notice) =>
    parts.tell(...notice).catch((error: unknown) => log.error({ err: error }, "a notice was lost"));
  const docs = await collection.find({ kind: { $in: ["day", "outage"] } });
  const days = docs.filter((doc) => doc.kind === "day");
  const outage = docs.find((doc) => doc.kind === "outage");
  const isHeld = (turn: TurnDoc) => parts.outbox.isHeld(keyOf(turn));
  const book = await ConversationBook.open(collection, clock, settings.turns, isHeld);
  return new Conversations({ ...parts, tell }, book, days, outage);
}

/** The responder's rooms together: what comes in, whose turn it is, what answers. */
class Conversations implements RunningResponder {
  private readonly turns: Turns;
  private readonly soul: Soul;
  private readonly outage: Outage;
  private readonly media: MediaStore;
  private readonly intake: Intake;
  private readonly answering: Answering;
  private readonly stopping = new AbortController();

  constructor(
    private readonly parts: ResponderParts,
    private readonly book: ConversationBook,
    days: readonly DayDoc[],
    outage: OutageDoc | undefined,
  ) {
    const { clock, scheduler, soulPath, tell } = parts;
    const { signal } = this.stopping;
    this.turns = new Turns({
      clock,
      scheduler,
      room: () => (this.mode === "model" ? this.outage.room(() => this.turns.waiting()) : AT_ONCE),
      serve: (who) => this.answering.serve(who),
    });
    this.soul = new Soul(soulPath, (sentence) => void tell(`soul:${sentence}`, texts.soulTrouble(sentence), true));
    this.outage = new Outage(outage, book, { ...parts, atOnce: AT_ONCE, mayTry: () => this.turns.pump() });
    this.media = new MediaStore(parts.mediaPath, parts.settings, parts.fetchMedia);
    const relay = new Relay(book, parts);
    this.intake = new Intake(book, this.media, relay, this.turns, parts, signal);
    const limit = new DailyLimit(days, parts);
    const mind = parts.model && new Mind(parts.model, this.soul, parts);
    this.answering = new Answering({ book, turns: this.turns, limit, outage: this.outage, relay, mind }, parts, signal);
  }

  get mode(): Mode {
    return modeOf(this.parts);
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
    await this.answering.finish(this.book.unposted());
    await letGoOverdue(this.book, this.parts);
    for (const who of this.book.whoIsDue()) {
      if (isHeldBack(who, this.parts)) await this.book.setState(this.book.due(who), "silent");
      else this.turns.wrote(who);
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort(new Error("the gateway stops"));
    this.answering.stop();
    await this.turns.stop();
  }

  respond(message: Inbound, buddy: Contact): Promise<void> {
    return this.intake.fromBuddy(message, buddy);
  }

  fromOwner(message: Inbound): Promise<Message | "taken" | "unmeant"> {
    return this.intake.fromOwner(message);
  }

  backlog(): ReadonlyMap<string, number> {
    const all = new Map<string, number>();
    for (const [who, count] of [
      ...this.book.backlog(),
      ...this.book.held().map(({ who, answers }) => [who, answers.length] as const),
    ]) {
      const contact = this.parts.access.byId(who);
      if (contact?.state === "approved") all.set(contact._id, (all.get(contact._id) ?? 0) + count);
    }
    return all;
  }

  async answer(contactId: string): Promise<void> {
    for (const who of idsOf(this.parts.access, contactId)) {
      for (const turn of this.heldOf(who)) await this.parts.outbox.revive(keyOf(turn));
      await this.book.wake(who);
      this.turns.ready(who);
    }
  }

  async forget(contactId: string): Promise<number> {
    let turns = 0;
    for (const who of idsOf(this.parts.access, contactId)) {
      for (const turn of this.heldOf(who)) await this.parts.outbox.dropHeld(keyOf(turn));
      turns += await this.book.forget(who);
    }
    return turns;
  }

  /** The answers to one that silent mode held up. */
  private heldOf(who: Who): readonly TurnDoc[] {
    return this.book.held().filter((turn) => turn.who === who);
  }
}
