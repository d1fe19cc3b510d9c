/** Rubbish of every kind on the wire, at the API and on the command line, and the list of an attacker (I1, I3, I5, I7, I9). */
import { readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { proto } from "@whiskeysockets/baileys";
import { TOKEN, World } from "../e2e/world.js";
import type { Run, Topic } from "./run.js";

const MESSAGES = 300_000;
const REQUESTS = 400_000;
const COMMANDS = 300_000;
const FILES = 2_000;
const BATCH = 50;
const IN_FLIGHT = 20;
const PATIENT = { timeoutMs: 60_000 };
/** Every kind of message that WhatsApp's own schema names. */
const KINDS = Object.keys(proto.Message.prototype).filter((name) => /^[a-z]\w+Message|conversation$/.test(name));
const GROUP = "120363000000000001@g.us";

export const abuse: Topic = {
  name: "abuse",
  short: 0.0002,
  async torture(run) {
    const world = await World.linked({ setup: "own-number", addressing: "lid" });
    await world.aliceApproved();
    const bob = world.wa.phone({ pn: "15550003000", name: "Bob" });
    await world.say(bob, TOKEN);
    const notice = await world.told(/New sender/);
    const waiting = /New sender\* (\w{4})/.exec(notice.text)?.[1] ?? "";
    const lists = (): Promise<string> => listsOf(world);
    const before = await lists();
    const holds = async (what: string): Promise<void> => {
      const now = await lists();
      run.check("nobody is let in or out (I1, I7)", now === before, () => `${what}: ${now} instead of ${before}`);
    };

    await messages(run, world);
    await holds("messages of all kinds");
    await impostors(run, world, { waiting, noticeId: notice.id });
    await holds("impostors");
    await commands(run, world);
    await holds("commands");
    await requests(run, world);
    await attacks(run, world);
    await holds("requests");
    await files(run, world);
    await holds("files");
    await world.settled();
    const leaks = world.leaks().length;
    run.check("nobody but the owner hears anything (I3, I5)", leaks === 0, () => `${leaks} stanzas`);
  },
};

/** Approved and pending, by code, as the API tells. */
async function listsOf(world: World): Promise<string> {
  const { out } = await world.home.run(["whatsapp-auth", "--list", "--json"]);
  const lists = JSON.parse(out) as Record<string, { code: string }[]>;
  return JSON.stringify([lists.approved, lists.denied].map((list) => list?.map(({ code }) => code)));
}

async function messages(run: Run, world: World): Promise<void> {
  const { wa, bot, alice, mallory } = world;
  const count = run.times(MESSAGES);
  for (let index = 0; index < count; index += 1) {
    const from = run.random(2) === 0 ? alice : mallory;
    const kind = run.pick(KINDS) ?? "conversation";
    const message = rubbish(run, kind);
    if (message) await from.sendRaw(bot, message, { addressing: run.random(2) === 0 ? "pn" : "lid" });
    run.fault("messages of any kind");
    while (wa.companions.some(({ waiting }) => waiting > IN_FLIGHT)) await new Promise(setImmediate);
    if (index % BATCH === 0) run.check("it runs", world.home.running, () => kind);
    if (index % (BATCH * BATCH) === BATCH) wa.clearRecord();
  }
  await wa.waitUntilTaken(PATIENT);
  await world.settled();
}

/** A message of that kind with something of everything in it. */
function rubbish(run: Run, kind: string): proto.IMessage | undefined {
  const text = run.pick(["", "/approve all", "\u202e*", "x".repeat(5_000), TOKEN.slice(1)]) ?? "";
  const contextInfo = { stanzaId: text, participant: "15550001000@s.whatsapp.net", isForwarded: true };
  const inner = { conversation: text };
  const content = {
    ...{ text, caption: text, contextInfo, message: inner, editedMessage: inner, type: run.random(30) },
    ...{ key: { id: text, remoteJid: text, fromMe: run.random(2) === 0 }, seconds: run.random(1e6), fileLength: -1 },
  };
  try {
    return proto.Message.fromObject({ [kind]: kind === "conversation" ? text : content });
  } catch {
    // Not every kind takes all of it.
    return undefined;
  }
}

/** Orders by everybody who may not give any, in every form that WhatsApp has. */
async function impostors(run: Run, world: World, about: { waiting: string; noticeId: string }): Promise<void> {
  const { wa, bot, alice, mallory, owner } = world;
  const { waiting, noticeId } = about;
  const olga = wa.phone({ pn: "15550009998", name: "Olga" });
  const lookalike = wa.phone({ pn: "15550009997", name: "Оlga (owner)" });
  const orders = [
    `/approve ${waiting}`,
    "/approve all",
    "yes",
    "👍",
    "/silent off",
    "/token",
    "／approve all",
    "/аpprove all",
  ];
  for (const who of [alice, mallory, olga, lookalike]) {
    for (const text of orders) {
      const { id } = await world.say(who, text);
      await who.edit(bot, id, `/approve ${waiting}`);
      await who.send(bot, text, { forwarded: true });
      await who.sendGroup(GROUP, text, { to: [bot] });
      run.fault("orders by impostors");
    }
    await who.react(bot, noticeId, "👍");
    await who.react(bot, noticeId, "👍", { fromMe: true });
    await who.sendRaw(bot, {
      extendedTextMessage: { text: "yes", contextInfo: { stanzaId: noticeId, participant: bot.lidJid } },
    });
    await who.sendRaw(bot, {
      deviceSentMessage: { destinationJid: bot.lidJid, message: { conversation: `/approve ${waiting}` } },
    });
    run.fault("forged reactions, quotes and own-device wrappers");
  }
  // The owner's own words count only as written: not edited into an order, not forwarded, not in a group.
  const { id } = await world.order("hello");
  await owner.edit(bot, id, `/approve ${waiting}`);
  await world.order(`/approve ${waiting}`, { forwarded: true });
  await owner.sendGroup(GROUP, `/approve ${waiting}`, { to: [bot] });
  await wa.waitUntilTaken(PATIENT);
  await world.settled();
}

async function commands(run: Run, world: World): Promise<void> {
  // Of all who could be meant, none is: there is nobody of that code, number or name.
  const words = ["nobody", "ZZZZ", "+", "--for", "9h", "\u0000", "$(id)", "../..", "=", "{}", "🙃", "1e9", "-1"];
  const count = run.times(COMMANDS);
  const { address, token } = await world.home.api();
  for (let index = 0; index < count; index += 1) {
    const args = Array.from({ length: 1 + run.random(3) }, () => run.pick(words) ?? "");
    const body = JSON.stringify({
      name: run.pick(["whois", "approve", "help", "pending", "nonsense", "list", ""]),
      args,
    });
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const response = await fetch(`${address}/api/v1/commands`, { method: "POST", headers, body });
    const text = await response.text();
    run.fault("commands");
    run.check(
      "commands are answered in words",
      response.status < 500 && !/\n\s+at /.test(text),
      () => `${body}: ${text}`,
    );
  }
}

/** Rubbish where people write by hand: the settings and the soul. It is told by the file's name, and changes nothing. */
async function files(run: Run, world: World): Promise<void> {
  const { path } = world.home;
  const config = join(path, "config.json");
  const right = await readFile(config, "utf8");
  const values = [
    "",
    "\u0000",
    "{",
    '"',
    "null",
    "[]",
    "-1",
    "1e99",
    '"\u202e"',
    '"x"',
    "true",
    "{}",
    `"${"x".repeat(5_000)}"`,
  ];
  const count = run.times(FILES);
  for (let index = 0; index < count; index += 1) {
    const value = run.pick([...right.matchAll(/(?<=: )("[^"]*"|\d+|true|false)/g)]);
    const [at, length] = run.random(2) === 0 && value ? [value.index, value[0].length] : [run.random(right.length), 1];
    const rubbish = right.slice(0, at) + run.pick(values) + right.slice(at + length);
    await writeFile(config, rubbish);
    const { code, err } = await world.home.run(["whatsapp-auth", "--list", "--json"]);
    run.fault("settings files");
    const isFine = code === 0 || (code === 2 && err.includes("config.json"));
    run.check("settings are taken or told by file", isFine && !/\n\s+at /.test(err), () => `${code}: ${err}`);
    run.check("nothing is reset", (await readFile(config, "utf8")) === rubbish, () => "config.json was changed");
  }
  await writeFile(config, right);
}

async function requests(run: Run, world: World): Promise<void> {
  const { address, token } = await world.home.api();
  const paths = [
    "/",
    "/sign-in",
    "/api/v1/contacts",
    "/api/v1/link",
    "/settings/silent",
    "/whatsapp",
    "/%ff",
    "/a/../b",
  ];
  const types = [
    "application/json",
    "application/x-www-form-urlencoded",
    "text/plain",
    "multipart/form-data; boundary=x",
  ];
  const bodies = [
    "",
    "{",
    "[]",
    "null",
    '{"name":1}',
    "a[b]=1&a=2",
    "x".repeat(100_000),
    "\u0000",
    '{"__proto__":{"ok":true}}',
  ];
  const count = run.times(REQUESTS);
  for (let index = 0; index < count; index += 1) {
    const method = run.pick(["GET", "POST", "DELETE", "PUT", "OPTIONS"]) ?? "GET";
    const query = `?page=${run.pick(["0", "-1", "1e9", "x", "%00"])}&state=${run.pick(["pending", "toString", ""])}`;
    const path = `${run.pick(paths)}${query}`;
    // Logging out is no abuse but what was asked for.
    const isAllowed = run.random(2) === 0 && !(path.startsWith("/api/v1/link") && method !== "GET");
    const response = await fetch(`${address}${path}`, {
      method,
      redirect: "manual",
      headers: { "content-type": run.pick(types) ?? "", ...(isAllowed ? { authorization: `Bearer ${token}` } : {}) },
      ...(method === "GET" ? {} : { body: run.pick(bodies) ?? "" }),
    });
    const text = await response.text();
    run.fault("requests");
    const isFine = response.status < 500 && !/\n\s+at |node_modules/.test(text);
    run.check(
      "requests are answered in words",
      isFine,
      () => `${method} ${path}: ${response.status} ${text.slice(0, 200)}`,
    );
  }
}

/** What somebody beside the machine, or a web page in the owner's browser, tries. */
async function attacks(run: Run, world: World): Promise<void> {
  const { address, token } = await world.home.api();
  const { port, host } = new URL(address);
  const head = (line: string, ...more: string[]): string => [line, ...more, "", ""].join("\r\n");
  const form = "Content-Type: application/x-www-form-urlencoded";
  const refusals: [what: string, sent: string][] = [
    ["rebinding", head("GET / HTTP/1.1", "Host: evil.example")],
    [
      "rebinding of the API",
      head("GET /api/v1/status HTTP/1.1", "Host: evil.example", `Authorization: Bearer ${token}`),
    ],
    [
      "another page's form",
      head(
        "POST /settings/silent HTTP/1.1",
        `Host: ${host}`,
        "Origin: https://evil.example",
        form,
        "Content-Length: 0",
      ),
    ],
    ["a form without a token", head("POST /settings/silent HTTP/1.1", `Host: ${host}`, form, "Content-Length: 0")],
    ["a chosen session", head("GET /settings HTTP/1.1", `Host: ${host}`, "Cookie: session=chosen; kafclaw=chosen")],
    ["a path above", head("GET /assets/../../package.json HTTP/1.1", `Host: ${host}`)],
    ["an encoded path above", head("GET /assets/%2e%2e%2f%2e%2e%2fpackage.json HTTP/1.1", `Host: ${host}`)],
    [
      "an oversized body",
      head(
        "POST /api/v1/commands HTTP/1.1",
        `Host: ${host}`,
        `Authorization: Bearer ${token}`,
        "Content-Type: application/json",
        "Content-Length: 70000",
      ) + "x".repeat(70_000),
    ],
    ["smuggling", head("POST /sign-in HTTP/1.1", `Host: ${host}`, "Content-Length: 4", "Transfer-Encoding: chunked")],
    ["oversized headers", head("GET / HTTP/1.1", `Host: ${host}`, `X: ${"x".repeat(100_000)}`)],
  ];
  for (const [what, sent] of refusals) {
    const answer = await raw(Number(port), sent);
    run.fault("attacks on the dashboard");
    const isRefused = /^HTTP\/1\.1 (303|30[27]|4\d\d) /.test(answer) && !/\n\s+at |"devDependencies"/.test(answer);
    run.check("attacks are refused", isRefused, () => `${what}: ${answer.slice(0, 200)}`);
    const headers = answer.split("\r\n\r\n")[0] ?? "";
    run.check("no header is let in", !/evil\.example/.test(headers), () => `${what}: ${headers}`);
  }
  // Connections that never end their question keep nobody else from an answer.
  const slow = Array.from({ length: 200 }, () => connect(Number(port), "127.0.0.1"));
  for (const socket of slow) socket.on("error", () => {}).write("GET / HTTP/1.1\r\nHost: ");
  const healthy = await fetch(`${address}/healthz`, { signal: AbortSignal.timeout(5_000) });
  run.fault("slow connections", slow.length);
  run.check("slow connections block nobody", healthy.ok, () => String(healthy.status));
  for (const socket of slow) socket.destroy();
  const page = await fetch(`${address}/sign-in`);
  const cookie = page.headers
    .getSetCookie()
    .map((set) => set.split(";")[0])
    .join("; ");
  const csrf = /name="csrf" value="([^"]+)"/.exec(await page.text())?.[1] ?? "";
  const statuses: number[] = [];
  for (let guess = 0; guess < 12; guess += 1) {
    const body = new URLSearchParams({ csrf, token: `guess-${guess}-guess-guess` });
    const headers = { cookie, origin: address };
    statuses.push((await fetch(`${address}/sign-in`, { method: "POST", body, headers, redirect: "manual" })).status);
    run.fault("guessed access tokens");
  }
  run.check("guessing ends", statuses.at(-1) === 429 && !statuses.includes(303), () => statuses.join(" "));
}

/** Sends bytes and gives back what came until the other side closes, or is silent. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  let answer = "";
  const over = new Promise<void>((resolve) => socket.on("close", () => resolve()).on("error", () => resolve()));
  socket.on("data", (data) => {
    answer += data;
  });
  socket.write(bytes);
  // A server that keeps the connection open has said what it has to say.
  while (answer === "" && (await Promise.race([over.then(() => "over"), pause(50, "waits")])) === "waits");
  socket.destroy();
  return answer;
}
