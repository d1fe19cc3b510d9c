import { execFile, execFileSync, spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openStore, readLock } from "../../src/store/index.js";

/** Starting a child takes its time on a busy machine. */
const PATIENCE = 30_000;
const node = ["--import", new URL("./ts-loader.mjs", import.meta.url).href];
const childOf = (name: string): string => new URL(`./${name}.child.ts`, import.meta.url).pathname;
const log = { info() {}, warn() {} };

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "kafclaw-disk-"));
});
afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

/** A disk of 4 MB that only the child sees and that goes with it; needs a mount, which not every machine allows. */
const namespace = process.getuid?.() === 0 ? ["-m"] : ["-rm"];
function canMount(): boolean {
  try {
    execFileSync("unshare", [...namespace, "sh", "-c", "mount -t tmpfs tmpfs /tmp"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

interface Room {
  readonly name: string;
  readonly command: (home: string) => readonly [string, ...string[]];
}
const smallDisk: Room = {
  name: "a disk without room (ENOSPC)",
  command: (at) => [
    "unshare",
    ...namespace,
    "sh",
    "-c",
    'mount -t tmpfs -o size=4m tmpfs "$0" && exec "$@"',
    at,
    process.execPath,
    ...node,
    childOf("disk-full"),
    join(at, "home"),
    join(at, "ballast"),
  ],
};
const sizeLimit: Room = {
  name: "a file that may not grow (EFBIG)",
  command: (at) => [
    "prlimit",
    "--fsize=1500000:unlimited",
    process.execPath,
    ...node,
    childOf("disk-full"),
    at,
    "limit",
  ],
};

describe.each(canMount() ? [smallDisk, sizeLimit] : [sizeLimit])("$name", ({ command }) => {
  it(
    "fails each write with one sentence, loses nothing, and needs no restart when there is room again",
    async () => {
      const [program, ...args] = command(home);
      const { stdout } = await promisify(execFile)(program, args);
      const facts = JSON.parse(stdout);
      expect(facts).toMatchObject({
        first: "disk-full",
        enough: true,
        again: ["disk-full", "disk-full"],
        memoryIsDisk: true,
        count: 40,
        fileIsUntouched: true,
        noRest: [],
        kept: true,
        // Only a whole disk is too small for the copy: the limit holds for each file alone.
        couldNotCompact: command === smallDisk.command,
      });
      expect(facts.openedFull).toMatch(/^(done|disk-full)$/);
      expect(facts.afterwards).toMatch(/^(done|disk-full), done$/);
    },
    PATIENCE,
  );
});

describe("a process that is killed", () => {
  it(
    "loses nothing that was acknowledged, and doesn't block the next",
    async () => {
      const child = spawn(process.execPath, [...node, childOf("writer"), home], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const told: number[] = [];
      const ended = new Promise((resolve) => child.on("close", resolve));
      for await (const line of createInterface(child.stdout)) {
        told.push(Number(line));
        if (told.length === 5) expect(await readLock(home)).toMatchObject({ pid: child.pid, alive: true });
        if (told.length === 30) child.kill("SIGKILL");
      }
      await ended;
      expect(await readLock(home)).toMatchObject({ pid: child.pid, alive: false });
      // At once: the lock is fresh, and its holder is dead.
      const store = await openStore(home, { clock: Date.now, log });
      const notes = await store.open<{ _id: string; text: string }>("access");
      for (const n of told) expect((await notes.get(`${n}`))?.text).toHaveLength(500);
      expect(await notes.count()).toBeLessThanOrEqual(told.length + 1);
      await store.close();
    },
    PATIENCE,
  );
});

describe("a lock that was left behind", () => {
  const holder = (facts: object) => JSON.stringify({ pid: process.pid, host: "elsewhere", since: 1, ...facts });

  async function leave(text: string, ageMs: number): Promise<void> {
    await mkdir(join(home, "data", "lock"), { recursive: true });
    await writeFile(join(home, "data", "lock.json"), text);
    const then = new Date(Date.now() - ageMs);
    await utimes(join(home, "data", "lock"), then, then);
  }

  it.each([
    ["by a pid that another program has now", () => holder({ host: hostname(), born: "1" }), 0],
    ["by another machine that has been silent", () => holder({}), 60_000],
    ["with a cut-off note, and gone stale", () => '{"pid":', 60_000],
  ])("%s is taken over", async (_, text, age) => {
    await leave(text(), age);
    await (await openStore(home, { clock: Date.now, log })).close();
    expect(await readLock(home)).toBeUndefined();
  });

  it("in the very moment of taking it, before the clock was set back, is taken over", async () => {
    const guard = join(home, "data", "lock.guard");
    await mkdir(guard, { recursive: true });
    const later = new Date(Date.now() + 3_600_000);
    await utimes(guard, later, later);
    await (await openStore(home, { clock: Date.now, log })).close();
    expect(await readLock(home)).toBeUndefined();
  });

  it("in a way that can't be mended is told by the file's name", async () => {
    await mkdir(join(home, "data", "lock.json", "x"), { recursive: true });
    const message = expect.stringMatching(/\/data\/lock\.json failed \(/);
    await expect(openStore(home, { clock: Date.now, log })).rejects.toMatchObject({ message });
  });

  it("goes to one only of those who find it", async () => {
    await leave(holder({ host: hostname(), pid: 2 ** 22 + 1 }), 0);
    const all = await Promise.allSettled([1, 2, 3, 4].map(() => openStore(home, { clock: Date.now, log })));
    const stores = all.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
    const codes = all.flatMap((one) => (one.status === "rejected" ? [one.reason.code] : []));
    expect([stores.length, codes]).toEqual([1, ["store-locked", "store-locked", "store-locked"]]);
    await stores[0]?.close();
  });

  it.each([
    [
      "by another machine that shows signs of life",
      () => holder({ pid: 77 }),
      /\(process 77 on elsewhere, or in a container there\) is using/,
    ],
    [
      "by a container that goes by this machine's name, a moment ago,",
      () => holder({ host: hostname(), space: "pid:[1]", pid: 2 ** 22 + 1 }),
      /in a container there\) is using/,
    ],
    ["a moment ago by nobody knows whom", () => "", /Another KafClaw process is using/],
  ])("%s is respected", async (_, text, message) => {
    await leave(text(), 0);
    await expect(openStore(home, { clock: Date.now, log })).rejects.toMatchObject({
      code: "store-locked",
      message: expect.stringMatching(message),
    });
  });

  it(
    "stops the writing of a process whose lock is taken away",
    async () => {
      let lost: (error: Error) => void = () => {};
      const told = new Promise<Error>((resolve) => {
        lost = resolve;
      });
      const store = await openStore(home, { clock: Date.now, log, onLost: lost });
      const notes = await store.open<{ _id: string }>("settings");
      await notes.put({ _id: "a" });
      await rm(join(home, "data", "lock"), { recursive: true });
      expect(await told).toMatchObject({ code: "store-lock-lost" });
      await expect(notes.put({ _id: "b" })).rejects.toMatchObject({ code: "store-lock-lost" });
      expect(await notes.find()).toEqual([{ _id: "a" }]);
      await store.close();
    },
    PATIENCE,
  );
});
