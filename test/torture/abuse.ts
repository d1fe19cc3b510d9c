/** Rubbish of every kind on the wire, at the API and on the command line, and the list of an attacker (I1, I3, I5, I7, I9). */
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { TOKEN, World } from "../e2e/world.js";
import { commands, dataFiles, jids, messages, requests, settings } from "./fuzz.js";
import type { Run, Topic } from "./run.js";

const PATIENT = { timeoutMs: 60_000 };
const GROUP = "120363000000000001@g.us";

export const abuse: Topic = {
  name: "abuse",
  short: 0.0002,
  async torture(run) {
    await jids(run);
    const world = await World.linked(
      { setup: "own-number", addressing: "lid" },
      { KAFCLAW_OUTBOX_PER_MINUTE: "600", KAFCLAW_OUTBOX_BURST: "100" },
    );
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
    await holds("messages of any kind");
    await impostors(run, world, { waiting, noticeId: notice.id });
    await holds("impostors");
    await commands(run, world);
    await holds("commands");
    await requests(run, world);
    await attacks(run, world);
    await holds("requests");
    await settings(run, world);
    await dataFiles(run, world);
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
