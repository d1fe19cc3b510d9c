import { chmod, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Endpoint, failing, KEY, whole } from "../e2e/endpoint.js";
import { linesIn, runIn } from "./terminal.js";

let home: string;

beforeEach(async () => {
  home = join(await mkdtemp(join(tmpdir(), "kafclaw-doctor-")), "home");
});
afterEach(() => rm(join(home, ".."), { recursive: true, force: true }));

const run = (args: string[], env?: Record<string, string>) => runIn(home, args, env);

describe("doctor", () => {
  it("without a home says how to make one, and makes none", async () => {
    const { code, out } = await run(["doctor"]);
    expect(code).toBe(1);
    expect(out).toBe(`✗ home      There is no ${home}: kafclaw onboard makes it.`);
    await expect(readFile(home)).rejects.toThrow("ENOENT");
  });

  it("takes no home that can't be looked at for one that isn't there", async () => {
    await symlink(home, home);
    const { code, out } = await run(["doctor"]);
    expect(code).toBe(1);
    expect(out).toContain("its links go in a circle");
  });

  it("looks at everything, and says what to do next", async () => {
    await run(["onboard"]);
    const { code, out } = await run(["doctor"]);
    expect(code).toBe(1);
    const lines = out.split("\n");
    expect(lines.map((line) => line.slice(0, 10).trim())).toEqual([
      "✓ home",
      "✓ settings",
      "✓ soul",
      "✓ data",
      "✗ owner",
      "✗ link",
      "! model",
    ]);
    expect(out).toMatch(/owner .*kafclaw whatsapp-setup/);
    expect(out).toMatch(/link .*kafclaw whatsapp-auth/);
    expect(out).toMatch(/model .*responder\.model/);
    await run(["whatsapp-setup", "--owner", "+15550001000"]);
    const { findings, ok } = JSON.parse((await run(["doctor", "--json"])).out);
    expect(ok).toBe(false);
    expect(findings).toContainEqual({ name: "owner", state: "good", sentence: "Named and confirmed." });
  });

  it("others who can read the home are told of, with a command that takes any path", async () => {
    await run(["onboard"]);
    await chmod(home, 0o755);
    expect((await run(["doctor"])).out).toContain(`chmod 700 "${home}".`);
  });

  it("an owner who is not obeyed is no good one", async () => {
    await run(["onboard"]);
    await run(["whatsapp-setup", "--owner", "+15550001000"]);
    await run(["owner", "lock"]);
    const { code, out } = await run(["doctor"]);
    expect(code).toBe(1);
    expect(out).toMatch(/✗ owner .*Not obeyed: .*kafclaw owner set <number>/);
  });

  it("names each file that is damaged, and goes on with the rest", async () => {
    await run(["onboard"]);
    await run(["whatsapp-setup", "--owner", "+15550001000"]);
    const file = join(home, "data", "access.db");
    const bytes = await readFile(file);
    bytes[20] = (bytes[20] ?? 0) ^ 1;
    await writeFile(file, bytes);
    await writeFile(join(home, "workspace/SOUL.md"), Buffer.from([0xff, 0xfe, 0x00]));
    const { out } = await run(["doctor"]);
    expect(out).toMatch(/✗ data .*access\.db.*line 1\b/);
    expect(out).toMatch(/✗ soul .*no UTF-8 text/);
    expect(out).toMatch(/! model/);
    await writeFile(join(home, "config.json"), '{"responder":{"turns":-1}}');
    expect((await run(["doctor"])).out).toMatch(/✗ settings .*responder\.turns/);
  });

  it("tries the model and says what came back, never the key", async () => {
    const endpoint = await Endpoint.start();
    await run(["onboard"]);
    endpoint.answering = (_, response) => whole(response, "Ahoy there!");
    const { out } = await run(["doctor"], endpoint.env);
    expect(out).toMatch(/✓ model {5}parrot at 127\.0\.0\.1:\d+ answered in \d+\.\d s: "Ahoy there!"/);
    endpoint.answering = (_, response) => failing(response, 401);
    const refused = await run(["doctor"], endpoint.env);
    expect(refused.out).toMatch(/✗ model .*refuses the key \(401\): check responder\.apiKey/);
    expect(refused.out + refused.err).not.toContain(KEY);
  });
});

describe("the model in the set-up", () => {
  it("goes into config.json beside what is there, and is tried", async () => {
    const endpoint = await Endpoint.start();
    await run(["onboard", "--greeting", "Welcome!"]);
    const flags = ["--model", "parrot", "--base-url", endpoint.url, "--api-key", KEY];
    const { code, out, err } = await run(["whatsapp-setup", ...flags]);
    expect(code).toBe(0);
    expect(err).toMatch(/parrot at 127\.0\.0\.1:\d+ answered in .*: "Ahoy!"/);
    expect(out + err).not.toContain(KEY);
    expect(JSON.parse(await readFile(join(home, "config.json"), "utf8"))).toMatchObject({
      texts: { greeting: "Welcome!" },
      responder: { model: "parrot", baseUrl: endpoint.url, apiKey: KEY },
    });
    expect(endpoint.asked[0]?.authorization).toBe(`Bearer ${KEY}`);
  });

  it("that can't be is refused before anything is changed", async () => {
    await run(["onboard"]);
    const before = await readFile(join(home, "config.json"), "utf8");
    const { code, err } = await run([
      "whatsapp-setup",
      "--owner",
      "+15550001000",
      "--model",
      "m",
      "--base-url",
      "ftp://x",
    ]);
    expect(code).toBe(2);
    expect(err).toContain('--base-url: got "ftp://x"');
    expect(await readFile(join(home, "config.json"), "utf8")).toBe(before);
    expect((await run(["doctor"])).out).toMatch(/✗ owner/);
  });

  it("is tried when the rest of the set-up has been told, and keeps no new token from being shown", async () => {
    const endpoint = await Endpoint.start();
    await run(["onboard"]);
    const wanted = ["whatsapp-setup", "--generate-token", "--model", "parrot", "--base-url", endpoint.url];
    const { lines } = await linesIn(home, [...wanted, "--api-key", KEY]);
    const at = (words: RegExp): number => lines.findIndex(({ text }) => words.test(text));
    expect(at(/token: \S{8,}/i)).toBe(0);
    expect(at(/^Trying parrot/)).toBeGreaterThan(0);
    // Beside a file of so long a name there is no room for another one, even for root.
    const target = join(home, "c".repeat(250));
    await rename(join(home, "config.json"), target);
    await symlink(target, join(home, "config.json"));
    const { code, out, err } = await run([...wanted, "--json"]);
    expect(code).toBe(1);
    expect(err).toContain("ENAMETOOLONG");
    expect(JSON.parse(out.split("\n")[0] ?? "")).toMatchObject({ token: expect.stringMatching(/^\S{8,}$/) });
  });

  it("stays as it is where the rest of the set-up is refused", async () => {
    await run(["onboard"]);
    const before = await readFile(join(home, "config.json"), "utf8");
    const model = ["--model", "parrot", "--base-url", "http://127.0.0.1:9/v1"];
    const { code, err } = await run(["whatsapp-setup", "--token", "short", ...model]);
    expect(code).toBe(2);
    expect(err).toContain("8 characters or more");
    expect(await readFile(join(home, "config.json"), "utf8")).toBe(before);
  });
});
