/** What WhatsApp is asked about numbers after a login, and how long others wait for that. */
import { describe, expect, it } from "vitest";
import type { Access, Learned, Person, Pn } from "../src/access/index.js";
import { Lids } from "../src/lids.js";
import { MissingNumbers } from "../src/missing-numbers.js";
import type { People } from "../src/people.js";
import type { Collection, Doc } from "../src/store/types.js";
import { person } from "./admin/house.js";
import { Clockwork } from "./clockwork.js";
import { tempStore } from "./whatsapp/temp-store.js";

const SECOND = 1000;
const SAME: Learned = { kind: "same" };

/** People who are known by number alone, and a WhatsApp that takes its time. */
class Desk {
  readonly time = new Clockwork();
  /** Who is named, by number, and not yet known by LID. */
  readonly named: Pn[] = [];
  owner: Person | undefined;
  /** Numbers that WhatsApp writes otherwise; `null`: that it does not have. */
  readonly others = new Map<string, string | null>();
  silent = false;
  /** How long an answer takes. */
  takes = 0;
  /** What was asked, in order. */
  readonly asked: string[] = [];
  /** What the contact book was told: who a number is, who is a LID. */
  readonly learned: (Person | readonly [Pn, Person])[] = [];
  readonly news: string[] = [];
  private readonly lidsOf = new Map<string, string>();

  /** @param settings what a restart finds again */
  static async open(settings?: Collection<Doc>): Promise<Desk> {
    return new Desk(await MissingNumbers.open(settings ?? (await (await tempStore()).open("settings"))));
  }

  readonly lids: Lids;

  private constructor(missing: MissingNumbers) {
    this.lids = new Lids({
      access: {
        owner: () => this.owner && { setup: "own-number", person: this.owner, confirmed: true },
        learn: async (who: Person) => this.takeUp(who, who.lid === undefined ? undefined : who.pn),
        respell: async (typed: Pn, who: Person) => {
          this.learned.push([typed, who]);
          if (this.owner?.pn === typed) this.owner = who;
          return this.takeUp(who, typed);
        },
      } as unknown as Access,
      people: { numbersWithoutLid: () => [...this.named] } as unknown as People,
      link: {
        writtenSo: async (pns) => {
          await this.answer(`${pns.length} numbers`);
          return this.silent ? undefined : pns.filter((pn) => !this.others.has(pn));
        },
        onWhatsApp: async (pn) => {
          await this.answer(pn);
          return this.others.get(pn);
        },
        askLids: async (pns) => {
          await this.answer(`${pns.length} LIDs`);
          if (!this.silent) for (const pn of pns) this.lidsOf.set(userOf(pn), `9${userOf(pn)}`);
        },
      },
      mapped: async (user) => this.lidsOf.get(user),
      missing,
      tell: async () => {},
      news: async (key) => void this.news.push(key),
      clock: () => this.time.now,
      scheduler: this.time,
      readdress: async (typed, { pn }) => void this.readdressed.push(`${typed} ${pn}`),
      log: { warn() {} },
    });
  }
  readonly readdressed: string[] = [];

  name(count: number, from = 15550200000): void {
    for (let index = 0; index < count; index++) this.named.push(number(from + index));
  }

  /** Lets time pass, a second at a time, until something is done. @returns how many seconds */
  async secondsUntil(done: Promise<unknown>): Promise<number> {
    for (let seconds = 0; seconds <= 1000; seconds++) {
      if (await this.isDone(done)) return seconds;
      await this.time.pass(SECOND);
    }
    throw new Error("It is never done.");
  }

  async isDone(promise: Promise<unknown>): Promise<boolean> {
    let done = false;
    void promise.then(() => {
      done = true;
    });
    // Hundreds of numbers are looked at in turn.
    for (let turn = 0; turn < 20; turn++) await this.time.settled();
    return done;
  }

  private takeUp(who: Person, gone: Pn | undefined): Learned {
    const index = gone === undefined ? -1 : this.named.indexOf(gone);
    if (index >= 0) this.named.splice(index, 1);
    if (who.lid !== undefined && !this.learned.includes(who)) this.learned.push(who);
    return SAME;
  }

  private async answer(question: string): Promise<void> {
    this.asked.push(question);
    if (this.takes > 0) await new Promise<void>((resolve) => this.time.at(this.time.now + this.takes, resolve));
  }
}

const number = (digits: number): Pn => `${digits}@s.whatsapp.net` as Pn;
const userOf = (pn: string): string => pn.replace(/@.*/, "");

describe("who is not in waits", () => {
  it("until everybody was asked about, in questions about many", async () => {
    const desk = await Desk.open();
    desk.name(60);
    await desk.secondsUntil(desk.lids.askAll(desk.lids.loggedIn()));
    expect(await desk.isDone(desk.lids.asked())).toBe(true);
    expect(desk.asked).toEqual(["50 numbers", "50 LIDs", "10 numbers", "10 LIDs"]);
    expect(desk.learned).toHaveLength(60);
  });

  it("for the next login where the link is lost while the owner is asked about", async () => {
    const desk = await Desk.open();
    desk.owner = { pn: number(15550100000) };
    desk.name(1);
    desk.takes = 3 * SECOND;
    const login = desk.lids.loggedIn();
    const owner = desk.lids.askOwner(login);
    desk.lids.linkClosed();
    await desk.secondsUntil(owner);
    await desk.secondsUntil(desk.lids.askAll(login));
    const asked = desk.lids.asked();
    expect(await desk.isDone(asked)).toBe(false);
    await desk.secondsUntil(desk.lids.askAll(desk.lids.loggedIn()));
    expect(await desk.isDone(asked)).toBe(true);
    expect(desk.learned).toContainEqual(person("+15550200000", "915550200000@lid"));
  });

  it("as long as answers come", async () => {
    const desk = await Desk.open();
    desk.name(60);
    desk.takes = 8 * SECOND;
    void desk.lids.askAll(desk.lids.loggedIn());
    expect(await desk.secondsUntil(desk.lids.asked())).toBe(32);
  });

  it("for a minute at most, however many answers come", async () => {
    const desk = await Desk.open();
    desk.name(10);
    for (const pn of desk.named) desk.others.set(pn, null);
    desk.takes = 8 * SECOND;
    const all = desk.lids.askAll(desk.lids.loggedIn());
    expect(await desk.secondsUntil(desk.lids.asked())).toBe(60);
    await desk.secondsUntil(all);
    expect(desk.news).toHaveLength(1);
  });

  it("ten seconds for a server that says nothing", async () => {
    const desk = await Desk.open();
    desk.name(120);
    Object.assign(desk, { silent: true, takes: 5 * SECOND });
    void desk.lids.askAll(desk.lids.loggedIn());
    expect(await desk.secondsUntil(desk.lids.asked())).toBe(10);
  });

  it("from when the link is lost, and through logins that don't last, until the next that does", async () => {
    const desk = await Desk.open();
    const { lids } = desk;
    await desk.secondsUntil(lids.askAll(desk.lids.loggedIn()));
    lids.linkClosed();
    desk.name(2);
    const waiting = lids.asked();
    desk.takes = SECOND;
    const cut = lids.askAll(desk.lids.loggedIn());
    lids.linkClosed();
    await desk.secondsUntil(cut);
    expect([await desk.isDone(waiting), await desk.isDone(lids.asked())]).toEqual([false, false]);
    await desk.secondsUntil(lids.askAll(desk.lids.loggedIn()));
    expect([await desk.isDone(waiting), await desk.isDone(lids.asked())]).toEqual([true, true]);
  });

  it("no more when the gateway stops", async () => {
    const desk = await Desk.open();
    const { lids } = desk;
    const waiting = lids.asked();
    lids.linkClosed();
    lids.stop();
    lids.linkClosed();
    expect([await desk.isDone(waiting), await desk.isDone(lids.asked())]).toEqual([true, true]);
  });
});

it("five hundred are asked about after one login, and each once", async () => {
  const desk = await Desk.open();
  desk.name(520);
  desk.silent = true;
  await desk.secondsUntil(desk.lids.askAll(desk.lids.loggedIn()));
  expect(desk.asked.filter((question) => question === "50 numbers")).toHaveLength(10);
  expect(desk.asked).toHaveLength(20);
});

it("who is named while others are asked about is asked about, too", async () => {
  const desk = await Desk.open();
  desk.name(1);
  desk.takes = SECOND;
  const all = desk.lids.askAll(desk.lids.loggedIn());
  desk.name(1, 15550300000);
  await desk.secondsUntil(all);
  expect(desk.learned).toContainEqual(person("+15550300000", "915550300000@lid"));
});

describe("a number that WhatsApp writes otherwise", () => {
  const typed = number(5511987654321);
  const ana = person("+551187654321", "9551187654321@lid");

  it("is asked about by itself, and is that person's, whose record is in order by then", async () => {
    const desk = await Desk.open();
    desk.named.push(typed, number(15550200000));
    desk.others.set(typed, "551187654321@s.whatsapp.net");
    await desk.secondsUntil(desk.lids.askAll(desk.lids.loggedIn()));
    expect(desk.learned).toEqual([person("+15550200000", "915550200000@lid"), ana, [typed, ana]]);
    expect(desk.readdressed).toEqual([`${typed} ${ana.pn}`]);
    // What can be asked for many comes first.
    expect(desk.asked).toEqual(["2 numbers", "1 LIDs", typed, "1 LIDs"]);
  });

  it("stays as it is where WhatsApp says nothing about it alone", async () => {
    const desk = await Desk.open();
    desk.named.push(typed);
    desk.others.set(typed, undefined as never);
    await desk.secondsUntil(desk.lids.askAll(desk.lids.loggedIn()));
    expect([desk.named, desk.learned, desk.news]).toEqual([[typed], [], []]);
  });

  it("is the owner's before anybody else is asked about", async () => {
    const desk = await Desk.open();
    desk.owner = { pn: typed };
    desk.others.set(typed, "551187654321@s.whatsapp.net");
    expect(await desk.lids.askOwner(desk.lids.loggedIn())).toBe(true);
    expect(desk.owner).toEqual(ana);
    const { length } = desk.asked;
    // By now their LID is known.
    expect(await desk.lids.askOwner(desk.lids.loggedIn())).toBe(false);
    expect(desk.asked).toHaveLength(length);
  });
});

describe("a number that is not on WhatsApp is told of", () => {
  it("once; of the owner's own nobody can be told", async () => {
    const desk = await Desk.open();
    desk.name(2);
    const [owner, bob] = desk.named;
    desk.owner = { pn: owner as Pn };
    for (const pn of desk.named) desk.others.set(pn, null);
    expect(await desk.lids.askOwner(desk.lids.loggedIn())).toBe(false);
    for (let logins = 0; logins < 2; logins++) await desk.secondsUntil(desk.lids.askAll(desk.lids.loggedIn()));
    expect(desk.news).toEqual([`missing:${bob}`]);
  });

  it("once over restarts, until nobody is named by it any more", async () => {
    const settings = await (await tempStore()).open<Doc>("settings");
    const [alice, bob] = [number(15550200000), number(15550200001)];
    /** @returns what is told in a run with these names */
    const told = async (...named: readonly Pn[]) => {
      const desk = await Desk.open(settings);
      desk.named.push(...named);
      for (const pn of named) desk.others.set(pn, null);
      await desk.secondsUntil(desk.lids.askAll(desk.lids.loggedIn()));
      return desk.news;
    };
    expect(await told(alice)).toEqual([`missing:${alice}`]);
    expect(await told(alice)).toEqual([]);
    expect(await told(bob, alice)).toEqual([`missing:${bob}`]);
    expect(await told(bob, alice)).toEqual([]);
    const carol = number(15550200002);
    expect(await told(carol)).toEqual([`missing:${carol}`]);
    expect(await told(alice, carol)).toEqual([`missing:${alice}`]);
    // Also where nothing was told meanwhile.
    expect(await told(alice)).toEqual([]);
    expect(await told(alice, carol)).toEqual([`missing:${carol}`]);
    expect(await told()).toEqual([]);
    expect(await told(carol)).toEqual([`missing:${carol}`]);
  });
});
