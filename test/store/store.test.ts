import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { type Collection, openStore, readLock, type Store } from "../../src/store/index.js";
import { encodeLine } from "../../src/store/line.js";

interface Note {
  readonly _id: string;
  readonly text: string;
  readonly n?: number;
}

const NOW = Date.UTC(2026, 10, 23, 2, 14);
const said: string[] = [];
const log = {
  info: (_: object, message: string) => void said.push(message),
  warn: (_: object, message: string) => void said.push(message),
};
let home: string;
let store: Store | undefined;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "kafclaw-store-"));
  said.length = 0;
});

afterEach(async () => {
  await store?.close();
  store = undefined;
  await rm(home, { recursive: true, force: true });
});

async function notes(options?: { durable?: boolean }): Promise<Collection<Note>> {
  store ??= await openStore(home, { clock: () => NOW, log });
  return store.open<Note>("settings", options);
}

async function again(): Promise<Collection<Note>> {
  await store?.close();
  store = undefined;
  return notes();
}

const file = () => join(home, "data", "settings.db");

describe("a data file", () => {
  it("gives back what was put, also after it was opened again", async () => {
    const first = await notes({ durable: true });
    await first.put({ _id: "a", text: "one" });
    await first.putAll([
      { _id: "b", text: "two", n: 1 },
      { _id: "a", text: "uno", n: 2 },
      { _id: "b", text: "due", n: 3 },
    ]);
    await first.put({ _id: "c", text: "three" });
    expect(await first.remove(["c", "x"])).toBe(1);
    for (const reopen of [false, true]) {
      const collection = reopen ? await again() : first;
      expect(await collection.get("a")).toEqual({ _id: "a", text: "uno", n: 2 });
      expect(await collection.get("c")).toBeUndefined();
      expect(await collection.count()).toBe(2);
      expect(await collection.count({ n: { $gt: 2 } })).toBe(1);
      expect(await collection.find({}, { sort: { n: -1 }, limit: 1 })).toEqual([{ _id: "b", text: "due", n: 3 }]);
      expect(await collection.find({}, { sort: { n: 1 }, skip: 1 })).toEqual([{ _id: "b", text: "due", n: 3 }]);
      expect(await collection.find({}, { limit: 0 })).toEqual([]);
    }
  });

  it("lets a read see every write that was asked for before it", async () => {
    const collection = await notes();
    void collection.put({ _id: "a", text: "1" });
    void collection.put({ _id: "a", text: "2" });
    expect(await collection.get("a")).toEqual({ _id: "a", text: "2" });
  });

  it("keeps any text, line ends that NeDB splits at included", async () => {
    const text = 'a\u2028b\u2029c\x85d\v\f\r\n"\\\ud800👩‍👩‍👧‍👦\u0000';
    await (await notes()).put({ _id: "odd", text });
    expect(await (await again()).get("odd")).toEqual({ _id: "odd", text });
  });

  it("is readable by its user alone, whatever it was before", async () => {
    await (await notes()).put({ _id: "a", text: "x" });
    await store?.close();
    store = undefined;
    await chmod(file(), 0o644);
    await chmod(join(home, "data"), 0o755);
    await notes();
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect((await stat(join(home, "data"))).mode & 0o777).toBe(0o700);
  });

  it("refuses what it could not give back, and goes on", async () => {
    const collection = await notes();
    await collection.put({ _id: "a", text: "x" });
    await expect(collection.put({ _id: "", text: "x" })).rejects.toThrow(TypeError);
    await expect(collection.put({ _id: "__proto__", text: "x" })).rejects.toThrow(TypeError);
    const odd = { _id: "b", text: "x", "field.with.dots": 1 };
    await expect(collection.putAll([{ _id: "c", text: "y" }, odd])).rejects.toThrow(/dot|\./);
    expect(await collection.find()).toEqual([{ _id: "a", text: "x" }]);
    await collection.put({ _id: "d", text: "z" });
    expect(await (await again()).count()).toBe(2);
  });

  it("is compacted after a restart by what it needs, however large the lines were that are over", async () => {
    const collection = await notes();
    const text = "x".repeat(100_000);
    await collection.putAll(Array.from({ length: 200 }, (_, n) => ({ _id: `${n}`, text: "small", n })));
    for (let n = 0; n < 9; n++) await collection.put({ _id: "hot", text, n });
    const reopened = await again();
    for (let n = 0; n < 3; n++) await reopened.put({ _id: "hot", text, n });
    await reopened.count();
    expect(said).toContain("compacted");
    expect((await stat(file())).size).toBeLessThan(500_000);
  });

  it("is compacted when it has grown to twice its need and over a megabyte, and stays private", async () => {
    const collection = await notes();
    const text = "x".repeat(20_000);
    for (let n = 0; n < 60; n++) await collection.put({ _id: "same", text, n });
    await collection.count();
    expect((await stat(file())).size).toBeLessThan(300_000);
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    expect(said).toContain("compacted");
    await collection.put({ _id: "other", text: "y" });
    expect(await (await again()).get("same")).toEqual({ _id: "same", text, n: 59 });
  });

  it("says so when it is deleted under the running process, and doesn't pretend to have written", async () => {
    const collection = await notes();
    await collection.put({ _id: "a", text: "x" });
    await rm(file());
    await expect(collection.put({ _id: "b", text: "y" })).rejects.toMatchObject({ code: "store-damaged" });
  });

  it.each([
    ["cut short", (path: string) => truncate(path, 10)],
    ["moved away", (path: string) => rename(path, `${path}.moved`)],
    [
      "moved away, and another put in its place",
      async (path: string) => {
        await rename(path, `${path}.moved`);
        await copyFile(`${path}.moved`, path);
      },
    ],
  ])("that is %s under the running process gets nothing of what is refused", async (_, tamper) => {
    const collection = await notes();
    await collection.put({ _id: "a", text: "x" });
    await tamper(file());
    for (const id of ["b", "c"]) {
      await expect(collection.put({ _id: id, text: "refused" })).rejects.toMatchObject({ code: "store-damaged" });
    }
    expect(await collection.count()).toBe(1);
    for (const name of await readdir(join(home, "data"))) {
      if (name.startsWith("settings.db"))
        expect(await readFile(join(home, "data", name), "utf8")).not.toMatch("refused");
    }
  });

  it("opens once for all who ask, and refuses work after closing", async () => {
    const collection = await notes();
    expect(await notes({ durable: true })).toBe(collection);
    await store?.close();
    store = undefined;
    await expect(collection.get("a")).rejects.toMatchObject({ code: "store-closed" });
  });
});

describe("after a crash", () => {
  const records = [
    { _id: "a", text: "first" },
    { _id: "b", text: "zweite: äöü 👍" },
    { _id: "c", text: 'last {"}: ü' },
  ];
  const lines = records.map((record) => `${encodeLine(JSON.stringify(record))}\n`);
  const whole = Buffer.from(lines.join(""));

  async function openWith(bytes: Buffer): Promise<Collection<Note>> {
    await store?.close();
    store = undefined;
    await mkdir(join(home, "data"), { recursive: true });
    await writeFile(file(), bytes);
    return notes();
  }

  it("a last line cut at any byte is repaired, kept aside, and nothing before it is lost", async () => {
    const start = Buffer.byteLength(lines.slice(0, 2).join(""));
    for (let length = start; length < whole.length; length++) {
      const collection = await openWith(whole.subarray(0, length));
      const isWhole = length === whole.length - 1;
      expect((await collection.find()).map(({ _id }) => _id).sort()).toEqual(isWhole ? ["a", "b", "c"] : ["a", "b"]);
      const cuts = (await readdir(join(home, "data"))).filter((name) => name.includes(".cut-"));
      const aside = length === start || isWhole ? [] : [`settings.db.cut-20261123T021400Z`];
      expect(cuts).toEqual(aside);
      for (const name of cuts) {
        const path = join(home, "data", name);
        expect(await readFile(path)).toEqual(whole.subarray(start, length));
        expect((await stat(path)).mode & 0o777).toBe(0o600);
        await rm(path);
      }
      await collection.put({ _id: "d", text: "next" });
      expect(await (await again()).get("d")).toEqual({ _id: "d", text: "next" });
    }
  }, 30_000);

  it("no flipped bit is ever read as data: each one names file and line, and leaves the file as it is", async () => {
    for (let index = 0; index < whole.length; index++) {
      for (const bit of [0, 5, index % 8]) {
        const bytes = Buffer.from(whole);
        bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
        await expect(openWith(bytes), `byte ${index}, bit ${bit}`).rejects.toMatchObject({
          code: "store-damaged",
          message: expect.stringMatching(/settings\.db is damaged in line [123] \(.*\); restore/),
        });
        expect(await readFile(file())).toEqual(bytes);
      }
    }
  }, 30_000);

  it.each([
    ["zeros at the end", Buffer.concat([whole, Buffer.alloc(64)]), 4],
    ["zeros in a torn line", Buffer.concat([whole, Buffer.from('0a1b2c3d {"_id":'), Buffer.alloc(9)]), 4],
    ["an empty line", Buffer.concat([Buffer.from("\n"), whole]), 1],
    ["a plain NeDB line", Buffer.concat([whole, Buffer.from('{"_id":"x"}\n')]), 4],
    ["a right checksum over no document", Buffer.concat([whole, Buffer.from(`${encodeLine('{"text":"x"}')}\n`)]), 4],
    ["a right checksum over no JSON", Buffer.concat([whole, Buffer.from(`${encodeLine("{rubbish}")}\n`)]), 4],
    ["something else altogether", Buffer.from("SQLite format 3"), 1],
  ])("%s is damage, not a torn line", async (_, bytes, line) => {
    await expect(openWith(bytes)).rejects.toMatchObject({
      code: "store-damaged",
      message: expect.stringContaining(`in line ${line} `),
    });
    expect(await readFile(file())).toEqual(bytes);
  });

  it("an interrupted compaction leaves the file as it was", async () => {
    await openWith(whole);
    await store?.close();
    store = undefined;
    await writeFile(`${file()}~`, lines[0]?.slice(0, 20) ?? "");
    expect(await (await notes()).count()).toBe(3);
    expect(await readdir(join(home, "data"))).not.toContain("settings.db~");
  });

  it("a file of which only the temporary half is left is not taken for empty", async () => {
    await openWith(whole);
    await store?.close();
    store = undefined;
    await rm(file());
    await writeFile(`${file()}~`, whole);
    await expect(notes()).rejects.toMatchObject({ code: "store-damaged" });
  });

  it("a file that is gone while another still holds something is not taken for new; an empty one in its place is", async () => {
    await openWith(whole);
    await store?.close();
    store = undefined;
    store = await openStore(home, { clock: () => NOW, log });
    await expect(store.open("access")).rejects.toMatchObject({
      code: "store-damaged",
      message: expect.stringMatching(
        /access\.db is missing.*settings\.db.*backup.*empty file in its place \(touch "[^"]*access\.db"\)/,
      ),
    });
    expect(await readdir(join(home, "data"))).not.toContain("access.db");
    await writeFile(join(home, "data", "access.db"), "");
    await store.close();
    store = await openStore(home, { clock: () => NOW, log });
    expect(await (await store.open("access")).count()).toBe(0);
  });

  it("finds a flipped bit deep in a file that is read in several pieces", async () => {
    const many = Array.from(
      { length: 4000 },
      (_, n) => `${encodeLine(JSON.stringify({ _id: `${n}`, text: "x".repeat(150) }))}\n`,
    );
    const bytes = Buffer.from(many.join(""));
    expect(await (await openWith(bytes)).count()).toBe(4000);
    const at = Buffer.byteLength(many.slice(0, 3000).join("")) + 40;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await expect(openWith(bytes)).rejects.toThrow(/in line 3001 /);
  });
});

describe("the lock of a home", () => {
  it("is free before and after, and names its holder meanwhile", async () => {
    expect(await readLock(home)).toBeUndefined();
    await notes();
    expect(await readLock(home)).toMatchObject({ pid: process.pid, alive: true, since: NOW });
    await store?.close();
    store = undefined;
    expect(await readLock(home)).toBeUndefined();
  });

  it("is not held in a copy of the home that was made meanwhile", async () => {
    await notes();
    const copy = `${home}-copy`;
    onTestFinished(() => rm(copy, { recursive: true, force: true }));
    await cp(home, copy, { recursive: true, preserveTimestamps: true });
    // Nobody is spoken to as its holder; it is free once nothing has touched it for ten seconds.
    expect(await readLock(copy)).toMatchObject({ isHere: false, alive: true });
    const then = new Date(Date.now() - 11_000);
    await utimes(join(copy, "data", "lock"), then, then);
    expect(await readLock(copy)).toMatchObject({ alive: false });
    await (await openStore(copy, { clock: () => NOW, log })).close();
    expect(await readLock(home)).toMatchObject({ pid: process.pid, alive: true });
  });

  it("refuses a second holder with the pid and what to do", async () => {
    await notes();
    await expect(openStore(home, { clock: () => NOW, log })).rejects.toMatchObject({
      code: "store-locked",
      message: `Another KafClaw process (process ${process.pid}) is using ${home}; stop it, or use its dashboard or command line.`,
    });
  });
});
