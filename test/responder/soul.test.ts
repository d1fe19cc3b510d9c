import { mkdirSync, symlinkSync } from "node:fs";
import { mkdtemp, rm, unlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createHome } from "../../src/home.js";
import { Soul } from "../../src/responder/soul.js";

let folder: string;
let path: string;
let told: string[];
let soul: Soul;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kafclaw-soul-"));
  path = join(folder, "SOUL.md");
  told = [];
  soul = new Soul(path, (sentence) => told.push(sentence));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("the soul file", () => {
  it("that onboard writes is short and good", async () => {
    const { home } = await createHome(join(folder, "home"));
    const onboarded = new Soul(home.soul, (sentence) => told.push(sentence));
    const text = await onboarded.read();
    expect(told).toEqual([]);
    expect(text.length).toBeLessThan(1_000);
    expect(text).toMatch(/language that you are written to in/);
  });

  it("is read again when it has changed, of the same size too", async () => {
    await writeFile(path, "You are A.");
    expect(await soul.read()).toBe("You are A.");
    await writeFile(path, "You are B.");
    await utimes(path, new Date(), new Date(Date.now() + 1_000));
    expect(await soul.read()).toBe("You are B.");
    expect(told).toEqual([]);
  });

  const BAD: [string, () => Promise<void>, RegExp][] = [
    ["missing", () => unlink(path), /is missing: kafclaw onboard writes an example/],
    ["empty", () => writeFile(path, " \n\t\n"), /is empty: say in it who the bot is/],
    ["binary", () => writeFile(path, Buffer.from([0x89, 0x50, 0x4e, 0x47, 0xff, 0xfe])), /no UTF-8 text/],
    ["full of zeros", () => writeFile(path, Buffer.alloc(100)), /is no text/],
    ["over 32 kB", () => writeFile(path, "x".repeat(32 * 1024 + 1)), /has 32769 bytes and may have 32768: shorten it/],
  ];
  it.each(BAD)("that is %s is told once in one sentence, and the last good one counts", async (_, spoil, sentence) => {
    await writeFile(path, "You are good.");
    await soul.read();
    await spoil();
    expect(await soul.read()).toBe("You are good.");
    expect(await soul.read()).toBe("You are good.");
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(sentence);
    expect(told[0]).not.toContain("\n");
    expect(soul.problem).toBe(told[0]);
    await writeFile(path, "You are mended.");
    expect(await soul.read()).toBe("You are mended.");
    expect(soul.problem).toBeUndefined();
  });

  it.each([
    ["a device that never ends", () => symlinkSync("/dev/zero", path)],
    ["a folder", () => mkdirSync(path)],
  ])("that is %s is not even read", async (_, make) => {
    make();
    expect(await soul.read()).toMatch(/friendly assistant/);
    expect(told).toEqual([expect.stringContaining("can't be read: make it a file")]);
  });

  it("of exactly 32 kB is taken, and a byte-order mark is no part of it", async () => {
    await writeFile(path, "x".repeat(32 * 1024));
    expect(await soul.read()).toHaveLength(32 * 1024);
    await writeFile(path, "\uFEFFYou are marked.");
    expect(await soul.read()).toBe("You are marked.");
    expect(told).toEqual([]);
  });

  it("that never was there leaves a plain one", async () => {
    expect(await soul.read()).toMatch(/^You are a friendly assistant/);
    expect(told).toHaveLength(1);
  });
});
