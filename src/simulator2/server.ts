import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { deflateSync } from "node:zlib";
import { type BinaryNode, type KeyPair, proto } from "@whiskeysockets/baileys";
import pino from "pino";
import { WebSocketServer } from "ws";
import { type Candidate, Companion, type Queued, signDevice } from "./companion.js";
import { Connection, type ConnectionListener } from "./connection.js";
import {
  type CodeWaiting,
  pairDevice,
  primaryHello,
  readCompanionFinish,
  readCompanionHello,
  readQr,
} from "./linking.js";
import { bytes, child, children, result, SERVER, takeApart } from "./nodes.js";
import { Certificate } from "./noise.js";
import { type Carrier, newMessageId, Phone, type PhoneOptions, type SendOptions } from "./phone.js";
import { answer, type World } from "./queries.js";
import { WireRecord } from "./record.js";

/** A client that waits to be linked. */
interface Waiting {
  readonly candidate: Candidate;
  readonly refs: readonly string[];
  code?: CodeWaiting;
  phone?: Phone;
}

/** What the server answers to a client's message instead of a plain ack: an error code, or nothing at all. */
export type AckRule = (message: { to: string; id: string }) => number | "nothing" | undefined;

/** The simulated WhatsApp. */
export class WhatsApp implements Carrier, ConnectionListener, World {
  readonly record = new WireRecord();
  readonly blocked = new Set<string>();
  /** Decides how a client's messages are acknowledged. */
  ackRule: AckRule = () => undefined;
  /** The failure with which logins are refused, while set: attributes of the stanza, `reason` among them. */
  refusal: Record<string, string> | undefined;
  /** Whether phones confirm what they got. */
  receipts = true;
  private readonly phones: Phone[] = [];
  private readonly people = new Map<string, Phone>();
  private readonly connections = new Set<Connection>();
  private readonly waiting = new Map<Connection, Waiting>();
  private readonly online = new Map<Connection, { phone: Phone; companion: Companion }>();
  private readonly work = new Map<Connection, Promise<void>>();
  private accepting = true;
  private readonly log = pino({ level: "silent" });
  private readonly http: Server;
  private readonly sockets: WebSocketServer;

  private constructor(
    private readonly certificate: Certificate,
    private readonly clock: () => number,
  ) {
    this.http = createServer((_, response) => response.writeHead(426).end());
    this.sockets = new WebSocketServer({ server: this.http });
    this.sockets.on("connection", (socket) => {
      if (!this.accepting) return socket.terminate();
      this.connections.add(new Connection(socket, this.certificate, this));
    });
  }

  /** Starts a server on a free port of the loopback, with a root key of its own. */
  static async start({
    root,
    clock = Date.now,
    port = 0,
  }: {
    root?: KeyPair;
    clock?: () => number;
    port?: number;
  } = {}): Promise<WhatsApp> {
    const server = new WhatsApp(new Certificate(root), clock);
    server.http.listen(port, "127.0.0.1");
    await once(server.http, "listening");
    return server;
  }

  get url(): string {
    // A listening TCP server's address is an object.
    return `ws://127.0.0.1:${(this.http.address() as AddressInfo).port}/ws/chat`;
  }

  /** The Noise root key to trust, as `KAFCLAW_WHATSAPP_ROOT_KEY` takes it. */
  get rootKeyHex(): string {
    return this.certificate.rootKeyHex;
  }

  async close(): Promise<void> {
    for (const connection of this.connections) connection.cut();
    this.sockets.close();
    this.http.close();
    this.http.closeAllConnections();
    await once(this.http, "close");
  }

  /** A person on this WhatsApp. */
  phone(options: PhoneOptions): Phone {
    const phone = new Phone(options, this, this.log);
    this.phones.push(phone);
    this.people.set(phone.pn, phone);
    this.people.set(phone.lid, phone);
    return phone;
  }

  /** The person's account moves to another number; the LID stays. */
  changeNumber(phone: Phone, pn: string): void {
    this.people.delete(phone.pn);
    phone.pn = pn;
    this.people.set(pn, phone);
  }

  /** How many clients are logged in. */
  get clients(): number {
    return [...this.online.values()].filter(({ companion }) => companion.ready).length;
  }

  /** Refuses new connections, and cuts those that are there, until {@link resume}. */
  hold(): void {
    this.accepting = false;
    for (const connection of this.connections) connection.cut();
  }

  resume(): void {
    this.accepting = true;
  }

  /** From now on the connections that are there get no answer and no word, but stay open. */
  stall(): void {
    for (const connection of this.connections) connection.stalled = true;
  }

  /** Drops the logged-in clients the way WhatsApp does for this code; 440 as a conflict, 428 by closing, 408 by cutting. */
  disconnect(code: number, attrs: Record<string, string> = {}): void {
    for (const connection of [...this.online.keys()]) {
      if (code === 408) connection.cut();
      else if (code === 428) connection.close();
      else if (code === 440) this.end(connection, streamError(440, [{ tag: "conflict", attrs: { type: "replaced" } }]));
      else if ([402, 403, 405, 411].includes(code)) {
        this.end(connection, { tag: "failure", attrs: { reason: String(code), ...attrs } });
      } else this.end(connection, streamError(code));
    }
  }

  /** Sends bytes that no client can read. */
  corrupt(): void {
    for (const connection of this.online.keys())
      connection.sendRubbish(Buffer.from("00000a0102030405060708090a", "hex"));
  }

  /** Sends a stanza to every logged-in client as it is, forged or not. */
  forge(node: BinaryNode): void {
    for (const connection of this.online.keys()) connection.send(node);
  }

  // --- World ---
  now(): number {
    return this.clock();
  }

  byUser(user: string): Phone | undefined {
    return this.people.get(user);
  }

  device(jid: string): { phone: Phone; companion?: Companion } | undefined {
    const { user, device } = takeApart(jid);
    const phone = this.people.get(user);
    if (!phone) return undefined;
    if (device === 0) return { phone };
    const companion = phone.companions.find((one) => one.device === device);
    return companion && { phone, companion };
  }

  // --- Carrier: what phones do ---
  async scan(phone: Phone, qr: string): Promise<void> {
    const { ref, identity, secret } = readQr(qr);
    const found = [...this.waiting].find(([, { refs }]) => refs.includes(ref));
    if (!found) throw new Error("no client shows this QR");
    const [connection, { candidate }] = found;
    if (!candidate.identity.equals(identity)) throw new Error("the QR shows another client's key");
    this.link(connection, phone, secret);
  }

  async enterCode(phone: Phone, code: string): Promise<void> {
    const found = [...this.waiting].find(([, { code: asked }]) => asked?.user === phone.pn);
    if (!found?.[1].code) throw new Error("no client asked to be linked to this number");
    const [connection, waiting] = found;
    waiting.phone = phone;
    connection.send(await primaryHello(found[1].code, code, phone.party.identity, connection.id()));
  }

  unlink(phone: Phone): void {
    const gone = phone.companions.splice(0);
    for (const { connection } of gone)
      if (connection) this.end(connection, streamError(401, [{ tag: "conflict", attrs: { type: "device_removed" } }]));
  }

  async carry(from: Phone, to: Phone, message: proto.IMessage, options: SendOptions): Promise<{ id: string }> {
    const id = options.id ?? newMessageId();
    from.sent.set(id, { to, message, options });
    for (const companion of to.companions) {
      if (from === to) await this.queueOwn(from, to, companion, id, message, options);
      else await this.queue(from, companion, id, message, options);
    }
    // The sender's own linked devices get a copy.
    if (from !== to)
      for (const companion of from.companions) await this.queueOwn(from, to, companion, id, message, options);
    return { id };
  }

  carryOther(_from: Phone, to: Phone, node: BinaryNode): void {
    for (const { connection } of to.companions) connection?.send(node);
  }

  private async queue(
    from: Phone,
    companion: Companion,
    id: string,
    message: proto.IMessage,
    options: SendOptions,
    count?: number,
  ): Promise<void> {
    const { addressing = "pn", withAlt = true, timestamp, name = from.name, attrs = {} } = options;
    const isLid = addressing === "lid";
    const alt = isLid ? { sender_pn: from.pnJid } : { sender_lid: from.lidJid };
    const node = await this.encrypted(from, companion, message, count, {
      from: isLid ? from.lidJid : from.pnJid,
      id,
      t: String(timestamp ?? Math.floor(this.clock() / 1000)),
      type: "text",
      notify: name,
      ...(isLid ? { addressing_mode: "lid" } : {}),
      ...(withAlt ? alt : {}),
      ...attrs,
    });
    this.enqueue(companion, { id, node });
  }

  private async queueOwn(
    from: Phone,
    to: Phone,
    companion: Companion,
    id: string,
    message: proto.IMessage,
    options: SendOptions,
  ): Promise<void> {
    const isLid = options.addressing === "lid";
    const recipient = isLid ? to.lidJid : to.pnJid;
    const copy = { deviceSentMessage: { destinationJid: recipient, message } };
    const node = await this.encrypted(from, companion, copy, undefined, {
      from: isLid ? from.lidJid : from.pnJid,
      recipient,
      id,
      t: String(options.timestamp ?? Math.floor(this.clock() / 1000)),
      type: "text",
      notify: from.name,
      ...(isLid ? { addressing_mode: "lid", sender_pn: from.pnJid, recipient_pn: to.pnJid } : {}),
    });
    this.enqueue(companion, { id, node });
  }

  private async encrypted(
    from: Phone,
    companion: Companion,
    message: proto.IMessage,
    count: number | undefined,
    attrs: Record<string, string>,
  ): Promise<BinaryNode> {
    if (count !== undefined || !(await from.party.knows(companion.jid)))
      await from.party.meet(companion.jid, companion.bundle());
    const { type, ciphertext } = await from.party.encrypt(companion.jid, message);
    const enc = { v: "2", type, ...(count === undefined ? {} : { count: String(count) }) };
    return { tag: "message", attrs, content: [{ tag: "enc", attrs: enc, content: ciphertext }] };
  }

  private enqueue(companion: Companion, queued: Queued): void {
    companion.queue.push(queued);
    if (companion.ready) companion.connection?.send(queued.node);
  }

  // --- ConnectionListener: what clients do ---
  greeted(connection: Connection, noiseKey: Buffer, payload: proto.ClientPayload): void {
    if (this.refusal) return this.end(connection, { tag: "failure", attrs: this.refusal });
    if (payload.devicePairingData) return this.offer(connection, noiseKey, payload.devicePairingData);
    const device = this.device(`${payload.username}:${payload.device ?? 0}@${SERVER}`);
    const { phone, companion } = device ?? {};
    if (!phone || !companion?.candidate.noiseKey.equals(noiseKey)) {
      return this.end(connection, { tag: "failure", attrs: { reason: "401", location: "simulator" } });
    }
    if (companion.connection && companion.connection !== connection) {
      this.end(companion.connection, streamError(440, [{ tag: "conflict", attrs: { type: "replaced" } }]));
    }
    companion.connection = connection;
    this.online.set(connection, { phone, companion });
    connection.send({
      tag: "success",
      attrs: { t: String(Math.floor(this.clock() / 1000)), lid: companion.lid, status: "1" },
    });
  }

  received(connection: Connection, node: BinaryNode): void {
    const before = this.work.get(connection) ?? Promise.resolve();
    this.work.set(
      connection,
      before
        .then(() => this.handle(connection, node))
        .catch((error) =>
          this.record.add({ at: Date.now(), node, kind: `unreadable ${node.tag}: ${error}`, to: node.attrs.to ?? "" }),
        ),
    );
  }

  closed(connection: Connection): void {
    this.connections.delete(connection);
    this.waiting.delete(connection);
    this.work.delete(connection);
    const { companion } = this.online.get(connection) ?? {};
    this.online.delete(connection);
    if (companion?.connection === connection) {
      companion.connection = undefined;
      companion.ready = false;
    }
  }

  private end(connection: Connection, node: BinaryNode): void {
    connection.send(node);
    connection.close();
  }

  private offer(
    connection: Connection,
    noiseKey: Buffer,
    data: proto.ClientPayload.IDevicePairingRegistrationData,
  ): void {
    const { node, refs } = pairDevice(connection.id());
    const number = (value: Uint8Array | null | undefined) =>
      Buffer.from(value ?? []).reduce((sum, byte) => sum * 256 + byte, 0);
    const candidate: Candidate = {
      connection,
      noiseKey,
      identity: Buffer.from(data.eIdent ?? []),
      registrationId: number(data.eRegid),
      signedPreKey: {
        keyId: number(data.eSkeyId),
        public: Buffer.from(data.eSkeyVal ?? []),
        signature: Buffer.from(data.eSkeySig ?? []),
      },
    };
    this.waiting.set(connection, { candidate, refs });
    connection.send(node);
  }

  private link(connection: Connection, phone: Phone, secret: Buffer): void {
    const waiting = this.waiting.get(connection);
    if (!waiting) throw new Error("the client is gone");
    this.waiting.delete(connection);
    const device = Math.max(0, ...phone.companions.map((one) => one.device)) + 1;
    const companion = new Companion(
      device,
      `${phone.pn}:${device}@${SERVER}`,
      `${phone.lid}:${device}@lid`,
      waiting.candidate,
    );
    phone.companions.push(companion);
    const identity = signDevice(phone.party.identity, waiting.candidate, secret, device);
    connection.send({
      tag: "iq",
      attrs: { from: SERVER, type: "set", id: connection.id(), t: String(Math.floor(this.clock() / 1000)) },
      content: [
        {
          tag: "pair-success",
          attrs: {},
          content: [
            { tag: "device-identity", attrs: {}, content: identity },
            { tag: "device", attrs: { jid: companion.jid, lid: companion.lid } },
            { tag: "platform", attrs: { name: "android" } },
          ],
        },
      ],
    });
  }

  private async handle(connection: Connection, node: BinaryNode): Promise<void> {
    const to = node.attrs.to ?? "";
    const login = this.online.get(connection);
    if (node.tag === "message" && login) return this.fromCompanion(connection, login, node);
    this.record.add({ at: Date.now(), node, kind: node.tag, to });
    if (node.tag === "iq") return this.query(connection, node);
    if (!login) return;
    if (node.tag === "receipt" || node.tag === "ack") await this.confirmed(login, node);
  }

  private async query(connection: Connection, node: BinaryNode): Promise<void> {
    const [first] = children(node);
    if (node.attrs.type === "result") {
      // The client has signed: from now on it logs in as a device of the account.
      if (first?.tag === "pair-device-sign") this.end(connection, streamError(515));
      return;
    }
    if (first?.tag === "link_code_companion_reg") return this.code(connection, node, first.attrs.stage);
    const login = this.online.get(connection);
    if (!login) return connection.send(result(node));
    if (first?.tag === "remove-companion-device") {
      login.phone.companions.splice(login.phone.companions.indexOf(login.companion), 1);
      return this.end(connection, streamError(401, [{ tag: "conflict", attrs: { type: "device_removed" } }]));
    }
    const reply = answer(node, login.companion, this);
    if (reply) connection.send(reply);
    if (node.attrs.xmlns === "passive" && first?.tag === "active") await this.catchUp(connection, login);
  }

  private async code(connection: Connection, node: BinaryNode, stage: string | undefined): Promise<void> {
    const waiting = this.waiting.get(connection);
    if (!waiting) return;
    if (stage === "companion_hello") {
      waiting.code = readCompanionHello(node);
      const ref = { tag: "link_code_pairing_ref", attrs: {}, content: waiting.code.ref };
      return connection.send(result(node, [{ tag: "link_code_companion_reg", attrs: {}, content: [ref] }]));
    }
    const { code, phone } = waiting;
    if (!code || !phone) return;
    connection.send(result(node));
    this.link(connection, phone, readCompanionFinish(node, code, phone.party.identity));
  }

  /** After a login: what waited, between the two marks that clients wait for; and on the first, keys and history. */
  private async catchUp(
    connection: Connection,
    { phone, companion }: { phone: Phone; companion: Companion },
  ): Promise<void> {
    const waiting = [...companion.queue];
    connection.send({
      tag: "ib",
      attrs: { from: SERVER },
      content: [{ tag: "offline_preview", attrs: { count: String(waiting.length) } }],
    });
    for (const { node } of waiting) connection.send({ ...node, attrs: { ...node.attrs, offline: "1" } });
    companion.ready = true;
    connection.send({
      tag: "ib",
      attrs: { from: SERVER },
      content: [{ tag: "offline", attrs: { count: String(waiting.length) } }],
    });
    if (companion.introduced) return;
    companion.introduced = true;
    for (const message of introduction()) {
      const id = newMessageId();
      const attrs = {
        from: phone.pnJid,
        id,
        t: String(Math.floor(this.clock() / 1000)),
        type: "text",
        category: "peer",
      };
      this.enqueue(companion, { id, node: await this.encrypted(phone, companion, message, undefined, attrs) });
    }
  }

  /** A client confirmed a message, or asks for it again. */
  private async confirmed(
    { phone, companion }: { phone: Phone; companion: Companion },
    node: BinaryNode,
  ): Promise<void> {
    const { id = "", type, to = "", class: kind } = node.attrs;
    if (node.tag === "ack" && kind !== "message") return;
    const ids = [id, ...children(child(node, "list")).map(({ attrs }) => attrs.id ?? "")];
    companion.queue.splice(0, companion.queue.length, ...companion.queue.filter((queued) => !ids.includes(queued.id)));
    if (node.tag !== "receipt") return;
    companion.connection?.send({
      tag: "ack",
      attrs: { class: "receipt", id, from: to || phone.pnJid, ...(type ? { type } : {}) },
    });
    const sender = this.people.get(takeApart(to).user);
    sender?.take(node);
    const sent = sender?.sent.get(id);
    if (type !== "retry" || !sender || !sent) return;
    const count = Number(child(node, "retry")?.attrs.count ?? 1);
    await this.queue(sender, companion, id, sent.message, sent.options, count);
  }

  /** A client sends a message: phones decrypt it, the server acknowledges. */
  private async fromCompanion(
    connection: Connection,
    { phone, companion }: { phone: Phone; companion: Companion },
    node: BinaryNode,
  ): Promise<void> {
    const { to = "", id = "" } = node.attrs;
    const rule = this.ackRule({ to, id });
    const direct = child(node, "enc");
    const parts = direct
      ? [{ jid: to, enc: direct }]
      : children(child(node, "participants")).map((part) => ({ jid: part.attrs.jid ?? "", enc: child(part, "enc") }));
    let shown: proto.IMessage | undefined;
    for (const { jid, enc } of parts) {
      const target = this.device(jid);
      if (!target || target.companion || !enc) continue;
      const type = enc.attrs.type === "pkmsg" ? "pkmsg" : "msg";
      const message = await target.phone.party.decrypt(companion.jid, type, bytes(enc));
      const inner = message.deviceSentMessage?.message ?? message;
      if (target.phone !== phone || !shown) shown = inner;
      if (typeof rule === "number") continue;
      const text = inner.conversation || inner.extendedTextMessage?.text || "";
      target.phone.receive({
        id,
        from: phone.pn,
        to: jid,
        message: inner,
        text,
        count: Number(enc.attrs.count ?? 0),
        own: target.phone === phone,
      });
      if (this.receipts && target.phone !== phone) {
        connection.send({ tag: "receipt", attrs: { from: to, id, t: String(Math.floor(this.clock() / 1000)) } });
      }
    }
    this.record.add({ at: Date.now(), node, kind: "message", to, ...(shown ? { message: shown } : {}) });
    if (rule === "nothing") return;
    const error = rule === undefined ? {} : { error: String(rule) };
    connection.send({
      tag: "ack",
      attrs: { class: "message", id, from: to, t: String(Math.floor(this.clock() / 1000)), ...error },
    });
  }
}

function streamError(code: number, content: BinaryNode[] = []): BinaryNode {
  return { tag: "stream:error", attrs: { code: String(code) }, content };
}

/** What a phone sends a newly linked device: a key for the account's settings, and an empty history. */
function introduction(): proto.IMessage[] {
  const { APP_STATE_SYNC_KEY_SHARE, HISTORY_SYNC_NOTIFICATION } = proto.Message.ProtocolMessage.Type;
  const keyData = {
    keyData: Buffer.alloc(32, 7),
    fingerprint: { rawId: 1, currentIndex: 0, deviceIndexes: [0] },
    timestamp: 1,
  };
  const { INITIAL_BOOTSTRAP } = proto.HistorySync.HistorySyncType;
  const history = proto.HistorySync.encode({ syncType: INITIAL_BOOTSTRAP, conversations: [], progress: 100 }).finish();
  return [
    {
      protocolMessage: {
        type: APP_STATE_SYNC_KEY_SHARE,
        appStateSyncKeyShare: { keys: [{ keyId: { keyId: Buffer.from([0, 0, 0, 1]) }, keyData }] },
      },
    },
    {
      protocolMessage: {
        type: HISTORY_SYNC_NOTIFICATION,
        historySyncNotification: {
          syncType: proto.Message.HistorySyncType.INITIAL_BOOTSTRAP,
          chunkOrder: 0,
          progress: 100,
          initialHistBootstrapInlinePayload: deflateSync(history),
        },
      },
    },
  ];
}
