import { type BinaryNode, getBinaryNodeChild, getBinaryNodeChildren } from "@whiskeysockets/baileys";
import { describe, expect, it } from "vitest";
import { TOKEN, World } from "./world.js";

const SETTING = { setup: "own-number", addressing: "lid" } as const;

/** The answer to a question for devices that lists one more with everybody, which nobody has keys of. */
function withStaleDevice({ attrs, content }: BinaryNode): BinaryNode | undefined {
  const usync = Array.isArray(content) ? content.find(({ tag }) => tag === "usync") : undefined;
  if (!usync || !JSON.stringify(usync).includes('"devices"')) return undefined;
  const list = getBinaryNodeChild(usync, "list");
  const devices = ["0", "41"].map((id) => ({ tag: "device", attrs: { id, "key-index": "1" } }));
  const users = getBinaryNodeChildren(list, "user").map(({ attrs: { jid = "" } }) => ({
    tag: "user",
    attrs: { jid },
    content: [{ tag: "devices", attrs: {}, content: [{ tag: "device-list", attrs: {}, content: devices }] }],
  }));
  const found: BinaryNode = { ...usync, content: [{ tag: "list", attrs: {}, content: users }] };
  return { tag: "iq", attrs: { id: attrs.id ?? "", type: "result", from: "s.whatsapp.net" }, content: [found] };
}

interface Shown {
  readonly event: string;
  readonly code?: string;
  readonly data?: string;
}

/** What the gateway shows to whoever links, once it is so. */
async function shows(world: World, fits: (shown: Shown) => boolean): Promise<Shown> {
  let shown: Shown = { event: "" };
  await world.home.until(async () => {
    shown = (await world.home.get("/api/v1/link")) as Shown;
    return fits(shown);
  }, "the gateway shows it");
  return shown;
}

async function me(world: World): Promise<string> {
  return JSON.stringify(((await world.home.get("/api/v1/status")) as { me: unknown }).me);
}

describe("linking a running gateway", () => {
  it("goes from QR to pairing code, and a second request gets a code of its own", async () => {
    const world = await World.create(SETTING);
    await world.setUp();
    await world.home.start();
    await shows(world, ({ event }) => event === "qr");
    await world.home.post("/api/v1/link", { phone: "+15550009000" });
    const first = await shows(world, ({ event }) => event === "pairing-code");
    await world.home.post("/api/v1/link", { phone: "+15550009000" });
    const second = await shows(world, ({ event, code }) => event === "pairing-code" && code !== first.code);
    await world.bot.enterPairingCode(second.code ?? "");
    await world.home.linkOpen();
    await world.settled();
  });

  it("refuses another account and keeps the session, unless it is to be replaced", async () => {
    const world = await World.linked(SETTING);
    await world.home.stop();
    await world.home.startLinked();
    const other = world.wa.phone({ pn: "15550009111", name: "Other" });
    world.bot.unlink();
    await shows(world, ({ event }) => event === "error");
    await world.home.post("/api/v1/link", {});
    const { data } = await shows(world, ({ event }) => event === "qr");
    await other.scan(data ?? "").catch(() => {});
    const refused = await shows(world, ({ event, code }) => event === "error" && code === "other-account");
    expect(JSON.stringify(refused)).toMatch(/belongs to \+15550009000.*--replace/);
    expect(await me(world)).toContain("15550009000");

    await world.home.post("/api/v1/link", { replace: true });
    const again = await shows(world, (shown) => shown.event === "qr" && shown.data !== data);
    await other.scan(again.data ?? "");
    await world.home.linkOpen();
    expect(await me(world)).toContain("15550009111");
    expect(await world.home.get("/healthz")).toEqual({ status: "ok", link: "open", silent: true });
  });

  it("while it links anew nothing leaves over the unfinished link; given up, the old one comes back", async () => {
    const world = await World.linked(SETTING);
    await world.home.post("/api/v1/link", { replace: true });
    await shows(world, ({ event }) => event === "qr");
    expect(await world.home.get("/healthz")).toMatchObject({ link: "unlinked" });
    await world.home.post("/api/v1/link/cancel");
    await world.home.linkOpen();
    expect(await me(world)).toContain("15550009000");
  });

  it("402: the owner is told of a ban, and one longer than a timer takes is waited out, not tried again and again", async () => {
    const world = await World.linked(SETTING);
    await world.home.stop();
    await world.home.startLinked();
    world.wa.refuseLogins(402, 1, { expire: "1" });
    world.wa.disconnect(503);
    await world.told(/🚨 WhatsApp has banned this account/);

    world.wa.refuseLogins(402, Number.POSITIVE_INFINITY, { expire: String(40 * 24 * 3600) });
    world.wa.disconnect(503);
    await world.home.prints(/temporary-ban.*temporary-ban/s);
    const status = JSON.stringify(await world.home.get("/api/v1/status"));
    await world.home.run(["status"]);
    expect(status).toMatch(/banned this account until/);
    expect(world.home.printed.match(/"name":"temporary-ban"/g)).toHaveLength(2);
  });
});

describe("messages that can't be read at first", () => {
  it("I10: reach the responder once, whether the sender or our own phone sends them again", async () => {
    const world = await World.linked(SETTING);
    await world.aliceApproved();
    const corrupt = await world.say(world.alice, "corrupt", { corrupt: true });
    await world.home.prints(new RegExp(corrupt.id));
    const burst: string[] = [];
    for (let n = 0; n < 25; n += 1) burst.push((await world.say(world.alice, `burst ${n}`)).id);
    const absent = await world.say(world.alice, "absent", { absent: true });
    await world.home.until(async () => world.responded().includes(absent.id), "the absent message came");
    await world.settled();
    expect(world.responded()).toEqual([corrupt.id, ...burst, absent.id]);
    expect(world.leaks()).toEqual([]);
  });
});

describe("recipients that can't read", () => {
  it("I3: are answered when they ask again, but not in silent mode", async () => {
    const world = await World.linked(SETTING);
    const bob = world.wa.phone({ pn: "15550003000", name: "Bob", asksAgain: true });
    await world.say(bob, TOKEN);
    const code = /New sender\* (\w{4})/.exec((await world.told(/Bob/)).text)?.[1];
    await world.order("/silent off");
    await world.told(/Silent mode is off/);
    bob.loseSessions();
    await world.order(`/approve ${code}`);
    await world.told(/Approved/);
    await expect(bob.next()).rejects.toThrow(/can't decrypt/);
    const greeting = await bob.next(undefined, { timeoutMs: 10_000 });
    await world.order("/silent on");
    await world.told(/Silent mode is on/);
    const sent = world.wa.stanzasTo(bob, "message").length;
    bob.forgeRetryReceipt({ id: greeting.id, to: world.bot, withKeys: true });
    await world.wa.waitUntilTaken();
    await world.settled();
    expect(world.wa.stanzasTo(bob, "message")).toHaveLength(sent);

    await world.order("/silent off");
    await world.told(/Silent mode is off/);
    bob.forgeRetryReceipt({ id: greeting.id, to: world.bot, withKeys: true, addressing: "pn" });
    const again = await world.wa.waitForStanza(({ kind, to }) => kind === "message" && to === bob.pnJid);
    expect(again.node.attrs.id).toBe(greeting.id);
  });

  it("a device that WhatsApp has no keys of keeps nobody's words from the others", async () => {
    const world = await World.linked(SETTING);
    world.wa.answerQueries((query) => withStaleDevice(query));
    const { code } = await world.aliceKnocks();
    await world.order("/silent off");
    await world.order(`/approve ${code}`);
    expect((await world.alice.next()).text).toMatch(/You.re in/);
  });
});
