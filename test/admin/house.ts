/** The owner's side of a gateway on a real store and a real book, with an outbox that records and a clock to wind. */

import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Access,
  type AccessDoc,
  type AuditRecord,
  type Contact,
  createAccess,
  type Owner,
  type Person,
  parseAddress,
  parseJid,
  personOf,
} from "../../src/access/index.js";
import { type Admin, type AdminParts, type AdminRecord, createAdmin, createSilentMode } from "../../src/admin/index.js";
import { allOf } from "../../src/admin/records.js";
import type { CommandResult, Gateway, ResponderControl } from "../../src/admin/types.js";
import { KafclawError } from "../../src/errors.js";
import { openStore, type Store } from "../../src/store/index.js";
import type { Collection } from "../../src/store/types.js";
import { renderPlain } from "../../src/text.js";
import type { Content, Inbound, LinkCode, Outbox, Parcel } from "../../src/whatsapp/types.js";
import { Clockwork } from "../clockwork.js";

export const NOON = Date.UTC(2026, 10, 23, 12, 0, 0);
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const TOKEN = "maple-otter-1234";
export const OWNER = person("+1 555 000 1000", "1000@lid");
const BOT = person("+1 555 000 9000");

/** A person of a test. */
export function person(number?: string, lid?: string): Person {
  const pn = number === undefined ? undefined : parseAddress(number);
  const other = lid === undefined ? undefined : parseJid(lid);
  return {
    ...(pn?.kind === "pn" ? { pn: pn.pn } : {}),
    ...(other?.kind === "lid" ? { lid: other.lid } : {}),
  };
}

/** One message as it would be on the wire. */
export interface Sent {
  readonly ids: readonly string[];
  readonly parcel: Parcel;
  cancelled: boolean;
  /** WhatsApp did not take it. */
  readonly refused: boolean;
  readonly at: number;
}

class RecordingOutbox implements Outbox {
  readonly sent: Sent[] = [];
  fails: Error | undefined;
  /** WhatsApp takes nothing, though the link is open. */
  isRefused = false;
  private count = 0;

  /** @param isHeld whether a parcel has to wait still */
  constructor(
    private readonly isHeld: (parcel: Parcel) => boolean,
    private readonly clock: () => number,
  ) {}

  async post(parcel: Parcel): Promise<readonly string[]> {
    if (this.fails) throw this.fails;
    const known = parcel.key === undefined ? undefined : this.sent.find((sent) => sent.parcel.key === parcel.key);
    if (known) return known.ids;
    const ids = [`3EB0${++this.count}`];
    this.sent.push({ ids, parcel, cancelled: false, refused: this.isRefused, at: this.clock() });
    return ids;
  }

  async cancel(key: string): Promise<number> {
    const found = this.sent.filter(({ parcel, cancelled }) => parcel.key === key && !cancelled && this.isHeld(parcel));
    for (const sent of found) sent.cancelled = true;
    return found.length;
  }

  forget(key: string): void {
    const index = this.sent.findIndex(({ parcel }) => parcel.key === key);
    if (index >= 0) this.sent.splice(index, 1);
  }

  withKey(key: string): { to: Person; at: number; isLost: boolean } | undefined {
    const sent = this.sent.find(({ parcel }) => parcel.key === key);
    return sent && { to: sent.parcel.to, at: sent.at, isLost: sent.cancelled || sent.refused };
  }

  hadLeft(ids: readonly string[]): boolean {
    return !this.sent.some((sent) => sent.refused && sent.ids.some((id) => ids.includes(id)));
  }
}

export interface HouseSetup {
  readonly setup?: Owner["setup"];
  readonly owner?: Partial<Owner> | null;
  /** `null` for none. */
  readonly token?: null;
  /** While there is no token, everyone who writes becomes pending. */
  readonly open?: true;
  readonly parts?: Partial<AdminParts>;
}

/** What a message of the owner has besides its text. */
export interface Extras {
  readonly quotes?: string;
  readonly forwarded?: boolean;
  /** When WhatsApp took it; now, where not said. */
  readonly at?: number;
  readonly id?: string;
  readonly expiration?: number;
  readonly waited?: boolean;
}

export class House {
  readonly time = new Clockwork();
  readonly outbox = new RecordingOutbox(
    (parcel) => {
      const notBefore = parcel.kind === "text" ? (parcel.notBefore ?? 0) : 0;
      return this.link !== "open" || notBefore > this.time.now;
    },
    () => this.time.now,
  );
  readonly released: { name: string; held: readonly string[] }[] = [];
  readonly blocks: { name: string; blocked: boolean }[] = [];
  readonly logged: string[] = [];
  /** How often the owner's side looked through what it keeps on disk. */
  looks = 0;
  link: LinkCode = "open";
  canBlock = true;
  /** The owner's side can't be written, as on a full disk. */
  isFull = false;
  /** From the next restart: no gateway runs, and commands work on the files. */
  isOffline = false;
  paused = false;
  onWhatsApp: (pn: string) => Person | string | null | undefined = () => undefined;
  loginLink: Gateway["loginLink"];
  missed: Awaited<ReturnType<Gateway["missed"]>> = [];
  /** How many messages of whom, by contact id, came in silent mode. */
  readonly backlog = new Map<string, number>();
  /** What the responder was told to do, and about whom: `answer`, `forget`. */
  readonly responded: string[] = [];
  mode: ResponderControl["mode"];
  fromOwner: ResponderControl["fromOwner"];
  access!: Access;
  admin!: Admin;
  gateway!: Gateway;
  private store!: Store;
  private messages = 0;
  private startedAt = NOON - 2 * HOUR;

  private constructor(
    private readonly home: string,
    private readonly setup: HouseSetup,
  ) {}

  static async open(setup: HouseSetup = {}): Promise<House> {
    const house = new House(await mkdtemp(join(tmpdir(), "kafclaw-admin-")), setup);
    await house.build();
    const by = { door: "cli", who: "test" } as const;
    if (setup.owner !== null) {
      const owner = { setup: setup.setup ?? "own-number", person: OWNER, confirmed: true, ...setup.owner };
      await house.access.setOwner(owner, by);
    }
    if (setup.token !== null) await house.access.setToken(TOKEN, by);
    await house.admin.start();
    return house;
  }

  private async build(): Promise<void> {
    const clock = (): number => this.time.now;
    const log = {
      error: (_details: object, message: string) => void this.logged.push(message),
      warn: (_details: object, message: string) => void this.logged.push(message),
      info() {},
    };
    this.store = await openStore(this.home, { clock, log });
    this.access = await createAccess({
      access: await this.store.open<AccessDoc>("access", { durable: true }),
      audit: await this.store.open<AuditRecord>("audit", { durable: true }),
      clock,
      random: randomBytes,
      settings: { open: this.setup.open ?? false },
    });
    const silent = createSilentMode({ record: this.access.record.bind(this.access), clock, scheduler: this.time, log });
    const responder: ResponderControl & { paused: boolean } = {
      name: "off",
      paused: this.paused,
      pause() {
        this.paused = true;
      },
      resume() {
        this.paused = false;
      },
      backlog: () => this.backlog,
      answer: async (contactId) => {
        this.backlog.delete(contactId);
        this.responded.push(`answer ${this.access.byId(contactId)?.name}`);
      },
      forget: async (contactId) => this.responded.push(`forget ${this.access.byId(contactId)?.name}`),
      ...(this.mode ? { mode: this.mode } : {}),
      ...(this.fromOwner ? { fromOwner: this.fromOwner } : {}),
    };
    this.gateway = {
      version: "0.1.0",
      startedAt: this.startedAt,
      link: () => ({ code: this.link, sentence: "The link is open.", remedy: "", since: NOON }),
      me: () => (BOT.pn === undefined ? undefined : { pn: BOT.pn }),
      silent,
      responder,
      outbox: this.outbox,
      release: async (contact, held) => {
        this.released.push({ name: contact.name, held: held.map(({ preview }) => preview) });
        await this.access.settle(
          contact,
          held.map(({ journalId }) => journalId),
        );
      },
      block: async (contact, blocked) => {
        if (this.canBlock) this.blocks.push({ name: contact.name, blocked });
        return this.canBlock;
      },
      onWhatsApp: async (pn) => {
        const jid = this.onWhatsApp(pn);
        return typeof jid === "string" ? personOf(jid) : jid;
      },
      missed: async () => this.missed,
      ...(this.loginLink ? { loginLink: this.loginLink } : {}),
    };
    this.admin = createAdmin({
      access: this.access,
      gateway: this.gateway,
      ...(this.isOffline ? {} : { outbox: this.outbox }),
      settings: this.breakable(await this.store.open<AdminRecord>("settings")),
      clock,
      serverNow: clock,
      scheduler: this.time,
      timezone: "UTC",
      greeting: "Hello, you are in.",
      graceMs: 5000,
      log,
      ...this.setup.parts,
    });
  }

  /** Kills the process and starts it anew on the same files. */
  async restart(): Promise<void> {
    await this.stop();
    this.startedAt = this.time.now;
    await this.build();
    await this.admin.start();
  }

  /** The files as a kill leaves them right before an order's answer is written. */
  async forgetAnswer(journalId: string): Promise<void> {
    await (await this.store.open<AdminRecord>("settings")).remove([`order:${journalId}`]);
    this.outbox.forget(`reply:${journalId}`);
  }

  /** The files as a kill leaves them between the posting of notices and the record of that. */
  async forgetSent(): Promise<void> {
    const settings = await this.store.open<AdminRecord>("settings");
    for (const { _id, shown } of await this.records("sent")) {
      await settings.remove([_id]);
      const [key = "", at = ""] = _id.replace("notice:sent:", "").split(/:(?=\d+$)/);
      const about = { kind: "entered", ...shown[0], text: "" } as const;
      await settings.put({ _id: key, kind: "waiting", at: Number(at), order: 1, alarm: false, about } as AdminRecord);
    }
  }

  /** Every merged record as an earlier version left it, and the gateway after an upgrade. */
  async asMergedBefore(episode: number): Promise<void> {
    const docs = await this.store.open<AccessDoc>("access", { durable: true });
    for (const doc of await docs.find({ kind: "contact" })) {
      if (doc.kind !== "contact" || doc.contact.merged === undefined) continue;
      const { joined: _, ...contact } = doc.contact;
      await docs.put({ ...doc, contact: { ...contact, episode } });
    }
    await this.restart();
  }

  /** The files as a kill leaves them between the bundling of what waits and its sending. */
  async bundleWaiting(batch: string): Promise<void> {
    const settings = await this.store.open<AdminRecord>("settings");
    await settings.putAll((await this.records("waiting")).map((record) => ({ ...record, batch })));
  }

  private breakable(inner: Collection<AdminRecord>): Collection<AdminRecord> {
    const check = (): void => {
      if (this.isFull) throw new KafclawError("disk-full", "The disk is full; make room.", "failed");
    };
    return {
      get: (id) => inner.get(id),
      find: (query, options) => {
        this.looks += 1;
        return inner.find(query, options);
      },
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
        check();
        return inner.remove(ids);
      },
      close: () => inner.close(),
    };
  }

  /** What the owner's side keeps on disk of one kind. */
  async records<K extends AdminRecord["kind"]>(kind: K) {
    return allOf(await this.store.open<AdminRecord>("settings"), kind);
  }

  private async stop(): Promise<void> {
    await this.admin.stop();
    await this.access.close();
    await this.store.close();
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.home, { recursive: true, force: true });
  }

  /** Lets time go by, and everything happen that is due. */
  async wait(ms: number): Promise<void> {
    const end = this.time.now + ms;
    for (let work = this.time.next(end); work !== undefined; work = this.time.next(end)) {
      work();
      await this.settled();
    }
    this.time.now = end;
  }

  /** Resolves when what was started in the background is done: each goes through the book or the notices. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) {
      await new Promise((resolve) => setImmediate(resolve));
      await this.admin.notices.sent();
      await this.access.close();
      await (await this.store.open<AdminRecord>("settings")).count();
    }
  }

  /** Somebody sends a message with the token; what the route then does. */
  async knocks(name: string, number: string | Person, text = TOKEN): Promise<Contact> {
    const who = typeof number === "string" ? person(number) : number;
    const cause = `knock-${++this.messages}`;
    this.time.now += 1000;
    const at = this.time.now;
    const entry = await this.access.knock({ person: who, name, text, at, cause });
    if (entry.kind !== "entered") throw new Error(`${name} did not enter: ${entry.kind}`);
    const words = this.access.mask(text);
    if (words !== "•••") await this.access.hold(entry.contact, { journalId: cause, at, preview: words });
    await this.admin.tell.entered(entry.contact, { text: words, at });
    return entry.contact;
  }

  /** A pending sender writes on. */
  async writes(contact: Contact, text: string): Promise<void> {
    await this.access.hold(contact, { journalId: `held-${++this.messages}`, at: this.time.now, preview: text });
  }

  /** A message of the owner in the admin chat. */
  message(content: Content, extras: Extras = {}): Inbound {
    const id = extras.id ?? `OWNER${++this.messages}`;
    const address = OWNER.lid ?? OWNER.pn;
    if (address === undefined) throw new Error("the owner has no address");
    return {
      journalId: `chat|${id}`,
      id,
      chat: { kind: "person", person: OWNER, address },
      sender: OWNER,
      fromMe: this.setup.setup === "self",
      name: "Olivia Owner",
      at: extras.at ?? this.time.now,
      content,
      forwarded: extras.forwarded ?? false,
      ...(extras.quotes === undefined ? {} : { quotes: extras.quotes }),
      ...(extras.expiration === undefined ? {} : { expiration: extras.expiration }),
      ...(extras.waited === undefined ? {} : { waited: extras.waited }),
    };
  }

  /** The owner sends a message; what comes back. */
  async handle(message: Inbound): Promise<string> {
    const before = this.outbox.sent.length;
    await this.admin.chat.handle(message);
    return this.texts(before).join("\n---\n");
  }

  says(text: string, extras?: Extras): Promise<string> {
    return this.handle(this.message({ kind: "text", text }, extras));
  }

  reacts(emoji: string, target: string, extras?: Extras): Promise<string> {
    return this.handle(this.message({ kind: "reaction", emoji, target }, extras));
  }

  /** The same command at the command line. */
  async cli(...[name = "", ...args]: string[]): Promise<CommandResult & { text: string }> {
    const result = await this.admin.run(name, args, { door: "cli", who: "admin" });
    return { ...result, text: renderPlain(result.message) };
  }

  /** Texts to the owner's chat since the parcel with that number. */
  texts(since = 0): string[] {
    return this.outbox.sent
      .slice(since)
      .flatMap(({ parcel }) => (parcel.kind === "text" && isOwner(parcel.to) ? [parcel.text] : []));
  }

  /** The last notice or answer that holds a text, and its WhatsApp id. */
  notice(part: string): { id: string; text: string } {
    for (const { ids, parcel } of [...this.outbox.sent].reverse()) {
      const [id] = ids;
      if (parcel.kind === "text" && isOwner(parcel.to) && parcel.text.includes(part) && id !== undefined) {
        return { id, text: parcel.text };
      }
    }
    throw new Error(`no notice with ${part} in\n${this.texts().join("\n---\n")}`);
  }

  /** What was to leave for anyone but the owner, and was not taken back. */
  toOthers(): string[] {
    return this.outbox.sent.flatMap(({ parcel, cancelled }) =>
      parcel.kind === "text" && !isOwner(parcel.to) && !cancelled ? [parcel.text] : [],
    );
  }

  deleted(): string[] {
    return this.outbox.sent.flatMap(({ parcel }) => (parcel.kind === "delete" ? [parcel.target] : []));
  }

  state(contact: Contact): string | undefined {
    return this.access.byId(contact._id)?.state;
  }
}

function isOwner(to: Person): boolean {
  return to.pn === OWNER.pn || to.lid === OWNER.lid;
}
