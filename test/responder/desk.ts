/** A responder over a real contact book, a real outbox and real files; the model, the wire and time are the test's. */

import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { onTestFinished } from "vitest";
import type { Person } from "../../src/access/identity.js";
import type { Contact } from "../../src/access/types.js";
import { KafclawError } from "../../src/errors.js";
import type { ConversationDoc } from "../../src/responder/book.js";
import type { ChatMessage } from "../../src/responder/frame.js";
import type { ResponderParts } from "../../src/responder/parts.js";
import { createResponder } from "../../src/responder/responder.js";
import type { RunningResponder } from "../../src/responder/types.js";
import { openStore, type Store } from "../../src/store/index.js";
import type { Collection } from "../../src/store/types.js";
import { renderPlain } from "../../src/text.js";
import { fetchMediaFrom } from "../../src/whatsapp/media.js";
import type { RunningOutbox } from "../../src/whatsapp/outbox/index.js";
import type { Content, Inbound } from "../../src/whatsapp/types.js";
import { House, OWNER } from "../access/house.js";
import { Clockwork } from "../clockwork.js";
import { Rig } from "../whatsapp/outbox/rig.js";

export { ALICE, BOB, OWNER } from "../access/house.js";

export class Desk {
  readonly time = new Clockwork();
  readonly rig = new Rig();
  /** What the model was asked, in order. */
  readonly asked: (readonly ChatMessage[])[] = [];
  /** What it answers; throw a ModelProblem to fail. */
  answering: (messages: readonly ChatMessage[], signal: AbortSignal) => Promise<string> | string = () => "Ahoy!";
  /** What it hears in a voice note. */
  hearing: () => Promise<string> | string | undefined = () => undefined;
  /** Documents that the disk refuses. */
  refuses: (doc: ConversationDoc) => boolean = () => false;
  /** What the owner was told. */
  readonly told: string[] = [];
  paused = false;
  /** What every file that is sent holds; without it none can be fetched. */
  file: Buffer | undefined;
  responder!: RunningResponder;
  outbox!: RunningOutbox;
  private store!: Store;
  private messages = 0;

  private constructor(
    readonly house: House,
    private readonly options: { readonly model: boolean; readonly settings: Partial<ResponderParts["settings"]> },
  ) {}

  static async open({
    model = true,
    settings = {},
  }: {
    model?: boolean;
    settings?: Partial<ResponderParts["settings"]>;
  } = {}) {
    const house = await House.open();
    await house.owned();
    const desk = new Desk(house, { model, settings });
    await desk.start();
    onTestFinished(async () => {
      await desk.responder.stop();
      await desk.store.close();
      await house.close();
    });
    return desk;
  }

  /** Ends the process without a word and starts it anew on the same files: silent mode is on, as after each start. */
  async crash(): Promise<void> {
    this.answering = () => new Promise(() => {});
    await this.store.close();
    this.rig.silent = true;
    await this.start();
  }

  private async start(): Promise<void> {
    const log = { info() {}, warn() {}, error() {} };
    this.store = await openStore(`${this.house.home}/responder`, { clock: () => this.time.now, log });
    this.outbox = await this.rig.start();
    this.responder = await createResponder({
      collection: this.breakable(await this.store.open<ConversationDoc>("conversation")),
      access: this.house.access,
      outbox: this.outbox,
      settings: {
        turns: 20,
        contextTokens: 6_000,
        dailyLimit: 200,
        ackReaction: undefined,
        mediaLimit: 50,
        mediaQuota: 1_000,
        selfChat: false,
        ...this.options.settings,
      },
      model: this.options.model
        ? {
            name: "parrot",
            ask: async (messages, signal, look) => {
              look?.();
              this.asked.push(messages);
              return this.answering(messages, signal);
            },
            transcribe: async (_path, _signal, look) => {
              look?.();
              return this.hearing();
            },
          }
        : undefined,
      soulPath: `${this.house.home}/SOUL.md`,
      mediaPath: `${this.house.home}/media`,
      fetchMedia: async (file, media, signal) =>
        this.file ? Readable.from([this.file]) : fetchMediaFrom("ws://127.0.0.1:9/ws/chat")(file, media, signal),
      timezone: "UTC",
      silent: () => this.rig.silent,
      paused: () => this.paused,
      serverNow: () => this.time.now,
      // Most desks have no soul file, and are told so at each start.
      tell: async (key, message) => void (key.startsWith("soul:") || this.told.push(renderPlain(message))),
      clock: () => this.time.now,
      scheduler: this.time,
      log,
    });
    this.told.length = 0;
    await this.responder.start();
  }

  private breakable(inner: Collection<ConversationDoc>): Collection<ConversationDoc> {
    const check = (docs: readonly ConversationDoc[]): void => {
      if (docs.some(this.refuses)) throw new KafclawError("disk-full", "The disk is full; make room.", "failed");
    };
    return {
      get: (id) => inner.get(id),
      find: (query, options) => inner.find(query, options),
      count: (query) => inner.count(query),
      put: async (doc) => {
        check([doc]);
        await inner.put(doc);
      },
      putAll: async (docs) => {
        check(docs);
        await inner.putAll(docs);
      },
      remove: (ids) => inner.remove(ids),
      close: () => inner.close(),
    };
  }

  /** A buddy writes; it is on disk when this resolves. */
  async says(contact: Contact, content: string | Content, more: Partial<Inbound> = {}): Promise<Inbound> {
    const said = typeof content === "string" ? ({ kind: "text", text: content } as const) : content;
    const message = { ...this.message(contact, said), ...more };
    await this.responder.respond(message, contact);
    return message;
  }

  /** The owner writes to the bot. */
  owner(text: string, more: Partial<Inbound> = {}) {
    return this.responder.fromOwner({ ...this.message(OWNER, { kind: "text", text }), ...more });
  }

  private message(from: Person, content: Content): Inbound {
    this.messages += 1;
    const address = from.lid ?? from.pn;
    if (address === undefined) throw new Error("nobody");
    return {
      journalId: `${address}/${this.messages}`,
      id: `ID${this.messages}`,
      chat: { kind: "person", person: from, address },
      sender: from,
      fromMe: false,
      name: "",
      at: this.time.now,
      content,
      forwarded: false,
    };
  }

  /** Lets time go by until something is so: slowly at first, then minutes, as an outage is looked at seldom. */
  async until(isSo: () => boolean): Promise<void> {
    for (let look = 0; !isSo(); look++) {
      if (look > 1_000) throw new Error(`it never was so; sent: ${JSON.stringify(this.texts())}`);
      await this.step(look < 200 ? 100 : 10_000);
    }
  }

  /** Lets time go by. */
  async wait(ms: number): Promise<void> {
    const step = Math.max(100, ms / 500);
    for (let passed = 0; passed < ms; passed += step) await this.step(step);
  }

  /** A while, in which the disk catches up. */
  private async step(ms: number): Promise<void> {
    await this.time.pass(ms);
    for (let turn = 0; turn < 2; turn++) {
      await stat(this.house.home);
      await this.store.open<ConversationDoc>("conversation").then((file) => file.count());
      await this.time.settled();
    }
  }

  /** What went out to people, as `+number: text`, in order. */
  texts(): readonly string[] {
    return this.rig.sent.map(({ jid, content }) => {
      const user = jid.split("@")[0];
      return `${user}: ${content.kind === "text" ? content.text : content.kind === "reaction" ? content.emoji : content.kind}`;
    });
  }
}
