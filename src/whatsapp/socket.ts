import { AsyncLocalStorage } from "node:async_hooks";
import { performance } from "node:perf_hooks";
import {
  type AuthenticationCreds,
  type BinaryNode,
  Browsers,
  type CacheStore,
  DEFAULT_CONNECTION_CONFIG,
  DisconnectReason,
  isJidBot,
  isJidBroadcast,
  isJidGroup,
  isJidMetaAI,
  isJidNewsletter,
  isJidStatusBroadcast,
  makeWASocket,
  proto,
  S_WHATSAPP_NET,
  type SignalDataSet,
  type SignalKeyStoreWithTransaction,
  type UserFacingSocketConfig,
  type WAMessageContent,
  type WAMessageKey,
  type WASocket,
  type WAVersion,
} from "@whiskeysockets/baileys";
import type { Logger } from "pino";
import { present } from "../present.js";
import { watchDevices } from "./devices.js";
import { withOtherAddress } from "./inbound.js";
import type { Journal, JournalRecord } from "./journal.js";
import type { ResendRequests } from "./resend.js";
import { nameless, type Session, STRANGERS_KEPT } from "./session.js";

/** What a connection is made of. */
export interface SocketOptions {
  readonly session: Session;
  readonly journal: Journal;
  readonly creds: AuthenticationCreds;
  readonly version: WAVersion;
  readonly url?: string;
  /** Milliseconds until WhatsApp's first frame; 20 seconds unless given. */
  readonly connectTimeoutMs?: number;
  readonly log: Logger;
  /** Is this bare user a contact, the owner or the account itself? */
  readonly isKnown: (user: string) => boolean;
  /** Would a message leave now for whoever has this JID (I3)? For ourselves always. */
  readonly mayHear: (jid: string) => boolean;
  /** What the outbox sent to that very chat and would still send now (I3). */
  readonly recall: (key: WAMessageKey) => Promise<WAMessageContent | undefined>;
  /** Messages that could not be read; those of the connections before, too. */
  readonly resends: ResendRequests;
}

/**
 * What Baileys reads in other people's messages: nothing, padded by one byte. The journal has their words; Baileys would do
 * what only our own phone may ask for, as sending receipts of a history, or ask for what is no protobuf again and again.
 */
const NO_WORDS = Uint8Array.of(1);
/** How long a query may stay unanswered, and how long a closing handshake may take. */
const QUERY_TIMEOUT_MS = 30_000;
const CLOSE_TIMEOUT_MS = 1_000;
/** How long WhatsApp may take until its first frame. */
const CONNECT_TIMEOUT_MS = 20_000;
/** How long the server may take to tell a number's LID, while a message waits for it; and where it did not, for a while. */
const LID_PATIENCE_MS = 5_000;
const LID_KNOWN_MS = 200;
const LID_SILENT_MS = 60_000;
/**
 * Baileys caches every LID mapping that it sees, with a timer of three days for each entry; beyond this many the cache is
 * emptied, the session has them all.
 */
const MAPPINGS_CACHED = 500;
/** Baileys remembers for an hour how often it asked for each message again, however many there were. */
const RETRIES_COUNTED = 1_000;

/**
 * Opens one connection to WhatsApp with everything in place that keeps Baileys behind the one door (I3, I5, I10):
 * the journal below the event, no presence, no recent-message cache, no events of our own, strays contained.
 */
export function openSocket(options: SocketOptions): WASocket {
  const { creds, session, log, resends } = options;
  const envelopes = new Envelopes(options);
  const isDeaf = (jid: string): boolean => !options.mayHear(jid);
  const socket = makeWASocket({
    auth: { creds, keys: session },
    version: options.version,
    browser: Browsers.macOS("Chrome"),
    logger: log,
    ...present({ waWebSocketUrl: options.url }),
    emitOwnEvents: false,
    markOnlineOnConnect: false,
    syncFullHistory: false,
    enableRecentMessageCache: false,
    enableAutoSessionRecreation: false,
    defaultQueryTimeoutMs: QUERY_TIMEOUT_MS,
    // Baileys would set a timer and take three stack traces for each stanza that it sends; `connectWithin` stands in.
    connectTimeoutMs: 0,
    // A failed write is not retried here: the connection ends instead, so that WhatsApp sends the message again.
    transactionOpts: { maxCommitRetries: 1, delayBetweenTriesMs: 0 },
    // Says that each resend was asked for already: Baileys' own way stops all messages for two seconds (resend.ts).
    placeholderResendCache: { get: <T>() => true as T, set: () => {}, del: () => {}, flushAll: () => {} },
    retryRequestDelayMs: 0,
    msgRetryCounterCache: spentFor(isDeaf, boundedCache(RETRIES_COUNTED)),
    getMessage: options.recall,
    patchMessageBeforeSending: (message, jids = []) =>
      onceEach(message, isDeletion(message) ? jids : jids.filter((jid) => !isDeaf(jid))),
    shouldIgnoreJid: (jid) => !isPerson(jid),
    makeSignalRepository: (auth, logger, pnToLid) => {
      const repository = DEFAULT_CONNECTION_CONFIG.makeSignalRepository(auth, logger, pnToLid);
      boundMappings(repository.lidMapping);
      const alone = oneAtATime();
      return {
        ...repository,
        // Groups are dropped, so a key for one is of no use; rc14 would keep any that a stranger makes up in a direct chat.
        processSenderKeyDistributionMessage: async () => {},
        encryptMessage: (message) => alone(() => repository.encryptMessage(message)),
        injectE2ESession: (session) => alone(() => repository.injectE2ESession(session)),
        migrateSession: (from, to) => alone(() => repository.migrateSession(from, to)),
        deleteSession: (jids) => alone(() => repository.deleteSession(jids)),
        decryptMessage: (message) =>
          alone(() =>
            transactional(auth.keys).transaction(async () => {
              const plaintext = await repository.decryptMessage(message);
              const record = await envelopes.record(message.ciphertext, plaintext);
              // Beside the keys that moved, in one transaction (I10); Baileys' type knows only its own keys.
              if (record) await auth.keys.set({ journal: { [record._id]: record } } as SignalDataSet);
              if (record?.attrs.id) resends.read(record.attrs.id);
              return envelopes.isMe(message.jid) ? plaintext : NO_WORDS;
            }, message.jid),
          ),
      };
    },
  });
  const boundTokens = tokenBound(options.isKnown);
  const watch = watchDevices(socket);
  socket.ws.on("frame", (node: BinaryNode | Uint8Array) => {
    if (node instanceof Uint8Array) return;
    boundTokens(node);
    leaveAlone(node, isDeaf);
    void watch(node).catch((error: unknown) => log.warn({ err: error }, "a list of devices could not be looked at"));
    if (node.tag === "message") {
      envelopes.watch(node);
      resends.watch(socket, node);
    }
    inOneQueue(node);
  });
  socket.ev.on("connection.update", ({ connection }) => {
    if (connection === "open") resends.opened(socket);
  });
  socket.registerSocketEndHandler(() => resends.ended());
  keepTokens(socket);
  connectWithin(socket, options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS);
  containStrays(socket);
  filterEvents(socket);
  closeQuickly(socket);
  return socket;
}

/**
 * Runs what changes Signal sessions one after another, each in a transaction of its own.
 *
 * rc14 encrypts inside one long transaction that ends after the message has left. A kill in between would use a message's
 * key twice, and a message that came in meanwhile would have its ratchet overwritten by the older one.
 */
function oneAtATime(): <T>(work: () => Promise<T>) => Promise<T> {
  // Baileys keeps its transaction in the asynchronous context; this steps out of it.
  const outside = AsyncLocalStorage.snapshot();
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(() => outside(work));
    last = turn.catch(() => {});
    return turn;
  };
}

/** Baileys hands the repository the transactional store, though its type does not say so. */
function transactional(keys: unknown): SignalKeyStoreWithTransaction {
  return keys as SignalKeyStoreWithTransaction;
}

/**
 * Deleting for everyone takes away a secret, and goes to whoever got it. For all else Baileys asks here, right before it
 * encrypts, and sends nothing where nobody is left: it may have waited for a list of devices since the outbox looked (I3).
 */
function isDeletion({ protocolMessage }: proto.IMessage): boolean {
  return protocolMessage?.type === proto.Message.ProtocolMessage.Type.REVOKE;
}

/** Each device gets a message once: in the chat with oneself Baileys lists every device twice. */
const onceEach: NonNullable<UserFacingSocketConfig["patchMessageBeforeSending"]> = (message, jids = []) => {
  const devices = new Set(jids);
  // Baileys reads `message` of each entry, though the type says that an entry is the message.
  return [...devices].map((recipientJid) => ({ recipientJid, message })) as unknown as typeof message;
};

/** Everything but direct chats is acknowledged and dropped before it can leave Signal state behind (I1). */
function isPerson(jid: string): boolean {
  const other =
    isJidGroup(jid) ||
    isJidBroadcast(jid) ||
    isJidStatusBroadcast(jid) ||
    isJidNewsletter(jid) ||
    isJidBot(jid) ||
    isJidMetaAI(jid);
  return !other;
}

/**
 * Has Baileys take messages in the order in which they come, and let them wait for nothing else. It works off what waited
 * at WhatsApp one after another, receipts too, for which it may ask the server, and what comes meanwhile at once: of two
 * orders, the older one would have the last word. What comes at once waits while it writes down a sender's other address:
 * the token would be overtaken by what comes right behind it.
 */
function inOneQueue(node: BinaryNode): void {
  const { offline, ...attrs } = node.attrs;
  if (node.tag === "message") node.attrs = { ...attrs, offline: offline || "0" };
  else if (node.tag === "receipt") node.attrs = attrs;
  // What the phone's own settings are is of no use here, and asking for them can take minutes.
  else if (node.tag === "notification" && attrs.type === "server_sync") node.content = [];
}

/**
 * Brings a decrypted text together with the stanza that it came in: Baileys gives the repository the very bytes of the
 * stanza, so the bytes' identity is the link between the two.
 */
class Envelopes {
  private readonly stanzas = new WeakMap<Uint8Array, BinaryNode["attrs"]>();

  constructor(private readonly options: Pick<SocketOptions, "journal" | "session" | "creds">) {}

  watch({ attrs, content }: BinaryNode): void {
    if (!Array.isArray(content)) return;
    for (const child of content) if (child.content instanceof Uint8Array) this.stanzas.set(child.content, attrs);
  }

  /**
   * The journal record for a decrypted message, where it may matter later. It names the sender by both addresses where
   * they are known, so that the same message under the other one is the same message (I10).
   */
  async record(ciphertext: Uint8Array, plaintext: Uint8Array): Promise<JournalRecord | undefined> {
    const attrs = this.stanzas.get(ciphertext);
    if (!attrs?.id || !attrs.from) return undefined;
    if (attrs.category === "peer" && !isResend(plaintext)) return undefined;
    // What the account's owner writes to other people is their own business.
    if (this.isMe(attrs.from) && attrs.recipient && !this.isMe(attrs.recipient)) return undefined;
    const { journal, session } = this.options;
    const whole = await withOtherAddress({ attrs, body: plaintext }, session.mapped.bind(session));
    return journal.draft(whole.attrs, whole.body);
  }

  isMe(jid: string): boolean {
    const user = bareUser(jid);
    const { me } = this.options.creds;
    return me !== undefined && (bareUser(me.id) === user || (me.lid !== undefined && bareUser(me.lid) === user));
  }
}

/** `<user>@<server>` without the device. */
function bareUser(jid: string): string {
  return jid.replace(/:\d+@/, "@");
}

/** A message from our own phone that brings back one which could not be decrypted. Other peer messages hold secrets. */
function isResend(plaintext: Uint8Array): boolean {
  try {
    const padding = plaintext.at(-1) ?? 0;
    const message = proto.Message.decode(plaintext.subarray(0, plaintext.length - padding));
    const { type } = message.deviceSentMessage?.message?.protocolMessage ?? message.protocolMessage ?? {};
    return type === proto.Message.ProtocolMessage.Type.PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE;
  } catch {
    return false;
  }
}

/**
 * Reads frames one after another, and ends the connection on one that can't be read. rc14 would leave an unhandled
 * rejection behind and wait on a connection whose counters no longer match.
 */
function containStrays(socket: WASocket): void {
  const listeners = socket.ws.listeners("message") as ((data: Buffer) => unknown)[];
  socket.ws.removeAllListeners("message");
  let tail: Promise<unknown> = Promise.resolve();
  socket.ws.on("message", (data: Buffer) => {
    tail = tail
      .then(() => Promise.all(listeners.map((listen) => listen(data))))
      .catch((error) => socket.end(error instanceof Error ? error : new Error(String(error))));
  });
}

/** What we and Baileys itself listen to. The rest, messages included, would be gathered, merged and heard by nobody. */
const HEARD = new Set(["connection.update", "creds.update", "messaging-history.set", "lid-mapping.update", "call"]);

/**
 * Lets through the events that somebody hears, and takes the display name out of credential updates: with one, Baileys
 * announces it as presence (see session.ts). Of the account it keeps the LID.
 */
function filterEvents(socket: WASocket): void {
  const emit = socket.ev.emit.bind(socket.ev);
  socket.ev.emit = (event, update) => {
    if (!HEARD.has(event)) return false;
    if (event !== "creds.update") return emit(event, update);
    const { me, ...rest } = update as Partial<AuthenticationCreds>;
    // A LID is for good: a login that does not name it takes back nothing of what the link said.
    const lid = me?.lid ?? socket.authState.creds.me?.lid;
    const known = me && { ...me, ...present({ lid }) };
    // The same event with the same payload type, less the name.
    return emit(event, { ...rest, ...(known ? { me: nameless(known) } : {}) } as typeof update);
  };
}

/** Keeps strangers from filling memory with mappings, and a server that says nothing of them from holding up messages. */
function boundMappings(
  lidMapping: ReturnType<typeof DEFAULT_CONNECTION_CONFIG.makeSignalRepository>["lidMapping"],
): void {
  // The cache is a private field of Baileys' class; emptying it costs a read from the session, nothing else.
  const { mappingCache } = lidMapping as unknown as { mappingCache: { size: number; clear(): void } };
  const store = lidMapping.storeLIDPNMappings.bind(lidMapping);
  lidMapping.storeLIDPNMappings = async (pairs) => {
    if (mappingCache.size > MAPPINGS_CACHED) mappingCache.clear();
    await store(pairs);
  };
  // rc14 asks the server in the middle of decrypting: an error would lose the message, and no answer hold up all others.
  const look = lidMapping.getLIDsForPNs.bind(lidMapping);
  let silentUntil = 0;
  lidMapping.getLIDsForPNs = (pns) =>
    new Promise((resolve) => {
      // What is known here comes at once.
      const patience = performance.now() < silentUntil ? LID_KNOWN_MS : LID_PATIENCE_MS;
      const timer = setTimeout(() => {
        silentUntil = performance.now() + LID_SILENT_MS;
        resolve(null);
      }, patience);
      const found = look(pns).catch(() => null);
      void found.then(resolve).finally(() => clearTimeout(timer));
    });
}

/** A cache for Baileys that holds so many entries; the oldest go first. */
export function boundedCache(most: number): CacheStore {
  const entries = new Map<string, unknown>();
  return {
    // Baileys reads what it wrote itself.
    get: <T>(key: string) => entries.get(key) as T | undefined,
    set(key, value) {
      entries.delete(key);
      entries.set(key, value);
      const [oldest] = entries.keys();
      if (entries.size > most && oldest !== undefined) entries.delete(oldest);
    },
    del: (key) => void entries.delete(key),
    flushAll: () => entries.clear(),
  };
}

/**
 * Retries of whoever may hear nothing count as used up, so that nothing is sent to them again and nobody asks for their
 * keys. Baileys looks before it asks for keys and right before it sends: much may have been decided meanwhile.
 */
function spentFor(isDeaf: (jid: string) => boolean, cache: CacheStore): CacheStore {
  return {
    ...cache,
    get: <T>(key: string) => {
      // Of what was sent to us, Baileys counts under no JID; where it reads, it compares the count with its own limit.
      const asker = key.slice(key.indexOf(":") + 1);
      return asker.includes("@") && isDeaf(asker) ? (Number.POSITIVE_INFINITY as T) : cache.get<T>(key);
    },
  };
}

/** WhatsApp's error where an account may start no new chats. */
const RESTRICTED = "463";

/**
 * Whoever may hear nothing gets no privacy token, which would reach their phone: Baileys gives one, and asks for keys, when
 * somebody has a new phone or a message to them was refused.
 */
function leaveAlone(node: BinaryNode, isDeaf: (jid: string) => boolean): void {
  const { class: kind, ...attrs } = node.attrs;
  const { from = "", type, error } = attrs;
  // Those of this type that are about our own keys come from WhatsApp itself.
  const isOfNewPhone = node.tag === "notification" && type === "encrypt" && from !== S_WHATSAPP_NET;
  const isRefusal = node.tag === "ack" && kind === "message" && error === RESTRICTED;
  if (!(isOfNewPhone || isRefusal) || !isDeaf(from)) return;
  if (isOfNewPhone) node.content = [];
  // Whoever waits for the ack knows it by its id.
  else node.attrs = attrs;
}

/**
 * Has it kept to whom a privacy token was given. rc14 writes that down in the transaction of the message, which is over by
 * then: each message would give another one, where WhatsApp's own clients give one a week.
 */
function keepTokens({ authState: { keys } }: WASocket): void {
  const outside = AsyncLocalStorage.snapshot();
  const { get, set } = keys;
  keys.get = (type, ids) => (type === "tctoken" ? outside(() => get(type, ids)) : get(type, ids));
  keys.set = (data) => ("tctoken" in data ? outside(() => set(data)) : set(data));
}

/**
 * Takes no tokens of further strangers once a thousand have sent one: Baileys notes each of them in memory until the
 * connection ends. The first ones' are taken, as messages need them to whoever is approved later.
 */
function tokenBound(isKnown: SocketOptions["isKnown"]): (node: BinaryNode) => void {
  const strangers = new Set<string>();
  return (node) => {
    if (node.tag !== "notification" || node.attrs.type !== "privacy_token") return;
    const users = [node.attrs.from, node.attrs.sender_lid].map((jid = "") => jid.split(/[:@]/)[0] ?? "");
    if (users.some(isKnown)) return;
    if (strangers.size < STRANGERS_KEPT) strangers.add(users.join());
    else if (!strangers.has(users.join())) node.content = [];
  };
}

/** Ends a connection on which nothing comes at all; once something has come, Baileys' own pings watch over it. */
function connectWithin(socket: WASocket, ms: number): void {
  const error = Object.assign(new Error("WhatsApp did not answer."), {
    output: { statusCode: DisconnectReason.timedOut },
  });
  const late = (): unknown => socket.end(error);
  const timer = setTimeout(late, ms);
  const stop = (): void => clearTimeout(timer);
  socket.ws.once("frame", stop);
  socket.registerSocketEndHandler(stop);
}

/** Bounds the closing handshake: on a dead connection it would hold up the reconnect for half a minute. */
function closeQuickly(socket: WASocket): void {
  // Baileys' client keeps its `ws` socket in a field that its type hides.
  const client = socket.ws as unknown as { socket?: { terminate(): void } | null; close(): Promise<void> };
  const close = client.close.bind(client);
  client.close = async () => {
    const raw = client.socket;
    const timer = setTimeout(() => raw?.terminate(), CLOSE_TIMEOUT_MS);
    await close();
    clearTimeout(timer);
  };
}
