/** A simulated WhatsApp with the people of the guide, and a gateway as its own process. */
import { onTestFinished } from "vitest";
import {
  type Person,
  type Phone,
  type Received,
  type SendOptions,
  type Stanza,
  WhatsApp,
  type WhatsAppOptions,
} from "../../src/simulator/index.js";
import { TestHome } from "./gateway-process.js";

export const TOKEN = "MARBLE-42-TULIP";

/** How the people of a world write: by number or by LID; and where the owner commands. */
export interface Setting {
  readonly addressing: "pn" | "lid";
  readonly setup: "own-number" | "self";
}

export const SETTINGS: readonly (Setting & { title: string })[] = [
  { title: "own number, PN-addressed", setup: "own-number", addressing: "pn" },
  { title: "own number, LID-addressed", setup: "own-number", addressing: "lid" },
  { title: "self-chat, PN-addressed", setup: "self", addressing: "pn" },
  { title: "self-chat, LID-addressed", setup: "self", addressing: "lid" },
];

export class World {
  /** Whoever the owner's phone is: in self-chat the linked account itself. */
  readonly owner: Phone;
  readonly bot: Phone;
  readonly alice: Phone;
  readonly mallory: Phone;
  private orders = 0;

  private constructor(
    readonly wa: WhatsApp,
    readonly home: TestHome,
    readonly setting: Setting,
    people: Pick<Person, "lid">,
  ) {
    this.bot = wa.phone({ pn: "15550009000", name: "Bot", ...people });
    this.owner = setting.setup === "self" ? this.bot : wa.phone({ pn: "15550001000", name: "Olga", ...people });
    this.alice = wa.phone({ pn: "15550002000", name: "Alice", ...people });
    this.mallory = wa.phone({ pn: "15550006660", name: "Mallory", ...people });
  }

  /** A linked gateway with owner and token, as after steps 1 to 3 of the guide. */
  static async linked(
    setting: Setting,
    env: Record<string, string> = {},
    server: WhatsAppOptions = {},
    nodeArgs: readonly string[] = [],
  ): Promise<World> {
    const world = await World.create(setting, env, {}, server, nodeArgs);
    await world.home.start();
    await world.home.post("/api/v1/setup", { owner: world.ownerNumber, token: TOKEN });
    await world.scanQr();
    return world;
  }

  /** A fresh home and nothing else. */
  static async create(
    setting: Setting = { setup: "own-number", addressing: "pn" },
    env: Record<string, string> = {},
    people: Pick<Person, "lid"> = {},
    server: WhatsAppOptions = {},
    nodeArgs: readonly string[] = [],
  ): Promise<World> {
    const wa = await WhatsApp.start(server);
    const home = await TestHome.create(wa, { KAFCLAW_APPROVE_GRACE: "0", ...env }, nodeArgs);
    onTestFinished(async () => {
      await home.remove();
      await wa.close();
    });
    return new World(wa, home, setting, people);
  }

  /** Step 2 of the guide, by its command. */
  async setUp(): Promise<void> {
    const ran = await this.home.run(["whatsapp-setup", "--enable", "--owner", this.ownerNumber, "--token", TOKEN]);
    if (ran.code !== 0) throw new Error(`whatsapp-setup failed: ${ran.err}`);
  }

  private get ownerNumber(): string {
    return this.setting.setup === "self" ? "self" : `+${this.owner.pnJid.split("@")[0]}`;
  }

  /** Scans the QR that the running gateway gives through its API. */
  async scanQr(): Promise<void> {
    let qr = "";
    await this.home.until(async () => {
      const link = (await this.home.get("/api/v1/link")) as { event: string; data?: string };
      qr = link.data ?? "";
      return link.event === "qr";
    }, "there is a QR");
    await this.bot.scan(qr);
    await this.home.linkOpen();
  }

  /** The owner writes into the admin chat. */
  order(text: string, options: SendOptions = {}): Promise<{ id: string }> {
    const travel = { addressing: this.setting.addressing, ...options };
    return this.setting.setup === "self" ? this.owner.sendSelf(text, travel) : this.owner.send(this.bot, text, travel);
  }

  /** The owner reacts to one of the bot's messages. */
  react(id: string, emoji: string): Promise<{ id: string }> {
    const { addressing, setup } = this.setting;
    return this.owner.react(this.bot, id, emoji, { addressing, fromMe: setup === "self" });
  }

  /** The owner quotes one of the bot's messages. */
  reply(to: Received, text: string): Promise<{ id: string }> {
    return this.order(text, { quote: to });
  }

  /** Somebody writes to the bot. */
  say(from: Phone, text: string, options: SendOptions = {}): Promise<{ id: string }> {
    return from.send(this.bot, text, { addressing: this.setting.addressing, ...options });
  }

  /** The next message in the admin chat that matches. */
  told(pattern: RegExp, options?: { timeoutMs: number }): Promise<Received> {
    return this.owner.next(({ text }) => pattern.test(text), options);
  }

  /** Alice sends the token; the owner's notice, and her code. */
  async aliceKnocks(text = TOKEN): Promise<{ notice: Received; code: string }> {
    await this.say(this.alice, text);
    const notice = await this.told(/New sender/);
    const code = /New sender\* (\w{4})/.exec(notice.text)?.[1];
    if (!code) throw new Error(`no code in ${notice.text}`);
    return { notice, code };
  }

  /** Alice becomes a buddy. @returns her code */
  async aliceApproved(): Promise<string> {
    const { code } = await this.aliceKnocks();
    await this.order(`/approve ${code}`);
    await this.told(/Approved/);
    return code;
  }

  /** Silent mode is off, and Alice a buddy who was greeted. @returns her code, and WhatsApp's id of the greeting */
  async aliceGreeted(): Promise<{ code: string; id: string }> {
    await this.order("/silent off");
    const code = await this.aliceApproved();
    const { id } = await this.alice.next();
    return { code, id };
  }

  /** Waits until what the owner sent before was handled: this is answered after it. Others' messages have their own turns. */
  async settled(options?: { timeoutMs: number }): Promise<void> {
    // An order that has no other answer like it, so that an older message is not taken for it.
    this.orders += 1;
    await this.order(`/settled${this.orders}`);
    await this.told(new RegExp(`no command /settled${this.orders}\\.`), options);
  }

  /** What the responder got, by WhatsApp id, in order. */
  responded(): string[] {
    return [...this.home.printed.matchAll(/"id":"([^"]+)"[^\n]*"msg":"message to the responder"/g)].map(
      ([, id]) => id ?? "",
    );
  }

  /** Waits until the responder has got these messages, by WhatsApp id. */
  async given(ids: readonly string[], { timeoutMs }: { timeoutMs?: number } = {}): Promise<void> {
    const areGiven = async (): Promise<boolean> => {
      const responded = new Set(this.responded());
      return ids.every((id) => responded.has(id));
    };
    await this.home.until(areGiven, `the responder has ${ids.join(", ")}`, timeoutMs);
  }

  /** Waits until these words are the last that somebody pending wrote; asked at the machine, the owner's chat shows nothing of it. */
  async held(words: string): Promise<void> {
    await this.home.until(async () => {
      const { text } = (await this.home.post("/api/v1/commands", { name: "pending", args: [] })) as { text: string };
      return text.includes(`\n> ${words}\n`);
    }, `"${words}" is held`);
  }

  /** Stanzas that could reach a person and are beyond the list that I3 allows. */
  leaks(to?: Phone): Stanza[] {
    const stanzas = to ? this.wa.stanzasTo(to) : this.wa.record;
    const allowed = new Set([...this.wa.stanzasTo(this.owner), ...this.wa.stanzasTo(this.bot)]);
    return stanzas.filter((stanza) => isLeak(stanza, allowed.has(stanza)));
  }
}

/**
 * Anything but: queries to the server, protocol acks, `inactive`, peer and retry receipts, unavailable presence, and
 * messages to the admin chat or to our own devices (DESIGN 2, I3).
 */
function isLeak({ kind, node }: Stanza, isOurs: boolean): boolean {
  const { type = "delivered" } = node.attrs;
  switch (kind) {
    case "iq":
    case "ib":
    case "ack":
      return false;
    case "presence":
      return type !== "unavailable";
    case "receipt":
      return !["inactive", "retry", ...(isOurs ? ["peer_msg", "hist_sync", "sender"] : [])].includes(type);
    default:
      return !isOurs;
  }
}
