import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = join(import.meta.dirname, "..");

describe("the source", () => {
  it("reads process.argv in main.ts alone (and process.env in main.ts and config.ts, which Biome checks)", async () => {
    const files = (await readdir(join(ROOT, "src"), { recursive: true })).filter((name) => name.endsWith(".ts"));
    const reading: string[] = [];
    for (const name of files) {
      if ((await readFile(join(ROOT, "src", name), "utf8")).includes("process.argv")) reading.push(name);
    }
    expect(reading).toEqual(["main.ts"]);
  });

  it("names no registry, and no machine, in the lockfile", async () => {
    const lock = await readFile(join(ROOT, "package-lock.json"), "utf8");
    expect(lock).not.toMatch(/"resolved": "(?!https:\/\/registry\.npmjs\.org\/)/);
  });
});
