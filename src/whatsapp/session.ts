import {
  type AuthenticationCreds,
  BufferJSON,
  initAuthCreds,
  proto,
  type SignalDataSet,
  type SignalDataTypeMap,
  type SignalKeyStore,
} from "@whiskeysockets/baileys";
import type { Collection, Doc } from "../store/types.js";
import type { Journal, JournalRecord } from "./journal.js";
import { withoutOldChains } from "./ratchet.js";

/** One line of `session.db`: the credentials (`creds`) or one Signal key (`<type>/<id>`), as BufferJSON text. */
export interface SessionDoc extends Doc {
  readonly v: string;
}

/** Two addresses of one person, as bare users without server. */
export interface Mapping {
  readonly pnUser: string;
  readonly lidUser: string;
}

/** How many people without a contact may leave Signal state behind; the longest unheard goes first. */
export const STRANGERS_KEPT = 1_000;

/** Key types whose ids name a person. The others belong to the account and are never dropped. */
const PERSONAL = new Set(["session", "identity-key", "lid-mapping", "device-list", "tctoken"]);

/**
 * What is of no use here, though sessions of before may hold it: keys of groups, which are dropped (I1), and Baileys' index of
 * all that ever sent a privacy token, by which it would forget tokens when it went online (I5).
 */
const USELESS = /^(sender-key(-memory)?\/|tctoken\/\D)/;

/** Key types that each message reads and that nobody changes in place, and how many of them stay ready in memory. */
const READY = new Set(["session", "identity-key"]);
const READY_KEPT = 500;

const CREDS = "creds";
/** A whole session in one line that is about to replace what is there: one append, so it is there or it is not. */
const NEXT = "next";

/** What a session needs to know from outside. */
export interface SessionOptions {
  readonly collection: Collection<SessionDoc>;
  readonly journal: Journal;
  /** Is this bare user (digits of a PN or LID) a contact, the owner or the account itself? Their keys are never dropped. */
  readonly isKnown: (user: string) => boolean;
  /** Called for each LID mapping that Baileys learns, from envelopes, usync and history alike. */
  readonly onMapping: (mapping: Mapping) => void;
  /** A write failed: the socket must end before anything is acknowledged. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * The WhatsApp session in NeDB: credentials and Signal keys.
 *
 * Credentials are written only once the link is real (`creds.account`), so an attempt to link can't replace a session;
 * each write appends a line, so neither a crash nor a full disk can empty what is there.
 */
export class Session implements SignalKeyStore {
  /** Bare users without a contact, longest unheard first, with the lines that they left. */
  private readonly strangers = new Map<string, Set<string>>();
  /** Keys as they were last written or read, longest unused first: reading one from its line costs as much as decrypting. */
  private readonly ready = new Map<string, unknown>();
  private creds: AuthenticationCreds | undefined;
  /** A new link is being made while the old session is still on disk. */
  private startingOver = false;

  private constructor(private readonly options: SessionOptions) {}

  static async open(options: SessionOptions): Promise<Session> {
    const session = new Session(options);
    await session.resume();
    const lines = (await options.collection.find()).map(({ _id }) => _id);
    // A full disk keeps nobody from starting; the next start tries again.
    await options.collection.remove(lines.filter((line) => USELESS.test(line))).catch(() => {});
    for (const line of lines) session.remember(line);
    return session;
  }

  /** True once the account has confirmed this device; `me` alone is set long before by a pairing code. */
  get linked(): boolean {
    return this.creds?.account !== undefined;
  }

  /** The credentials to connect with. While not linked they are in memory only, and the same until {@link startOver}. */
  credentials(): AuthenticationCreds {
    this.creds ??= withoutName(initAuthCreds());
    return this.creds;
  }

  /** Begins anew with fresh credentials in memory; what is on disk stays until a new link is real. */
  startOver(): void {
    this.creds = undefined;
    this.startingOver = true;
  }

  /** Writes the credentials, where there is something to keep. */
  async save(): Promise<void> {
    if (!this.creds?.account) return;
    if (this.startingOver) return this.replace(this.creds, new Map());
    await this.options.collection.put({ _id: CREDS, v: write(this.creds) });
  }

  /** Goes back to the session on disk, where there is one: at start, and after an attempt to link that came to nothing. */
  async resume(): Promise<void> {
    this.startingOver = false;
    await this.finishReplacing();
    const saved = await this.options.collection.get(CREDS);
    // Begun anew meanwhile.
    if (this.startingOver) return;
    this.creds = saved && withoutName(JSON.parse(saved.v, BufferJSON.reviver));
  }

  /** Ends the session for good: after a log-out. */
  async wipe(): Promise<void> {
    this.creds = undefined;
    this.strangers.clear();
    this.ready.clear();
    const docs = await this.options.collection.find();
    await this.options.collection.remove(docs.map((doc) => doc._id));
  }

  /** Takes over credentials and keys of another installation in place of what is there. */
  async adopt(creds: AuthenticationCreds, keys: ReadonlyMap<string, unknown>): Promise<void> {
    await this.replace(creds, keys);
    this.creds = withoutName(creds);
  }

  /** One session in place of another: a crash or a full disk leaves the old one or the new one, never none. */
  private async replace(creds: AuthenticationCreds, keys: ReadonlyMap<string, unknown>): Promise<void> {
    const docs = [...keys].map(([id, value]): SessionDoc => ({ _id: id, v: write(value) }));
    docs.push({ _id: CREDS, v: write(creds) });
    await this.options.collection.put({ _id: NEXT, v: JSON.stringify(docs) });
    await this.finishReplacing();
    this.startingOver = false;
  }

  private async finishReplacing(): Promise<void> {
    const { collection } = this.options;
    const next = await collection.get(NEXT);
    if (!next) return;
    // Written by `replace` alone.
    const docs = JSON.parse(next.v) as SessionDoc[];
    const old = await collection.find();
    await collection.remove(old.flatMap(({ _id }) => (_id === NEXT ? [] : [_id])));
    await collection.putAll(docs);
    await collection.remove([NEXT]);
    this.strangers.clear();
    this.ready.clear();
    for (const { _id } of docs) this.remember(_id);
  }

  async get<T extends keyof SignalDataTypeMap>(
    type: T,
    ids: string[],
  ): Promise<{ [id: string]: SignalDataTypeMap[T] }> {
    const found: { [id: string]: SignalDataTypeMap[T] } = {};
    for (const id of ids) {
      const line = keyId(type, id);
      const value = this.ready.get(line) ?? (await this.read(line));
      if (value === undefined) continue;
      if (READY.has(type)) this.keepReady(line, value);
      // Written under this id, so it is of the type that Baileys has for it.
      found[id] = value as SignalDataTypeMap[T];
    }
    return found;
  }

  private async read(line: string): Promise<unknown> {
    const doc = await this.options.collection.get(line);
    if (!doc) return undefined;
    const value = JSON.parse(doc.v, BufferJSON.reviver);
    return line.startsWith("app-state-sync-key/") ? proto.Message.AppStateSyncKeyData.fromObject(value) : value;
  }

  private keepReady(line: string, value: unknown): void {
    this.ready.delete(line);
    this.ready.set(line, value);
    const [oldest] = this.ready.keys();
    if (this.ready.size > READY_KEPT && oldest !== undefined) this.ready.delete(oldest);
  }

  /**
   * Writes what one Signal transaction changed. The journal goes first: a crash after it repeats the message, which the
   * journal then knows; the other way round it would be lost. What is removed goes last, for the same reason.
   */
  async set(data: SignalDataSet & { journal?: Record<string, JournalRecord> }): Promise<void> {
    try {
      // A new link whose credentials the disk refused: they go first, or this would be taken for the old session's.
      if (this.startingOver) await this.save();
      const { journal, ...keys } = data;
      if (journal) await this.options.journal.record(Object.values(journal));
      const put: SessionDoc[] = [];
      const gone: string[] = [];
      const changed: [line: string, value: unknown][] = [];
      for (const [type, entries] of Object.entries(keys)) {
        for (const [id, given] of Object.entries(entries ?? {})) {
          const line = keyId(type, id);
          if (USELESS.test(line)) continue;
          const value = type === "session" ? withoutOldChains(given) : given;
          this.ready.delete(line);
          if (value === null || value === undefined) gone.push(line);
          else put.push({ _id: line, v: write(value) });
          if (value && READY.has(type)) changed.push([line, value]);
        }
      }
      await this.options.collection.putAll(put);
      for (const { _id } of put) this.remember(_id);
      const over = this.overflow();
      for (const line of over) this.ready.delete(line);
      await this.options.collection.remove([...gone, ...over]);
      for (const [line, value] of changed) this.keepReady(line, value);
      this.tellMappings(keys["lid-mapping"] ?? {});
    } catch (error) {
      this.options.onFailure(error);
      throw error;
    }
  }

  /** The other half of a mapping, from what was learned so far: bare user in, bare user out. */
  async mapped(user: string, of: "pn" | "lid"): Promise<string | undefined> {
    const id = of === "pn" ? user : `${user}_reverse`;
    return (await this.get("lid-mapping", [id]))[id];
  }

  private tellMappings(mappings: Record<string, string | null>): void {
    for (const [id, other] of Object.entries(mappings)) {
      if (other && !id.endsWith("_reverse")) this.options.onMapping({ pnUser: id, lidUser: other });
    }
  }

  private remember(id: string): void {
    const user = personOf(id);
    if (user === undefined || this.options.isKnown(user)) return;
    const lines = this.strangers.get(user) ?? new Set();
    lines.add(id);
    this.strangers.delete(user);
    this.strangers.set(user, lines);
  }

  /** The lines of strangers beyond the cap. Whoever became a contact meanwhile is kept. */
  private overflow(): string[] {
    const gone: string[] = [];
    for (const [user, lines] of this.strangers) {
      if (this.strangers.size <= STRANGERS_KEPT) break;
      this.strangers.delete(user);
      if (!this.options.isKnown(user)) gone.push(...lines);
    }
    return gone;
  }
}

function write(value: unknown): string {
  return JSON.stringify(value, BufferJSON.replacer);
}

/** The id of a key's line. */
export function keyId(type: string, id: string): string {
  return `${type}/${id}`;
}

/** The bare user that a key's line is about: `session/49170_1.0` → `49170`, `lid-mapping/123_reverse` → `123`. */
function personOf(id: string): string | undefined {
  const slash = id.indexOf("/");
  if (slash < 0 || !PERSONAL.has(id.slice(0, slash))) return undefined;
  return /^\d+/.exec(id.slice(slash + 1))?.[0];
}

/**
 * Credentials whose `me` never carries a name. Whenever it has one that differs from an update's, rc14 sends
 * `<presence name=…/>`, which WhatsApp reads as available (I5); without a name it sends no presence at all.
 */
function withoutName(creds: AuthenticationCreds): AuthenticationCreds {
  let me = nameless(creds.me);
  return Object.defineProperty(creds, "me", {
    enumerable: true,
    configurable: true,
    get: () => me,
    set: (value: AuthenticationCreds["me"]) => {
      me = nameless(value);
    },
  });
}

/** The account without its display name. */
export function nameless(me: AuthenticationCreds["me"]): AuthenticationCreds["me"] {
  if (!me) return me;
  const { name: _, ...rest } = me;
  return rest;
}
