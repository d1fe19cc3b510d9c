import {
  type Access,
  digitsOf,
  formatNumber,
  type Learned,
  type Person,
  type Pn,
  personFrom,
  personOf,
} from "./access/index.js";
import type { Scheduler } from "./admin/index.js";
import type { People } from "./people.js";
import { type Message, own, say } from "./text.js";
import type { Mapped } from "./whatsapp/inbound.js";
import type { Link } from "./whatsapp/link.js";

/** What is needed to ask about numbers. */
export interface LidsParts {
  readonly access: Access;
  readonly people: People;
  readonly link: Pick<Link, "writtenSo" | "onWhatsApp" | "askLids">;
  readonly mapped: Mapped;
  /** Tells the owner of what was learned. */
  readonly tell: (learned: Learned) => Promise<void>;
  /** Tells the owner anything else. */
  readonly news: (key: string, message: Message) => Promise<void>;
  readonly clock: () => number;
  readonly scheduler: Scheduler;
  readonly log: { warn(details: object, message: string): void };
}

/** Numbers that WhatsApp is asked about after a login; the rest has its turn after the next, when these have their LIDs. */
const MOST_ASKED = 500;
/** In one question: few enough for any server, and many enough that hundreds are asked about in seconds. */
const BATCH = 50;
/**
 * How long the messages of those who are not in wait for WhatsApp's answers about everybody: so long after the last one,
 * and so long in all. The question about the owner, which comes before, takes ten seconds at most. The owner and buddies
 * who are known by the address that they write from never wait.
 */
const PATIENCE_MS = 10_000;
const LONGEST_MS = 60_000;

/**
 * Asks WhatsApp about numbers: how it writes them, where that could not be asked when they were typed, and for their
 * LIDs. Today people write under their LID alone, and whoever is named by number is to be recognised by it.
 */
export class Lids {
  private login = new AbortController();
  private asking = new Asking();
  /** Numbers that the owner was told of. */
  private readonly missing = new Set<Pn>();

  constructor(private readonly parts: LidsParts) {}

  /**
   * Resolves when the numbers that we know were asked about since the last login, or that took too long. While the link
   * is down this waits for the next login.
   */
  asked(): Promise<void> {
    return this.asking.done;
  }

  /** The person of a number, with the LID where WhatsApp tells it. What is learned is kept: they may be on a list by it. */
  async whose(pn: Pn): Promise<Person> {
    await this.parts.link.askLids([pn]);
    return this.learned(pn);
  }

  /** Asks about the owner alone. Call after each login, before {@link askAll}. @returns whether their number was another */
  async askOwner(): Promise<boolean> {
    const { access } = this.parts;
    const { pn, lid } = access.owner()?.person ?? {};
    if (pn === undefined || lid !== undefined) return false;
    await this.ask([pn], () => {});
    return access.owner()?.person.pn !== pn;
  }

  /** Asks about everyone who counts. Call after each login. */
  async askAll(): Promise<void> {
    const { people, clock, scheduler } = this.parts;
    const { asking } = this;
    this.login = new AbortController();
    const { signal } = this.login;
    const latest = clock() + LONGEST_MS;
    let stopWaiting = (): void => {};
    const waitOn = (): void => {
      stopWaiting();
      stopWaiting = scheduler.at(Math.min(clock() + PATIENCE_MS, latest), () => asking.end());
    };
    waitOn();
    const asked = new Set<Pn>();
    for (;;) {
      // Looked up anew each time: who was named meanwhile is asked about, too.
      const left = people.numbersWithoutLid().filter((pn) => !asked.has(pn));
      const pns = left.slice(0, Math.min(BATCH, MOST_ASKED - asked.size));
      if (pns.length === 0 || signal.aborted) break;
      for (const pn of pns) asked.add(pn);
      await this.ask(pns, waitOn);
    }
    stopWaiting();
    // Where the connection ended meanwhile, the next login asks.
    if (!signal.aborted) asking.end();
  }

  /** Who is named while the link is down is asked about after the next login. Safe to call again. */
  linkClosed(): void {
    if (this.login.signal.aborted) return;
    this.login.abort();
    const before = this.asking;
    this.asking = new Asking();
    before.end(this.asking.done);
  }

  /** Nobody is asked any more, and nobody waits for it. */
  stop(): void {
    this.login.abort();
    this.asking.end();
  }

  /** @param answered called with each answer */
  private async ask(pns: readonly Pn[], answered: () => void): Promise<void> {
    const { link } = this.parts;
    const right = await link.writtenSo(pns);
    if (right !== undefined) answered();
    const others = right === undefined ? [] : pns.filter((pn) => !right.includes(pn));
    for (const typed of others) if (await this.respell(typed)) answered();
    await link.askLids(right ?? pns);
    for (const pn of right ?? pns) if ((await this.learned(pn)).lid !== undefined) answered();
  }

  /** A number that WhatsApp does not write just so: whose it is, only WhatsApp knows. @returns whether it answered */
  private async respell(typed: Pn): Promise<boolean> {
    const { access, link, tell } = this.parts;
    const jid = await link.onWhatsApp(typed);
    if (jid === undefined) return false;
    if (jid === null) await this.tellMissing(typed);
    const pn = personOf(jid ?? "")?.pn;
    if (pn !== undefined && pn !== typed) {
      // What is on record about that number is brought in order first, so that nobody is taken for who had it before.
      const person = await this.whose(pn);
      await tell(await access.respell(typed, person));
      await tell(await access.learn(person));
    }
    return true;
  }

  private async tellMissing(pn: Pn): Promise<void> {
    const { access, log, news } = this.parts;
    if (this.missing.has(pn)) return;
    this.missing.add(pn);
    log.warn({ pn }, "a number that somebody is named by is not on WhatsApp");
    // The owner's own would have to be told there.
    if (access.owner()?.person.pn === pn) return;
    const number = own(formatNumber({ pn }));
    await news(
      `missing:${pn}`,
      say`⚠️ ${number} is not on WhatsApp: check the number, as nobody is let in or kept out by it.`,
    );
  }

  /** What WhatsApp told of a number by now. */
  private async learned(pn: Pn): Promise<Person> {
    const { access, mapped, tell } = this.parts;
    const lid = await mapped(digitsOf(pn), "pn");
    const person = personFrom(pn, lid && `${lid}@lid`) ?? { pn };
    await tell(await access.learn(person));
    return person;
  }
}

/** The asking after one login, for those who wait for its end. */
class Asking {
  private resolve: (rest?: Promise<void>) => void = () => {};
  readonly done = new Promise<void>((resolve) => {
    this.resolve = resolve;
  });

  /** @param rest what is to be waited for then */
  end(rest?: Promise<void>): void {
    this.resolve(rest);
  }
}
