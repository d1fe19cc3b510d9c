import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type BinaryNode,
  Curve,
  getBinaryNodeChild,
  getBinaryNodeChildren,
  type KeyPair,
  type proto,
} from "@whiskeysockets/baileys";
import { WebSocketServer } from "ws";
import type { Account, Companion } from "./account.js";
import { Connection, type ConnectionEvents } from "./connection.js";
import { Directory } from "./directory.js";
import { type DisconnectKind, end, Faults } from "./faults.js";
import { type Answer, Sorting } from "./incoming.js";
import { answerQuery } from "./iq.js";
import { Login } from "./login.js";
import { node } from "./node.js";
import { certify } from "./noise.js";
import { PostOffice } from "./outgoing.js";
import { Pairing } from "./pairing.js";
import { type Person, Phone } from "./phone.js";
import { Quiet } from "./quiet.js";
import { type Stanza, WireRecord } from "./record.js";
import { Watch } from "./watch.js";

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
  /** Protocol errors of clients and failures of the simulator itself, in words. A good test ends with none. */
  readonly troubles: string[] = [];
  readonly #http: Server;
  readonly #sockets: WebSocketServer;
  readonly #connections = new Set<Connection>();
  readonly #faults = new Faults();
  readonly #quiet = new Quiet();
  readonly #directory = new Directory(this.#quiet);
  readonly #watch = new Watch();
  readonly #clock: () => number;
  readonly #record: WireRecord;
  readonly #post: PostOffice;
  readonly #pairing: Pairing;
  readonly #login: Login;
  readonly #sorting: Sorting;
  #lastLid = FIRST_LID;
  #answer: (query: BinaryNode) => BinaryNode | "nothing" | undefined = () => undefined;

  private constructor(options: WhatsAppOptions) {
    const root = options.rootKey ?? Curve.generateKeyPair();
    this.rootKeyHex = Buffer.from(root.public).toString("hex");
    this.#clock = options.clock ?? Date.now;
    this.#record = new WireRecord(this.#clock);
    this.#post = new PostOffice(this.#clock);
    this.#pairing = new Pairing(this.#clock, this.#directory);
    this.#login = new Login(this.#clock, this.#directory, this.#post, () => this.#watch.changed());
    this.#sorting = new Sorting(this.#clock, this.#directory, this.#record, this.#post);
    this.#http = createServer((_request, response) => response.writeHead(404).end());
    this.#http.on("connection", (socket) => {
      if (this.#faults.held) {
        socket.destroy();
      }
    });
    const certificates = certify(root);
    const events = this.#events();
    this.#sockets = new WebSocketServer({ server: this.#http, path: PATH });
    this.#sockets.on("connection", (socket) => this.#connections.add(new Connection(socket, certificates, events)));
  }

  /** Starts a server; it listens when this resolves. */
  static async start(options: WhatsAppOptions = {}): Promise<WhatsApp> {
    const server = new WhatsApp(options);
    await new Promise<void>((resolve, reject) => {
      server.#http.once("error", reject);
      server.#http.listen(options.port ?? 0, HOST, resolve);
    });
    return server;
  }

  /** What `KAFCLAW_WHATSAPP_URL` has to be. */
  get url(): string {
    // An address is a string only for pipes, and null only before listening.
    const { port } = this.#http.address() as AddressInfo;
    return `ws://${HOST}:${port}${PATH}`;
  }

  /** Gives somebody an account and a phone. Costs next to nothing until the phone speaks. */
  phone(person: Person = {}): Phone {
    const lid = person.lid === null ? undefined : (person.lid ?? this.#newLid());
    const account = this.#directory.add(person.pn, lid, person.name ?? "");
    account.asksAgain = person.asksAgain ?? false;
    for (const number of person.alsoDialled ?? []) {
      this.#directory.alsoDialled(account, number);
    }
    return new Phone(account, {
      clock: this.#clock,
      directory: this.#directory,
      post: this.#post,
      pairing: this.#pairing,
      unlink: (companion) => this.#remove(companion),
      add: (other) => this.phone(other),
    });
  }

  /** Every stanza that companions sent, decrypted, in order. */
  get record(): readonly Stanza[] {
    return this.#record.stanzas;
  }

  /** What companions sent to one person, under any address: messages, receipts, chat states, presence, calls, acks. */
  stanzasTo(phone: Phone, kind?: string): Stanza[] {
    return this.#record.to(phone.account).filter((stanza) => kind === undefined || stanza.kind === kind);
  }

  clearRecord(): void {
    this.#record.clear();
  }

  /** The first recorded stanza that fits, waiting for it where needed. */
  waitForStanza(fits: (stanza: Stanza) => boolean, options: { timeoutMs?: number } = {}): Promise<Stanza> {
    return this.#record.wait(fits, options.timeoutMs);
  }

  get companions(): CompanionView[] {
    return this.#directory.companions().map((companion) => ({
      jid: companion.address("pn"),
      device: companion.device,
      connected: isOpen(companion),
      waiting: companion.queue.size,
      preKeys: companion.keys.preKeys.length,
    }));
  }

  /** Whether a companion is logged in and has got what waited. */
  get connected(): boolean {
    return this.#directory.companions().some(isOpen);
  }

  /** How many sockets are open, logged in or not. */
  get connections(): number {
    return this.#connections.size;
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
      state === "open" ? this.#directory.companions().some(wanted) : this.#connections.size === 0;
    await this.#watch.until(
      () => (reached() ? true : undefined),
      () => `The companion did not become ${state}.`,
      options.timeoutMs,
    );
  }

  /** Resolves when every companion has taken everything. */
  async waitUntilTaken(options: { timeoutMs?: number } = {}): Promise<void> {
    await this.#watch.until(
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
    for (const connection of this.#connections) {
      end(connection, code, options.kind ?? "stream-error", options.attrs ?? {});
    }
  }

  /** Answers the next `times` logins and registrations with a failure; `attrs` may hold a ban's `expire` (seconds). */
  refuseLogins(code: number, times = Number.POSITIVE_INFINITY, attrs: Record<string, string> = {}): void {
    this.#faults.refuse(code, times, attrs);
  }

  /** Lets logins through again. */
  acceptLogins(): void {
    this.#faults.refuse(0, 0, {});
  }

  /** Accepts no connections, and cuts the ones there are, as a dead network does. */
  hold(): void {
    this.#faults.held = true;
    for (const connection of this.#connections) {
      connection.cut();
    }
  }

  resume(): void {
    this.#faults.held = false;
  }

  /** Answers nothing for so long; then all that came meanwhile. */
  stall(milliseconds: number): void {
    this.#faults.stall(milliseconds, this.#connections);
  }

  /** Decides what happens to the messages that companions send from now on; nothing given: all are taken. */
  answerMessages(answer: (node: BinaryNode) => Answer = () => ({ kind: "ack" })): void {
    this.#sorting.answer = answer;
  }

  /**
   * Changes the answers to companions' queries from now on.
   * @param answer returns another answer, "nothing" for none at all, or undefined for the usual one.
   */
  answerQueries(answer: (query: BinaryNode) => BinaryNode | "nothing" | undefined = () => undefined): void {
    this.#answer = answer;
  }

  /** Sends any stanza to every live companion, as it is. */
  push(stanza: BinaryNode): void {
    for (const companion of this.#directory.companions()) {
      companion.connection?.send(stanza);
    }
  }

  async close(): Promise<void> {
    this.#faults.wake(this.#connections);
    for (const connection of this.#connections) {
      connection.cut();
    }
    this.#sockets.close();
    await new Promise<void>((resolve) => this.#http.close(() => resolve()));
    this.#quiet.close();
  }

  #events(): ConnectionEvents {
    return {
      hello: (connection, payload) => this.#hello(connection, payload),
      node: (connection, stanza) => this.#node(connection, stanza),
      closed: (connection) => this.#closed(connection),
      broken: (connection, error) => {
        this.troubles.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
        connection.cut();
      },
      awake: () => this.#faults.awake(),
    };
  }

  #hello(connection: Connection, payload: proto.ClientPayload): void {
    const refusal = this.#faults.refusal();
    if (refusal !== undefined) {
      connection.send(refusal);
      connection.close();
    } else if (payload.devicePairingData) {
      this.#pairing.offer(connection, payload.devicePairingData);
    } else {
      this.#login.login(connection, payload);
    }
  }

  async #node(connection: Connection, stanza: BinaryNode): Promise<void> {
    const { companion } = connection;
    if (companion === undefined) {
      this.#record.add(undefined, stanza, new Set());
      if (stanza.tag === "iq") {
        await this.#pairing.iq(connection, stanza);
      }
      return;
    }
    if (stanza.tag === "iq") {
      this.#query(companion, connection, stanza);
    } else {
      await this.#sorting.stanza(companion, stanza);
      if (stanza.tag === "ib") {
        await this.#login.info(companion, stanza);
      }
    }
    this.#watch.changed();
  }

  #query(companion: Companion, connection: Connection, query: BinaryNode): void {
    this.#record.add(companion, query, this.#tokensFor(query));
    // A result answers something that we asked; only the linking asks, before there is a companion.
    if (query.attrs.type !== "get" && query.attrs.type !== "set") {
      return;
    }
    const other = this.#answer(query);
    if (other !== undefined) {
      if (other !== "nothing") {
        connection.send(other);
      }
      return;
    }
    const effects = {
      active: (active: Companion) => this.#login.active(active),
      removed: (removed: Companion) => this.#remove(removed),
    };
    const context = { directory: this.#directory, now: this.#clock(), effects };
    const { answer, after } = answerQuery(companion, query, context);
    connection.send(answer);
    after?.();
  }

  /** A privacy token given to somebody is the one query whose effect that person sees. */
  #tokensFor(query: BinaryNode): Set<Account> {
    const tokens = getBinaryNodeChildren(getBinaryNodeChild(query, "tokens"), "token");
    const people = tokens.map(({ attrs }) => this.#directory.find(attrs.jid ?? ""));
    return new Set(people.filter((account) => account !== undefined));
  }

  #closed(connection: Connection): void {
    this.#connections.delete(connection);
    this.#pairing.closed(connection);
    const { companion } = connection;
    if (companion !== undefined && companion.connection === connection) {
      companion.connection = undefined;
      companion.live = false;
    }
    this.#watch.changed();
  }

  #remove(companion: Companion): void {
    companion.removed = true;
    companion.queue.clear();
    companion.account.companions.delete(companion.device);
    const { connection } = companion;
    if (connection?.open) {
      connection.send(node("stream:error", { code: "401" }, [node("conflict", { type: "device_removed" })]));
      connection.close();
    }
  }

  #newLid(): string {
    this.#lastLid += 1;
    return String(this.#lastLid);
  }
}

function isOpen(companion: Companion): boolean {
  return companion.live && companion.connection?.open === true;
}
