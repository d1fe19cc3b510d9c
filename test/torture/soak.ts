/** An hour of mixed traffic at 20 messages a second: memory flat, files bounded, no handle left open. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import pino from "pino";
import type { Lid, Pn } from "../../src/access/identity.js";
import type { Phone } from "../../src/simulator/index.js";
import { openStore } from "../../src/store/index.js";
import type { JournalRecord } from "../../src/whatsapp/journal.js";
import type { OutboxDoc } from "../../src/whatsapp/outbox/index.js";
import { Endpoint } from "../e2e/endpoint.js";
import { World } from "../e2e/world.js";
import { sizeOf } from "./flood.js";
import type { Run, Topic } from "./run.js";

const SECONDS = 3_600;
const A_SECOND = 20;
/**
 * So many seconds' traffic comes first, as fast as it goes: what is cold is warm then, and what is bounded has reached its
 * bounds. V8 goes on compiling for as many calls as that: in heap snapshots 10, 20 and 30 minutes after a start, nothing
 * grew but its code, by 1 MB.
 */
const WARM_UP = 1_800;
/** A slope says something from here on. */
const MEASURABLE_SECONDS = 1_500;
const SLOPE_LIMIT = 1 << 20;
/** Resident memory goes up and down with what the allocators keep for later; a leak of what is in use shows above. */
const RESIDENT_LIMIT = 32 << 20;
const HANDLES_LIMIT = 5;
const DISK_LIMIT = 200 << 20;
const PATIENT = { timeoutMs: 60_000 };
/** What a gateway of many months remembers: as much as it ever will (journal.ts, outbox/book.ts). */
const HISTORY = { buddy: 20_000, stranger: 5_000, group: 5_000 };
const PARCELS = 10_000;
const HISTORY_STEP_MS = 5_000;

/** So much memory at a time, in seconds from any beginning. */
interface Sample {
  readonly seconds: number;
  readonly bytes: number;
}

interface Look extends Sample {
  readonly handles: number;
}

export const soak: Topic = {
  name: "soak",
  short: 0.001,
  async torture(run) {
    const endpoint = await Endpoint.start();
    const world = await World.linked(
      { setup: "own-number", addressing: "lid" },
      {
        KAFCLAW_LOG_LEVEL: "info",
        KAFCLAW_TEXTS_GREETING: "",
        KAFCLAW_RESPONDER_DAILY_LIMIT: "100000",
        ...endpoint.env,
      },
      {},
      // Tells after each collection how much is in use.
      ["--trace-gc"],
    );
    await world.aliceApproved();
    await world.home.stop();
    await grow(world);
    await world.home.startLinked();
    await world.order("/silent off");
    await world.told(/Silent mode is off/);
    const { pid } = await world.home.api();
    const begun = performance.now();
    const strangers: Phone[] = [];
    const warmUp = run.times(WARM_UP);
    for (let second = 0; second < warmUp; second += 1) {
      await traffic(run, world, strangers, second);
      await world.wa.waitUntilTaken(PATIENT);
      run.fault("seconds of traffic at once");
    }
    const warm = (performance.now() - begun) / 1_000;
    const seconds = run.times(SECONDS);
    const samples: Look[] = [];
    for (let second = 0; second < seconds; second += 1) {
      const due = pause(1_000);
      await traffic(run, world, strangers, second);
      run.fault("seconds of traffic");
      samples.push({ seconds: second, ...(await look(pid)) });
      await due;
    }
    await world.wa.waitUntilTaken(PATIENT);
    await world.settled();
    checkSilence(run, world);
    const used = inUse(world.home.printed, pid).filter((sample) => sample.seconds > warm);
    checkSamples(run, samples, used);
    const bytes = await sizeOf(join(world.home.path, "data"));
    run.check("files stay bounded", bytes < DISK_LIMIT, () => `${bytes} bytes`);
  },
};

/** Gives the home the history of many months: what is bounded is full, so what grows from here on grows for ever. */
async function grow({ home, alice }: World): Promise<void> {
  const store = await openStore(home.path, { clock: Date.now, log: pino({ level: "silent" }) });
  const now = Date.now();
  const journal = await store.open<JournalRecord>("journal");
  const verdicts = Object.entries(HISTORY).flatMap(([verdict, count]) => Array.from({ length: count }, () => verdict));
  await journal.putAll(
    verdicts.map((verdict, index): JournalRecord => {
      const [_id, at] = [`${alice.lidJid}/3A${idOf(index)}`, now - (verdicts.length - index) * HISTORY_STEP_MS];
      const who = verdict === "buddy" ? {} : { who: "+1 666 100 0000" };
      return {
        _id,
        attrs: {},
        body: "",
        at,
        seq: index - verdicts.length,
        state: "done",
        verdict,
        what: "text",
        ...who,
      };
    }),
  );
  const outbox = await store.open<OutboxDoc>("outbox");
  const [lid, pn] = [alice.lidJid as Lid, alice.pnJid as Pn];
  await outbox.putAll(
    Array.from({ length: PARCELS }, (_, index): OutboxDoc => {
      const [_id, at] = [`3EB0${idOf(index)}`, now - (PARCELS - index) * HISTORY_STEP_MS];
      const content = { kind: "text", text: `Answer ${index}, as long as answers are.` } as const;
      const key = `answer:${lid}/3A${idOf(index)}`;
      const parcel = { _id, seq: index - PARCELS, key, to: { pn, lid }, toAdmin: false, address: lid, at };
      return { ...parcel, items: [{ id: _id, state: "sent", left: at, content }] };
    }),
  );
  await store.close();
}

/** What follows in an id of WhatsApp's, as long as it is. */
function idOf(index: number): string {
  return index.toString(16).toUpperCase().padStart(18, "0");
}

/** What comes in one second: mostly strangers, a buddy, now and then the owner. */
async function traffic(run: Run, world: World, strangers: Phone[], second: number): Promise<void> {
  await world.say(world.alice, `second ${second}`);
  if (second % 10 === 0) await world.order("/status");
  for (let count = 1; count < A_SECOND; count += 1) {
    await world.say(stranger(run, world, strangers), `hello ${count}`);
  }
  if (second % 60 === 59) {
    checkSilence(run, world);
    world.wa.clearRecord();
  }
}

/** Half of them came before, so that not every one is new. */
function stranger(run: Run, world: World, known: Phone[]): Phone {
  const again = run.random(2) === 0 ? run.pick(known) : undefined;
  if (again) return again;
  const phone = world.wa.phone({ pn: `1666${1_000_000 + known.length}`, name: "Stranger" });
  known.push(phone);
  return phone;
}

/** Silent mode is off: the buddy hears the bot, and nobody else does. */
function checkSilence(run: Run, world: World): void {
  const buddys = new Set(world.wa.stanzasTo(world.alice));
  const leaks = world.leaks().filter((stanza) => !buddys.has(stanza)).length;
  run.check("strangers hear nothing (I5)", leaks === 0, () => `${leaks} stanzas`);
}

async function look(pid: number): Promise<{ bytes: number; handles: number }> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  const handles = (await readdir(`/proc/${pid}/fd`)).length;
  return { bytes: Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) * 1024, handles };
}

/** What was in use after each collection that the gateway asks for; other collections leave some garbage. */
function inUse(printed: string, pid: number): Sample[] {
  const collections = new RegExp(
    `\\[${pid}:\\w+\\] +(\\d+) ms: Mark-Compact[^\\n]*? -> (\\d+\\.\\d) \\([^\\n]*testing;`,
    "g",
  );
  return [...printed.matchAll(collections)].map(([, ms, megabytes]) => ({
    seconds: Number(ms) / 1_000,
    bytes: Number(megabytes) * (1 << 20),
  }));
}

function checkSamples(run: Run, looks: readonly Look[], used: readonly Sample[]): void {
  const [first] = looks;
  const last = looks.at(-1);
  if (!first || !last) return;
  const more = last.handles - first.handles;
  run.check("no handle is left open", more <= HANDLES_LIMIT, () => `${more} more open files`);
  if (looks.length < MEASURABLE_SECONDS) return;
  checkSlope(run, "what is in use is flat", used, SLOPE_LIMIT);
  checkSlope(run, "resident memory stays near", looks, RESIDENT_LIMIT);
}

function checkSlope(run: Run, what: string, samples: readonly Sample[], limit: number): void {
  const slope = slopeOf(samples) * 3_600;
  const megabytes = (slope / (1 << 20)).toFixed(1);
  run.check(`${what} (${megabytes} MB an hour)`, slope < limit, () => `${megabytes} MB more an hour`);
}

/** Bytes a second, by least squares. */
function slopeOf(samples: readonly Sample[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(samples.map(({ seconds }) => seconds));
  const y = mean(samples.map(({ bytes }) => bytes));
  const above = samples.reduce((sum, { seconds, bytes }) => sum + (seconds - x) * (bytes - y), 0);
  return above / samples.reduce((sum, { seconds }) => sum + (seconds - x) ** 2, 0);
}
