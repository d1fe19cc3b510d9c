import {
  type AuthenticationCreds,
  type ConnectionState,
  Curve,
  generateMessageIDV2,
  initAuthCreds,
  makeWASocket,
  type proto,
  type SignalDataSet,
  type SignalKeyStore,
  type UserFacingSocketConfig,
  WA_CERT_DETAILS,
  type WAMessage,
  type WASocket,
} from "@whiskeysockets/baileys";
import { verify } from "curve25519-js";
import type { WhatsApp } from "../../src/simulator/index.js";
import { Watch } from "../../src/simulator/watch.js";

const nothing = (): void => undefined;
const silent = {
  level: "silent",
  child: () => silent,
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
};

/** Makes rc14's signature check listen, as the gateway does, and trust `root`. @returns what puts it back. */
export function trust(root: Uint8Array): () => void {
  const { verify: deaf } = Curve;
  const { PUBLIC_KEY } = WA_CERT_DETAILS;
  Curve.verify = (key, message, signature) => verify(key, message, signature);
  WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(root);
  return () => {
    Curve.verify = deaf;
    WA_CERT_DETAILS.PUBLIC_KEY = PUBLIC_KEY;
  };
}

/** A real Baileys with credentials in memory, and what came out of it. */
export class Client {
  readonly creds: AuthenticationCreds = initAuthCreds();
  /** Without what the own phone sends for synchronisation. */
  readonly messages: { message: WAMessage; type: string }[] = [];
  readonly states: Partial<ConnectionState>[] = [];
  readonly history: WAMessage[] = [];
  readonly #values = new Map<string, unknown>();
  readonly #sent = new Map<string, proto.IMessage>();
  readonly #watch = new Watch();
  readonly #url: string;
  readonly #config: Partial<UserFacingSocketConfig>;
  #socket: WASocket | undefined;

  constructor(wa: WhatsApp, config: Partial<UserFacingSocketConfig> = {}) {
    this.#url = wa.url;
    this.#config = config;
  }

  get socket(): WASocket {
    if (this.#socket === undefined) {
      throw new Error("Not connected yet.");
    }
    return this.#socket;
  }

  connect(): WASocket {
    const keys: SignalKeyStore = {
      get: (type, ids) => {
        const found: Record<string, unknown> = {};
        for (const id of ids) {
          const value = this.#values.get(`${type} ${id}`);
          if (value !== undefined) {
            found[id] = value;
          }
        }
        // What is stored under a type was set under that type.
        return found as never;
      },
      set: (data: SignalDataSet) => {
        for (const [type, values] of Object.entries(data)) {
          for (const [id, value] of Object.entries(values)) {
            this.#values.set(`${type} ${id}`, value ?? undefined);
          }
        }
      },
    };
    const socket = makeWASocket({
      auth: { creds: this.creds, keys },
      waWebSocketUrl: this.#url,
      logger: silent,
      markOnlineOnConnect: false,
      emitOwnEvents: false,
      enableRecentMessageCache: false,
      retryRequestDelayMs: 1,
      getMessage: async ({ id }) => this.#sent.get(id ?? ""),
      ...this.#config,
    });
    this.#socket = socket;
    socket.ev.on("creds.update", (update) => {
      Object.assign(this.creds, update);
      this.#watch.changed();
    });
    socket.ev.on("messages.upsert", ({ messages, type }) => {
      const heard = messages.filter(({ category }) => category !== "peer");
      this.messages.push(...heard.map((message) => ({ message, type })));
      this.#watch.changed();
    });
    socket.ev.on("messaging-history.set", ({ messages }) => {
      this.history.push(...messages);
      this.#watch.changed();
    });
    socket.ev.on("connection.update", (update) => {
      this.states.push(update);
      this.#watch.changed();
    });
    return socket;
  }

  /** Sends a text, and remembers it for whoever asks again. */
  async send(jid: string, text: string): Promise<string> {
    const messageId = generateMessageIDV2(this.creds.me?.id);
    this.#sent.set(messageId, { extendedTextMessage: { text } });
    await this.socket.sendMessage(jid, { text }, { messageId });
    return messageId;
  }

  /** The first state that fits; every state is looked at once. */
  state(fits: (state: Partial<ConnectionState>) => boolean): Promise<Partial<ConnectionState>> {
    const probe = (): Partial<ConnectionState> | undefined => {
      const at = this.states.findIndex(fits);
      return at < 0 ? undefined : this.states.splice(0, at + 1)[at];
    };
    return this.#watch.until(probe, () => `Baileys was only ${JSON.stringify(this.states)}.`);
  }

  /** The code with which the connection ended. */
  async closed(): Promise<number | undefined> {
    const { lastDisconnect } = await this.state(({ connection }) => connection === "close");
    const error = lastDisconnect?.error;
    return error !== undefined && "output" in error ? error.output.statusCode : undefined;
  }

  async qr(): Promise<string> {
    const { qr } = await this.state((state) => state.qr !== undefined);
    return qr ?? "";
  }

  /** The first message that fits. */
  message(fits: (message: WAMessage) => boolean): Promise<{ message: WAMessage; type: string }> {
    return this.#watch.until(
      () => this.messages.find(({ message }) => fits(message)),
      () => `Baileys only got ${JSON.stringify(this.messages.map(({ message }) => message.message))}.`,
    );
  }

  /** A message by its text. */
  text(text: string): Promise<{ message: WAMessage; type: string }> {
    return this.message(({ message }) => (message?.conversation ?? message?.extendedTextMessage?.text) === text);
  }

  /** Waits until the first synchronisation is done; a reconnect before that makes rc14 hold events back for 20 s. */
  async synced(): Promise<void> {
    await this.#watch.until(
      () => (this.creds.accountSyncCounter > 0 ? true : undefined),
      () => "The first synchronisation did not end.",
    );
  }

  /** Waits for history messages. */
  past(): Promise<WAMessage[]> {
    return this.#watch.until(
      () => (this.history.length > 0 ? this.history : undefined),
      () => "No history came.",
    );
  }

  close(): void {
    this.#socket?.end(undefined);
  }
}
