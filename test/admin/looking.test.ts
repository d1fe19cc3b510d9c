/** What the owner sees without changing anything: `/status`, `/whois`, `/pending`, `/list`, `/missed`, `/help`. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { commands } from "../../src/admin/index.js";
import { DAY, HOUR, House, NOON, OWNER, person } from "./house.js";

const ALICE = "+1 555 000 2000";
const BOB = "+1 555 000 3000";
const BY = { door: "cli", who: "admin" } as const;

let house: House;
beforeEach(async () => {
  house = await House.open();
});
afterEach(() => house.close());

/** So many buddies, approved by number. */
async function buddies(size: number): Promise<void> {
  for (let index = 0; index < size; index++) await house.cli("approve", `+1 555 002 ${1000 + index}`);
}

describe("/status", () => {
  it("at the command line names the owner and the token, and tells programs everything", async () => {
    const { text, data } = await house.cli("status");
    expect(text.split("\n")).toEqual([
      "Link: open, as +1 555 000 9000",
      "Silent mode: on",
      "0 approved, 0 pending, 0 denied",
      "Responder: off",
      "Owner: +1 555 000 1000",
      "Pairing token: set",
      "KafClaw 0.1.0, up 2 h",
    ]);
    expect(data).toEqual({
      link: "open",
      sentence: "The link is open.",
      trouble: null,
      remedy: "",
      me: { pn: "15550009000@s.whatsapp.net", lid: null },
      silent: true,
      silentUntil: null,
      counts: { approved: 0, pending: 0, denied: 0 },
      responder: { name: "off", mode: null, paused: false },
      owner: { setup: "own-number", pn: OWNER.pn, lid: OWNER.lid, confirmed: true, locked: null },
      token: true,
      running: true,
      startedAt: NOON - 2 * HOUR,
      version: "0.1.0",
    });
  });

  it("says what is wrong: the disk, the link with its remedy, a pause, buddies who wait", async () => {
    const alice = await house.knocks("Alice", ALICE);
    await house.cli("approve", alice.code);
    house.backlog.set(alice._id, 2);
    const { gateway } = house;
    const link = { code: "logged-out", sentence: "WhatsApp unlinked this device.", remedy: "Link it again.", since: 0 };
    Object.assign(gateway, {
      trouble: () => "The disk is full.",
      link: () => link,
      me: () => ({ ...person(BOB, "3@lid") }),
    });
    gateway.responder.pause();
    await house.says("/silent off --for 2h");
    expect((await house.says("/status")).split("\n")).toEqual([
      "⚠️ The disk is full.",
      "Link: WhatsApp unlinked this device. Link it again.",
      "Silent mode: off until 14:00",
      "1 approved, 0 pending, 0 denied",
      "Responder: off, paused (/resume)",
      `1 buddy wrote meanwhile: Alice (${alice.code}). /answer all, or /answer ${alice.code}.`,
      "KafClaw 0.1.0, up 2 h",
    ]);
    expect((await house.cli("status")).data).toMatchObject({
      trouble: "The disk is full.",
      remedy: "Link it again.",
      me: { lid: "3@lid" },
      silent: false,
      silentUntil: house.time.now + 2 * HOUR,
      responder: { paused: true },
    });
    await house.says("/silent off");
    expect(await house.says("/status")).toContain("\nSilent mode: off\n");
  });

  it("without a gateway says so, and what there is to say of the link", async () => {
    const link = { code: "no-session", sentence: "No account is linked.", remedy: "", since: 0 };
    Object.assign(house.gateway, { startedAt: undefined, link: () => link, me: () => undefined });
    const { text, data } = await house.cli("status");
    expect(text.split("\n")[0]).toBe("Link: No account is linked.");
    expect(text.split("\n").at(-1)).toBe("KafClaw 0.1.0, not running");
    expect(data).toMatchObject({ me: null, running: false, startedAt: null });
  });

  it("an open link without an account is no open link", async () => {
    Object.assign(house.gateway, { me: () => undefined });
    expect(await house.says("/status")).toMatch(/^Link: The link is open\.\n/);
  });

  it("tells at the command line what keeps the owner from commanding", async () => {
    const ownerLine = async (): Promise<string | undefined> =>
      (await house.cli("status")).text.split("\n").find((line) => line.startsWith("Owner"));
    const owner = { setup: "own-number", person: person(BOB), confirmed: false, confirmCode: "K7QF2C" } as const;
    await house.access.setOwner(owner, BY);
    expect(await ownerLine()).toBe("Owner: +1 555 000 3000, who has not sent the confirmation code yet");
    expect(JSON.stringify((await house.cli("status")).data)).not.toContain("K7QF2C");
    expect((await house.cli("status")).data).toMatchObject({ owner: { lid: null, confirmed: false } });
    await house.access.setOwner({ ...owner, locked: "the number passed on" }, BY);
    expect(await ownerLine()).toBe(
      "Owner: +1 555 000 3000, whose commands are stopped: the number passed on (kafclaw owner set <number>)",
    );
    expect((await house.cli("status")).data).toMatchObject({ owner: { locked: "the number passed on" } });
    await house.access.setOwner({ setup: "self", person: {}, confirmed: true }, BY);
    expect(await ownerLine()).toBe("Owner: the linked number itself");
    expect((await house.cli("status")).data).toMatchObject({ owner: { setup: "self", pn: null } });
  });

  it("names what is missing: an owner, a token", async () => {
    const bare = await House.open({ owner: null, token: null });
    expect((await bare.cli("status")).text.split("\n").slice(4, 6)).toEqual([
      "Owner: none, so nobody can command the bot (kafclaw whatsapp-setup names one)",
      "Pairing token: none, so nobody can enter the pending queue (/token rotate makes one)",
    ]);
    expect((await bare.cli("status")).data).toMatchObject({ owner: null, token: false });
    await bare.close();
    const tokenless = await House.open({ token: null });
    expect(await tokenless.says("/status")).toContain("\nPairing token: none, so nobody can enter");
    expect(await tokenless.says("/status")).not.toContain("Owner");
    await tokenless.close();
    const open = await House.open({ token: null, open: true });
    expect(await open.says("/status")).toContain(
      "\nPairing token: none, and pairing is open: everyone who writes becomes pending (/token rotate ends that)",
    );
    await open.close();
  });

  it("takes nothing behind it", async () => {
    expect(await house.cli("status", "now")).toMatchObject({
      ok: false,
      text: "/status takes nothing behind it.",
      error: { code: "bad-usage", kind: "usage" },
    });
  });
});

describe("/whois", () => {
  it("tells all that is known: other names, the block, what is held, the last eight decisions", async () => {
    const alice = await house.knocks("Alice", ALICE);
    const hidden = await house.knocks("Alice", person(undefined, "2000@lid"));
    await house.access.learn(person(ALICE, "2000@lid"));
    await house.writes(alice, "one");
    await house.writes(alice, "two");
    const [code] = [alice.code, hidden.code].filter((each) => house.access.byId(alice._id)?.code !== each);
    expect((await house.says(`/whois ${alice.code}`)).split("\n")).toEqual([
      `Alice (${house.access.byId(alice._id)?.code}) · +1 555 000 2000`,
      "pending since 12:00",
      `also known as ${code}`,
      "sent the pairing token",
      "2 held messages, the last:",
      "> two",
      "• entered the queue, 12:00",
      "• entered the queue, 12:00",
      "• was merged, 12:00",
    ]);
    await house.wait(DAY);
    await house.says(`/deny ${alice.code} --block`);
    for (let count = 0; count < 4; count++) {
      await house.says(`/remove ${alice.code}`);
      await house.says(`/deny ${alice.code} --block`);
    }
    const rows = (await house.says(`/whois ${alice.code}`)).split("\n");
    expect(rows[1]).toBe("denied since 12:00");
    expect(rows).toContain("blocked at WhatsApp");
    expect(rows.filter((row) => row.startsWith("•"))).toHaveLength(8);
    expect(rows.at(-1)).toBe("• was denied by you on WhatsApp, 12:00");
    expect(rows.join()).not.toContain("entered the queue");
    const { data } = await house.cli("whois", alice.code);
    expect(data).toMatchObject({ code: alice.code, state: "denied" });
    expect((data as { history: unknown[] }).history).toHaveLength(12);
  });

  it("quoting a notice means its sender, and asks whom where nothing does", async () => {
    const alice = await house.knocks("Alice", ALICE);
    await house.knocks("Bob", BOB);
    expect(await house.says("/whois", { quotes: house.notice(alice.code).id })).toContain(`Alice (${alice.code})`);
    expect(await house.says("/whois")).toBe("Who? /whois and a code, number or name.");
    expect((await house.cli("whois")).error).toEqual({ code: "bad-usage", kind: "usage" });
  });

  it("finds also whose notice is still on its way, and strangers by number", async () => {
    house.link = "connecting";
    const alice = await house.knocks("Alice", ALICE);
    house.link = "open";
    expect(await house.says("/whois alice")).toContain(alice.code);
    expect(await house.cli("whois", BOB)).toMatchObject({
      ok: true,
      data: null,
      text: "+1 555 000 3000 is on no list. /missed shows which strangers wrote.",
    });
  });

  it("finds every state, and tells how somebody came: an invite, an open door, or by number", async () => {
    await house.says("/invite Bob");
    const [invite] = house.access.invites();
    const bob = await house.knocks("Bob", BOB, invite?.token ?? "");
    expect(await house.says("/whois bob")).toContain("\nused the invite for Bob\n");
    await house.says(`/deny ${bob.code}`);
    expect(await house.says("/whois bob")).toContain("\ndenied since");
    await house.says(`/remove ${bob.code}`);
    expect(await house.says(`/whois ${BOB}`)).toContain("\na stranger since");
    await house.cli("approve", ALICE);
    expect((await house.says(`/whois ${ALICE}`)).split("\n").slice(1)).toEqual([
      "approved since 12:00",
      "• was approved at the command line, 12:00",
    ]);
  });
});

describe("/pending and /list", () => {
  it("show 20, and where the rest is", async () => {
    const first = await house.knocks("Guest 0", "+1 555 001 1000");
    for (let index = 1; index < 22; index++) await house.knocks(`Guest ${index}`, `+1 555 001 ${1000 + index}`);
    const rows = (await house.says("/pending")).split("\n");
    expect(rows[0]).toBe("22 pending:");
    expect(rows.slice(-2)).toEqual(["and 2 more: /list pending 2", `/approve ${first.code} · /deny ${first.code}`]);
    expect(rows.filter((row) => row.startsWith("•"))).toHaveLength(20);
    const { ok, data } = await house.cli("pending");
    expect([ok, data]).toEqual([true, expect.objectContaining({ length: 22 })]);
    const second = (await house.says("/list PENDING 2")).split("\n");
    expect(second).toHaveLength(3);
    expect(second[0]).toBe("22 pending, page 2 of 2:");
    expect(second[1]).toMatch(/^• Guest 20 \(....\) · \+1 555 001 1020 · since 12:00, sent the pairing token$/);
  });

  it("show no empty words, and all where 20 are pending", async () => {
    for (let index = 0; index < 20; index++) {
      const guest = await house.knocks(`Guest ${index}`, `+1 555 001 ${1000 + index}`);
      if (index === 3) await house.writes(guest, "");
    }
    const rows = (await house.says("/pending")).split("\n");
    expect(rows).toHaveLength(22);
    expect(rows.join()).not.toContain(">");
  });

  it("one page needs no number, and none has more than there are", async () => {
    expect(await house.says("/list denied")).toBe("Nobody is denied.");
    expect(await house.cli("list", "denied")).toMatchObject({ ok: true, data: [] });
    await buddies(20);
    const rows = (await house.says("/list approved")).split("\n");
    expect(rows[0]).toBe("20 approved:");
    expect(rows).toHaveLength(21);
    expect((await house.cli("list", "approved")).ok).toBe(true);
    expect(rows[1]).toMatch(/^• no name \(....\) · \+1 555 002 10\d\d · since 12:00$/);
    expect(await house.says("/list approved 2")).toBe("There is only 1 page: /list approved 1");
    expect((await house.cli("list", "approved", "2")).error).toEqual({ code: "no-page", kind: "refused" });
  });

  it("the overview counts, and lists all for programs", async () => {
    const alice = await house.knocks("Alice", ALICE);
    await buddies(2);
    expect(await house.says("/list")).toBe(
      "2 approved, 0 denied, 1 pending.\n/list approved · /list denied · /pending",
    );
    const { ok, data } = await house.cli("list");
    expect(ok).toBe(true);
    expect(data).toMatchObject({ approved: [{}, {}], denied: [], pending: [{ code: alice.code }] });
    const since = alice.since;
    expect((data as { pending: unknown[] }).pending).toEqual([
      { code: alice.code, pn: "15550002000@s.whatsapp.net", lid: null, name: "Alice", state: "pending", since },
    ]);
  });

  it.each([
    ["list", "approved", "0"],
    ["list", "approved", "01"],
    ["list", "approved", "1x"],
    ["list", "approved", "x1"],
    ["list", "approved", "1234567"],
    ["list", "approved", "1", "2"],
    ["list", "strangers"],
  ])("%s %s %s is refused", async (...args) => {
    await buddies(1);
    expect(await house.cli(...args)).toMatchObject({
      ok: false,
      text: "It is /list approved, /list denied or /list pending, and a page number.",
      error: { code: "bad-usage", kind: "usage" },
    });
  });

  it("/pending takes nothing", async () => {
    expect(await house.cli("pending", "2")).toMatchObject({
      ok: false,
      text: "/pending takes nothing; see /list.",
      error: { code: "bad-usage", kind: "usage" },
    });
    expect(await house.cli("pending")).toMatchObject({ ok: true, text: "Nobody is pending.", data: [] });
  });
});

describe("/missed", () => {
  it("shows each once, with how often they wrote, and programs get it as data", async () => {
    house.missed = [1, 2].map((messages) => ({ at: NOON, who: `w${messages}`, what: "text", messages }));
    expect((await house.says("/missed")).split("\n")).toEqual([
      "2 strangers without a valid token:",
      "• 12:00 · w1 · text",
      "• 12:00 · w2 · text (the last of 2 messages)",
    ]);
    expect((await house.cli("missed")).data).toEqual(house.missed);
    house.missed = [];
    expect((await house.cli("missed")).data).toEqual([]);
    expect(await house.cli("missed", "50")).toMatchObject({
      text: "/missed takes nothing behind it.",
      error: { code: "bad-usage", kind: "usage" },
    });
  });
});

describe("/help", () => {
  it("has a line for each command, with its usage where it has one", async () => {
    const { text, data } = await house.cli("help");
    const rows = text.split("\n");
    expect(rows).toHaveLength(commands.length + 1);
    expect(rows[0]).toBe("/help [command]: lists the commands, or explains one");
    expect(rows[1]).toBe("/status: link, silent mode, counts, uptime, responder, version");
    expect(rows.at(-1)).toBe("Under a notice, 👍 or 👎 decides, and so does quoting it with yes or no.");
    expect(data).toHaveLength(commands.length);
    expect((data as unknown[])[1]).toEqual({
      name: "status",
      usage: "",
      summary: "link, silent mode, counts, uptime, responder, version",
    });
  });

  it("explains one, with its slash or without, in any case", async () => {
    const [, status] = commands;
    for (const name of ["status", "/STATUS"]) {
      const { text, data } = await house.cli("help", name);
      expect(text).toBe(`/status\n${status?.summary}\n${status?.details}`);
      expect(data).toEqual({ name: "status", usage: "", summary: status?.summary, details: status?.details });
    }
    expect((await house.says("/help help")).split("\n")[0]).toBe("/help [command]");
    expect(await house.says("/help /silent off")).toBe(await house.says("/help silent"));
  });

  it("names the nearest where there is none, and lists where nothing is near", async () => {
    expect(await house.cli("help", "stat")).toMatchObject({
      ok: false,
      error: { code: "unknown-command", kind: "usage" },
    });
    expect(await house.says("/help statsu")).toBe("There is no command statsu. Did you mean /help status?");
    expect(await house.says("/help a/status")).toMatch(/^There is no command a\/status\./);
    expect(await house.says("/help qqqqqqqqqq")).toBe("There is no command qqqqqqqqqq. /help lists them.");
  });

  it("outside the chat there are no slashes", async () => {
    expect(await house.cli("qqqqqqqqqq")).toMatchObject({
      text: "There is no command qqqqqqqqqq. help lists them.",
      error: { code: "unknown-command", kind: "usage" },
    });
  });
});
