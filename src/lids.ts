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
import type { Scheduler } from "./clock.js";
import type { MissingNumbers } from "./missing-numbers.js";
import type { People } from "./people.js";
import { type Message, own } from "./text.js";
import type { Mapped } from "./whatsapp/inbound.js";
import type { Link } from "./whatsapp/link.js";

/** What is needed to ask about numbers. */
export interface LidsParts {
  readonly access: Access;
  readonly people: People;
  readonly link: Pick<Link, "writtenSo" | "onWhatsApp" | "askLids">;
  readonly mapped: Mapped;
  readonly missing: MissingNumbers;
  /** A number that was typed turned out to be this person: what was posted to it is theirs. */
  readonly readdress: (typed: Pn, person: Person) => Promise<void>;
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
/** So many numbers that are not on WhatsApp are named in one notice. */
const MOST_SHOWN = 20;
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
  /** Aborted when its connection has ended: who asks for it then would get no answer, and is to end nobody's waiting. */
  private login = new AbortController();
  private asking = new Asking();
  /** Numbers that WhatsApp said it does not have; they are asked about once in a run. */
  private readonly notOnWhatsApp = new Set<Pn>();

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

  /** A login was made. @returns what says that its connection has ended */
  loggedIn(): AbortSignal {
    this.login = new AbortController();
    return this.login.signal;
  }

  /** Asks about the owner alone, before {@link askAll}. @returns whether their number was another */
  async askOwner(login: AbortSignal): Promise<boolean> {
    const { access } = this.parts;
    const { pn, lid } = access.owner()?.person ?? {};
    if (pn === undefined || lid !== undefined || login.aborted) return false;
    for (const typed of await this.ask([pn], () => {})) await this.respell(typed);
    return access.owner()?.person.pn !== pn;
  }

  /** Asks about everyone who counts. @returns whether somebody's number was another */
  async askAll(login: AbortSignal): Promise<boolean> {
    if (login.aborted) return false;
    const { people, clock, scheduler } = this.parts;
    const { asking } = this;
    const latest = clock() + LONGEST_MS;
    let stopWaiting = (): void => {};
    const waitOn = (): void => {
      stopWaiting();
      stopWaiting = scheduler.at(Math.min(clock() + PATIENCE_MS, latest), () => asking.end());
    };
    waitOn();
    const asked = new Set<Pn>(this.notOnWhatsApp);
    const most = asked.size + MOST_ASKED;
    const others: Pn[] = [];
    let left: Pn[] = [];
    for (;;) {
      // Looked up anew at the end: who was named meanwhile is asked about, too.
      if (left.length === 0) left = people.numbersWithoutLid().filter((pn) => !asked.has(pn));
      const pns = left.splice(0, Math.min(BATCH, most - asked.size));
      if (pns.length === 0 || login.aborted) break;
      for (const pn of pns) asked.add(pn);
      others.push(...(await this.ask(pns, waitOn)));
    }
    // One at a time, and so after all that can be asked for many.
    const known = this.notOnWhatsApp.size;
    let isOther = false;
    for (const typed of others) {
      const answer = login.aborted ? "none" : await this.respell(typed);
      if (answer !== "none") waitOn();
      isOther ||= answer === "another";
    }
    stopWaiting();
    // Where the connection ended meanwhile, the next login asks.
    if (!login.aborted) asking.end();
    await this.tellMissing([...this.notOnWhatsApp].slice(known));
    return isOther;
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

  /** @param answered called with each answer @returns the numbers that WhatsApp does not write just so */
  private async ask(pns: readonly Pn[], answered: () => void): Promise<readonly Pn[]> {
    const { link } = this.parts;
    const right = await link.writtenSo(pns);
    if (right !== undefined) answered();
    const written = right ?? pns;
    if (written.length > 0) await link.askLids(written);
    for (const pn of written) if ((await this.learned(pn)).lid !== undefined) answered();
    return pns.filter((pn) => !written.includes(pn));
  }

  /** A number that WhatsApp does not write just so: whose it is, only WhatsApp knows. @returns what it answered */
  private async respell(typed: Pn): Promise<"none" | "same" | "another"> {
    const { access, link, readdress, tell } = this.parts;
    const jid = await link.onWhatsApp(typed);
    if (jid === undefined) return "none";
    if (jid === null) this.notOnWhatsApp.add(typed);
    const pn = personOf(jid ?? "")?.pn;
    if (pn === undefined || pn === typed) return "same";
    // What is on record about that number is brought in order first, so that nobody is taken for who had it before.
    const person = await this.whose(pn);
    const respelt = await access.respell(typed, person);
    await readdress(typed, person);
    await tell(respelt);
    await tell(await access.learn(person));
    return "another";
  }

  private async tellMissing(pns: readonly Pn[]): Promise<void> {
    const { access, people, missing, log } = this.parts;
    if (pns.length > 0) log.warn({ pns }, "numbers that somebody is named by are not on WhatsApp");
    // The owner's own would have to be told there.
    const others = missing.untold(pns).filter((pn) => pn !== access.owner()?.person.pn);
    if (others.length > 0) await this.tellOf(others);
    await missing.wereTold(others, () => people.numbersWithoutLid());
  }

  private async tellOf(others: readonly Pn[]): Promise<void> {
    const shown = others.slice(0, MOST_SHOWN).map((pn) => formatNumber({ pn }));
    const rest = others.length > shown.length ? ` and ${others.length - shown.length} more` : "";
    const message =
      others.length === 1
        ? own(`⚠️ ${shown.join()} is not on WhatsApp: check the number, as nobody is let in or kept out by it.`)
        : own(
            `⚠️ These numbers are not on WhatsApp: ${shown.join(", ")}${rest}. Check them, as nobody is let in or kept out by them.`,
          );
    await this.parts.news(`missing:${others[0]}`, message);
  }

  /** What WhatsApp told of a number by now. */
  private async learned(pn: Pn): Promise<Person> {
    const { access, mapped, tell } = this.parts;
    const lid = await mapped(digitsOf(pn), "pn");
    if (lid === undefined) return { pn };
    const person = personFrom(pn, `${lid}@lid`) ?? { pn };
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
