import { describe, expect, it } from "vitest";
import type { Phone } from "../../src/simulator/index.js";
import { withDevice } from "./device-lists.js";
import { TOKEN, World } from "./world.js";

const SETTING = { setup: "own-number", addressing: "lid" } as const;

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

interface OwnerShown {
  readonly setup: string;
  readonly pn: string | null;
  readonly locked: string | null;
}

async function ownerOf(world: World): Promise<OwnerShown> {
  return ((await world.home.get("/api/v1/status")) as { owner: OwnerShown }).owner;
}

/** Links anew, and waits until what follows from it is done. */
async function relinks(world: World, phone: Phone, how: object): Promise<void> {
  const isLinked = (record: { action: string }) => record.action === "linked";
  const links = async (): Promise<number> => {
    const { records } = (await world.home.get("/api/v1/audit")) as { records: { action: string }[] };
    return records.filter(isLinked).length;
  };
  const before = await links();
  await world.home.post("/api/v1/link", how);
  const { data } = await shows(world, ({ event }) => event === "qr");
  await phone.scan(data ?? "");
  await world.home.linkOpen();
  await world.home.until(async () => (await links()) > before, "the link is in the audit");
}

async function loggedOut(world: World): Promise<void> {
  world.bot.unlink();
  await shows(world, ({ event }) => event === "error");
}

/** What an order did that nobody may answer: nothing, by the time that a later message was handled. */
async function isIgnored(world: World, order: Promise<unknown>, bot = world.bot): Promise<void> {
  await order;
  await world.alice.send(bot, TOKEN, { addressing: world.setting.addressing });
  await world.home.until(async () => {
    const { counts } = (await world.home.get("/api/v1/status")) as { counts: { pending: number } };
    return counts.pending === 1;
  }, "Alice is pending");
  expect(await world.home.get("/healthz")).toMatchObject({ silent: true });
}

describe("whose bot it is after linking", () => {
  const SELF = { setup: "self", addressing: "lid" } as const;

  it("a lock of the machine outlasts a new link of the same account, in self-chat", async () => {
    const world = await World.linked(SELF);
    await world.home.run(["owner", "lock"]);
    await loggedOut(world);
    await relinks(world, world.bot, {});
    await isIgnored(world, world.order("/silent off"));
    expect(await ownerOf(world)).toMatchObject({ setup: "self", locked: "locked at the machine" });
    await world.home.run(["owner", "set", "self"]);
    await world.order("/status");
    await world.told(/Silent mode/);
  });

  it("a lock outlasts the link of the owner's own phone", async () => {
    const world = await World.linked(SETTING);
    await world.home.run(["owner", "lock"]);
    await relinks(world, world.owner, { replace: true });
    await world.home.until(async () => (await ownerOf(world)).setup === "self", "the owner is the linked account");
    expect((await ownerOf(world)).locked).toBe("locked at the machine");
    await isIgnored(world, world.owner.sendSelf("/silent off"), world.owner);
  });

  it("who holds the number now is another, and needs --replace; then they are told who waits", async () => {
    const world = await World.linked(SELF);
    await world.aliceKnocks();
    await loggedOut(world);
    const heir = world.bot.passNumberTo({ name: "Heir" });
    await world.home.post("/api/v1/link", {});
    const { data } = await shows(world, ({ event }) => event === "qr");
    await heir.scan(data ?? "").catch(() => {});
    const refused = await shows(world, ({ event, code }) => event === "error" && code === "other-account");
    expect(JSON.stringify(refused)).toContain("another account, which has +15550009000 now");
    await relinks(world, heir, { replace: true });
    await heir.next(({ text }) => /New sender[\s\S]*Alice/.test(text));
  });

  it("what buddies wrote while nothing was linked comes with the new link", async () => {
    const world = await World.linked(SETTING);
    await world.aliceApproved();
    await loggedOut(world);
    world.bot.remember(world.alice, "are you there?", { id: "MEANWHILE" });
    await relinks(world, world.bot, {});
    await world.given(["MEANWHILE"]);
  });
});

describe("the end of a link", () => {
  const AWAY = { KAFCLAW_WHATSAPP_URL: "ws://127.0.0.1:9" };

  it("that WhatsApp can't be told is told as such", async () => {
    const world = await World.linked(SETTING);
    await world.home.stop();
    await world.home.start(AWAY);
    const ran = await world.home.run(["whatsapp-auth", "--logout"]);
    expect(ran).toMatchObject({
      code: 0,
      err: expect.stringMatching(/could not be told: remove the device on the phone/),
    });
  });

  it("is told to WhatsApp also while another phone is waited for", async () => {
    const world = await World.linked(SETTING);
    await world.home.post("/api/v1/link", { replace: true });
    await shows(world, ({ event }) => event === "qr");
    const ran = await world.home.run(["whatsapp-auth", "--logout"]);
    expect(ran).toMatchObject({ code: 0, err: expect.not.stringContaining("could not be told") });
    expect(JSON.stringify(world.wa.record.map(({ node }) => node))).toContain("remove-companion-device");
  });

  it("does not come with a --replace that fails: the former account is back", async () => {
    const world = await World.linked(SETTING);
    await world.home.stop();
    await world.home.start(AWAY);
    expect(await world.home.run(["whatsapp-auth", "--replace"])).toMatchObject({ code: 1 });
    await world.home.until(async () => {
      const { link } = (await world.home.get("/api/v1/status")) as { link: string };
      return link === "connecting";
    }, "the former account connects");
  });
});

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

  it("a pairing code that is wanted no more takes nothing from the attempt after it", async () => {
    const world = await World.create(SETTING);
    await world.setUp();
    await world.home.start();
    await shows(world, ({ event }) => event === "qr");
    const begun = world.wa.record.length;
    await world.home.post("/api/v1/link", { phone: "+15550009000" });
    // WhatsApp waits for a phone: now the code is made, which takes a moment.
    await world.home.until(async () => world.wa.record.length > begun, "the code is asked for");
    await world.home.post("/api/v1/link", {});
    await world.scanQr();
    expect(world.home.printed).not.toMatch(/Connection Closed|"name":"connection-(lost|closed)"/);
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
    await world.given([corrupt.id]);
    const burst: string[] = [];
    for (let n = 0; n < 25; n += 1) burst.push((await world.say(world.alice, `burst ${n}`)).id);
    const absent = await world.say(world.alice, "absent", { absent: true });
    await world.given([absent.id]);
    await world.settled();
    expect(world.responded()).toEqual([corrupt.id, ...burst, absent.id]);
    expect(world.leaks()).toEqual([]);
  });
  it("I10: are asked for also where the connection ends right after WhatsApp was told that they came", async () => {
    const world = await World.linked(SETTING);
    await world.aliceApproved();
    const absent = await world.say(world.alice, "absent", { absent: true });
    await world.wa.waitUntilTaken();
    world.wa.disconnect(503);
    await world.home.until(async () => world.responded().includes(absent.id), "the absent message came");
    await world.settled();
    expect(world.responded()).toEqual([absent.id]);
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
    const greeting = await bob.next();
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
    world.wa.answerQueries((query) => withDevice(query, { id: "41" }));
    const { code } = await world.aliceKnocks();
    await world.order("/silent off");
    await world.order(`/approve ${code}`);
    expect((await world.alice.next()).text).toMatch(/You.re in/);
  });
});
