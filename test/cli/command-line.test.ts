import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runIn } from "./terminal.js";

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "kafclaw-cli-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

const run = (...args: string[]) => runIn(home, args);

describe("help", () => {
  it("lists every command on stdout, and explains each", async () => {
    const { out, code } = await run("--help");
    expect(code).toBe(0);
    const names = [...out.matchAll(/^ {2}([a-z-]+) {2,}\S/gm)].map(([, name]) => name ?? "");
    expect(names).toEqual(
      expect.arrayContaining(["onboard", "whatsapp-auth", "whatsapp-setup", "gateway", "status", "approve"]),
    );
    for (const name of names) {
      const help = await run(name, "--help");
      expect(help).toMatchObject({ code: 0, err: "", out: expect.stringContaining(`Usage: kafclaw ${name}`) });
      expect(help.out).toContain("--json");
      expect(help.out).not.toMatch(/(^|\s)\/(approve|deny|silent|token)\b/);
    }
    expect(await readdir(home)).toEqual([]);
  });

  it("--version prints the version", async () => {
    expect(await run("--version")).toEqual({ code: 0, out: "1.2.3", err: "" });
  });

  it("with --json all of it is for programs", async () => {
    expect(await run("--version", "--json")).toEqual({ code: 0, out: '{"version":"1.2.3"}', err: "" });
    for (const asked of [["help", "--json"], ["--help", "--json"], ["--json"]]) {
      const { code, out } = await run(...asked);
      expect(code).toBe(0);
      const { commands } = JSON.parse(out);
      expect(commands.map(({ name }: { name: string }) => name)).toEqual(
        expect.arrayContaining(["onboard", "approve"]),
      );
    }
    expect(await run("--json", "frobnicate")).toMatchObject({
      code: 2,
      out: expect.stringContaining("unknown-command"),
    });
    const about = (await run("help", "whatsapp-auth", "--json")).out;
    expect(JSON.parse(about)).toMatchObject({
      name: "whatsapp-auth",
      options: expect.arrayContaining([expect.objectContaining({ name: "--phone", takes: "+NUMBER" })]),
    });
    expect((await run("whatsapp-auth", "--help", "--json")).out).toBe(about);
  });
});

describe("exit codes and streams", () => {
  it("an unknown command names the nearest one, with 2", async () => {
    expect(await run("aprove")).toEqual({
      code: 2,
      out: "",
      err: "There is no command aprove. Did you mean kafclaw approve?",
    });
  });

  it("a refusal is a sentence on stderr with 1, and with --json also an object on stdout", async () => {
    const { code, out, err } = await run("approve", "nobody", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(out).error).toMatchObject({ code: "unknown-reference" });
    expect(err).toContain("nobody");
  });

  it("a negative number is never swallowed", async () => {
    expect(await run("approve", "-1", "nobody")).toMatchObject({ code: 2, err: expect.stringContaining("-1") });
  });

  it("hints are commands as they are typed here", async () => {
    expect((await run("token")).out).toContain("kafclaw token rotate");
    expect((await run("help", "approve")).out).not.toContain(" /approve");
  });

  it("what needs a running gateway says so, and changes nothing", async () => {
    expect(await run("silent", "off")).toMatchObject({ code: 1, err: expect.stringContaining("kafclaw gateway") });
    expect(await run("silent")).toMatchObject({ code: 0, out: expect.stringContaining("Silent mode is on") });
  });

  it("options that don't go together are refused before anything is done", async () => {
    expect(await run("whatsapp-auth", "--approve", "+15550002000", "--logout")).toMatchObject({ code: 2 });
    expect((await run("list", "--json")).out).toContain('"approved":[]');
  });

  it.each([
    [["whatsapp-auth", "--deny", ","]],
    [["whatsapp-auth", "--approve", " , ", "--json"]],
    [["whatsapp-setup", "--enable", "--deny", ",", "--json"]],
  ])("nobody is decided on, and nothing else is done, by %j", async (args) => {
    const err = expect.stringMatching(/^The value of --\w+ can't be empty/);
    expect(await run(...args)).toMatchObject({ code: 2, err });
    expect(await readdir(home)).toEqual([]);
  });

  it("a bad config is one message with every mistake, with 2", async () => {
    await writeFile(join(home, "config.json"), '{"timezone":"Mars/Olympus","dashboard":{"port":"x"},"lgo":{}}');
    const { code, err } = await run("status");
    expect(code).toBe(2);
    for (const name of ["timezone", "dashboard.port", "lgo"]) expect(err).toContain(name);
  });
});

it("a home that is a file is told as such by every command", async () => {
  await rm(home, { recursive: true });
  await writeFile(home, "");
  for (const command of ["onboard", "status", "whatsapp-auth", "gateway"]) {
    expect(await run(command)).toMatchObject({ code: 1, err: expect.stringContaining(`${home} is a file`) });
  }
});

describe("onboard", () => {
  it("creates the home, and the second time leaves all as it is", async () => {
    const first = await run("onboard", "--timezone", "Europe/Berlin");
    expect(first).toMatchObject({ code: 0, out: expect.stringContaining("whatsapp-auth") });
    const config = await readFile(join(home, "config.json"), "utf8");
    expect(JSON.parse(config)).toMatchObject({ timezone: "Europe/Berlin" });
    expect(await run("onboard")).toMatchObject({ code: 0, out: expect.stringContaining("nothing was changed") });
    expect(await readFile(join(home, "config.json"), "utf8")).toBe(config);
  });

  it("refuses a wrong time zone before it writes anything", async () => {
    expect(await run("onboard", "--timezone", "Mars/Olympus")).toMatchObject({
      code: 2,
      err: '--timezone: got "Mars/Olympus", takes an IANA time zone like "Europe/Berlin". Nothing was changed.',
    });
    expect(await readdir(home)).toEqual([]);
  });

  it("never overwrites a config, and says so where it was told to", async () => {
    await run("onboard");
    const { code, err } = await run("onboard", "--greeting", "Hi");
    expect(code).toBe(1);
    expect(err).toContain("config.json");
  });
});

describe("whatsapp-setup on the files", () => {
  it("asks nobody where nobody is there, and names the options", async () => {
    const { code, err } = await run("whatsapp-setup");
    expect(code).toBe(2);
    for (const option of ["--owner", "--token", "--allow", "--deny"]) expect(err).toContain(option);
  });

  it("sets owner, token and lists unattended", async () => {
    const ran = await run(
      ...["whatsapp-setup", "--enable", "--owner", "+15550001000", "--generate-token", "--json"],
      ...["--allow", "15550002000@s.whatsapp.net,+15550002001", "--deny", "+15550003000"],
    );
    expect(ran.code).toBe(0);
    const { token } = JSON.parse(ran.out);
    expect(token.length).toBeGreaterThanOrEqual(8);
    const lists = JSON.parse((await run("whatsapp-auth", "--list", "--json")).out);
    expect(lists.approved).toHaveLength(2);
    expect(lists.denied).toMatchObject([{ pn: "15550003000@s.whatsapp.net", lid: null, state: "denied" }]);
    const shown = await run("token", "--json");
    expect(shown.out).not.toContain(token);
    const { out } = await run("whatsapp-auth", "--list");
    expect(out).toMatch(
      /^approved \(2\)\n(?: {2}\w{4} {2}\+1 555 000 200[01] {2}.*\n){2}denied \(1\)\n.*3000.*\npending \(0\)$/,
    );
    const [{ since }] = lists.denied;
    for (const hour of [-11, 14]) {
      // The signs of these zones are the other way round.
      const env = { KAFCLAW_TIMEZONE: `Etc/GMT${hour < 0 ? "+" : "-"}${Math.abs(hour)}` };
      const there = new Date(since + hour * 3_600_000).toISOString().slice(0, 16).replace("T", " ");
      expect((await runIn(home, ["whatsapp-auth", "--list"], env)).out).toContain(`3000  no name  ${there}`);
    }
    const status = JSON.parse((await run("status", "--json")).out);
    expect(status).toMatchObject({ running: false, token: true, owner: { pn: "15550001000@s.whatsapp.net" } });
  });

  it("takes numbers alone: a name is what a sender calls themselves", async () => {
    for (const option of ["--owner", "--allow", "--deny"]) {
      expect(await run("whatsapp-setup", option, "olga")).toMatchObject({
        code: 2,
        err: expect.stringContaining('"olga" is no full phone number'),
      });
    }
    expect((await run("status")).out).toMatch(/Owner: none.*\nPairing token: none/);
  });

  it("a model says so where the environment names another one, which goes first", async () => {
    const model = ["whatsapp-setup", "--model", "new", "--base-url", "http://127.0.0.1:9/v1"];
    expect((await runIn(home, model)).err).toMatch(/config\.json\.$/m);
    const { err } = await runIn(home, model, { KAFCLAW_RESPONDER_MODEL: "old" });
    expect(err).toContain("config.json, but the environment goes first: take out KAFCLAW_RESPONDER_MODEL.");
  });

  it("a short token changes nothing", async () => {
    expect(
      await run("whatsapp-setup", "--owner", "+15550001000", "--token", "short", "--allow", "+15550002000"),
    ).toMatchObject({
      code: 2,
      err: expect.stringContaining("8"),
    });
    expect((await run("list", "--json")).out).toContain('"approved":[]');
  });
});

describe("two commands at once on one home", () => {
  it("wait for each other, and both are done", async () => {
    const both = await Promise.all([run("approve", "+15550002000"), run("approve", "+15550003000")]);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(JSON.parse((await run("list", "--json")).out).approved).toHaveLength(2);
  });
});
