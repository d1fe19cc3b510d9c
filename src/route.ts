/**
 * A message's way through the house: link → inbound → journal → gate → (admin chat | pending | responder) → outbox.
 * Starts at the journal, so that a message has its effect once, whatever happens in between (I10).
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { Person } from "./access/identity.js";
import { digitsOf, formatNumber, personFrom, same } from "./access/identity.js";
import type { Access } from "./access/index.js";
import type { Contact, Held, Verdict } from "./access/types.js";
import { KafclawError } from "./access/types.js";
import type { AdminTellings } from "./admin/index.js";
import { Chains } from "./chains.js";
import { Door, isSaid } from "./door.js";
import type { Responder } from "./responder/index.js";
import { type Mapped, normalise, resent, withOtherAddress } from "./whatsapp/inbound.js";
import { type Journal, type JournalRecord, senderOf } from "./whatsapp/journal.js";
import { sealedTarget, unseal } from "./whatsapp/sealed.js";
import type { Inbound, Me, Outbox } from "./whatsapp/types.js";

/** The rooms that a message may pass. */
export interface Rooms {
  readonly access: Access;
  readonly journal: Journal;
  readonly outbox: Outbox & { has(id: string): Promise<boolean> | boolean };
  readonly responder: Responder;
  readonly adminChat: { handle(message: Inbound): Promise<void> };
  readonly tell: AdminTellings;
  /** Resolves when what was held of a buddy has been handled, so that what they wrote later comes behind it. */
  readonly released: (contact: Contact, stop: AbortSignal) => Promise<void>;
  readonly me: () => Me | undefined;
  readonly mapped: Mapped;
  /** Resolves when WhatsApp was asked about the numbers that we know, or that took too long. */
  readonly lidsAsked: () => Promise<void>;
  readonly log: Logger;
}

/** How often a message is tried before the owner is told that it could not be handled. */
const TRIES = 3;
/** How long to wait for the disk before a message is tried again. */
const RETRY_MS = 5_000;

/** So many messages of a pending sender behind one make it pointless to hold that one: many more than are held. */
const OVERTAKEN = 20;

/** Takes every message of the journal on its way, one sender's after the other. */
export class Route {
  /** One chain a sender, by LID where the journal knows it: their messages stay in order. */
  private readonly chains = new Chains<JournalRecord>(
    ({ _id }) => senderOf(_id),
    (record) => this.try(record),
  );
  private readonly door: Door;
  /** What the responder has on disk and the journal not yet: a full disk does not ask it twice. */
  private readonly given = new Set<string>();
  private readonly stopping = new AbortController();
  /** What an earlier run left behind, by the journal's id. */
  private left: ReadonlySet<string> = new Set();

  /** @param pause lets time go by before a message is tried again, milliseconds; ends early at `signal` */
  constructor(
    private readonly rooms: Rooms,
    private readonly pause: (ms: number, signal: AbortSignal) => Promise<void> = wait,
  ) {
    this.door = new Door(rooms);
  }

  /** Handles what a crash left behind, in order of arrival, and from then on what comes in. */
  async start(): Promise<void> {
    const left = await this.rooms.journal.unhandled();
    this.left = new Set(left.map(({ _id }) => _id));
    this.rooms.journal.onRecord((record) => this.take(record));
    for (const record of left) this.take(record);
  }

  /** Lets the messages at hand finish; takes no more. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.chains.done();
  }

  /** Handles messages that were held while their sender was pending. */
  async release(contact: Contact, held: readonly Held[]): Promise<void> {
    const me = this.rooms.me();
    if (!me)
      throw new KafclawError("not-linked", "Not linked to WhatsApp; what is held stays held until it is.", "failed");
    for (const { journalId, edit } of held) {
      const record = await this.rooms.journal.get(journalId);
      if (record?.state !== "held") continue;
      const message = normalise(record, me);
      if (message) await this.respond(await this.asEdited(message, edit, me), contact, record);
      if (edit !== undefined) await this.rooms.journal.letGo(edit);
    }
    await this.rooms.access.settle(
      contact,
      held.map(({ journalId }) => journalId),
    );
  }

  /** A held message with the words that its sender's last edit left it. */
  private async asEdited(message: Inbound, edit: string | undefined, me: Me): Promise<Inbound> {
    const record = edit === undefined ? undefined : await this.rooms.journal.get(edit);
    const now = record && normalise(record, me)?.content;
    const { content } = message;
    if (now?.kind !== "edit") return message;
    if (content.kind === "text") return { ...message, content: { ...content, text: now.text } };
    return content.kind === "media" ? { ...message, content: { ...content, caption: now.text } } : message;
  }

  /** Lets go of texts that were held and that nobody can want any more: of who was denied, removed, or waited too long. */
  async tidy(): Promise<void> {
    const { access, journal } = this.rooms;
    const held = await journal.held();
    const wanted = access.wanted();
    for (const id of held) if (!wanted.has(id)) await journal.letGo(id);
  }

  private take(record: JournalRecord): void {
    if (!this.stopping.signal.aborted) this.chains.add(record);
  }

  /**
   * Handles a message, again and again while the disk is full, a few times where something else fails; then the owner is
   * told. What the same sender wrote later waits behind it.
   */
  private async try(record: JournalRecord): Promise<void> {
    const { log, journal, tell } = this.rooms;
    const { signal } = this.stopping;
    let failures = 0;
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        return await this.handle(record);
      } catch (error) {
        const waits = error instanceof KafclawError && error.kind === "failed";
        if (!waits) failures += 1;
        // Each line as long after the last as all before took: the disk may be full because of the log.
        if (!waits || isPowerOfTwo(tries))
          log.error({ err: error, id: record._id, tries }, "a message could not be handled");
        if (failures >= TRIES) {
          const reason = error instanceof Error ? error.message : String(error);
          await journal.handled(record, { verdict: "failed" }).catch(() => {});
          await tell.stuck(record._id, reason).catch(() => {});
          return;
        }
        await this.pause(RETRY_MS, signal);
      }
    }
  }

  private async handle(taken: JournalRecord): Promise<void> {
    const { journal, outbox, me } = this.rooms;
    const self = me();
    if (!self) throw new KafclawError("not-linked", "Not linked to WhatsApp; the message waits until it is.", "failed");
    const record = await this.unsealed(taken, self);
    const more = await Promise.all(resent(record, self).map((raw) => withOtherAddress(raw, this.rooms.mapped)));
    if (more.length > 0) await journal.record(more.map(({ attrs, body }) => journal.draft(attrs, body)));
    const message = normalise(record, self);
    if (!message) return journal.handled(record, { verdict: "nothing" });
    if (message.fromMe && (await outbox.has(message.id))) {
      return journal.handled(record, { verdict: "own" });
    }
    const waited = record.attrs.offline !== undefined || this.left.has(record._id);
    const name = this.rooms.access.mask(message.name);
    const complete = await this.complete({ waited, ...message, name });
    // What waited for an answer of WhatsApp's is for the next start.
    if (this.stopping.signal.aborted) return;
    const isOwnChat = complete.chat.kind === "person" && same(complete.chat.person, self);
    if (complete.chat.kind === "person" && (isOwnChat || !complete.fromMe)) await this.learn(complete);
    await this.pass(complete, this.judge(complete), record);
  }

  /** An edit as it would have come unsealed, where the message that it changes is known; everything else as it is. */
  private async unsealed(record: JournalRecord, me: Me): Promise<JournalRecord> {
    const target = sealedTarget(record.body);
    const original = target === undefined ? undefined : await this.rooms.journal.bySameSender(record, target);
    const body = original && unseal(record, original.body, me);
    return body === undefined ? record : { ...record, body };
  }

  /** Adds the address that the message did not bring, where it was learned before. */
  private async complete(message: Inbound): Promise<Inbound> {
    const { chat } = message;
    if (chat.kind !== "person") return message;
    // Whom the owner writes to from the bot's own phone is nobody who waits to be known.
    const person = await (message.fromMe ? this.withBoth(chat.person) : this.completePerson(chat.person));
    const sender = message.fromMe ? message.sender : person;
    return { ...message, sender, chat: { ...chat, person } };
  }

  /** Who is not in yet may be the owner or a contact whose LID or number WhatsApp is being asked for, as after a login. */
  private async completePerson(person: Person): Promise<Person> {
    const { access, lidsAsked } = this.rooms;
    const complete = await this.withBoth(person);
    const { kind } = access.judge({ place: "person", sender: complete, fromMe: false });
    if (kind !== "stranger" && kind !== "pending") return complete;
    await lidsAsked();
    return this.withBoth(person);
  }

  private async withBoth(person: Person): Promise<Person> {
    const { pn, lid } = person;
    if (pn && !lid) {
      const user = await this.rooms.mapped(digitsOf(pn), "pn");
      return (user && personFrom(pn, `${user}@lid`)) || person;
    }
    if (lid && !pn) {
      const user = await this.rooms.mapped(digitsOf(lid), "lid");
      return (user && personFrom(`${user}@s.whatsapp.net`, lid)) || person;
    }
    return person;
  }

  private async learn(message: Inbound): Promise<void> {
    const { access, tell } = this.rooms;
    const chat = message.chat.kind === "person" ? message.chat.address : undefined;
    const facts = { name: message.name, cause: message.journalId, ...(chat ? { chat } : {}) };
    const learned = await access.learn(message.sender, facts);
    if (learned.kind !== "same") await tell.learned(learned);
  }

  private judge(message: Inbound): Verdict {
    const { chat, fromMe, sender } = message;
    const person = chat.kind === "person" ? chat.person : sender;
    return this.rooms.access.judge({ place: chat.kind, sender: person, fromMe });
  }

  private async pass(message: Inbound, verdict: Verdict, record: JournalRecord): Promise<void> {
    const { journal, adminChat } = this.rooms;
    if (verdict.kind !== "pending" && "contact" in verdict) await this.door.takeBack(message, verdict.contact);
    switch (verdict.kind) {
      case "owner":
        await adminChat.handle(message);
        return journal.handled(record, { verdict: "owner", who: formatNumber(message.sender) });
      case "buddy":
        // After a crash, the message that let its sender in comes again, and the owner may not have been told.
        if (isDoor(message, verdict.contact)) return this.knock(message, { kind: "stranger" }, record);
        return this.respondInTurn(message, verdict.contact, record);
      case "pending":
      case "stranger":
        if (verdict.kind === "stranger" && verdict.owner !== undefined) return this.door.confirm(message, record);
        return this.knock(message, verdict, record);
      case "denied":
        return journal.handled(record, { verdict: "denied", who: formatNumber(message.sender) });
      case "ignored":
        return journal.handled(record, { verdict: verdict.reason });
    }
  }

  private async knock(
    message: Inbound,
    verdict: Extract<Verdict, { kind: "pending" | "stranger" }>,
    record: JournalRecord,
  ): Promise<void> {
    // Whoever writes faster than the disk can follow has only the last held anyway.
    const isOvertaken = this.chains.waiting(record) >= OVERTAKEN;
    const knocked = await this.door.knock(message, verdict, record, isOvertaken);
    if (knocked.kind === "let-in") return this.respondInTurn(message, knocked.contact, record);
    if (knocked.kind === "decided") return this.pass(message, this.judge(message), record);
  }

  /** What a new buddy writes waits with what was held of them for the end of the grace, and behind it. */
  private async respondInTurn(message: Inbound, contact: Contact, record: JournalRecord): Promise<void> {
    const { signal } = this.stopping;
    await this.rooms.released(contact, signal);
    if (signal.aborted) return;
    // Much may have been decided meanwhile.
    const verdict = this.judge(message);
    if (verdict.kind === "buddy") return this.respond(message, verdict.contact, record);
    return this.pass(message, verdict, record);
  }

  /** Gives a buddy's message to the responder, which has it on disk before the journal lets go of it. */
  private async respond(message: Inbound, contact: Contact, record: JournalRecord): Promise<void> {
    const { responder, journal, log, access } = this.rooms;
    const { content } = message;
    // An edit that leaves no words to see is none to answer.
    const isEdit = content.kind === "edit" && content.text !== "";
    const isForResponder = isSaid(message) || isEdit || content.kind === "revoke";
    if (isForResponder && !this.given.has(record._id)) {
      await responder.respond(masked(message, access.mask.bind(access)), contact);
      this.given.add(record._id);
      log.debug({ id: message.id, code: contact.code }, "message to the responder");
    }
    await journal.handled(record, { verdict: "buddy", what: content.kind });
    this.given.delete(record._id);
  }
}

/** Whether this is the very message whose `--auto` invite let its sender in. */
function isDoor({ journalId }: Inbound, { history }: Contact): boolean {
  return history.some(({ action, by }) => action === "approve" && by.cause === journalId);
}

/** The pairing token is never told to anyone, the responder included. */
function masked(message: Inbound, mask: (text: string) => string): Inbound {
  const { content } = message;
  switch (content.kind) {
    case "text":
    case "edit":
      return { ...message, content: { ...content, text: mask(content.text) } };
    case "media": {
      const { fileName } = content;
      const named = fileName === undefined ? {} : { fileName: mask(fileName) };
      return { ...message, content: { ...content, caption: mask(content.caption), ...named } };
    }
    default:
      return message;
  }
}

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => {});
}

function isPowerOfTwo(count: number): boolean {
  return Number.isInteger(Math.log2(count));
}
