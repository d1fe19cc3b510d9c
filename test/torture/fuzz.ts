/** The fuzzer: a million cases through every door that something may come in by (I1, I5, I7, I9, DESIGN 8). */
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import pino from "pino";
import { onTestFinished } from "vitest";
import { digitsOf, formatNumber, looksLikeNumber, parseAddress, parseJid } from "../../src/access/identity.js";
import { parseConfig } from "../../src/config.js";
import { KafclawError } from "../../src/errors.js";
import { openStore } from "../../src/store/index.js";
import { cleanText } from "../../src/text.js";
import type { World } from "../e2e/world.js";
import { anyBytes, anyDamage, anyEdits, anyJid, anyRequest, anyText, damaged, edited } from "./arbitraries.js";
import type { Run } from "./run.js";

const JIDS = 300_000;
const MESSAGES = 150_000;
const COMMANDS = 60_000;
const ORDERS = 2_000;
const REQUESTS = 200_000;
const SETTINGS = 267_500;
const SETTINGS_FILES = 500;
const DATA_FILES = 20_000;
/** What a server hands out at a time. */
const IN_FLIGHT = 20;
const LOOK_EVERY = 1_000;
const PATIENT = { timeoutMs: 120_000 };
/** What turns a terminal's lines around, or hides in them. */
const UNSEEN = /(?!\n)[\p{Cc}\p{Bidi_Control}]/u;
const STACK = /\n\s+at |node_modules/;

/** A property and how often it is tried. */
interface Property<T> {
  readonly cases: number;
  readonly of: fc.Arbitrary<T>;
  /** What is lost with this case; undefined: nothing. */
  readonly loss: (value: T) => Promise<string | undefined> | string | undefined;
}

/** Tries a property; a case that fails is made as small as it goes. The same cases come again with the same seed. */
async function fuzz<T>(run: Run, what: string, { cases, of, loss }: Property<T>): Promise<void> {
  const property = fc.asyncProperty(of, async (value) => {
    run.fault(what);
    const lost = await loss(value);
    if (lost !== undefined) throw new Error(lost);
  });
  const outcome = await fc.check(property, { seed: run.random(2 ** 31), numRuns: run.times(cases) });
  run.check(`properties of ${what}`, !outcome.failed, () => {
    return `${fc.stringify(outcome.counterexample)}: ${outcome.errorInstance}`;
  });
}

/** Addresses mean one person or none, in one normal form, and what is shown can be typed back. */
export async function jids(run: Run): Promise<void> {
  await fuzz(run, "JIDs", {
    cases: JIDS,
    of: fc.oneof(anyJid, anyText),
    loss(text) {
      parseAddress(text);
      const address = parseJid(text);
      if (address.kind !== "pn" && address.kind !== "lid") return undefined;
      const normal = address.kind === "pn" ? address.pn : address.lid;
      if (!text.startsWith(digitsOf(normal))) return `${text} became ${normal}`;
      const again = parseJid(normal);
      if (JSON.stringify(again) !== JSON.stringify({ ...address, device: 0 }))
        return `${normal} is not the normal form`;
      if (address.kind === "lid") return undefined;
      const shown = formatNumber({ pn: address.pn });
      const isWhole = looksLikeNumber(shown) && shown.replace(/\D/g, "") === digitsOf(address.pn);
      return isWhole ? undefined : `${normal} is shown as ${shown}`;
    },
  });
}

/** Whatever a buddy's or a stranger's client encrypts, the gateway goes on, and nobody hears anything. */
export async function messages(run: Run, world: World): Promise<void> {
  const { wa, bot } = world;
  let count = 0;
  await fuzz(run, "messages of any kind and of none", {
    cases: MESSAGES,
    of: fc.record({
      bytes: anyBytes,
      from: fc.constantFrom("alice", "mallory"),
      // A new name is a decision's worth of work on the disk.
      name: fc.oneof({ weight: 19, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: anyText }),
      addressing: fc.constantFrom("pn", "lid"),
      // Each time costs a new session.
      resends: fc.nat({ max: 9 }).map((chance) => chance === 0),
    }),
    async loss({ bytes, from, name, addressing, resends }) {
      await world[from].sendBytes(bot, bytes, { addressing, resends, ...(name === undefined ? {} : { name }) });
      while (world.home.running && wa.companions.some(({ waiting }) => waiting > IN_FLIGHT)) {
        await new Promise(setImmediate);
      }
      count += 1;
      if (count % LOOK_EVERY === 0) {
        const leaks = world.leaks().length;
        wa.clearRecord();
        if (leaks > 0) return `${leaks} stanzas went out to somebody`;
      }
      return world.home.running ? undefined : "the gateway has ended";
    },
  });
  await wa.waitUntilTaken(PATIENT);
  await world.settled(PATIENT);
  const leaks = world.leaks().length;
  run.check("nobody but the owner hears anything (I3, I5)", leaks === 0, () => `${leaks} stanzas`);
}

/** Words that name nobody: there is no contact of that code, number or name. `--` is none of them: behind it comes nothing. */
const nobody = fc
  .oneof(
    fc.constantFrom(
      "nobody",
      "ZZZZ",
      "+",
      "--for",
      "9h",
      "$(id)",
      "../..",
      "=",
      "{}",
      "1e9",
      "-1",

      "---x",
      "--json",
    ),
    fc.string({ unit: "binary", maxLength: 40 }).map((text) => text.replace(/[\p{L}\p{N}]/gu, "")),
    anyJid.map((jid) => jid.replace(/\p{N}/gu, "")),
  )
  .filter((word) => !isBeginning(word));

/** `b` is Bob. */
function isBeginning(word: string): boolean {
  const letters = word.normalize("NFKD").replace(/\P{L}/gu, "").toLowerCase();
  return letters !== "" && ["alice", "bob"].some((name) => name.startsWith(letters));
}

const looksAndDecisions = fc.record({
  name: fc.oneof(
    fc.constantFrom(
      "whois",
      "approve",
      "deny",
      "remove",
      "answer",
      "forget",
      "help",
      "pending",
      "list",
      "missed",
      "status",
    ),
    fc.constantFrom("nonsense", "", "Approve", "toString", "__proto__"),
  ),
  // Without a word, an approval would mean the only one who waits.
  args: fc.array(nobody, { minLength: 1, maxLength: 3 }).filter((args) => cleanText(args.join(" ")) !== ""),
});

/** Orders that name nobody, by the API and in the admin chat, are answered in words and change nothing. */
export async function commands(run: Run, world: World): Promise<void> {
  const { address, token } = await world.home.api();
  await fuzz(run, "commands", {
    cases: COMMANDS,
    of: looksAndDecisions,
    async loss(command) {
      const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
      const body = JSON.stringify(command);
      const response = await fetch(`${address}/api/v1/commands`, { method: "POST", headers, body });
      const text = await response.text();
      return response.status < 500 && !STACK.test(text) ? undefined : `${response.status} ${text}`;
    },
  });
  await fuzz(run, "orders in the admin chat", {
    cases: ORDERS,
    of: looksAndDecisions.filter(({ name }) => name !== ""),
    async loss({ name, args }) {
      const before = world.owner.inbox.length;
      await world.order(`/${name} ${args.join(" ")}`);
      await world.settled(PATIENT);
      const answers = world.owner.inbox.slice(before);
      // The last one answers what was asked to see that all is done.
      const isAnswered = answers.length > 1 && !answers.some(({ text }) => STACK.test(text));
      return isAnswered ? undefined : answers.map(({ text }) => text).join("; ");
    },
  });
}

/** Requests by anybody, and by who is signed in, are answered in words. */
export async function requests(run: Run, world: World): Promise<void> {
  const { address, token } = await world.home.api();
  const cookie = await world.home.signIn(/access token (\S+?)[,)]/.exec(world.home.printed)?.[1] ?? "");
  await fuzz(run, "requests", {
    cases: REQUESTS,
    of: anyRequest,
    async loss({ method, path, query, type, header: [name, value], body, isSignedIn }) {
      const isLook = method === "GET" || method === "HEAD";
      // To log out, or to link another account, is no abuse but what was asked for; the live page never ends.
      if (isSignedIn && (isLook ? path === "/live" : path.startsWith("/api/v1/link"))) return undefined;
      const signedIn = { authorization: `Bearer ${token}`, ...(isLook ? { cookie } : {}) };
      const response = await fetch(`${address}${path}?${query}`, {
        method,
        redirect: "manual",
        headers: { [name]: value, "content-type": type, ...(isSignedIn ? signedIn : {}) },
        ...(isLook ? {} : { body }),
      });
      const text = await response.text();
      return response.status < 500 && !STACK.test(text) ? undefined : `${response.status} ${text.slice(0, 500)}`;
    },
  });
}

/** Settings that somebody has spoilt are taken, or told by the file's name; they are never changed. */
export async function settings(run: Run, world: World): Promise<void> {
  const file = join(world.home.path, "config.json");
  const right = await readFile(file, "utf8");
  await fuzz(run, "settings", {
    cases: SETTINGS,
    of: anyEdits,
    loss(edits) {
      try {
        parseConfig(edited(right, edits), {}, file);
      } catch (error) {
        const isTold = error instanceof KafclawError && error.message.includes("config.json");
        if (!isTold || UNSEEN.test(error.message)) return String(error);
      }
      return undefined;
    },
  });
  await fuzz(run, "settings files", {
    cases: SETTINGS_FILES,
    of: anyEdits,
    async loss(edits) {
      const text = edited(right, edits);
      await writeFile(file, text);
      const { code, err } = await world.home.run(["whatsapp-auth", "--list", "--json"]);
      const isFine = code === 0 || (code === 2 && err.includes("config.json"));
      if (!isFine || STACK.test(err)) return `${code}: ${err}`;
      return (await readFile(file, "utf8")) === String(Buffer.from(text)) ? undefined : "config.json was changed";
    },
  });
  await writeFile(file, right);
}

/** A data file with wrong bytes is refused by its name and left alone, or its last line is repaired; no line is read wrongly. */
export async function dataFiles(run: Run, world: World): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), "kafclaw-fuzz-"));
  onTestFinished(() => rm(home, { recursive: true }));
  const options = { clock: Date.now, log: pino({ level: "silent" }) };
  const folder = join(home, "data");
  await (await openStore(home, options)).close();
  const right = await readFile(join(world.home.path, "data", "access.db"));
  const read = async (): Promise<Map<string, string>> => {
    const store = await openStore(home, options);
    try {
      const docs = await (await store.open("access")).find();
      return new Map(docs.map((doc) => [doc._id, JSON.stringify(doc)]));
    } finally {
      await store.close();
    }
  };
  const file = join(folder, "access.db");
  await writeFile(file, right);
  const documents = await read();
  const last = right.subarray(0, -1).lastIndexOf("\n") + 1;
  const latest = String(right.subarray(last));
  await fuzz(run, "data files", {
    cases: DATA_FILES,
    of: anyDamage,
    async loss(damage) {
      for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true });
      const wrong = damaged(right, damage);
      await writeFile(file, wrong);
      try {
        const found = await read();
        const missing = [...documents].filter(([id, doc]) => found.get(id) !== doc && !latest.includes(id));
        if (missing.length > 0) return `${missing.length} documents were lost without a word`;
        return [...found.keys()].every((id) => documents.has(id)) ? undefined : "documents came from nowhere";
      } catch (error) {
        const isTold = error instanceof KafclawError && error.code === "store-damaged" && error.message.includes(file);
        if (!isTold) return String(error);
        return (await readFile(file)).equals(wrong) ? undefined : "a damaged file was changed";
      }
    },
  });
}
