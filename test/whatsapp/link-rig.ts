import { EventEmitter } from "node:events";
import type { AuthenticationCreds, ConnectionState, WASocket } from "@whiskeysockets/baileys";
import pino from "pino";
import { vi } from "vitest";
import { KafclawError } from "../../src/errors.js";
import type { Collection, Doc } from "../../src/store/types.js";
import { Journal } from "../../src/whatsapp/journal.js";
import { Link } from "../../src/whatsapp/link.js";
import { Session, type SessionDoc } from "../../src/whatsapp/session.js";
import { ClientVersion } from "../../src/whatsapp/version.js";
import { Clockwork } from "../clockwork.js";

export const NO_ROOM = "No room to write in the home.";

/** Something that the test lets happen when it likes. */
export class Gate {
  private readonly waiting: (() => void)[] = [];
  shut = false;

  async pass(): Promise<void> {
    if (this.shut) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  open(): void {
    this.shut = false;
    for (const go of this.waiting.splice(0)) go();
  }
}

/** A data file without the disk: a write waits at the gate, and fails while the disk is full. */
class Memory<T extends Doc> implements Collection<T> {
  readonly docs = new Map<string, T>();
  readonly gate = new Gate();
  full = false;

  async get(id: string): Promise<T | undefined> {
    return this.docs.get(id);
  }

  async find(): Promise<T[]> {
    return [...this.docs.values()];
  }

  async count(): Promise<number> {
    return this.docs.size;
  }

  async put(doc: T): Promise<void> {
    return this.putAll([doc]);
  }

  async putAll(docs: readonly T[]): Promise<void> {
    await this.gate.pass();
    if (this.full) throw new KafclawError("disk-full", NO_ROOM);
    for (const doc of docs) this.docs.set(doc._id, doc);
  }

  async remove(ids: readonly string[]): Promise<number> {
    if (this.full) throw new KafclawError("disk-full", NO_ROOM);
    return ids.filter((id) => this.docs.delete(id)).length;
  }

  async close(): Promise<void> {}
}

/** What a link has instead of Baileys: the test says what comes from WhatsApp. */
export class FakeSocket {
  readonly ws = new EventEmitter();
  readonly ev = Object.assign(new EventEmitter(), { flush: () => this.flushed() });
  readonly user = undefined;
  /** What Baileys does with what it buffers. */
  flushed: () => void = () => {};
  /** Shut while WhatsApp does not answer the closing handshake. */
  readonly closing = new Gate();
  readonly logout = vi.fn(async () => this.end());
  readonly requestPairingCode = vi.fn(async () => "ABCD1234");
  isEnded = false;

  constructor(readonly creds: AuthenticationCreds) {}

  private update(update: Partial<ConnectionState>): void {
    this.ev.emit("connection.update", update);
  }

  showQr(): void {
    this.update({ qr: "https://wa.me/settings/linked_devices#a,b,c,d,1" });
  }

  /** A phone takes the code. WhatsApp then wants a new connection. */
  pair(user: string): void {
    const account = { details: Buffer.from("x"), accountSignatureKey: Buffer.alloc(32) };
    Object.assign(this.creds, { account, me: { id: `${user}:1@s.whatsapp.net`, lid: `9${user}@lid` } });
    this.saves();
  }

  saves(): void {
    this.ev.emit("creds.update", {});
  }

  /** WhatsApp accepts the login, and what Baileys does then is done. */
  logIn(): void {
    this.ws.emit("CB:success", { tag: "success", attrs: {} });
    this.update({ connection: "open" });
  }

  /** WhatsApp says that all that waited there has come. */
  hasSent(count: number): void {
    const offline = { tag: "offline", attrs: { count: String(count) } };
    this.ws.emit("CB:ib,,offline", { tag: "ib", attrs: {}, content: [offline] });
  }

  /** WhatsApp ends the connection, or the network does, which has a code of its own. */
  close(statusCode: number, code?: string): void {
    void this.end(Object.assign(new Error("Connection Failure"), { output: { statusCode }, code }));
  }

  async end(error?: Error): Promise<void> {
    if (this.isEnded) return;
    this.isEnded = true;
    await this.closing.pass();
    this.update({ connection: "close", lastDisconnect: { error, date: new Date() } });
  }
}

/** A link with sockets that the test plays, files in memory, and time that it winds. */
export class LinkRig {
  /** What the link emitted, states by their code and events by their name. */
  readonly heard: string[] = [];

  private constructor(
    readonly time: Clockwork,
    readonly sockets: FakeSocket[],
    readonly settings: Memory<Doc>,
    readonly lines: Memory<SessionDoc>,
    /** Shut while the newest version is asked for. */
    readonly version: Gate,
    readonly session: Session,
    readonly journal: Journal,
    readonly link: Link,
  ) {
    for (const event of ["open", "linked"] as const) link.on(event, () => this.heard.push(event));
  }

  static async create(): Promise<LinkRig> {
    const time = new Clockwork();
    const clock = () => time.now;
    const sockets: FakeSocket[] = [];
    const settings = new Memory<Doc>();
    const lines = new Memory<SessionDoc>();
    const version = new Gate();
    const log = pino({ level: "silent" });
    const isKnown = () => false;
    const journal = await Journal.open(new Memory(), clock);
    const session = await Session.open({
      collection: lines,
      journal,
      isKnown,
      onMapping: () => {},
      onFailure: (error) => link.fail(error),
    });
    const link: Link = await Link.create({
      session,
      journal,
      settings,
      version: await ClientVersion.open(settings, async () => {
        await version.pass();
        return { version: [2, 3000, 2_000_000_000], isLatest: true };
      }),
      log,
      baileysLog: log,
      clock,
      random: () => 1,
      scheduler: time,
      openSocket: ({ creds }) => {
        const socket = new FakeSocket(creds);
        sockets.push(socket);
        // The link asks of a socket only what the fake has.
        return socket as unknown as WASocket;
      },
      isKnown,
      mayHear: isKnown,
      recall: async () => undefined,
    });
    return new LinkRig(time, sockets, settings, lines, version, session, journal, link);
  }

  /** Linked and logged in, for long enough to be taken for good. */
  static async open(): Promise<LinkRig> {
    const rig = await LinkRig.create();
    rig.link.start();
    await rig.pairs("15550009000");
    await rig.time.pass(60_000);
    rig.heard.length = 0;
    return rig;
  }

  /** A phone links the newest connection, and WhatsApp lets the new device in. */
  async pairs(user: string): Promise<void> {
    this.socket.pair(user);
    await this.time.settled();
    this.socket.close(515);
    await this.time.pass(0);
    this.socket.logIn();
    await this.time.settled();
  }

  /** The newest connection. */
  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error("no connection was made");
    return socket;
  }

  /** The connections that nobody ended. */
  get alive(): FakeSocket[] {
    return this.sockets.filter(({ isEnded }) => !isEnded);
  }
}
