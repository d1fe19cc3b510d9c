import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { access, mkdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { waitForCode } from "../../src/cli/whatsapp-setup.js";
import { terminalIn } from "../cli/terminal.js";
import { TOKEN, World } from "./world.js";

const isThere = (file: string) =>
  access(file).then(
    () => true,
    () => false,
  );

const addressOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

describe("linking from the command line", () => {
  it("whatsapp-auth --json shows a QR, writes it as a picture, and ends once a phone has scanned it", async () => {
    const world = await World.create();
    const png = join(world.home.path, "whatsapp-qr.png");
    const auth = world.home.lines(["whatsapp-auth", "--json"]);
    const qr = JSON.parse(await auth.next());
    expect(qr).toMatchObject({ event: "qr", data: expect.stringContaining("https://wa.me/settings/linked_devices#") });
    await world.home.until(() => isThere(png), "the picture is there");
    expect((await readFile(png)).subarray(1, 4).toString()).toBe("PNG");
    expect((await stat(png)).mode & 0o777).toBe(0o600);
    await world.bot.scan(qr.data);
    expect(JSON.parse(await auth.next())).toEqual({
      event: "linked",
      jid: world.bot.pnJid,
      lid: world.bot.lidJid,
    });
    expect(await auth.ended).toBe(0);
    expect(await isThere(png)).toBe(false);
    const again = await world.home.run(["whatsapp-auth", "--json"]);
    expect(again).toMatchObject({ code: 0, out: expect.stringContaining('"event":"linked"') });
    await world.setUp();
    await world.home.startLinked();
    await world.settled();
  });

  it("whatsapp-auth --phone shows a pairing code that the phone takes", async () => {
    const world = await World.create();
    const auth = world.home.lines(["whatsapp-auth", "--phone", "+1 555 000 9000", "--json"]);
    const { event, code } = JSON.parse(await auth.next());
    expect(event).toBe("pairing-code");
    await world.bot.enterPairingCode(code);
    expect(JSON.parse(await auth.next())).toMatchObject({ event: "linked", jid: world.bot.pnJid });
    expect(await auth.ended).toBe(0);
  });

  it("whatsapp-auth follows a running gateway, which then is linked", async () => {
    const world = await World.create();
    await world.setUp();
    await world.home.start();
    const auth = world.home.lines(["whatsapp-auth", "--json"]);
    const qr = JSON.parse(await auth.next());
    await world.bot.scan(qr.data);
    expect(JSON.parse(await auth.next())).toMatchObject({ event: "linked" });
    expect(await auth.ended).toBe(0);
    await world.settled();
  });

  it("whatsapp-auth says that the gateway it follows was stopped", async () => {
    const world = await World.create();
    await world.home.start();
    const auth = world.home.lines(["whatsapp-auth", "--json"]);
    expect(JSON.parse(await auth.next())).toMatchObject({ event: "qr" });
    await world.home.stop();
    expect(JSON.parse(await auth.next())).toMatchObject({ event: "error", code: "gateway-stopped" });
    expect(await auth.ended).toBe(1);
  });

  it("the set-up goes on waiting for the owner's code while the gateway is restarted", async () => {
    const world = await World.create();
    await world.home.start();
    const input = { owner: "+15550001000", confirm: true };
    const { data } = (await world.home.post("/api/v1/setup", input)) as {
      data: { owner: { code: string } };
    };
    const told: string[] = [];
    const waiting = waitForCode(terminalIn(world.home.path, (text) => told.push(text)));
    await world.home.stop();
    await world.home.until(async () => told.some((text) => text.includes("was stopped")), "it says so");
    await world.home.start();
    await world.scanQr();
    await world.order(data.owner.code);
    expect(await waiting).toBe(0);
    expect(told).toEqual([
      expect.stringMatching(/^Waiting for the code/),
      "The gateway was stopped; start it again: kafclaw gateway",
      expect.stringMatching(/^Confirmed/),
    ]);
  });

  it("whatsapp-auth says at once that WhatsApp can't be reached, and a gateway goes on trying", async () => {
    const world = await World.create();
    world.wa.hold();
    const ran = await world.home.run(["whatsapp-auth", "--json"]);
    expect(JSON.parse(ran.out)).toMatchObject({ event: "error", message: expect.any(String) });
    expect(ran.code).toBe(1);
    await world.home.start();
    world.wa.resume();
    await world.home.until(
      async () => ((await world.home.get("/api/v1/link")) as { event: string }).event === "qr",
      "it has come back",
    );
  });

  it("whatsapp-auth without a gateway says that it is to be run again: nothing comes back by itself once it has ended", async () => {
    const world = await World.create();
    const mute = createTcpServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
    onTestFinished(() => void mute.close());
    await once(mute, "listening");
    const env = { KAFCLAW_WHATSAPP_URL: addressOf(mute).replace("http", "ws") };
    const ran = await world.home.run(["whatsapp-auth", "--json"], { env });
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.out)).toEqual({
      event: "error",
      code: "connection-lost",
      message:
        "The connection to WhatsApp was lost. Check this machine's internet connection and run kafclaw whatsapp-auth again; if this goes on, update KafClaw.",
    });
  });

  it("whatsapp-auth --logout unlinks at WhatsApp, and the next start needs a new link", async () => {
    const world = await World.linked({ setup: "own-number", addressing: "lid" });
    expect((await world.home.run(["whatsapp-auth", "--logout"])).code).toBe(0);
    await world.home.until(async () => world.bot.companions.length === 0, "the device is gone");
    expect(((await world.home.get("/healthz")) as { link: string }).link).toBe("unlinked");
  });
});

describe("the guide's quick reference, live and on the files", () => {
  it.each(["live", "on the files"])("--approve, --deny, --list, %s", async (how) => {
    const world = await World.create();
    if (how === "live") await world.home.start();
    const { home } = world;
    expect((await home.run(["whatsapp-auth", "--approve", "1234567890@s.whatsapp.net"])).code).toBe(0);
    expect((await home.run(["whatsapp-auth", "--deny", "1234567891@s.whatsapp.net"])).code).toBe(0);
    const { out, code } = await home.run(["whatsapp-auth", "--list", "--json"]);
    expect(code).toBe(0);
    const list = JSON.parse(out);
    expect(Object.keys(list).sort()).toEqual(["approved", "denied", "pending"]);
    expect(list.approved).toMatchObject([{ pn: "1234567890@s.whatsapp.net", state: "approved" }]);
    expect(list.denied).toMatchObject([{ pn: "1234567891@s.whatsapp.net", state: "denied" }]);
    expect(Object.keys(list.approved[0]).sort()).toEqual(["code", "lid", "name", "pn", "since", "state"]);
    expect((await home.run(["whatsapp-auth", "--approve", "1234567891@s.whatsapp.net"])).code).toBe(1);
    expect((await home.run(["remove", list.denied[0].code])).code).toBe(0);
  });
});

describe("bad input gets one sentence and the right exit code", () => {
  const cases: [string, string[], number, RegExp][] = [
    ["an unknown command", ["aprove"], 2, /approve/],
    ["a wrong flag", ["whatsapp-auth", "--pone", "+1"], 2, /--phone/],
    ["an unparsable number", ["approve", "+12"], 2, /number/i],
    ["a group's JID", ["approve", "120363000000000001@g.us"], 2, /group/i],
    ["an unknown code", ["approve", "ZZZZ"], 1, /ZZZZ/],
    ["a short token", ["whatsapp-setup", "--token", "short"], 2, /8/],
    ["a wrong mode", ["gateway", "--mode", "turbo"], 2, /no mode "turbo".*standalone/],
    ["a mode to come", ["gateway", "--mode", "full"], 2, /comes later.*standalone/],
    ["a folder that is no session", ["whatsapp-auth", "--import", "/nonexistent"], 1, /creds\.json|can't be read/],
  ];
  it.each(cases)("%s", async (_, args, code, sentence) => {
    const world = await World.create();
    const ran = await world.home.run(args);
    expect(ran.err).toMatch(sentence);
    expect(ran.err.trim().split("\n").length).toBeLessThanOrEqual(2);
    expect(ran.err).not.toMatch(/ {4}at /);
    expect(ran.code).toBe(code);
  });

  it("a root key with a URL beyond loopback, and a config with three mistakes, all told at once", async () => {
    const { home } = await World.create();
    const beyond = await home.run(["status"], { env: { KAFCLAW_WHATSAPP_URL: "wss://example.com/ws" } });
    expect(beyond).toMatchObject({ code: 2, err: expect.stringMatching(/loopback|this machine/) });
    await writeFile(
      join(home.path, "config.json"),
      '{"timezone":"Mars/Olympus","dashboard":{"port":"x"},"lgo":{"level":"info"}}',
    );
    const three = await home.run(["status"]);
    expect(three.code).toBe(2);
    for (const name of ["timezone", "dashboard.port", "lgo"]) expect(three.err).toContain(name);
  });

  it("a mistake in config.json keeps nobody from the gateway that runs", async () => {
    const world = await World.linked({ setup: "own-number", addressing: "lid" });
    await writeFile(join(world.home.path, "config.json"), '{"timezone":"UTC",}');
    expect(await world.home.run(["status"])).toMatchObject({
      code: 0,
      out: expect.stringContaining("Silent mode: on"),
    });
    expect(await world.home.run(["silent", "off"])).toMatchObject({ code: 0 });
    const doctor = await world.home.run(["doctor"]);
    expect(doctor).toMatchObject({ code: 1, out: expect.stringMatching(/✗ settings .*not JSON.*✓ owner.*✓ link/s) });
    expect(await world.home.run(["owner", "lock"])).toMatchObject({ code: 0, out: expect.stringContaining("stopped") });
    await world.home.stop();
    expect(await world.home.run(["owner", "lock"])).toMatchObject({ code: 2, err: expect.stringMatching(/not JSON/) });
  });

  it("a result that can't be written is a failure", async () => {
    const world = await World.create();
    await world.setUp();
    const ran = await world.home.run(["token"], { outTo: "/dev/full" });
    expect(ran).toMatchObject({ code: 1, err: expect.stringMatching(/could not be written: .*ENOSPC/) });
  });

  it("a result that is longer than a pipe holds comes whole", async () => {
    const world = await World.create();
    const numbers = Array.from({ length: 1000 }, (_, index) => `+1555010${String(index).padStart(4, "0")}`);
    await world.home.run(["whatsapp-setup", "--enable", "--owner", "+15550001000", "--allow", numbers.join(",")]);
    const pipe = join(world.home.path, "pipe");
    execFileSync("mkfifo", [pipe]);
    const [ran, text] = await Promise.all([
      world.home.run(["list", "--json"], { outTo: pipe }),
      readFile(pipe, "utf8"),
    ]);
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(JSON.parse(text)).toMatchObject({ approved: { length: 1000 } });
  });

  it("whatsapp-auth --phone for another number than the linked one changes nothing and says so", async () => {
    const world = await World.linked({ setup: "own-number", addressing: "lid" });
    const other = ["whatsapp-auth", "--phone", "+1 555 777 7777"];
    const refused = { code: 1, err: expect.stringMatching(/Already linked as \+15550009000.*--replace/) };
    expect(await world.home.run(other)).toMatchObject(refused);
    expect(await world.home.run(["whatsapp-auth", "--phone", "+1 555 000 9000"])).toMatchObject({ code: 0 });
    await world.home.stop();
    expect(await world.home.run(other)).toMatchObject(refused);
  });

  it("a second gateway on one home, and a port in use, end with a sentence and leave the first alone", async () => {
    const world = await World.create();
    await world.home.start();
    const { address, pid } = await world.home.api();
    const second = await world.home.run(["gateway"]);
    expect(second).toMatchObject({ code: 1, err: expect.stringContaining(String(pid)) });
    const other = await World.create();
    const taken = await other.home.run(["gateway"], { env: { KAFCLAW_DASHBOARD_PORT: new URL(address).port } });
    expect(taken).toMatchObject({ code: 1, err: expect.stringMatching(/in use.*KAFCLAW_DASHBOARD_PORT/) });
    expect(await world.home.get("/healthz")).toMatchObject({ status: "ok" });
  });

  it("a command at the very moment of the gateway's start is done, through it or before it, and the gateway starts", async () => {
    const world = await World.create();
    await world.setUp();
    for (const when of ["with", "before"] as const) {
      const early = when === "before" ? world.home.run(["invite", "Bob"]) : undefined;
      const [, ...ran] = await Promise.all([
        world.home.start(),
        early ?? world.home.run(["invite", "Bob"]),
        ...["list", "status"].map((command) => world.home.run([command])),
      ]);
      expect(ran.map(({ code }) => code)).toEqual([0, 0, 0]);
      await world.home.stop();
    }
  });

  it("a gateway.json that was changed, or leads to another program, is told in a sentence by every command", async () => {
    const world = await World.create();
    await world.setUp();
    await world.home.start();
    const file = join(world.home.path, "gateway.json");
    const info = await world.home.api();
    const other = createServer((_, response) => void response.end("{}")).listen(0, "127.0.0.1");
    onTestFinished(() => void other.close());
    await once(other, "listening");
    // As a gateway does that is out of file handles.
    const mute = createTcpServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
    onTestFinished(() => void mute.close());
    await once(mute, "listening");
    const changes: [object, RegExp][] = [
      [{ token: "another" }, /does not take the token of gateway\.json.*restart the gateway/],
      [{ address: addressOf(other) }, /does not answer at http.*restart it/],
      [{ address: addressOf(mute) }, /does not answer at http.*restart it/],
    ];
    const commands = [["list"], ["whatsapp-auth"], ["owner", "lock"], ["whatsapp-auth", "--logout"], ["doctor"]];
    for (const [change, sentence] of changes) {
      await writeFile(file, JSON.stringify({ ...info, ...change }));
      for (const command of commands) {
        const ran = await world.home.run(command);
        expect(ran.code).toBe(1);
        expect(ran.err + ran.out).toMatch(sentence);
        expect(ran.err).not.toMatch(/inside KafClaw/);
      }
    }
    const { out } = await world.home.run(["list", "--json"]);
    expect(JSON.parse(out)).toMatchObject({ error: { code: "gateway-silent" } });
  });

  it("a home that a container uses is left to it, and nobody is told to kill what is not there", async () => {
    const world = await World.create();
    await world.setUp();
    const data = join(world.home.path, "data");
    await mkdir(join(data, "lock"));
    await writeFile(join(data, "lock.json"), JSON.stringify({ pid: 1, host: "other", since: 1 }));
    const touch = setInterval(() => void utimes(join(data, "lock"), new Date(), new Date()), 1_000);
    onTestFinished(() => clearInterval(touch));
    const ran = await world.home.run(["list"]);
    expect(ran).toMatchObject({
      code: 1,
      err: expect.stringMatching(/on other, or in a container there.*run the command there/s),
    });
    expect(ran.err).not.toContain("kill");
  });

  it("a damaged data file stops the start with the file, the line and the remedy; nothing is lost", async () => {
    const world = await World.create();
    await world.setUp();
    const file = join(world.home.path, "data", "access.db");
    const bytes = await readFile(file);
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    await writeFile(file, bytes);
    const ran = await world.home.run(["gateway"]);
    expect(ran.code).toBe(1);
    expect(ran.err).toContain("access.db");
    expect(ran.err).toMatch(/line 1\b/);
    expect(await readFile(file)).toEqual(bytes);
  });

  it("status --json says how things are, and /healthz no more than it should", async () => {
    const world = await World.linked({ setup: "own-number", addressing: "pn" });
    const { out } = await world.home.run(["status", "--json"]);
    expect(JSON.parse(out)).toMatchObject({
      link: "open",
      me: { pn: world.bot.pnJid },
      silent: true,
      counts: { approved: 0, denied: 0, pending: 0 },
    });
    const { address } = await world.home.api();
    expect(await (await fetch(`${address}/healthz`)).json()).toEqual({ status: "ok", link: "open", silent: true });
    expect((await fetch(`${address}/api/v1/status`)).status).toBe(401);
    expect(out).not.toContain(TOKEN);
  });
});
