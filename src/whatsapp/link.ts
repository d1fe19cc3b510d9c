import { EventEmitter, once } from "node:events";
import type { BinaryNode, ConnectionState, WAMessage, WASocket } from "@whiskeysockets/baileys";
import { generateMessageIDV2 } from "@whiskeysockets/baileys";
import type { Logger } from "pino";
import type { Person, Pn } from "../access/identity.js";
import { digitsOf, parseJid } from "../access/identity.js";
import { KafclawError } from "../access/types.js";
import { present } from "../present.js";
import type { Collection, Doc } from "../store/types.js";
import { Connection } from "./connection.js";
import { classify, type Disconnect } from "./disconnects.js";
import type { ImportedSession } from "./import.js";
import type { Journal } from "./journal.js";
import { afterInterruption, type Linking, linkingBy, type Reason, reasonOf } from "./linking.js";
import { AccountPin } from "./pin.js";
import { Reconnect, type ReconnectOptions } from "./reconnect.js";
import { ResendRequests } from "./resend.js";
import { ServerTime } from "./server-time.js";
import type { Session } from "./session.js";
import type { SocketOptions } from "./socket.js";
import type { Ack, LinkControl, LinkEvent, LinkState, Me, Signal, Wire, WireContent } from "./types.js";
import type { ClientVersion } from "./version.js";

const NOT_TOLD = "WhatsApp could not be told: remove the device on the phone, under Linked devices, too.";
/** How long a connection that is being made is waited for. */
const CONNECT_MS = 15_000;

export interface LinkOptions extends ReconnectOptions {
  readonly session: Session;
  readonly journal: Journal;
  readonly settings: Collection<Doc>;
  readonly version: ClientVersion;
  readonly log: Logger;
  /** What Baileys writes to; most of it says nothing to people. */
  readonly baileysLog: Logger;
  readonly openSocket: (options: SocketOptions) => WASocket;
  readonly url?: string;
  /** Is this bare user a contact, the owner or the account itself? */
  readonly isKnown: (user: string) => boolean;
  /** Would a message leave now for whoever has this JID? For ourselves always. */
  readonly mayHear: (jid: string) => boolean;
  /** What the outbox sent and would still send now; undefined for everything else. */
  readonly recall: (id: string, chat: Person) => Promise<WireContent | undefined>;
}

interface LinkEvents {
  /** The link's state changed. */
  state: [LinkState];
  /** Something to show to whoever is linking. */
  event: [LinkEvent];
  /** Any stanza that came in. */
  stanza: [BinaryNode];
  /** Logged in and ready to send. */
  open: [];
  /** What waited at WhatsApp was heard. */
  "caught-up": [];
  /** Credentials changed and are on disk. */
  creds: [];
  /** A new link was made (not a mere reconnect): silent mode goes on (I4). */
  linked: [Me];
  /** Messages that came with the history of a first link. */
  history: [messages: readonly WAMessage[]];
}

/**
 * The connection to WhatsApp: linking, logging in, coming back after every kind of disconnect. Holds the only Baileys
 * socket of the house (I3).
 */
export class Link extends EventEmitter<LinkEvents> implements Wire, LinkControl {
  /**
   * The present connection, or the last one while the next is not made. Whatever waited for something looks whether it is
   * still the same: what comes of any other is not heard.
   */
  private connection: Connection | undefined;
  private current: LinkState;
  private lastEvent: LinkEvent = { event: "connecting" };
  private stopped = true;
  /** Set while somebody is linking: how far it got. */
  private linking: Linking | undefined;
  private readonly reconnect: Reconnect;
  private readonly serverTime: ServerTime;
  private readonly resends: ResendRequests;

  private constructor(
    private readonly options: LinkOptions,
    private readonly pin: AccountPin,
  ) {
    super();
    this.reconnect = new Reconnect(
      options,
      () => this.connect(),
      () => options.session.save(),
    );
    this.serverTime = new ServerTime(options.clock);
    options.journal.onRecord(({ attrs }) => {
      if (attrs.offline !== undefined) this.connection?.readOne();
    });
    this.resends = new ResendRequests({ ...options, log: options.baileysLog });
    this.current = {
      code: "unlinked",
      sentence: "Not linked to WhatsApp.",
      remedy: "Run kafclaw whatsapp-auth.",
      since: options.clock(),
    };
  }

  static async create(options: LinkOptions): Promise<Link> {
    const link = new Link(options, await AccountPin.open(options.settings));
    if (link.me)
      link.setState({
        code: "connecting",
        sentence: "Linked, not connected.",
        remedy: "Start the gateway: kafclaw gateway.",
      });
    return link;
  }

  get state(): LinkState {
    return this.current;
  }

  /** The last thing worth showing to whoever is linking. */
  get event(): LinkEvent {
    return this.lastEvent;
  }

  get open(): boolean {
    return this.current.code === "open";
  }

  get caughtUp(): boolean {
    return this.live?.caughtUp.aborted ?? false;
  }

  /** The linked account; undefined while not linked. */
  get me(): Me | undefined {
    if (!this.options.session.linked) return undefined;
    const { me } = this.options.session.credentials();
    const pn = me ? parseJid(me.id) : undefined;
    if (pn?.kind !== "pn") return undefined;
    const lid = me?.lid ? parseJid(me.lid) : undefined;
    return { pn: pn.pn, ...(lid?.kind === "lid" ? { lid: lid.lid } : {}) };
  }

  /** When this account was linked, milliseconds since 1970; 0 while it is not. */
  get linkedAt(): number {
    return this.pin.linkedAt;
  }

  /** WhatsApp's time, milliseconds since 1970; the machine's before the first login. */
  now(): number {
    return this.serverTime.now();
  }

  /** Resolves once a new link has its keys and history from the phone; the connection should stay until then. */
  async synced(): Promise<void> {
    while (this.options.session.credentials().accountSyncCounter === 0) await once(this, "creds");
  }

  /** A fresh WhatsApp message id. */
  newId(): string {
    return generateMessageIDV2(this.device);
  }

  onOpen(listener: () => void): void {
    this.on("open", listener);
    this.on("caught-up", listener);
  }

  /** Connects and stays connected; begins to link where there is no session. */
  start(): void {
    this.stopped = false;
    if (!this.options.session.linked) this.linking ??= linkingBy({ replace: false, loggedOut: false });
    this.connect();
  }

  /** Resolves once the link that connects is open or was refused, with `over`, and after fifteen seconds anyway. */
  async settled(over?: AbortSignal): Promise<void> {
    const patience = AbortSignal.timeout(CONNECT_MS);
    const signal = over === undefined ? patience : AbortSignal.any([over, patience]);
    while (this.current.code === "connecting" && !signal.aborted) {
      await once(this, "state", { signal }).catch(() => {});
    }
  }

  /** Ends the connection; the session stays. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.linking = undefined;
    await this.leave();
  }

  /**
   * Begins to link anew, by QR or by pairing code. The old session stays until the new link is real. Of two who ask at
   * once, the last one's wish counts.
   * @param phone digits of the number to link by pairing code.
   * @throws KafclawError `already-linked`
   */
  async beginLinking(options: { phone?: string; replace?: boolean } = {}): Promise<void> {
    const { phone, replace = false } = options;
    const alive = this.options.session.linked && this.current.code !== "loggedOut";
    if (alive && !replace) {
      throw new KafclawError(
        "already-linked",
        `Already linked as +${this.me ? digitsOf(this.me.pn) : "?"}; nothing to do. To link another account: kafclaw whatsapp-auth --replace.`,
      );
    }
    const loggedOut = this.linking?.loggedOut ?? this.current.code === "loggedOut";
    const linking = linkingBy({ replace, loggedOut, ...present({ phone }) });
    this.linking = linking;
    this.stopped = false;
    await this.leave();
    if (this.linking !== linking) return;
    this.options.session.startOver();
    this.reconnect.forget();
    // What was shown for the last attempt, or of the old link, says nothing about this one.
    this.setState({
      code: "unlinked",
      sentence: "Waiting for a phone to link.",
      remedy: "Scan the QR or enter the code.",
    });
    this.tell({ event: "connecting" });
    this.connect();
  }

  /** Ends an attempt to link, where one is under way: the session that was there, if any, connects again. */
  async cancelLinking(): Promise<void> {
    if (this.linking === undefined) return;
    await this.giveUpLinking({ code: "cancelled", message: "Linking was cancelled." });
  }

  async logout(): Promise<string | undefined> {
    const wasLinking = this.linking !== undefined;
    await this.cancelLinking();
    // Only as the device that is linked can WhatsApp be told that it goes; it is tried once.
    if (wasLinking) await this.settled(this.connection?.ended);
    await this.pin.end();
    this.stopped = true;
    this.linking = undefined;
    const isGone = this.me === undefined || this.current.code === "loggedOut";
    const isTold = this.open && (await this.letGo()?.logout()) === true;
    await this.leave();
    await this.options.session.wipe().catch((error: unknown) => {
      throw this.keptKeys(isGone || isTold, error);
    });
    this.setState({ code: "unlinked", sentence: "Not linked to WhatsApp.", remedy: "Run kafclaw whatsapp-auth." });
    this.tell({ event: "error", code: "logged-out", message: "Logged out. Run kafclaw whatsapp-auth to link again." });
    return isGone || isTold ? undefined : NOT_TOLD;
  }

  /** The disk kept the keys of a session that has ended: that it ended is so all the same, and shows. */
  private keptKeys(isUnlinked: boolean, error: unknown): unknown {
    const who = isUnlinked ? "WhatsApp has unlinked this device" : "The link has ended here";
    const sentence = `${who}, but its keys could not be removed.`;
    const remedy = "Run kafclaw whatsapp-auth --logout again once the disk can be written.";
    this.setState({ code: "unlinked", sentence, remedy });
    this.tell({ event: "error", code: "logged-out", message: `${sentence} ${remedy}` });
    if (!(error instanceof KafclawError)) return error;
    return new KafclawError(error.code, `${sentence} ${remedy} (${error.message})`, error.kind);
  }

  /** Takes over a session that another installation of Baileys made. */
  async adopt({ creds, keys }: ImportedSession, replace: boolean): Promise<void> {
    if (!replace) this.pin.check(creds.me);
    await this.options.session.adopt(creds, keys);
    await this.pinAccount();
  }

  async send(jid: string, id: string, content: WireContent, mayLeave: () => boolean): Promise<Ack> {
    return this.live?.send(jid, id, content, mayLeave) ?? { kind: "lost" };
  }

  async signal(jid: string, signal: Signal): Promise<void> {
    await this.live?.signal(jid, signal);
  }

  /** WhatsApp's own form of a typed number: a JID, null when it is not on WhatsApp, undefined when that can't be asked now. */
  async onWhatsApp(pn: string): Promise<string | null | undefined> {
    return this.live?.onWhatsApp(pn);
  }

  /** Those of several typed numbers that are WhatsApp's own form already; undefined when that can't be asked now. */
  async writtenSo(pns: readonly Pn[]): Promise<readonly Pn[] | undefined> {
    return this.live?.writtenSo(pns);
  }

  /** Asks for the LIDs of numbers; what is learned arrives through the session. */
  async askLids(pns: readonly Pn[]): Promise<void> {
    await this.live?.askLids(pns);
  }

  /** Blocks or unblocks at WhatsApp. False when that could not be done. */
  async block(person: Person, blocked: boolean): Promise<boolean> {
    return this.live?.block(person, blocked) ?? false;
  }

  /** Ends the connection because something failed underneath (a full disk); it comes back by itself. */
  fail(error: unknown): void {
    this.connection?.fail(error);
  }

  /** The present connection, where it is logged in. */
  private get live(): Connection | undefined {
    return this.open ? this.connection : undefined;
  }

  /** Lets go of the present connection: what comes from it from now on is not heard, and no other is made in its place. */
  private letGo(): Connection | undefined {
    const { connection } = this;
    this.reconnect.cancel();
    this.connection = undefined;
    return connection;
  }

  /** Ends the present connection; what it holds back is heard first. */
  private async leave(): Promise<void> {
    this.connection?.flush();
    await this.letGo()?.end();
  }

  private connect(): void {
    if (this.stopped) return;
    const { session, journal, version, url, baileysLog } = this.options;
    if (session.linked)
      this.setState({ code: "connecting", sentence: "Connecting to WhatsApp.", remedy: "Wait a moment." });
    void this.letGo()?.end();
    const socket = this.options.openSocket({
      session,
      journal,
      creds: session.credentials(),
      version: version.current,
      log: baileysLog,
      ...present({ url }),
      isKnown: this.options.isKnown,
      mayHear: this.options.mayHear,
      resends: this.resends,
      recall: (key) => connection.sendAgain(key, { me: this.me, recall: this.options.recall }),
    });
    const connection = new Connection(socket);
    connection.caughtUp.addEventListener("abort", () => {
      if (this.connection === connection) this.emit("caught-up");
    });
    this.connection = connection;
    this.listen(socket, connection);
  }

  private listen({ ws, ev }: WASocket, connection: Connection): void {
    const isHeard = (): boolean => this.connection === connection;
    ws.on("frame", (node: BinaryNode | Uint8Array) => {
      if (isHeard() && !(node instanceof Uint8Array)) this.emit("stanza", node);
    });
    ws.on("CB:success", (node: BinaryNode) => {
      if (!isHeard()) return;
      this.serverTime.take(node.attrs.t);
      this.reconnect.loggedIn();
    });
    ev.on("creds.update", () => {
      if (isHeard()) void this.saveCreds(connection);
    });
    ev.on("messaging-history.set", ({ messages }) => {
      if (isHeard()) this.emit("history", messages);
    });
    ev.on("connection.update", (update) => {
      if (!isHeard()) return;
      this.update(connection, update).catch((error) => {
        this.options.log.warn({ err: error }, "what came from WhatsApp could not be followed");
        connection.fail(error);
      });
    });
  }

  private async update(connection: Connection, update: Partial<ConnectionState>): Promise<void> {
    if (update.qr !== undefined && !this.options.session.linked) await this.showCode(connection, update.qr);
    if (update.connection === "open") await this.opened(connection);
    if (update.connection === "close") {
      await this.closed(connection, classify(update.lastDisconnect?.error, this.options.clock()));
    }
  }

  /** WhatsApp waits for a phone: shows the QR, or asks once for a pairing code. */
  private async showCode(connection: Connection, qr: string): Promise<void> {
    const phone = this.linking?.phone;
    if (phone === undefined) return this.tell({ event: "qr", data: qr });
    if (this.lastEvent.event === "pairing-code") return;
    const code = await connection.requestPairingCode(phone).catch((error: unknown) => {
      if (this.connection === connection) throw error;
    });
    // Making a code takes a moment, in which the attempt may have ended and another have begun.
    if (code !== undefined && this.connection === connection) this.tell({ event: "pairing-code", code });
  }

  /** Credentials changed. A new account is checked against the pinned one before anything is confirmed to WhatsApp. */
  private async saveCreds(connection: Connection): Promise<void> {
    const { session } = this.options;
    try {
      if (session.linked && this.linking?.replace === false) this.pin.check(session.credentials().me);
    } catch (error) {
      // Still in the same tick as the event: the socket is gone before Baileys would confirm the pairing.
      void this.letGo()?.end();
      const { code, message } = error as KafclawError;
      await this.giveUpLinking({ code, message });
      return;
    }
    await session.save().catch((error) => connection.fail(error));
    this.emit("creds");
  }

  /** Ends an attempt to link: says why, and goes back to the session that was there, if any that still counts. */
  private async giveUpLinking(why: Reason): Promise<void> {
    const loggedOut = this.linking?.loggedOut === true;
    this.linking = undefined;
    await this.leave();
    if (this.linking === undefined) await this.options.session.resume();
    // Somebody has begun anew meanwhile.
    if (this.linking !== undefined) return;
    const code = loggedOut ? "loggedOut" : "unlinked";
    this.setState({ code, sentence: why.message, remedy: "Run kafclaw whatsapp-auth to try again." });
    this.tell({ event: "error", ...why });
    // A login that WhatsApp would refuse again could only cover up why the attempt failed.
    if (this.options.session.linked && !loggedOut) this.connect();
  }

  private async opened(connection: Connection): Promise<void> {
    const { me, linking } = this;
    if (!me) return;
    // A crash or a full disk may have come between the scan and here: then nobody is linking, and the device is new.
    const isNew = linking !== undefined || this.pin.isNew(this.device);
    await this.options.version.worked().catch((error) => this.options.log.warn({ err: error }, "version not kept"));
    if (isNew) await this.pinAccount();
    if (this.linking === linking) this.linking = undefined;
    // It is linked, though the connection may have ended meanwhile.
    if (isNew) this.emit("linked", me);
    if (this.connection !== connection || connection.ended.aborted) return;
    this.setState({ code: "open", sentence: `Linked as +${digitsOf(me.pn)} and connected.`, remedy: "" });
    this.tell({ event: "linked", jid: me.pn, lid: me.lid ?? null });
    this.emit("open");
  }

  /** The JID of this device. */
  private get device(): string | undefined {
    return this.options.session.credentials().me?.id;
  }

  private async pinAccount(): Promise<void> {
    const { me } = this;
    if (!me) return;
    await this.pin.set(me, this.device, this.now());
  }

  /** The one place that decides what a disconnect means; the table in disconnects.ts says it for each code. */
  private async closed(connection: Connection, disconnect: Disconnect): Promise<void> {
    const { session, log, version } = this.options;
    log.info({ code: disconnect.code, name: disconnect.name }, disconnect.sentence);
    if (!session.linked) return this.linkingInterrupted(connection, disconnect);
    const { failure } = connection;
    this.setState(stateOf(disconnect));
    if (failure) {
      const remedy = "It comes back by itself once that is mended.";
      this.setState({ code: "connecting", sentence: failure.message, remedy });
    }
    if (disconnect.retry === "stop" || disconnect.retry === "link") {
      this.tell({ event: "error", ...reasonOf(disconnect) });
      return;
    }
    if (disconnect.retry === "version") await version.outdated();
    if (this.connection !== connection) return;
    if (failure) this.reconnect.whenWritable(disconnect);
    else this.reconnect.after(disconnect);
  }

  /** A connection that ended before a phone took the code: the next round, or the end of the attempt. */
  private async linkingInterrupted(connection: Connection, disconnect: Disconnect): Promise<void> {
    const { linking, options, reconnect } = this;
    if (!linking) return;
    const wasShown = this.lastEvent.event === "qr" || this.lastEvent.event === "pairing-code";
    const next = afterInterruption(disconnect, linking.rounds, wasShown, reconnect.failed);
    if (next.kind === "give-up") return this.giveUpLinking(next.why);
    if (disconnect.retry === "version") await options.version.outdated();
    if (this.connection !== connection) return;
    options.session.startOver();
    if (next.kind === "next-round") {
      linking.rounds -= 1;
      this.tell({ event: "connecting" });
      return reconnect.now();
    }
    if (next.isTold) this.setState({ ...stateOf(disconnect), code: "unlinked" });
    this.tell(next.isTold ? { event: "error", ...reasonOf(disconnect) } : { event: "connecting" });
    reconnect.after(disconnect);
  }

  private setState(state: Omit<LinkState, "since">): void {
    const changed = state.code !== this.current.code;
    this.current = { ...state, since: changed ? this.options.clock() : this.current.since };
    this.emit("state", this.current);
  }

  private tell(event: LinkEvent): void {
    this.lastEvent = event;
    this.emit("event", event);
  }
}

function stateOf(disconnect: Disconnect): Omit<LinkState, "since"> {
  const { link, sentence, remedy, code } = disconnect;
  return { code: link, sentence, remedy, reason: code };
}
