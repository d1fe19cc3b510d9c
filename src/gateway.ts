/**
 * The composition root: builds the parts of a home, starts them in order and stops them in reverse.
 */
import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import {
  type Access,
  type AccessDoc,
  type AuditRecord,
  createAccess,
  digitsOf,
  identityOf,
  isLive,
  type Person,
  type Pn,
  personFrom,
  personOf,
  same,
} from "./access/index.js";
import { createActivity } from "./activity.js";
import {
  type Admin,
  type AdminRecord,
  createAdmin,
  createSilentMode,
  type Gateway,
  LOCKED_AT_MACHINE,
  realScheduler,
  type Scheduler,
} from "./admin/index.js";
import type { Config } from "./config.js";
import type { Activity, SignIn } from "./dashboard/index.js";
import { History } from "./history.js";
import type { Home } from "./home.js";
import { present } from "./present.js";
import { QrFile } from "./qr-file.js";
import { type ConversationDoc, createResponder, isRelayedReply, openModel } from "./responder/index.js";
import { Route } from "./route.js";
import { type Doc, openStore } from "./store/index.js";
import { fromHistory } from "./whatsapp/inbound.js";
import { Journal, type JournalRecord } from "./whatsapp/journal.js";
import { Link } from "./whatsapp/link.js";
import { fetchMediaFrom } from "./whatsapp/media.js";
import { createOutbox, type OutboxDoc, type RunningOutbox } from "./whatsapp/outbox.js";
import { pacesOf } from "./whatsapp/pace.js";
import { Phone } from "./whatsapp/phone.js";
import { keepSessionsApart } from "./whatsapp/ratchet.js";
import { Session, type SessionDoc } from "./whatsapp/session.js";
import { openSocket } from "./whatsapp/socket.js";
import { trustOnlyWhatsApp } from "./whatsapp/trust.js";
import type { LinkState, Me } from "./whatsapp/types.js";
import { ClientVersion, fetchVersionFor } from "./whatsapp/version.js";

/** What a house is built from. */
export interface HouseOptions {
  readonly home: Home;
  readonly config: Config;
  readonly version: string;
  readonly log: Logger;
  readonly clock?: () => number;
  /** Does what is due later, all but the link's reconnects. */
  readonly scheduler?: Scheduler;
  /** Signing in to the dashboard, where it is served. */
  readonly signIn?: Pick<SignIn, "link">;
  /** The store's lock was lost: nothing more can be written, the process must end. */
  readonly onLost?: (error: Error) => void;
}

/** The parts of an opened home. Nothing runs until {@link House.start}. */
export interface House {
  readonly access: Access;
  readonly admin: Admin;
  readonly gateway: Gateway;
  readonly link: Link;
  readonly outbox: RunningOutbox;
  /** What came in and went out, for the dashboard. */
  readonly activity: Activity;
  /** Handles what comes in, sends what is due, and connects. `address`: where the local API listens. */
  start(address?: string): Promise<void>;
  /** Stops in reverse order and closes the files. Safe to call at any time, once. */
  close(): Promise<void>;
}

/** Numbers of contacts whose LID is asked of WhatsApp after a login; the rest is learned when they write. */
const LIDS_ASKED = 500;
/** How long a stranger's message waits at most for those answers. */
const LIDS_PATIENCE_MS = 10_000;
/** The lists of contacts, in the order in which it matters to know them: deny wins. */
const LISTS = ["denied", "approved", "pending"] as const;
/** How many strangers `/missed` shows. */
const MISSED_SHOWN = 50;
/** Broken connections that the owner is told of, as they need a person; a temporary ban is one of them. */
const TROUBLE = new Set<LinkState["code"]>(["loggedOut", "conflict"]);
const TEMPORARY_BAN = 402;
/** From which level on Baileys' own lines are logged, by the level of ours: most of them say nothing to people. */
const BAILEYS_LOG: Readonly<Record<string, string>> = { trace: "trace", warn: "fatal" };
/** After so long what WhatsApp kept while nothing was connected has come, with the signs that the phone gave meanwhile. */
const QUEUE_MS = 10 * 60 * 1000;
const DAY = 24 * 60 * 60 * 1000;
const HOUR = 60 * 60 * 1000;

/**
 * Opens a home under its lock and builds the parts. The command line uses them without starting; the gateway starts them.
 * @throws KafclawError `store-locked`, `store-damaged`, `disk-…`
 */
export async function openHouse(options: HouseOptions): Promise<House> {
  const { home, config, log, clock = Date.now } = options;
  trustOnlyWhatsApp(config.whatsapp.rootKey);
  keepSessionsApart();
  const store = await openStore(home.root, { clock, log, ...(options.onLost ? { onLost: options.onLost } : {}) });
  try {
    return await build(options, store, clock);
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function build(
  options: HouseOptions,
  store: Awaited<ReturnType<typeof openStore>>,
  clock: () => number,
): Promise<House> {
  const { home, config, version, log, signIn } = options;
  const { scheduler = realScheduler(clock) } = options;
  const settings = await store.open<Doc>("settings");
  const access = await createAccess({
    access: await store.open<AccessDoc>("access", { durable: true }),
    audit: await store.open<AuditRecord>("audit", { durable: true }),
    clock,
    random: randomBytes,
    settings: { open: config.pairing.open, expiryDays: config.pairing.expireDays },
    log,
  });
  const journal = await Journal.open(await store.open<JournalRecord>("journal"), clock);

  const isKnown = (user: string): boolean => {
    const me = link?.me;
    const owner = access.owner()?.person;
    const people: (Person | undefined)[] = [me, owner];
    return people.some((person) => hasUser(person, user)) || byUser(access, user);
  };
  let link: Link | undefined;
  const session = await Session.open({
    collection: await store.open<SessionDoc>("session"),
    journal,
    isKnown,
    onMapping: ({ pnUser, lidUser }) => {
      if (!isKnown(pnUser) && !isKnown(lidUser)) return;
      const person = personFrom(`${pnUser}@s.whatsapp.net`, `${lidUser}@lid`);
      if (!person) return;
      access
        .learn(person)
        .then((learned) => (learned.kind === "same" ? undefined : admin.tell.learned(learned)))
        .catch((error) => log.error({ err: error }, "a LID mapping could not be kept"));
    },
    onFailure: (error) => link?.fail(error),
  });
  /** A person with both addresses, where they are known by now: a device may answer under another than was written to. */
  const whole = (person: Person): Person => {
    const contact = access.find(person);
    const owner = access.owner()?.person;
    return contact ? identityOf(contact) : owner && same(owner, person) ? owner : person;
  };
  const opened = await Link.create({
    session,
    journal,
    settings,
    version: await ClientVersion.open(settings, fetchVersionFor(config.whatsapp.rootKey)),
    log,
    baileysLog: log.child({ class: "baileys" }, { level: BAILEYS_LOG[log.level] ?? "error" }),
    clock,
    random: Math.random,
    // A command that links holds nothing else that keeps its process alive between two tries.
    scheduler: realScheduler(clock, { keepsAlive: true }),
    openSocket,
    isKnown,
    recall: (id, chat) => outbox.recall(id, whole(chat)),
    ...present({ url: config.whatsapp.url }),
  });
  link = opened;

  const phone = await Phone.open(settings, () => opened.now());

  const isAdmin = (to: Person): boolean => {
    const owner = access.owner();
    return owner?.confirmed === true && owner.locked === undefined && same(owner.person, to);
  };
  const silent = createSilentMode({ record: access.record.bind(access), clock, scheduler, log });
  const outbox = await createOutbox({
    collection: await store.open<OutboxDoc>("outbox"),
    wire: opened,
    clock,
    random: Math.random,
    scheduler,
    newId: () => opened.newId(),
    pace: pacesOf(config.outbox),
    mayLeave: (to, content) => {
      // Only what carried a secret is ever deleted, and it went to the owner of then. Its chat may be on a lost phone: the
      // secret goes though the owner was locked or changed meanwhile, and nobody is told anything by that.
      if (isAdmin(to) || content?.kind === "delete") return "send";
      if (access.find(to)?.state !== "approved") return "no-buddy";
      return silent.on() ? "silent" : "send";
    },
    isAdmin,
    onSuppressed: ({ key, to }, why) => {
      if (!isRelayedReply(key)) return;
      void admin.notices.notSent(access.find(to), why).catch((cause) => log.error({ err: cause }, "notice lost"));
    },
    addressFor: (to) => (isAdmin(to) ? access.owner()?.chat : access.find(to)?.chat),
    onFailed: (item, error) => {
      if (item.toAdmin || item.content.kind === "delete") return;
      const reason = error === 463 ? "restricted" : "failed";
      void admin.notices
        .notSent(access.find(item.to), reason)
        .catch((cause) => log.error({ err: cause }, "notice lost"));
    },
    log,
  });

  let paused = false;
  const responder = await createResponder({
    collection: await store.open<ConversationDoc>("conversation"),
    access,
    outbox,
    settings: { ...config.responder, selfChat: config.admin.chat },
    model: await openModel(config.responder),
    soulPath: home.soul,
    mediaPath: home.media,
    fetchMedia: fetchMediaFrom(config.whatsapp.url),
    timezone: config.timezone,
    silent: () => silent.on(),
    paused: () => paused,
    serverNow: () => opened.now(),
    tell: (key, message, alarm) => admin.notices.news(key, message, alarm),
    clock,
    scheduler,
    log,
  });
  const isStranger = (jid: string): boolean => {
    const person = personOf(jid);
    const contact = person && access.find(person);
    return contact === undefined || contact.state === "stranger";
  };
  let startedAt: number | undefined;
  let dashboardUrl: string | undefined;
  const gateway: Gateway = {
    version,
    get startedAt() {
      return startedAt;
    },
    get dashboardUrl() {
      return dashboardUrl;
    },
    link: () => opened.state,
    trouble: () => store.trouble(),
    me: () => opened.me,
    silent,
    responder: {
      get mode() {
        return responder.mode;
      },
      get name() {
        return responder.name;
      },
      get paused() {
        return paused;
      },
      pause: () => {
        paused = true;
      },
      resume: () => {
        paused = false;
      },
      fromOwner: (message) => responder.fromOwner(message),
      backlog: () => responder.backlog(),
      answer: (contactId) => responder.answer(contactId),
      forget: (contactId) => responder.forget(contactId),
    },
    outbox,
    release: (contact, held) => route.release(contact, held),
    block: (contact, blocked) => opened.block(contact, blocked),
    onWhatsApp: async (pn) => {
      const jid = await opened.onWhatsApp(pn);
      if (jid === null) return null;
      const found = jid === undefined ? undefined : personOf(jid);
      return found?.pn === undefined ? found : whoseNumber(found.pn);
    },
    loginLink: async (door) => signIn?.link(door, access),
    missed: async () => {
      const found = await journal.missed(MISSED_SHOWN, isStranger);
      return found.map(({ at, who = "number hidden", what = "", messages }) => ({ at, who, what, messages }));
    },
  };
  /**
   * The person of a number, with the LID where WhatsApp tells it: today people write under their LID alone, and whoever is
   * named by number is to be recognised by it, or may be on a list with that number hidden. What is learned is kept.
   */
  const whoseNumber = async (pn: Pn): Promise<Person> => {
    await opened.askLid(pn);
    const lid = await session.mapped(digitsOf(pn), "pn");
    const person = personFrom(pn, lid && `${lid}@lid`) ?? { pn };
    await admin.tell.learned(await access.learn(person));
    return person;
  };

  const admin = createAdmin({
    access,
    gateway,
    outbox,
    settings: await store.open<AdminRecord>("settings"),
    clock,
    serverNow: () => opened.now(),
    scheduler,
    timezone: config.timezone,
    greeting: config.texts.greeting,
    graceMs: config.approve.grace * 1000,
    ...present({ quiet: config.notices.quiet }),
    log,
  });
  /** The numbers of those who count, the owner's first, as far as nobody knows their LIDs. */
  const numbersWithoutLid = (): readonly Pn[] => {
    const guests = access.invites().flatMap((invite) => (isLive(invite, clock()) ? (invite.for ?? []) : []));
    const people = [access.owner()?.person, ...LISTS.flatMap((state) => access.list(state)), ...guests];
    return people.flatMap((person) => (person?.pn !== undefined && person.lid === undefined ? [person.pn] : []));
  };
  const lidsAsked = deferred();
  const route = new Route({
    access,
    journal,
    outbox,
    responder,
    adminChat: admin.chat,
    tell: admin.tell,
    released: (contact, stop) => admin.decider.released(contact, stop),
    me: () => opened.me,
    mapped: (user, of) => session.mapped(user, of),
    lidsAsked: lidsAsked.promise,
    log,
  });

  /** A new link: silent again (I4). */
  const linked = async (me: Me): Promise<void> => {
    const silenced = silent.set(true, { door: "gateway", who: "new link" });
    // Before anybody looks whether the phone is away.
    await phone.seen();
    await silenced;
    await access.record("linked", BY_LINK, me.pn);
  };

  /** The owner is whoever has the linked account. What was locked at the machine stays locked until it is set there. */
  const isLinkedOwner = async (me: Me): Promise<void> => {
    const { setup, locked, person = {} } = access.owner() ?? {};
    const isLocked = setup === "own-number" || locked === LOCKED_AT_MACHINE;
    const owner = { setup: "self", person: me, confirmed: true, ...(isLocked ? present({ locked }) : {}) } as const;
    await access.setOwner(owner, BY_LINK);
    if (!same(person, me)) await admin.notices.ownerChanged();
  };

  const linkOpened = async (): Promise<void> => {
    const { me } = opened;
    const owner = access.owner();
    // An owner on the linked number itself talks to the bot in "Message yourself", whatever the set-up said.
    const isSelf = owner !== undefined && me !== undefined && (owner.setup === "self" || same(owner.person, me));
    if (isSelf && !(owner.setup === "self" && owner.person.pn === me.pn && owner.person.lid === me.lid)) {
      await isLinkedOwner(me);
    }
    lookForPhoneIn(QUEUE_MS);
    await Promise.all([askForLids(), admin.linkOpened()]);
  };

  const askForLids = async (): Promise<void> => {
    const patience = setTimeout(lidsAsked.resolve, LIDS_PATIENCE_MS).unref();
    const isOpen = (): boolean => opened.state.code === "open";
    for (const pn of numbersWithoutLid().slice(0, LIDS_ASKED)) if (isOpen()) await whoseNumber(pn);
    clearTimeout(patience);
    // Where the connection ended meanwhile, the next login asks.
    if (isOpen()) lidsAsked.resolve();
  };

  /** Looks every day whether the phone is still there, as WhatsApp unlinks what has no phone. */
  let stopLooking = (): void => {};
  const lookForPhoneIn = (ms: number): void => {
    stopLooking();
    stopLooking = scheduler.at(clock() + ms, () => logged("the phone was not looked for", lookForPhone()));
  };
  const lookForPhone = async (): Promise<void> => {
    // Without a connection nothing can be seen; the next login looks.
    if (opened.state.code !== "open") return;
    lookForPhoneIn(DAY);
    const days = await phone.absence();
    if (days !== undefined) await admin.notices.phoneAway(days);
  };

  /** Every hour, what nobody can want any more leaves the journal. */
  let stopTidying = (): void => {};
  const tidy = (): void => {
    stopTidying = scheduler.at(clock() + HOUR, tidy);
    logged("the journal was not tidied", route.tidy());
  };

  const history = new History({
    journal,
    mapped: session.mapped.bind(session),
    isStranger: (jid) => isStranger(jid) && !same(personOf(jid) ?? {}, access.owner()?.person ?? {}),
    tell: admin.notices.news.bind(admin.notices),
    clock,
    scheduler,
    log,
  });
  const qrFile = new QrFile(home.qrPng);
  const logged = (what: string, work: Promise<unknown>): void => {
    work.catch((error) => log.error({ err: error }, what));
  };
  opened.on("linked", (me) => logged("the new link could not be recorded", linked(me)));
  opened.on("open", () => logged("not everything was done after the login", linkOpened()));
  opened.on("state", (state) => {
    if (TROUBLE.has(state.code) || state.reason === TEMPORARY_BAN)
      logged("a notice was lost", admin.notices.linkTrouble(state));
  });
  opened.on("stanza", (stanza) => logged("a sign of the phone was not kept", phone.watch(stanza, opened.me)));
  opened.on("event", (event) => logged("the QR file could not be written", qrFile.show(event)));
  opened.on("history", (messages) => {
    const { me } = opened;
    if (!me) return;
    void history.take(fromHistory(messages, me, opened.linkedAt));
  });

  return {
    access,
    admin,
    gateway,
    link: opened,
    outbox,
    activity: createActivity({ access, journal, outbox, mask: (text) => access.mask(text), isAdmin }),
    async start(address) {
      dashboardUrl = address;
      startedAt = clock();
      await qrFile.show({ event: "connecting" });
      await admin.start();
      await responder.start();
      await route.start();
      tidy();
      opened.start();
    },
    async close() {
      stopLooking();
      stopTidying();
      await opened.stop();
      // A download under way would hold the messages behind it.
      const stopped = Promise.all([route.stop(), responder.stop()]);
      lidsAsked.resolve();
      await stopped;
      await history.stop();
      await admin.stop();
      await outbox.stop();
      await access.close();
      await qrFile.show({ event: "connecting" }).catch(() => {});
      await store.close();
    },
  };
}

const BY_LINK = { door: "gateway", who: "link" } as const;

/** Something that will have happened. */
function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

function hasUser(person: Person | undefined, user: string): boolean {
  const { pn, lid } = person ?? {};
  return (pn !== undefined && digitsOf(pn) === user) || (lid !== undefined && digitsOf(lid) === user);
}

/** The contact of a bare user, PN or LID. */
function byUser(access: Access, user: string): boolean {
  const pn = personOf(`${user}@s.whatsapp.net`);
  const lid = personOf(`${user}@lid`);
  return (pn !== undefined && access.find(pn) !== undefined) || (lid !== undefined && access.find(lid) !== undefined);
}
