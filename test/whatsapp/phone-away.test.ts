import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import { expect, it, onTestFinished, vi } from "vitest";
import { personFrom } from "../../src/access/index.js";
import { parseConfig } from "../../src/config.js";
import { type House, openHouse } from "../../src/gateway.js";
import { createHome, type Home } from "../../src/home.js";
import { type Phone, WhatsApp } from "../../src/simulator/index.js";
import { type Doc, openStore } from "../../src/store/index.js";
import { Clockwork } from "../clockwork.js";
import { trust } from "../simulator/client.js";

const DAY = 24 * 60 * 60_000;
/** After so long what WhatsApp kept for the gateway has come. */
const QUEUE_MS = 10 * 60_000;
const AWAY = /no sign of the phone/;

/** A linked gateway in this process, whose time the test winds. */
class Gateway {
  readonly bot: Phone;
  readonly owner: Phone;
  private house: House | undefined;
  private orders = 0;

  private constructor(
    readonly wa: WhatsApp,
    private readonly time: Clockwork,
    private readonly home: Home,
  ) {
    this.bot = wa.phone({ pn: "15550009000", name: "Bot" });
    this.owner = wa.phone({ pn: "15550001000", name: "Olga" });
  }

  static async linked(): Promise<Gateway> {
    const time = new Clockwork();
    const wa = await WhatsApp.start({ clock: () => time.now });
    // libsignal prints its sessions.
    const printed = vi.spyOn(console, "info").mockImplementation(() => {});
    const restore = trust(Buffer.from(wa.rootKeyHex, "hex"));
    const root = await mkdtemp(join(tmpdir(), "kafclaw-"));
    const { home } = await createHome(join(root, "home"));
    const gateway = new Gateway(wa, time, home);
    onTestFinished(async () => {
      await gateway.stop();
      await wa.close();
      restore();
      printed.mockRestore();
      await rm(root, { recursive: true });
    });
    await gateway.start();
    await gateway.links();
    // What the phone hands over after linking is a sign of it.
    await gateway.link.synced();
    await wa.waitUntilTaken();
    return gateway;
  }

  async start(): Promise<void> {
    const env = { KAFCLAW_WHATSAPP_URL: this.wa.url, KAFCLAW_WHATSAPP_ROOT_KEY: this.wa.rootKeyHex };
    const house = await openHouse({
      home: this.home,
      config: parseConfig("{}", env).config,
      version: "0",
      log: pino({}, { write() {} }),
      clock: () => this.time.now,
      scheduler: this.time,
    });
    this.house = house;
    const person = personFrom(this.owner.pnJid, this.owner.lidJid ?? undefined) ?? {};
    await house.access.setOwner({ setup: "own-number", person, confirmed: true }, { door: "cli", who: "test" });
    await house.start();
  }

  async stop(): Promise<void> {
    await this.house?.close();
    this.house = undefined;
  }

  get link(): House["link"] {
    if (!this.house) throw new Error("the gateway is not running");
    return this.house.link;
  }

  /** The bot's phone links it. */
  async links(): Promise<void> {
    while (this.link.event.event !== "qr") await once(this.link, "event");
    const { event } = this.link;
    if (event.event === "qr") await this.bot.scan(event.data);
    await this.opens();
  }

  async opens(): Promise<void> {
    if (!this.link.open) await once(this.link, "open");
  }

  async isLoggedOut(): Promise<void> {
    while (this.link.state.code !== "loggedOut") await once(this.link, "state");
  }

  /** Lets the last sign of the phone be some days ago; the gateway may not run. */
  async phoneSeen(days: number): Promise<void> {
    const store = await openStore(this.home.root, { clock: () => this.time.now, log: { info() {}, warn() {} } });
    const settings = await store.open<Doc & { seen: number }>("settings");
    await settings.put({ _id: "phone", seen: this.time.now - days * DAY });
    await store.close();
  }

  /** The time in which WhatsApp hands over what it kept passes; what follows from it has followed. */
  async queueComes(): Promise<void> {
    await this.wa.waitUntilTaken();
    await this.time.pass(QUEUE_MS);
    this.orders += 1;
    const order = `/settled${this.orders}`;
    await this.owner.send(this.bot, order);
    await this.owner.next(({ text }) => text.includes(`no command ${order}.`));
  }

  /** What the owner was told of the phone. */
  get told(): readonly string[] {
    return this.owner.inbox.map(({ text }) => text).filter((text) => AWAY.test(text));
  }
}

it("the owner is told, once WhatsApp has handed over what it kept, that the phone is away", async () => {
  const gateway = await Gateway.linked();
  await gateway.stop();
  await gateway.phoneSeen(13);
  await gateway.start();
  await gateway.opens();
  await gateway.queueComes();
  expect(gateway.told).toEqual([expect.stringContaining("For 13 days")]);
});

it("who used their phone while the gateway was off is not told that it was away", async () => {
  const gateway = await Gateway.linked();
  await gateway.stop();
  await gateway.phoneSeen(13);
  await gateway.bot.send(gateway.wa.phone({ pn: "15550002000", name: "Alice" }), "written on the phone");
  await gateway.start();
  await gateway.opens();
  await gateway.queueComes();
  expect(gateway.told).toEqual([]);
});

it("who has just linked with their phone is not told that it was away", async () => {
  const gateway = await Gateway.linked();
  gateway.bot.unlink();
  await gateway.isLoggedOut();
  await gateway.stop();
  await gateway.phoneSeen(20);
  await gateway.start();
  await gateway.isLoggedOut();
  await gateway.link.beginLinking();
  await gateway.links();
  await gateway.queueComes();
  expect(gateway.told).toEqual([]);
});
