import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { type BinaryNode, Curve, type KeyPair } from "@whiskeysockets/baileys";
import { WebSocketServer } from "ws";
import { keepSessionsApart } from "../whatsapp/ratchet.js";
import type { Companion } from "./account.js";
import { Connection } from "./connection.js";
import { type DisconnectKind, end } from "./faults.js";
import type { Answer } from "./incoming.js";
import { certify } from "./noise.js";
import type { Person } from "./person.js";
import { Phone } from "./phone.js";
import type { Stanza } from "./record.js";
import { Switchboard } from "./switchboard.js";

const HOST = "127.0.0.1";
const PATH = "/ws/chat";
/** LIDs given to people who don't bring one. */
const FIRST_LID = 100_000_000_001;

/** How a server is started; everything has a default. */
export interface WhatsAppOptions {
  /** A free one unless given. */
  readonly port?: number;
  /** The Noise root key that clients have to trust; a new one unless given. */
  readonly rootKey?: KeyPair;
  /** Milliseconds since 1970. */
  readonly clock?: () => number;
}

/** A linked companion, seen from outside. */
export interface CompanionView {
  readonly jid: string;
  readonly device: number;
  readonly connected: boolean;
  /** Stanzas that it has not taken yet. */
  readonly waiting: number;
  /** One-time keys that the server still has of it. */
  readonly preKeys: number;
}

/** A WhatsApp on loopback. See index.ts. */
export class WhatsApp {
  /** The Noise root key to trust, as `KAFCLAW_WHATSAPP_ROOT_KEY` wants it. */
  readonly rootKeyHex: string;
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #board: Switchboard;
  #port = 0;
  #lastLid = FIRST_LID;

  private constructor(options: WhatsAppOptions) {
    keepSessionsApart();
    const root = options.rootKey ?? Curve.generateKeyPair();
    this.rootKeyHex = Buffer.from(root.public).toString("hex");
    const board = new Switchboard(options.clock ?? Date.now);
    this.#board = board;
    this.#http = createServer((request, response) => board.media.serve(request, response));
    this.#http.on("connection", (socket) => {
      if (board.faults.held) {
        socket.destroy();
      }
    });
    const certificates = certify(root);
    const events = board.events();
    this.#sockets = new WebSocketServer({ server: this.#http, path: PATH });
    this.#sockets.on("connection", (socket) => board.connections.add(new Connection(socket, certificates, events)));
  }

  /** Starts a server; it listens when this resolves. */
  static async start(options: WhatsAppOptions = {}): Promise<WhatsApp> {
    const server = new WhatsApp(options);
    await new Promise<void>((resolve, reject) => {
      server.#http.once("error", reject);
      server.#http.listen(options.port ?? 0, HOST, resolve);
    });
    // A listening TCP server's address is never a string (that is for pipes) or null.
    server.#port = (server.#http.address() as AddressInfo).port;
    return server;
  }

  /** Protocol errors of clients and failures of the simulator itself, in words. A good test ends with none. */
  get troubles(): readonly string[] {
    return this.#board.troubles;
  }

  /** What `KAFCLAW_WHATSAPP_URL` has to be. */
  get url(): string {
    return `ws://${HOST}:${this.#port}${PATH}`;
  }

  /** Gives somebody an account and a phone. Costs next to nothing until the phone speaks. */
  phone(person: Person = {}): Phone {
    const lid = person.lid === null ? undefined : (person.lid ?? this.#newLid());
    const account = this.#board.directory.add(person.pn, lid, person.name ?? "");
    account.asksAgain = person.asksAgain ?? false;
    for (const number of person.alsoDialled ?? []) {
      this.#board.directory.alsoDialled(account, number);
    }
    const { clock, directory, post, pairing, media } = this.#board;
    return new Phone(account, {
      clock,
      directory,
      post,
      pairing,
      media,
      unlink: (companion) => this.#board.remove(companion),
      add: (other) => this.phone(other),
    });
  }

  /** Calls `listener` after everything that a companion did, until the returned function is called. */
  onChange(listener: () => void): () => void {
    return this.#board.watch.listen(listener);
  }

  /** The paths of files that were asked for over HTTP, in order. */
  get downloads(): readonly string[] {
    return this.#board.media.fetched;
  }

  /** Resolves when so many files were asked for. */
  waitForDownload(times: number): Promise<void> {
    return this.#board.media.waitForFetch(times);
  }

  /** Every stanza that companions sent, decrypted, in order. */
  get record(): readonly Stanza[] {
    return this.#board.record.stanzas;
  }

  /** What companions sent to one person, under any address: messages, receipts, chat states, presence, calls, acks. */
  stanzasTo(phone: Phone, kind?: string): Stanza[] {
    return this.#board.record.to(phone.account).filter((stanza) => kind === undefined || stanza.kind === kind);
  }

  clearRecord(): void {
    this.#board.record.clear();
  }

  /** The first recorded stanza that fits, waiting for it where needed. */
  waitForStanza(fits: (stanza: Stanza) => boolean, options: { timeoutMs?: number } = {}): Promise<Stanza> {
    return this.#board.record.wait(fits, options.timeoutMs);
  }

  get companions(): CompanionView[] {
    return this.#board.directory.companions().map((companion) => ({
      jid: companion.address("pn"),
      device: companion.device,
      connected: isOpen(companion),
      waiting: companion.queue.size,
      preKeys: companion.keys.preKeys.length,
    }));
  }

  /** Whether a companion is logged in and has got what waited. */
  get connected(): boolean {
    return this.#board.directory.companions().some(isOpen);
  }

  /** How many sockets are open, logged in or not. */
  get connections(): number {
    return this.#board.connections.size;
  }

  /**
   * Resolves when a companion is logged in and has got what waited, or when no socket is open at all.
   * @param options phone, device: which companion has to be open; any will do unless given.
   */
  async waitForCompanion(
    state: "open" | "closed",
    options: { readonly phone?: Phone; readonly device?: number; readonly timeoutMs?: number } = {},
  ): Promise<void> {
    const { phone, device } = options;
    const wanted = (companion: Companion): boolean =>
      (phone === undefined || companion.account === phone.account) &&
      (device === undefined || companion.device === device) &&
      isOpen(companion);
    const reached = (): boolean =>
      state === "open" ? this.#board.directory.companions().some(wanted) : this.#board.connections.size === 0;
    await this.#board.watch.until(
      () => (reached() ? true : undefined),
      () => `The companion did not become ${state}.`,
      options.timeoutMs,
    );
  }

  /** Resolves when every companion has taken everything. */
  async waitUntilTaken(options: { timeoutMs?: number } = {}): Promise<void> {
    await this.#board.watch.until(
      () => (this.companions.every(({ waiting }) => waiting === 0) ? true : undefined),
      () => `Not taken: ${this.companions.map(({ jid, waiting }) => `${waiting} by ${jid}`).join(", ")}.`,
      options.timeoutMs,
    );
  }

  /**
   * Drops every live connection.
   * @param code the stream error's code or the failure's reason; it means nothing for "close" and "conflict".
   */
  disconnect(code: number, options: { kind?: DisconnectKind; attrs?: Record<string, string> } = {}): void {
    for (const connection of this.#board.connections) {
      end(connection, code, options.kind ?? "stream-error", options.attrs ?? {});
    }
  }

  /** Answers the next `times` logins and registrations with a failure; `attrs` may hold a ban's `expire` (seconds). */
  refuseLogins(code: number, times = Number.POSITIVE_INFINITY, attrs: Record<string, string> = {}): void {
    this.#board.faults.refuse(code, times, attrs);
  }

  /** Lets logins through again. */
  acceptLogins(): void {
    this.#board.faults.refuse(0, 0, {});
  }

  /** Accepts no connections, and cuts the ones there are, as a dead network does. */
  hold(): void {
    this.#board.faults.held = true;
    for (const connection of this.#board.connections) {
      connection.cut();
    }
  }

  resume(): void {
    this.#board.faults.held = false;
  }

  /** Answers nothing for so long; then all that came meanwhile. */
  stall(milliseconds: number): void {
    this.#board.faults.stall(milliseconds, this.#board.connections);
  }

  /**
   * Sends messages to companions in another way from now on: later, in another order, twice; nothing given: at once.
   * @param how gets what sends one message, to call when and as often as it likes
   */
  disturb(how: (send: () => void) => void = (send) => send()): void {
    this.#board.faults.disturb = how;
  }

  /** Decides what happens to the messages that companions send from now on; nothing given: all are taken. */
  answerMessages(answer: (node: BinaryNode) => Answer = () => ({ kind: "ack" })): void {
    this.#board.sorting.answer = answer;
  }

  /**
   * Changes the answers to companions' queries from now on.
   * @param answer returns another answer, "nothing" for none at all, or undefined for the usual one.
   */
  answerQueries(answer: (query: BinaryNode) => BinaryNode | "nothing" | undefined = () => undefined): void {
    this.#board.answer = answer;
  }

  /** Takes its time with the usual answers to queries from now on, milliseconds; nothing given: none. */
  delayQueries(delay: (query: BinaryNode) => number = () => 0): void {
    this.#board.delay = delay;
  }

  /** Changes the attributes with which logins are answered from now on; nothing given: the usual ones. */
  answerLogins(change: (attrs: Readonly<Record<string, string>>) => Record<string, string> = (attrs) => attrs): void {
    this.#board.login.success = change;
  }

  /** Sends any stanza to every live companion, as it is. */
  push(stanza: BinaryNode): void {
    for (const companion of this.#board.directory.companions()) {
      companion.connection?.send(stanza);
    }
  }

  /** Sends every live companion a frame that it can't read. */
  garble(): void {
    for (const companion of this.#board.directory.companions()) {
      companion.connection?.sendGarbage();
    }
  }

  async close(): Promise<void> {
    this.#board.faults.wake(this.#board.connections);
    for (const connection of this.#board.connections) {
      connection.cut();
    }
    this.#sockets.close();
    await new Promise<void>((resolve) => this.#http.close(() => resolve()));
    this.#board.quiet.close();
  }

  #newLid(): string {
    this.#lastLid += 1;
    return String(this.#lastLid);
  }
}

function isOpen(companion: Companion): boolean {
  return companion.live && companion.connection?.open === true;
}
