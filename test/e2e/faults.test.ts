import { join } from "node:path";
import { DisconnectReason, makeWASocket, useMultiFileAuthState } from "@whiskeysockets/baileys";
import pino from "pino";
import { describe, expect, it } from "vitest";
import { trustOnlyWhatsApp } from "../../src/whatsapp/trust.js";
import { World } from "./world.js";

const OWN_NUMBER = { setup: "own-number", addressing: "lid" } as const;

/** The ways of losing a connection, as WhatsApp (or the network) makes them. */
const LOST = [
  { code: 408, how: "a cut line", drop: (world: World) => world.wa.hold() },
  { code: 428, how: "a closed connection", drop: (world: World) => world.wa.disconnect(428, { kind: "close" }) },
  {
    code: 440,
    how: "another process with the session",
    drop: (world: World) => world.wa.disconnect(440, { kind: "conflict" }),
  },
  { code: 500, how: "a bad session", drop: (world: World) => world.wa.disconnect(500) },
  { code: 503, how: "an unavailable service", drop: (world: World) => world.wa.disconnect(503) },
  { code: 515, how: "a wanted restart", drop: (world: World) => world.wa.disconnect(515) },
  { code: 405, how: "an outdated client", drop: (world: World) => world.wa.disconnect(405, { kind: "failure" }) },
];

describe("messages and lost connections", () => {
  it("I10: messages that arrive while the gateway is down are handled once after it is back", async () => {
    const world = await World.linked(OWN_NUMBER);
    await world.aliceApproved();
    await world.home.stop("SIGKILL");
    const first = await world.say(world.alice, "one");
    const second = await world.say(world.alice, "two");
    await world.order("/whois alice");
    await world.home.startLinked();
    await world.told(/Alice/);
    await world.given([first.id, second.id]);
    await world.settled();
    expect(world.responded()).toEqual([first.id, second.id]);
    await world.home.stop();
    await world.home.startLinked();
    await world.settled();
    expect(world.responded()).toEqual([]);
  });

  it.each(LOST.filter(({ code }) => code !== 440))(
    "I10: $how ($code) loses nothing and doubles nothing",
    async ({ drop }) => {
      const world = await World.linked(OWN_NUMBER);
      await world.aliceApproved();
      const before = await world.say(world.alice, "before");
      await world.given([before.id]);
      drop(world);
      const during = await world.say(world.alice, "during");
      await world.order("/pending");
      world.wa.resume();
      await world.told(/nobody|pending/i);
      await world.given([during.id]);
      await world.settled();
      expect(world.responded().slice(-2)).toEqual([before.id, during.id]);
      expect(new Set(world.responded()).size).toBe(world.responded().length);
    },
  );

  it("I10: what comes while the gateway works off what waited is handled behind it", async () => {
    const world = await World.linked(OWN_NUMBER);
    await world.aliceApproved();
    world.wa.hold();
    const ids: string[] = [];
    for (let count = 0; count < 50; count++) ids.push((await world.say(world.alice, `waited ${count}`)).id);
    world.wa.resume();
    await world.wa.waitForCompanion("open");
    ids.push((await world.say(world.alice, "came meanwhile")).id);
    await world.given(ids);
    expect(world.responded()).toEqual(ids);
  });

  it("440: another process has the session, and the gateway says so", async () => {
    const world = await World.linked(OWN_NUMBER);
    world.wa.disconnect(440, { kind: "conflict" });
    await world.home.until(
      async () => ((await world.home.get("/healthz")) as { link: string }).link === "conflict",
      "the conflict shows",
    );
  });

  it("401: logged out on the phone; the gateway says so and does not mint a new session by itself", async () => {
    const world = await World.linked(OWN_NUMBER);
    world.bot.unlink();
    await world.home.until(
      async () => ((await world.home.get("/healthz")) as { link: string }).link === "loggedOut",
      "the log-out shows",
    );
    await world.home.stop();
    await world.home.start();
    await world.home.until(
      async () => ((await world.home.get("/healthz")) as { link: string }).link === "loggedOut",
      "it still shows",
    );
    expect((await world.home.get("/api/v1/link")) as object).toMatchObject({ event: "error" });
  });

  it("a frame that can't be read ends the connection, not the gateway", async () => {
    const world = await World.linked(OWN_NUMBER);
    await world.settled();
    world.wa.garble();
    await world.wa.waitForCompanion("closed");
    await world.order("/pending");
    await world.told(/nobody|pending/i);
    expect(world.home.running).toBe(true);
  });

  it("the session of another Baileys program is taken over with --import, and goes on where it was", async () => {
    const world = await World.create(OWN_NUMBER);
    const folder = join(world.home.path, "baileys");
    await linkBaileys(world, folder);
    await world.setUp();
    const imported = await world.home.run(["whatsapp-auth", "--import", folder]);
    expect(imported).toMatchObject({ code: 0, out: expect.stringContaining("15550009000") });
    await world.home.startLinked();
    await world.settled();
    expect(world.bot.companions).toHaveLength(1);
  });

  it.each<[what: string, order: (code: string) => string, done: RegExp]>([
    ["who was to be denied", (code) => `/deny ${code}`, /Denied/],
    ["anybody where silent mode was to begin", () => "/silent on", /Silent mode is on/],
  ])("I3: what waited for the connection does not leave for %s meanwhile", async (_, order, done) => {
    const world = await World.linked(OWN_NUMBER);
    await world.order("/silent off");
    const { code } = await world.aliceKnocks();
    world.wa.hold();
    await world.wa.waitForCompanion("closed");
    // The greeting waits, and behind WhatsApp's doors the owner's order.
    await world.home.post("/api/v1/commands", { name: "approve", args: [code] });
    await world.order(order(code));
    world.wa.resume();
    await world.told(done);
    await world.settled();
    expect(world.wa.stanzasTo(world.alice, "message")).toEqual([]);
  });

  it("I3: who asked for a message again, and was to be denied meanwhile, does not get it after a reconnect", async () => {
    const world = await World.linked(OWN_NUMBER);
    const { code, id } = await world.aliceGreeted();
    world.wa.clearRecord();
    world.wa.hold();
    await world.wa.waitForCompanion("closed");
    world.alice.forgeRetryReceipt({ id, to: world.bot, withKeys: true });
    await world.order(`/deny ${code}`);
    world.wa.resume();
    await world.told(/Denied/);
    await world.wa.waitUntilTaken();
    await world.settled();
    expect(world.wa.stanzasTo(world.alice, "message")).toEqual([]);
  });

  it("I4: a short reconnect does not change silent mode", async () => {
    const world = await World.linked(OWN_NUMBER);
    await world.order("/silent off");
    await world.told(/Silent mode is off/);
    world.wa.disconnect(503);
    await world.settled();
    expect(await world.home.get("/healthz")).toEqual({ status: "ok", link: "open", silent: false });
  });
});

/** Links a bare Baileys with its own file store, as a program that somebody used before would be. */
async function linkBaileys({ wa, bot }: World, folder: string): Promise<void> {
  const { state, saveCreds } = await useMultiFileAuthState(folder);
  let saved = Promise.resolve();
  const connect = (): void => {
    const socket = makeWASocket({ auth: state, waWebSocketUrl: wa.url, logger: pino({ level: "silent" }) });
    socket.ev.on("creds.update", () => {
      saved = saveCreds();
    });
    socket.ev.on("connection.update", ({ qr, connection, lastDisconnect }) => {
      if (qr !== undefined) void bot.scan(qr);
      const { output } = (lastDisconnect?.error ?? {}) as { output?: { statusCode: number } };
      if (connection === "close" && output?.statusCode === DisconnectReason.restartRequired) connect();
      end = () => socket.end(undefined);
    });
  };
  let end = (): Promise<void> | void => {};
  trustOnlyWhatsApp(wa.rootKeyHex);
  connect();
  await wa.waitForCompanion("open");
  await wa.waitUntilTaken();
  await end();
  await wa.waitForCompanion("closed");
  await saved;
}
