import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { clearAbandoned, writePrivate } from "../src/files.js";
import { createHome, homePaths, openHome, readGateway, removeGateway, writeGateway } from "../src/home.js";

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "kafclaw-home-"));
});
afterEach(async () => {
  await rm(base, { recursive: true, force: true });
});

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

describe("a new home", () => {
  it("is private, with settings and a soul to start from", async () => {
    const { home, written } = await createHome(join(base, "deep", "home"), { timezone: "UTC" });
    expect(written).toEqual([home.config, home.soul]);
    expect(JSON.parse(await readFile(home.config, "utf8"))).toEqual({ timezone: "UTC" });
    expect(await readFile(home.soul, "utf8")).toMatch(/^# Soul\n/);
    expect(home.media).toBe(join(home.root, "workspace", "media"));
    for (const directory of [home.root, home.data, home.workspace, home.media])
      expect(await modeOf(directory)).toBe(0o700);
    for (const file of written) expect(await modeOf(file)).toBe(0o600);
  });

  it("never overwrites what is there", async () => {
    const { home } = await createHome(base);
    await writeFile(home.soul, "mine");
    await rm(home.config);
    expect((await createHome(base, { log: { level: "warn" } })).written).toEqual([home.config]);
    expect(await readFile(home.soul, "utf8")).toBe("mine");
  });

  it("is made private where it was not, unless the directory is plainly shared", async () => {
    const { home } = await createHome(base);
    await chmod(home.root, 0o755);
    await chmod(home.data, 0o755);
    await openHome(base);
    expect([await modeOf(home.root), await modeOf(home.data)]).toEqual([0o700, 0o700]);

    const shared = join(base, "shared");
    await mkdir(join(shared, "other"), { recursive: true });
    await chmod(shared, 0o755);
    await openHome(shared);
    await openHome(shared);
    expect([await modeOf(shared), await modeOf(join(shared, "data"))]).toEqual([0o755, 0o700]);
  });
});

describe("a home that can't be used is refused in one sentence", () => {
  const refused = (path: string, message: RegExp) =>
    expect(openHome(path)).rejects.toMatchObject({ code: "home-unusable", message: expect.stringMatching(message) });

  it("when it is a file", async () => {
    const file = join(base, "file");
    await writeFile(file, "");
    await refused(file, /^\S+ is a file, and KafClaw needs a directory there; move .*\.$/);
    // Node's own recursive mkdir never comes back from this one.
    if (process.platform === "linux") await refused("/proc/nowhere/home", /directories can't be made there/);
    await refused(join(file, "below"), /a part of the path is a file; .*KAFCLAW_HOME/);
  });

  it("when it is a link to nowhere", async () => {
    await symlink(join(base, "nowhere"), join(base, "link"));
    await refused(join(base, "link"), /is a link to a directory that does not exist; create/);
    await symlink(join(base, "circle"), join(base, "circle"));
    await refused(join(base, "circle"), /links go in a circle/);
  });

  it("when it is not this user's, or may not be written", async () => {
    const mine = join(base, "locked");
    await mkdir(mine, { mode: 0o555 });
    await chmod(base, 0o755);
    // Root may write anywhere, so under root a child plays the ordinary user.
    const root = process.getuid?.() === 0;
    const child = `
      import { openHome } from ${JSON.stringify(new URL("../src/home.ts", import.meta.url).href)};
      // Once the code is read: the checkout may lie where only root may look.
      if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534); }
      for (const path of process.argv.slice(1)) await openHome(path).catch((error) => console.log(error.code, error.message));`;
    const loader = new URL("./store/ts-loader.mjs", import.meta.url).href;
    const { stdout } = await promisify(execFile)(process.execPath, [
      ...["--import", loader, "--input-type=module", "-e", child, "--"],
      ...[mine, join(mine, "below"), "/"],
    ]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(
      root ? /^home-unusable .* belongs to another user \(uid 0\); run/ : /^home-unusable .* may not be written/,
    );
    expect(lines[1]).toMatch(/^home-unusable .* may not be written by this user; mend that/);
    expect(lines[2]).toMatch(/^home-unusable \/ belongs to another user/);
  }, 30_000);
});

describe("a private file", () => {
  it("is replaced as a whole, stays private, and leaves nothing beside it", async () => {
    const file = join(base, "secret");
    await writeFile(file, "old", { mode: 0o644 });
    await writePrivate(file, "new");
    expect([await readFile(file, "utf8"), await modeOf(file), await readdir(base)]).toEqual(["new", 0o600, ["secret"]]);
    await Promise.all([writePrivate(file, "a".repeat(100)), writePrivate(file, "b".repeat(100))]);
    expect(await readFile(file, "utf8")).toMatch(/^(a{100}|b{100})$/);
  });

  it("that can't be written leaves the old one and no rest", async () => {
    await mkdir(join(base, "target", "full"), { recursive: true });
    await expect(writePrivate(join(base, "target"), "x")).rejects.toMatchObject({
      code: "disk-failed",
      message: expect.stringMatching(/target failed \(EISDIR\).*check the disk/),
    });
    expect(await readdir(base)).toEqual(["target"]);
  });
});

it("what a kill left half-written is removed, and nothing else", async () => {
  const [left, fresh, others] = [".config.json.0a1b2c3d.tmp", ".gateway.json.0a1b2c3d.tmp", ".notes.tmp"];
  for (const name of [left, fresh, others]) await writeFile(join(base, name), "");
  const now = Date.now();
  for (const name of [left, others]) await utimes(join(base, name), now / 1000 - 120, now / 1000 - 120);
  await clearAbandoned(base, now);
  expect((await readdir(base)).sort()).toEqual([fresh, others]);
});

describe("the running gateway's address", () => {
  const info = { pid: 42, address: "http://127.0.0.1:18791", token: "t", startedAt: 1, version: "0.1.0" };

  it("is told, read, and taken back only by who told it", async () => {
    const home = await openHome(base);
    expect(await readGateway(home)).toBeUndefined();
    await writeGateway(home, info);
    expect(await modeOf(home.gatewayJson)).toBe(0o600);
    expect(await readGateway(home)).toEqual(info);
    await removeGateway(home, 41);
    expect(await readGateway(home)).toEqual(info);
    await removeGateway(home, 42);
    expect(await readGateway(home)).toBeUndefined();
  });

  it("is no address when the file is cut, or points beyond this machine", async () => {
    const home = homePaths(base);
    for (const text of ['{"pid":', "null", JSON.stringify({ ...info, address: "http://evil.example:80" })]) {
      await writeFile(home.gatewayJson, text);
      expect(await readGateway(home)).toBeUndefined();
    }
  });
});
