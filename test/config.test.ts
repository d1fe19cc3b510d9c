import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { configTable, homeFrom, loadConfig, parseConfig } from "../src/config.js";
import { KafclawError } from "../src/errors.js";

const parse = (value: unknown, env: Record<string, string> = {}) => parseConfig(JSON.stringify(value), env);

function refusal(text: string | undefined, env: Record<string, string> = {}): string {
  try {
    parseConfig(text, env);
  } catch (error) {
    expect(error).toBeInstanceOf(KafclawError);
    if (error instanceof KafclawError) {
      expect([error.code, error.kind]).toEqual(["bad-config", "usage"]);
      return error.message;
    }
  }
  throw new Error("was not refused");
}

describe("the settings", () => {
  it("are all defaults where nothing is said", () => {
    const { config, origins } = parseConfig(undefined, {});
    expect(config).toMatchObject({
      dashboard: { host: "127.0.0.1", port: 18791, publicUrl: undefined },
      pairing: { open: false, expireDays: 7 },
      approve: { grace: 5 },
      notices: { quiet: undefined },
      log: { level: "info" },
    });
    expect(() => new Intl.DateTimeFormat("en", { timeZone: config.timezone })).not.toThrow();
    expect(new Set(origins.values())).toEqual(new Set(["default"]));
  });

  it("come from the file, and the environment goes first", () => {
    const { config, origins } = parse(
      {
        timezone: "Europe/Berlin",
        dashboard: { port: 1000, publicUrl: "https://bot.example.org/" },
        notices: { quiet: "22:00-07:30" },
      },
      {
        KAFCLAW_DASHBOARD_PORT: "2000",
        KAFCLAW_PAIRING_OPEN: "yes",
      },
    );
    expect(config.dashboard).toMatchObject({ port: 2000, publicUrl: "https://bot.example.org" });
    expect(config.notices.quiet).toEqual({ from: 22 * 60, to: 7 * 60 + 30 });
    expect(config.pairing.open).toBe(true);
    expect(Object.fromEntries(origins)).toMatchObject({
      timezone: "file",
      "dashboard.port": "environment",
      "approve.grace": "default",
    });
  });

  it.each(["", " "])(
    "are left out by a variable that holds %j, as compose files do, but for texts that may be empty",
    (text) => {
      const env = Object.fromEntries(configTable().map((row) => [row.env, text]));
      const file = { log: { level: "debug" }, dashboard: { publicUrl: "https://bot.example.org" } };
      const { config, origins } = parse(file, env);
      const { greeting } = config.texts;
      expect(greeting.trim()).toBe("");
      expect(config).toEqual({ ...parse(file).config, texts: { greeting } });
      expect([...origins].filter(([, origin]) => origin !== "default")).toEqual([
        ["texts.greeting", "environment"],
        ["dashboard.publicUrl", "file"],
        ["log.level", "file"],
      ]);
    },
  );

  it("take a test server with its root key on this machine", () => {
    const key = "AB".repeat(32);
    for (const url of ["ws://127.0.0.1:4000/ws", "wss://localhost:4000", "ws://[::1]:4000", "ws://127.9.9.9"]) {
      expect(parse({}, { KAFCLAW_WHATSAPP_URL: url, KAFCLAW_WHATSAPP_ROOT_KEY: key }).config.whatsapp).toEqual({
        url,
        rootKey: key.toLowerCase(),
      });
    }
  });

  it.each([
    undefined,
    "wss://web.example.org",
    "ws://127.0.0.1.example.org",
    "ws://localhost.evil.org",
    "ws://10.0.0.1",
  ])("refuse a root key with the server %s", (url) => {
    const env = {
      KAFCLAW_WHATSAPP_ROOT_KEY: "00".repeat(32),
      ...(url === undefined ? {} : { KAFCLAW_WHATSAPP_URL: url }),
    };
    expect(refusal(undefined, env)).toMatch(
      /whatsapp\.rootKey \(KAFCLAW_WHATSAPP_ROOT_KEY in the environment\): takes a whatsapp\.url on this machine/,
    );
  });

  it("refuse a dashboard beyond this machine without an access token", () => {
    expect(refusal('{"dashboard":{"host":"0.0.0.0"}}')).toMatch(/dashboard\.host \(config\.json\): got "0\.0\.0\.0"/);
    expect(parse({ dashboard: { host: "0.0.0.0", accessToken: "0123456789abcdef" } }).config.dashboard.host).toBe(
      "0.0.0.0",
    );
  });

  it("refuse a quota for files that has no room for one of the largest, whichever of the two was set", () => {
    expect(refusal('{"responder":{"mediaQuota":10}}')).toBe(
      "A setting is wrong, change it and start again: responder.mediaQuota (config.json): got 10, takes at least the 50 of responder.mediaLimit; a file of that size would have no room.",
    );
    expect(refusal(undefined, { KAFCLAW_RESPONDER_MEDIA_LIMIT: "1500" })).toContain(
      "responder.mediaQuota: got 1000, takes at least the 1500 of responder.mediaLimit (KAFCLAW_RESPONDER_MEDIA_LIMIT in the environment)",
    );
    expect(parse({ responder: { mediaLimit: 10, mediaQuota: 10 } }).config.responder.mediaQuota).toBe(10);
  });
});

describe("wrong settings", () => {
  it("are told all at once, each with its place, what it got and what it takes", () => {
    const message = refusal(
      JSON.stringify({
        timezone: "Mars/Olympus",
        dashbord: {},
        dashboard: { port: "many", prot: 1, accessToken: "hunter2" },
        pairing: 3,
        "\u001b[31m*": 1,
      }),
      { KAFCLAW_PAIRING_EXPIRE_DAYS: "soon", KAFCLAW_DASHBORD_PORT: "1", KAFCLAW_SOMETHING_ELSE: "x", OTHER: "y" },
    );
    expect(message.split("\n")).toEqual([
      "9 settings are wrong, change them (config.json, or the environment) and start again:",
      "  - dashbord (config.json): no such setting; did you mean dashboard?",
      "  - dashboard.prot (config.json): no such setting; did you mean dashboard.port?",
      "  - pairing (config.json): got 3, takes an object with open, expireDays",
      "  - * (config.json): no such setting",
      "  - KAFCLAW_DASHBORD_PORT (environment): no such setting; did you mean KAFCLAW_DASHBOARD_PORT?",
      '  - timezone (config.json): got "Mars/Olympus", takes an IANA time zone like "Europe/Berlin"',
      '  - dashboard.port (config.json): got "many", takes a whole number from 0 to 65535 that browsers go to, 0 for any free port',
      "  - dashboard.accessToken (config.json): got a text of 7 characters, takes 16 or more letters, digits and signs without spaces",
      '  - pairing.expireDays (KAFCLAW_PAIRING_EXPIRE_DAYS in the environment): got "soon", takes a whole number from 1 to 365',
    ]);
  });

  it("name the variable that gave the key, OpenAI's own too", () => {
    const key = "with a space";
    expect(refusal("{}", { OPENAI_API_KEY: key })).toContain(
      "responder.apiKey (OPENAI_API_KEY in the environment): got",
    );
    expect(refusal("{}", { KAFCLAW_RESPONDER_API_KEY: key })).toContain(
      "(KAFCLAW_RESPONDER_API_KEY in the environment)",
    );
  });

  it("are shown nested where the file has them with their points", () => {
    expect(refusal('{"dashboard.port":1}')).toBe(
      'A setting is wrong, change it and start again: dashboard.port (config.json): no such setting; write it nested, as {"dashboard": {"port": …}}.',
    );
    expect(refusal('{"dashboard":{"prot":1}}')).toMatch(/did you mean dashboard\.port\?$/);
  });

  it.each(["", "\u200b"])("name a setting of which nothing can be seen: %j", (name) => {
    expect(refusal(JSON.stringify({ [name]: 1 }))).toContain('"" (config.json): no such setting');
  });

  it.each([
    ["texts.greeting", "x".repeat(1001)],
    ["dashboard.port", 65536],
    ["dashboard.port", 1.5],
    ["dashboard.publicUrl", "http://bot.example.org"],
    ["dashboard.publicUrl", "https://u:p@bot.example.org"],
    ["dashboard.publicUrl", "https://bot.example.org/kaf"],
    ["dashboard.port", 22],
    ["dashboard.port", 53],
    ["dashboard.port", 587],
    ["dashboard.port", 995],
    ["dashboard.port", 6666],
    ["whatsapp.url", "https://127.0.0.1"],
    ["notices.quiet", "22:00"],
    ["notices.quiet", "7:00-7:00"],
    ["notices.quiet", "25:00-07:00"],
    ["approve.grace", -1],
    ["pairing.open", "yes"],
    ["log.level", "loud"],
    ["timezone", null],
  ])("%s does not take %j", (key, value) => {
    const [section = "", name] = key.split(".");
    const message = refusal(
      JSON.stringify(name === undefined ? { [section]: value } : { [section]: { [name]: value } }),
    );
    expect(message).toContain(`${key} (config.json): got `);
    expect(message.length).toBeLessThan(300);
  });

  it.each([
    ["", 1, 1],
    ["{\n  // a comment\n}", 2, 3],
    ['{\n  "timezone": "UTC",\n}', 3, 1],
    ['{"a": [1, 2', 1, 12],
    ['{"a": 01}', 1, 8],
    ["{'a': 1}", 1, 2],
    ['{"a": "b\n"}', 1, 7],
    ['{"a": tru}', 1, 7],
    ["{} {}", 1, 4],
    ['{"a" 1}', 1, 2],
  ])("what is not JSON is shown by line and column: %j", (text, line, column) => {
    expect(refusal(text)).toContain(`is not JSON from line ${line}, column ${column} on`);
  });

  it("are one error and never another exception, whatever the file and the environment hold", () => {
    const names = configTable().map(({ env }) => env);
    const keys = fc.constantFrom(
      "dashboard",
      "port",
      "timezone",
      "whatsapp",
      "rootKey",
      "__proto__",
      "constructor",
      "quiet",
      "notices",
    );
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof({ maxDepth: 3 }, fc.jsonValue(), fc.dictionary(fc.oneof(keys, fc.string()), tie("tree"))),
    }));
    const text = fc.oneof(
      tree.map((value) => JSON.stringify(value)),
      fc.string(),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(text, fc.dictionary(fc.constantFrom(...names), fc.string()), (json, env) => {
        try {
          expect(parseConfig(json, env).config.dashboard.port).toBeTypeOf("number");
        } catch (error) {
          if (!(error instanceof KafclawError)) throw error;
          expect(error.code).toBe("bad-config");
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("the table of settings", () => {
  it("has a row for each, with the names that others rely on", () => {
    const table = configTable();
    expect(table.map(({ env }) => env)).toEqual(
      expect.arrayContaining([
        "KAFCLAW_DASHBOARD_PORT",
        "KAFCLAW_WHATSAPP_URL",
        "KAFCLAW_WHATSAPP_ROOT_KEY",
        "KAFCLAW_TEXTS_GREETING",
      ]),
    );
    expect(new Set(table.map(({ env }) => env)).size).toBe(table.length);
    for (const { secret: _, ...row } of table)
      for (const cell of Object.values(row)) expect(cell).not.toMatch(/^$|undefined|\n/);
  });
});

describe("the file", () => {
  let root: string;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), "kafclaw-config-"));
  });
  afterEach(async () => {
    await rm(root, { recursive: true, force: true });
  });

  it("may be missing, may begin with a byte-order mark, and may be neither in another encoding nor a directory", async () => {
    const config = join(root, "config.json");
    expect((await loadConfig({ config }, {})).config.dashboard.port).toBe(18791);
    await writeFile(config, '\uFEFF{"dashboard":{"port":80}}');
    expect((await loadConfig({ config }, {})).config.dashboard.port).toBe(80);
    await writeFile(config, Buffer.from('{"texts":{"greeting":"Grüezi!"}}', "latin1"));
    await expect(loadConfig({ config }, {})).rejects.toMatchObject({
      code: "bad-config",
      message: `${config} is no UTF-8 text; save it as UTF-8 and start again.`,
    });
    await rm(config);
    await mkdir(config);
    await expect(loadConfig({ config }, {})).rejects.toMatchObject({
      code: "bad-config",
      message: `${config} can't be read (it is a directory); make it a file that KafClaw's user may read.`,
    });
  });

  it("lies in the home, which KAFCLAW_HOME names", () => {
    expect(homeFrom({})).toBe(join(homedir(), ".kafclaw"));
    expect(homeFrom({ KAFCLAW_HOME: " " })).toBe(join(homedir(), ".kafclaw"));
    expect(homeFrom({ KAFCLAW_HOME: "~/bot" })).toBe(join(homedir(), "bot"));
    expect(homeFrom({ KAFCLAW_HOME: "/srv/bot" })).toBe("/srv/bot");
  });

  it("is the user's own where HOME is empty, not wherever the program was started", () => {
    vi.stubEnv("HOME", "");
    onTestFinished(() => void vi.unstubAllEnvs());
    expect(homeFrom({})).toBe(join(userInfo().homedir, ".kafclaw"));
  });
});
