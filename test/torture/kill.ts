/** `kill -9` at random moments, while everything streams in (I4, I5, I6, I10). */
import { isDeepStrictEqual } from "node:util";
import type { Phone, Stanza } from "../../src/simulator/index.js";
import { Endpoint, streamed } from "../e2e/endpoint.js";
import { TOKEN, World } from "../e2e/world.js";
import type { Run, Topic } from "./run.js";

const KILLS = 1_000;
/** A kill comes after so many more stanzas of the gateway at most: in the middle of what it was just given to do. */
const STANZAS_BEFORE_KILL = 30;
const MESSAGES_PER_LIFE = 3;
const ORDERS_PER_LIFE = 3;
/** A kill may catch so many messages between the responder and the journal's mark; they are given again, and known. */
const IN_HAND = 2;
const PATIENCE_MS = 60_000;
/** So long after the last word of a burst the bot begins to answer (responder/turns.ts), and it takes a moment to. */
const ANSWERS_WITHIN_MS = 20_000;
const ANY_MOMENT_MS = 1_000;

/** When a kill comes. */
const MOMENTS = ["random moments", "random moments", "a receipt", "an answer"] as const;

type State = "pending" | "approved" | "denied" | "stranger";
/** What each order makes of a contact, and how its confirmation begins. */
const ORDERS = {
  approve: { from: ["pending"], to: "approved", told: /^✅ Approved /, text: "/approve CODE" },
  deny: { from: ["pending", "approved"], to: "denied", told: /^⛔ Denied (?!.*locke?[ds])/, text: "/deny CODE" },
  block: {
    from: ["pending", "approved"],
    to: "denied",
    told: /^⛔ Denied .*(Blocked at WhatsApp too|WhatsApp blocks them)/,
    text: "/deny CODE --block",
  },
  remove: { from: ["approved", "denied"], to: "stranger", told: /^Removed /, text: "/remove CODE" },
} as const satisfies Record<string, { from: readonly State[]; to: State; told: RegExp; text: string }>;
type Order = keyof typeof ORDERS;

export const kill: Topic = {
  name: "kill",
  short: 0.006,
  async torture(run) {
    const endpoint = await Endpoint.start();
    // What was asked comes back, so that each answer tells which messages it is for.
    endpoint.answering = ({ messages }, response) => streamed(response, `I heard ${messages.at(-1)?.content}`);
    const world = await World.linked(
      { setup: "own-number", addressing: "lid" },
      { KAFCLAW_TEXTS_GREETING: "", KAFCLAW_RESPONDER_DAILY_LIMIT: "100000", ...endpoint.env },
    );
    const alice = await world.aliceApproved();
    const book = new Map<string, Order[]>();
    const said: string[] = [];
    const phones = new Map<string, Phone>();
    const names = new Map<string, string>();
    const guests = new Set<string>();
    const asked = { book, said, phones, names, guests };
    const lives: string[][] = [];
    const kills = run.times(KILLS);

    for (let life = 0; life < kills; life += 1) {
      await live(run, world, { life, ...asked });
      lives.push(world.responded());
      const told = confirmations(world);
      await world.home.startLinked();
      await checkStart(run, world, asked, told);
    }

    await world.wa.waitUntilTaken({ timeoutMs: PATIENCE_MS });
    await world.settled();
    await world.home.until(
      async () => {
        const given = new Set([...lives.flat(), ...world.responded()]);
        const known = new Set([...book.keys(), ...(await statesOf(world)).keys()]);
        // A knocker for each life, Alice, and who was invited.
        return said.every((id) => given.has(id)) && known.size > kills + guests.size;
      },
      "each message was handled",
      PATIENCE_MS,
    );
    // More than five notices in a minute wait for its end.
    const told = () => guestsTold(world).length >= guests.size;
    await world.home.until(async () => told(), "each guest was told of", 2 * PATIENCE_MS).catch(() => {});
    lives.push(world.responded());
    await checkEnd(run, world, { alice, lives, ...asked });
  },
};

/** What somebody asked of the gateway so far. */
interface Asked {
  readonly book: Map<string, Order[]>;
  readonly said: string[];
  /** Who knocked or was invited, by name. */
  readonly phones: Map<string, Phone>;
  /** The name behind each code. */
  readonly names: Map<string, string>;
  /** The names of those who used an `--auto` invite. */
  readonly guests: Set<string>;
}

/** One life: much is asked at once, and in the middle of it comes the end. */
async function live(
  run: Run,
  world: World,
  { life, book, said, phones, guests }: Asked & { life: number },
): Promise<void> {
  const { wa } = world;
  const kind = MOMENTS[run.random(MOMENTS.length)] ?? "random moments";
  const before = wa.record.length;
  const until = before + run.random(STANZAS_BEFORE_KILL);
  const isMoment = (stanza: Stanza): boolean => {
    switch (kind) {
      case "a receipt":
        return stanza.kind === "receipt" && wa.record.indexOf(stanza, until) >= 0;
      case "an answer":
        return isAnswer(stanza, world) && wa.record.indexOf(stanza, before) >= 0;
      case "random moments":
        return wa.record.length > until;
    }
  };
  const moment = wa
    .waitForStanza(isMoment, { timeoutMs: kind === "an answer" ? ANSWERS_WITHIN_MS : ANY_MOMENT_MS })
    .catch(() => {});
  if (kind === "an answer") await world.order("/silent off");
  else if (run.random(2) === 0) await world.order(run.random(4) === 0 ? "/silent on" : "/silent off");
  const meet = (pn: string, name: string): Phone => {
    const phone = wa.phone({ pn, name });
    phones.set(name, phone);
    return phone;
  };
  await world.say(meet(`1555${1_000_000 + life}`, `Knocker ${life}`), TOKEN);
  await world.say(world.mallory, "let me in");
  if (run.random(3) === 0) await world.order(`/invite Guest ${life} --auto`);
  for (const [name, token] of invites(world)) {
    if (guests.has(name)) continue;
    guests.add(name);
    await world.say(meet(`1556${1_000_000 + guests.size}`, name), token);
  }
  for (let count = 0; count < MESSAGES_PER_LIFE; count += 1) {
    const addressing = run.random(2) === 0 ? "pn" : "lid";
    said.push((await world.say(world.alice, `${life}.${count}`, { addressing })).id);
  }
  for (let count = 0; count < ORDERS_PER_LIFE; count += 1) {
    // The queue never fills up: one of those who wait is dealt with in each life.
    const some = count === 0 ? [...book].filter(([, { length }]) => length === 0) : [...book];
    const [code, orders] = run.pick(some) ?? [];
    if (code === undefined || orders === undefined) continue;
    const state = after(orders);
    // The type of the keys is lost in `Object.keys`.
    const order = run.pick((Object.keys(ORDERS) as Order[]).filter((name) => isFrom(name, state)));
    if (order === undefined) continue;
    orders.push(order);
    await world.order(ORDERS[order].text.replace("CODE", code));
  }
  await moment;
  await world.home.stop("SIGKILL");
  run.fault(`kills at ${kind}`);
}

function isAnswer({ kind, to }: Stanza, { alice }: World): boolean {
  return kind === "message" && (to === alice.lidJid || to === alice.pnJid);
}

/** What holds after each start: silent, linked, and each contact in a state that was confirmed or asked for later. */
async function checkStart(run: Run, world: World, { book, names }: Asked, told: readonly string[]): Promise<void> {
  const health = JSON.stringify(await world.home.get("/healthz"));
  run.check("starts, silent and linked (I4)", health === '{"status":"ok","link":"open","silent":true}', () => health);
  const states = await statesOf(world);
  for (const [code, orders] of book) {
    const confirmed = orders.filter((_, index) => isTold(told, code, orders, index)).length;
    const allowed = orders.slice(confirmed).map((_, index) => after(orders.slice(0, confirmed + index + 1)));
    const state = states.get(code)?.state ?? "stranger";
    run.check("decisions that are there (I6)", [after(orders.slice(0, confirmed)), ...allowed].includes(state), () => {
      return `${code} is ${state} after ${orders.join(", ")}, of which ${confirmed} were confirmed`;
    });
  }
  for (const [code, { state, name }] of states) {
    names.set(code, name);
    if (state === "pending" && !book.has(code)) book.set(code, []);
  }
}

async function checkEnd(
  run: Run,
  world: World,
  { alice, book, said, phones, names, guests, lives }: Asked & { alice: string; lives: readonly string[][] },
): Promise<void> {
  const states = await statesOf(world);
  const told = confirmations(world);
  for (const [code, orders] of book) {
    const state = states.get(code)?.state ?? "stranger";
    run.check("contacts at the end", state === after(orders), () => `${code} is ${state} after ${orders.join(", ")}`);
    for (const order of new Set(orders)) {
      const asked = orders.filter((one) => one === order).length;
      const answers = told.filter((text) => ORDERS[order].told.test(text) && text.includes(code)).length;
      run.check("orders confirmed once", answers === asked, () => `${order} ${code} was confirmed ${answers} times`);
    }
  }
  for (const [code, orders] of book) {
    const phone = phones.get(names.get(code) ?? "");
    if (phone === undefined) continue;
    const isBlocked = world.bot.hasBlocked(phone);
    const holds = isBlocked === (orders.at(-1) === "block");
    run.check("blocks at WhatsApp", holds, () => `${code} is ${isBlocked ? "" : "not "}blocked after ${orders}`);
  }
  const toldOf = guestsTold(world);
  for (const name of guests) {
    const state = [...states.values()].find((known) => known.name === name)?.state;
    run.check("guests are in", state === "approved", () => `${name} is ${state}`);
    const times = toldOf.filter((guest) => guest === name).length;
    run.check("invites told once", times === 1, () => `the owner was told of ${name} ${times} times`);
  }
  const { state } = states.get(alice) ?? {};
  run.check("the buddy is a buddy", state === "approved", () => `${alice} is ${state}`);
  for (const id of said) {
    const given = lives.flatMap((life, index) => (life.includes(id) ? [index] : []));
    const [first = -1] = given;
    const isAgain = given.length === 2 && lives[first]?.slice(-IN_HAND).includes(id) === true;
    run.check("messages handled once (I10)", given.length === 1 || isAgain, () => `${id} in lives ${given.join(", ")}`);
  }
  const answers = world.alice.inbox.filter(({ text }) => text.startsWith("I heard "));
  const answered = answers.flatMap(({ text }) => text.match(/\b\d+\.\d+\b/g) ?? []);
  run.check("answered at most once (I10)", new Set(answered).size === answered.length, () => {
    return `${answered.filter((words, index) => answered.indexOf(words) !== index)} were answered again`;
  });
  const wereAwaited = run.faults.has("kills at an answer");
  run.check("answers came", answered.length > 0 || !wereAwaited, () => "no answer in all lives");
  const heard = world.leaks(world.mallory).length;
  run.check("strangers hear nothing (I5)", heard === 0, () => `Mallory got ${heard} stanzas`);
  const { companions } = world.bot;
  run.check("the session is the same", companions.length === 1, () => `${companions.length} devices are linked`);
  const { troubles } = world.wa;
  run.check("the protocol is kept", troubles.length === 0, () => troubles.join("; "));
}

/** A contact as the API shows it. */
interface Known {
  readonly state: State;
  readonly name: string;
}

/** Each contact, by code. Pages move while orders are carried out: what is read twice alike holds. */
async function statesOf(world: World): Promise<Map<string, Known>> {
  let before = await readStates(world);
  for (;;) {
    const states = await readStates(world);
    if (isDeepStrictEqual(states, before)) return states;
    before = states;
  }
}

async function readStates(world: World): Promise<Map<string, Known>> {
  const states = new Map<string, Known>();
  for (const state of ["pending", "approved", "denied"] as const) {
    for (let page = 1, pages = 1; page <= pages; page += 1) {
      // The API's documented answer; another one fails what is checked with it.
      const answer = (await world.home.get(`/api/v1/contacts?state=${state}&page=${page}`)) as {
        contacts: { code: string; name: string }[];
        pages: number;
      };
      for (const { code, name } of answer.contacts) states.set(code, { state, name });
      pages = answer.pages;
    }
  }
  return states;
}

function confirmations(world: World): string[] {
  return world.owner.inbox.map(({ text }) => text);
}

/** The invites that the owner was answered with, by whom they are for. */
function invites(world: World): readonly (readonly [name: string, token: string])[] {
  return confirmations(world).flatMap((text) => {
    const [, name, token] = /^Invite for (Guest \d+): (\S+)/.exec(text) ?? [];
    return name === undefined || token === undefined ? [] : [[name, token] as const];
  });
}

/** Whom the owner was told of as let in by an invite, in a notice or in a digest. */
function guestsTold(world: World): readonly string[] {
  return confirmations(world).flatMap((text) =>
    [...text.matchAll(/Approved by invite\* \w{4}\n(Guest \d+) /g)].flatMap(([, name]) => name ?? []),
  );
}

/** Whether the order at `index` was confirmed: as many confirmations of its kind as there were such orders until then. */
function isTold(told: readonly string[], code: string, orders: readonly Order[], index: number): boolean {
  const order = orders[index];
  if (order === undefined) return false;
  const sofar = orders.slice(0, index + 1).filter((one) => one === order).length;
  return told.filter((text) => ORDERS[order].told.test(text) && text.includes(code)).length >= sofar;
}

function after(orders: readonly Order[]): State {
  const last = orders.at(-1);
  return last === undefined ? "pending" : ORDERS[last].to;
}

function isFrom(order: Order, state: State): boolean {
  return (ORDERS[order].from as readonly State[]).includes(state);
}
