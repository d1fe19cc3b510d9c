/** A home with a contact book in it, for the tests of this folder: real files, a clock to turn, seeded randomness. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Access,
  type AccessDoc,
  type AccessSettings,
  type Actor,
  type AuditRecord,
  type Contact,
  createAccess,
  type Person,
  personFrom,
} from "../../src/access/index.js";
import { KafclawError } from "../../src/errors.js";
import { type Collection, openStore, type Store } from "../../src/store/index.js";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Doors that decide. */
export const chat: Actor = { door: "whatsapp", who: "+1 555 000 1000" };
export const dashboard: Actor = { door: "dashboard", who: "owner" };
export const cli: Actor = { door: "cli", who: "alice" };

export const TOKEN = "KAF-7QF2-M9TX";

/** People, from their JIDs. */
export function person(...jids: readonly string[]): Person {
  const found = personFrom(...jids);
  if (found === undefined) throw new Error(`Not a person: ${jids.join(" ")}`);
  return found;
}

export const OWNER = person("15550001000@s.whatsapp.net", "1000@lid");
export const ALICE = person("15550002000@s.whatsapp.net", "2000@lid");
export const BOB = person("15550003000@s.whatsapp.net", "3000@lid");

/** Bytes from a seed: the same in every run. */
export function seeded(seed = 1): (size: number) => Uint8Array {
  let state = seed >>> 0 || 1;
  return (size) =>
    Uint8Array.from({ length: size }, () => {
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      return state & 0xff;
    });
}

export class House {
  now = Date.UTC(2026, 10, 23, 14, 2);
  access!: Access;
  /** Makes the next writes to `access.db` or `audit.db` fail, as a full disk does. */
  readonly full = { access: false, audit: false };
  /** Makes reading all of `access.db` or `audit.db` fail. */
  readonly unreadable = { access: false, audit: false };
  /** Makes removals from `access.db` fail. */
  failRemove = false;
  /** Writes to `access.db` so far. */
  writes = 0;
  readonly warnings: string[] = [];
  /** Where codes and tokens come from. */
  random = seeded();
  #store: Store | undefined;
  #message = 0;

  private constructor(
    readonly home: string,
    readonly settings: Partial<AccessSettings>,
  ) {}

  static async open(settings: Partial<AccessSettings> = {}): Promise<House> {
    const house = new House(await mkdtemp(join(tmpdir(), "kafclaw-access-")), settings);
    await house.start();
    return house;
  }

  async start(): Promise<void> {
    const log = { info: () => undefined, warn: (_: object, message: string) => void this.warnings.push(message) };
    this.#store = await openStore(this.home, { clock: () => this.now, log });
    this.access = await createAccess({
      access: this.#breakable(await this.#store.open<AccessDoc>("access", { durable: true }), "access"),
      audit: this.#breakable(await this.#store.open<AuditRecord>("audit", { durable: true }), "audit"),
      clock: () => this.now,
      random: (size) => this.random(size),
      settings: this.settings,
      log,
    });
  }

  /** Closes the files and reads them again, as a restart does. */
  async restart(): Promise<void> {
    await this.access.close();
    await this.#store?.close();
    await this.start();
  }

  async close(): Promise<void> {
    await this.access.close();
    await this.#store?.close();
    await rm(this.home, { recursive: true, force: true });
  }

  /** What a sender's message does, as a new message each time. */
  knock(who: Person, text: string, name = "", cause = `m${this.#message++}`) {
    return this.access.knock({ person: who, name, text, at: this.now, cause });
  }

  /** Brings somebody into the pending queue with the shared token. */
  async pending(who: Person, name = ""): Promise<Contact> {
    if (this.access.revealToken() === undefined) await this.access.setToken(TOKEN, cli);
    const entry = await this.knock(who, this.access.revealToken() ?? "", name);
    if (entry.kind !== "entered") throw new Error(`Not queued: ${entry.kind}`);
    return entry.contact;
  }

  async approved(who: Person, name = ""): Promise<Contact> {
    return (await this.access.approve(await this.pending(who, name), cli)).contact;
  }

  async denied(who: Person, name = ""): Promise<Contact> {
    return (await this.access.deny(await this.pending(who, name), cli)).contact;
  }

  /** A document of `access.db`, or with `doc`, puts it back as it was. */
  async document(id: string, doc?: AccessDoc): Promise<AccessDoc | undefined> {
    const docs = await this.#store?.open<AccessDoc>("access", { durable: true });
    if (doc !== undefined) await docs?.put(doc);
    return docs?.get(id);
  }

  /** The ids of the contacts in `access.db`. */
  async onDisk(): Promise<string[]> {
    const docs = await this.#store?.open<AccessDoc>("access", { durable: true });
    return ((await docs?.find({ kind: "contact" })) ?? []).map(({ _id }) => _id).sort();
  }

  async owned(): Promise<void> {
    await this.access.setOwner({ setup: "own-number", person: OWNER, confirmed: true }, cli);
  }

  /** What the gate says to a direct message. */
  verdict(who: Person): string {
    return this.access.judge({ place: "person", sender: who, fromMe: false }).kind;
  }

  #breakable<T extends { readonly _id: string }>(inner: Collection<T>, name: "access" | "audit"): Collection<T> {
    const check = () => {
      if (this.full[name]) throw new KafclawError("disk-full", "No room; free some disk space.", "failed");
      if (name === "access") this.writes++;
    };
    return {
      get: (id) => inner.get(id),
      find: (query, options) =>
        this.unreadable[name]
          ? Promise.reject(new KafclawError("disk-failed", "The disk failed; check it.", "failed"))
          : inner.find(query, options),
      count: (query) => inner.count(query),
      put: async (doc) => {
        check();
        await inner.put(doc);
      },
      putAll: async (docs) => {
        check();
        await inner.putAll(docs);
      },
      remove: async (ids) => {
        if (this.failRemove) throw new KafclawError("disk-failed", "The disk failed; check it.", "failed");
        return inner.remove(ids);
      },
      close: () => inner.close(),
    };
  }
}

/** The error code that a call is refused with, and what it says. */
export async function refusal(call: () => unknown): Promise<{ code: string; message: string }> {
  try {
    await call();
  } catch (error) {
    if (error instanceof KafclawError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error("It was not refused");
}
