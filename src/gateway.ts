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
  personFrom,
  personOf,
  same,
} from "./access/index.js";
import { createActivity } from "./activity.js";
import { type Admin, type AdminRecord, createAdmin, createSilentMode, type Gateway } from "./admin/index.js";
import { AfterLogin } from "./after-login.js";
import { HOUR, realScheduler, type Scheduler } from "./clock.js";
import type { Config } from "./config.js";
import type { Activity, SignIn } from "./dashboard/index.js";
import { gatewayView, responderControl } from "./gateway-view.js";
import { History } from "./history.js";
import type { Home } from "./home.js";
import { Lids } from "./lids.js";
import { MissingNumbers } from "./missing-numbers.js";
import { People } from "./people.js";
import { present } from "./present.js";
import { QrFile } from "./qr-file.js";
import { type ConversationDoc, createResponder, isAnswer, isRelayedReply, openModel } from "./responder/index.js";
import { Route } from "./route.js";
import { type Doc, openStore } from "./store/index.js";
import { fromHistory } from "./whatsapp/inbound.js";
import { Journal, type JournalRecord } from "./whatsapp/journal.js";
import { Link } from "./whatsapp/link.js";
import { fetchMediaFrom } from "./whatsapp/media.js";
import { createOutbox, type OutboxDoc, type OutboxOptions, type RunningOutbox } from "./whatsapp/outbox/index.js";
import { pacesOf } from "./whatsapp/pace.js";
import { Phone } from "./whatsapp/phone.js";
import { keepSessionsApart } from "./whatsapp/ratchet.js";
import { Session, type SessionDoc } from "./whatsapp/session.js";
import { openSocket } from "./whatsapp/socket.js";
import { trustOnlyWhatsApp } from "./whatsapp/trust.js";
import type { LinkState } from "./whatsapp/types.js";
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

/** Broken connections that the owner is told of, as they need a person; a temporary ban is one of them. */
const TROUBLE = new Set<LinkState["code"]>(["loggedOut", "conflict"]);
const TEMPORARY_BAN = 402;
/** WhatsApp's error where an account may start no new chats. */
const RESTRICTED = 463;
/** From which level on Baileys' own lines are logged, by the level of ours: most of them say nothing to people. */
const BAILEYS_LOG: Readonly<Record<string, string>> = { trace: "trace", warn: "fatal" };

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
  const logged = (what: string, work: Promise<unknown>): void => {
    work.catch((error) => log.error({ err: error }, what));
  };
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

  let link: Link | undefined;
  const people = new People(access, () => link?.me, clock);
  const isKnown = people.isKnown.bind(people);
  const isAdmin = people.isAdmin.bind(people);
  const session = await Session.open({
    collection: await store.open<SessionDoc>("session"),
    journal,
    isKnown,
    onMapping: ({ pnUser, lidUser }) => {
      if (!isKnown(pnUser) && !isKnown(lidUser)) return;
      const person = personFrom(`${pnUser}@s.whatsapp.net`, `${lidUser}@lid`);
      if (!person) return;
      const learning = access
        .learn(person)
        .then((learned) => (learned.kind === "same" ? undefined : admin.tell.learned(learned)));
      logged("a LID mapping could not be kept", learning);
    },
    onFailure: (error) => link?.fail(error),
  });
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
    mayHear: (jid) => {
      const person = personOf(jid);
      const me = link?.me;
      if (person === undefined) return false;
      return (me !== undefined && same(person, me)) || mayLeave(people.whole(person)) === "send";
    },
    recall: (id, chat) => outbox.recall(id, people.whole(chat)),
    ...present({ url: config.whatsapp.url }),
  });
  link = opened;

  const silent = createSilentMode({ record: access.record.bind(access), clock, scheduler, log });
  const mayLeave: OutboxOptions["mayLeave"] = (to, content) => {
    // Only what carried a secret is ever deleted, and it went to the owner of then. Its chat may be on a lost phone: the
    // secret goes though the owner was locked or changed meanwhile, and nobody is told anything by that.
    if (isAdmin(to) || content?.kind === "delete") return "send";
    if (access.find(to)?.state !== "approved") return "no-buddy";
    return silent.on() ? "silent" : "send";
  };
  const outbox = await createOutbox({
    collection: await store.open<OutboxDoc>("outbox"),
    wire: opened,
    clock,
    random: Math.random,
    scheduler,
    newId: () => opened.newId(),
    pace: pacesOf(config.outbox),
    mayLeave,
    isAdmin,
    onSuppressed: ({ key, to }, why) => {
      if (isRelayedReply(key)) logged("a notice was lost", admin.notices.notSent(access.find(to), why, undefined, key));
    },
    whoNow(to) {
      const owner = access.owner();
      if (owner === undefined || !isAdmin(to)) return access.find(to);
      return { ...owner.person, ...present({ chat: owner.chat }) };
    },
    onFailed: (item, error) => {
      if (item.toAdmin || item.content.kind === "delete") return;
      const restricted = isAnswer(item.key) ? "answer restricted" : "restricted";
      const reason = error === RESTRICTED ? restricted : "failed";
      const code = error === "expired" ? undefined : error;
      const reply = isRelayedReply(item.key) ? item.key : undefined;
      logged("a notice was lost", admin.notices.notSent(access.find(item.to), reason, code, reply));
    },
    log,
  });

  const pausing = { paused: false };
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
    paused: () => pausing.paused,
    serverNow: () => opened.now(),
    tell: (key, message, alarm) => admin.notices.news(key, message, alarm),
    clock,
    scheduler,
    log,
  });
  const mapped = session.mapped.bind(session);
  const running: { startedAt?: number; dashboardUrl?: string | undefined } = {};
  const gateway = gatewayView({
    version,
    access,
    journal,
    link: opened,
    outbox,
    people,
    responder: responderControl(responder, pausing),
    silent,
    trouble: () => store.trouble(),
    signIn,
    running,
    release: (contact, held) => route.release(contact, held),
    whose: (pn) => lids.whose(pn),
  });
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
  const lids = new Lids({
    access,
    people,
    link: opened,
    mapped,
    missing: await MissingNumbers.open(settings),
    readdress: (typed, person) => outbox.readdress(typed, person),
    tell: (learned) => admin.tell.learned(learned),
    news: (key, message) => admin.notices.news(key, message),
    clock,
    scheduler,
    log,
  });
  const route = new Route({
    access,
    journal,
    outbox,
    responder,
    adminChat: admin.chat,
    tell: admin.tell,
    released: (contact, stop) => admin.decider.released(contact, stop),
    me: () => opened.me,
    mapped,
    lidsAsked: () => lids.asked(),
    log,
  });

  const phone = await Phone.open(settings, () => opened.now());
  const afterLogin = new AfterLogin({
    access,
    admin,
    link: opened,
    lids,
    phone,
    silent,
    clock,
    scheduler,
    log,
  });
  const history = new History({
    journal,
    mapped,
    isStranger: (jid) => people.isStranger(jid) && !people.isOwner(jid),
    tell: admin.notices.news.bind(admin.notices),
    clock,
    scheduler,
    log,
  });
  /** Every hour, what nobody can want any more leaves the journal. */
  let stopTidying = (): void => {};
  const tidy = (): void => {
    stopTidying = scheduler.at(clock() + HOUR, tidy);
    logged("the journal was not tidied", route.tidy());
  };

  const qrFile = new QrFile(home.qrPng);
  opened.on("linked", (me) => logged("the new link could not be recorded", afterLogin.linked(me)));
  opened.on("open", () => logged("not everything was done after the login", afterLogin.opened()));
  opened.on("state", (state) => {
    if (state.code !== "open") lids.linkClosed();
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
      Object.assign(running, { dashboardUrl: address, startedAt: clock() });
      await qrFile.show({ event: "connecting" });
      await admin.start();
      await responder.start();
      await route.start();
      tidy();
      opened.start();
    },
    async close() {
      afterLogin.stop();
      stopTidying();
      await opened.stop();
      // A download under way would hold the messages behind it.
      const stopped = Promise.all([route.stop(), responder.stop()]);
      lids.stop();
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
