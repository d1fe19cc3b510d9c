import { type Access, type Clock, isContactAction, isObeyed } from "../access/index.js";
import { HOUR, isStale, isWithin, SECOND } from "../clock.js";
import { KafclawError } from "../errors.js";
import { present } from "../present.js";
import { type Message, own, renderWhatsApp, say } from "../text.js";
import type { Inbound, Outbox } from "../whatsapp/types.js";
import { Answers } from "./answers.js";
import { splitWords } from "./arguments.js";
import type { Notices } from "./notices.js";
import { readOrder } from "./read.js";
import { allOf, type OrderRecord, type Records } from "./records.js";
import { findCommand, nearestCommand } from "./registry.js";
import type { Secrets } from "./secrets.js";
import { refused } from "./targets.js";
import type { CommandContext, Decider, Gateway, Said } from "./types.js";
import { labels, wasDone } from "./words.js";

/** How often somebody who chats with the bot is told that it only knows commands. */
const HINT_MS = 6 * HOUR;
/** Answered orders that are remembered; far more than WhatsApp ever replays. */
const ORDERS_KEPT = 500;

/** What the admin chat needs. */
export interface ChatParts {
  readonly access: Access;
  readonly gateway: Gateway;
  readonly decider: Decider;
  readonly notices: Notices;
  readonly secrets: Secrets;
  readonly outbox: Outbox;
  readonly records: Records;
  readonly clock: Clock;
  readonly serverNow: Clock;
  readonly timezone: string;
}

/**
 * The one WhatsApp chat in which the owner commands the bot (DESIGN 5). Gets what the gate judged to be the owner's;
 * everything that a message does, and the answer to it, happens once, however often the message is handled (I10).
 */
export class AdminChat {
  private work: Promise<unknown> = Promise.resolve();
  private readonly answers: Answers;
  private hinted = Number.NEGATIVE_INFINITY;
  private orders: string[] | undefined;

  constructor(private readonly parts: ChatParts) {
    this.answers = new Answers(parts);
  }

  /**
   * Handles one message of the owner, after those before it.
   * @throws KafclawError of kind `failed` where the disk can't be written: nothing was answered, so handle it again
   */
  handle(message: Inbound): Promise<void> {
    const mine = this.work.then(() => this.take(message));
    this.work = mine.catch(() => {});
    return mine;
  }

  private async take(message: Inbound): Promise<void> {
    const { access, records, notices, secrets } = this.parts;
    if (!isObeyed(access.owner())) return;
    await notices.ownerNamed(message.name);

    const _id = orderId(message);
    const known = await records.get(_id);
    if (known?.kind === "order") {
      if (known.reply !== undefined) await this.send(message, { ...known, reply: known.reply });
      return;
    }
    const result = await this.answer(message);
    if (result === undefined) return;
    for (const secret of result.voids ?? []) await secrets.void(secret);
    const reply = {
      text: renderWhatsApp(result.message),
      ...present({ secret: result.secret }),
    };
    const order = { _id, kind: "order", at: this.parts.clock(), reply } as const;
    await records.put(order);
    await this.send(message, order);
  }

  /** What a message gets for an answer; nothing for most that are no orders. */
  private async answer(message: Inbound): Promise<Said | undefined> {
    const { content } = message;
    try {
      switch (content.kind) {
        case "text":
          return await this.text(message, content.text);
        case "media":
        case "other":
          return await this.talk(message);
        case "edit":
          return readOrder(content.text).kind === "command" ? { message: NO_EDITS } : await this.change(message);
        case "revoke":
          return await this.change(message);
        case "reaction":
          return await this.answers.reaction(await this.asAnswer(message), content);
        default:
          return undefined;
      }
    } catch (error) {
      if (!(error instanceof KafclawError) || error.kind === "failed") throw error;
      return { message: say`${error.message}` };
    }
  }

  private async text(message: Inbound, text: string): Promise<Said | undefined> {
    const order = readOrder(text);
    if (message.forwarded) return order.kind === "command" ? { message: NO_FORWARDS } : this.talk(message);
    switch (order.kind) {
      case "command":
        return this.command(message, order.name, order.rest);
      case "answer": {
        const answered = await this.answers.quote(await this.asAnswer(message), message.quotes, order.decides);
        if (answered !== "whom") return answered;
        const isAsked = message.quotes === undefined && this.parts.access.counts().pending > 0;
        return isAsked ? this.toWhom(order.said, message) : this.talk(message, order.said);
      }
      case "talk":
        return this.talk(message, "");
    }
  }

  /** What is no order may be for the responder: a reply to a relayed message, or talk with the bot. @param said absent where no hint is due: for media, and what was forwarded */
  private async talk(message: Inbound, said?: string): Promise<Said | undefined> {
    const unclear = await this.answers.unclear(message.quotes);
    if (unclear !== undefined) return unclear;
    const taken = (await this.parts.gateway.responder.fromOwner?.(message)) ?? "unmeant";
    if (taken === "taken") return undefined;
    if (taken !== "unmeant") return { message: taken };
    return said ? this.toWhom(said, message) : this.hint(message, said !== undefined);
  }

  /** The owner edits or deletes what may have been a reply to a relayed message. */
  private async change(message: Inbound): Promise<Said | undefined> {
    const said = await this.parts.gateway.responder.fromOwner?.(message);
    return typeof said === "object" ? { message: said } : undefined;
  }

  private async command(message: Inbound, name: string, rest: string): Promise<Said> {
    const command = findCommand(name);
    if (command === undefined) return unknownCommand(name);
    const context = await this.context(message);
    const args = splitWords(rest);
    const age = typeof command.age === "function" ? command.age(args, context) : command.age;
    const done = age === "changes" ? await this.parts.access.causedBy(message.journalId) : [];
    const isChange = age === "changes" || age === "this run";
    if (isChange && this.isStale(message)) {
      return done.length === 0 ? stale(own(`/${command.name}`)) : { message: wasDone(done) };
    }
    if (age === "this run" && this.isOfEarlierRun(message)) return { message: EARLIER_RUN };
    if (done.length === 0) return command.run(args, context);
    // What a crash or the disk kept from its answer: there may be nothing left to do, and that is no refusal.
    const again = await command.run(args, context).catch(refused);
    const now = await this.parts.access.causedBy(message.journalId);
    return again.ok === false && now.length === done.length ? { message: wasDone(done) } : again;
  }

  private async context(message: Inbound): Promise<CommandContext> {
    const { access, decider, gateway, outbox, clock, serverNow, timezone, notices } = this.parts;
    const sent = await notices.sent();
    const hadLeft = (ids: readonly string[], at: number) => outbox.hadLeft(ids, at + clock() - serverNow());
    const { pn, lid } = message.sender;
    const base: CommandContext = {
      access,
      decider,
      gateway,
      clock,
      door: "whatsapp",
      by: { door: "whatsapp", who: pn ?? lid ?? "owner", cause: message.journalId },
      sentAt: message.at + clock() - serverNow(),
      shown: sent.shownBefore(message.at, hadLeft),
      timezone,
    };
    if (message.quotes === undefined) return base;
    const quoted = this.answers.quoted(sent, message.quotes, message.journalId);
    const quotedDecision = quoted.quotedDecision ?? (await this.decisionIn(message.quotes));
    return { ...base, ...quoted, ...present({ quotedDecision }) };
  }

  /** The one decision that an answer of ours told. */
  private async decisionIn(messageId: string): Promise<string | undefined> {
    const { records, access } = this.parts;
    const order = (await allOf(records, "order")).find(({ ids }) => ids?.includes(messageId));
    const done = order === undefined ? [] : await access.causedBy(order._id.slice(ORDER.length));
    const [decision, ...others] = done.filter(({ action }) => isContactAction(action));
    return others.length === 0 ? decision?._id : undefined;
  }

  private async asAnswer(message: Inbound) {
    return { context: await this.context(message), cause: message.journalId, isStale: this.isStale(message) };
  }

  private isStale(message: Inbound): boolean {
    return isStale(message.at, this.parts.serverNow());
  }

  /**
   * Given before the gateway started, and not heard until now. WhatsApp tells its own time and a message's in whole
   * seconds: one that may be from before counts as such.
   */
  private isOfEarlierRun({ waited, at }: Inbound): boolean {
    const { gateway, clock, serverNow } = this.parts;
    if (waited !== true || gateway.startedAt === undefined) return false;
    return serverNow() - at + SECOND > clock() - gateway.startedAt;
  }

  /** A bare yes or no changes nothing. */
  private toWhom(said: string, message: Inbound): Said | undefined {
    const waiting = this.parts.access.list("pending");
    const [first] = waiting;
    if (first === undefined) return this.hint(message);
    const word = own(said.charAt(0).toUpperCase() + said.slice(1).toLowerCase());
    const how = own(`Quote the notice with it, or /approve ${first.code}, /deny ${first.code}.`);
    return { message: say`${word} to whom? Pending: ${labels(waiting)}. ${how}` };
  }

  /**
   * In the bot's own chat, talk gets a hint once in a while; the owner's notes to self are the owner's own business.
   * Where quoted replies go to buddies, each that does not is told.
   */
  private hint(message: Inbound, isDue = true): Said | undefined {
    const now = this.parts.clock();
    const isRelay = this.parts.gateway.responder.mode === "relay";
    if (isRelay && message.quotes !== undefined) return { message: TO_NOBODY };
    const isOwnChat = this.parts.access.owner()?.setup === "self";
    if (!isDue || isOwnChat || this.isStale(message) || isWithin(HINT_MS, this.hinted, now)) return undefined;
    this.hinted = now;
    const relay = isRelay ? ", or quote a buddy's message to reply to them" : "";
    return { message: own(`I only know commands here: /help lists them${relay}.`) };
  }

  private async send(message: Inbound, order: OrderRecord & Required<Pick<OrderRecord, "reply">>): Promise<void> {
    const { outbox, access, records, secrets } = this.parts;
    const { text, secret } = order.reply;
    const to = access.owner()?.person ?? message.sender;
    const place = message.chat.kind === "person" ? { to, address: message.chat.address } : { to };
    const ids = await outbox.post({
      kind: "text",
      ...place,
      text,
      key: `reply:${message.journalId}`,
      ...present({ expiration: message.expiration }),
    });
    if (secret !== undefined) {
      const { until, id } = secret;
      await secrets.keep({ ids, ...place, until, ...present({ secretId: id }) });
    }
    // The reply's text, which may hold a secret, is needed no more.
    await records.put({ _id: order._id, kind: "order", at: order.at, ids });
    await this.forgetOldest(order._id);
  }

  private async forgetOldest(latest: string): Promise<void> {
    const { records } = this.parts;
    if (this.orders === undefined) {
      const found = await allOf(records, "order");
      this.orders = found.sort((a, b) => a.at - b.at).map(({ _id }) => _id);
    }
    if (!this.orders.includes(latest)) this.orders.push(latest);
    const surplus = this.orders.splice(0, Math.max(0, this.orders.length - ORDERS_KEPT));
    if (surplus.length > 0) await records.remove(surplus);
  }
}

const NO_EDITS = own("An edited message is never a command. Send it as a new message.");
const NO_FORWARDS = own("A forwarded message is never a command. If you mean it, type it yourself.");

const TO_NOBODY = own(
  "That went to nobody: what you quoted is no buddy's message (💬) of the last week. Quote a newer one of theirs, or write to them from the bot's phone.",
);

const EARLIER_RUN = own(
  "🔇 Silent mode is on since the gateway started, and your order is from before that, so nothing changed. Send /silent off again if you still mean it.",
);

/** The id of an order's record, before the message's journal id. */
const ORDER = "order:";

function orderId({ journalId }: Inbound): string {
  return ORDER + journalId;
}

/** What an order that came too late is answered (I11). */
function stale(what: Message): Said {
  return {
    message: say`${what} reached me more than 15 minutes late, so nothing changed. Send it again if you still mean it.`,
  };
}

function unknownCommand(name: string): Said {
  if (name === "") return { message: own("/help lists the commands.") };
  const near = nearestCommand(name);
  const hint = own(near === undefined ? "/help lists them." : `Did you mean /${near}?`);
  return { message: say`There is no command /${name}. ${hint}` };
}
