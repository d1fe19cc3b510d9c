import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mountSmallDisk, takeRoom } from "./small-disk.js";
import { TOKEN, World } from "./world.js";

/** A message is tried again every five seconds, and a connection made anew in between. */
const PATIENT = { timeoutMs: 30_000 };

describe("a full disk", () => {
  it("I6, I10: the gateway stays up, says it in one sentence, loses nothing, and goes on when there is room", async (test) => {
    const world = await World.create({ setup: "own-number", addressing: "lid" });
    const disk = join(world.home.path, "data");
    if (!mountSmallDisk(disk, 2)) return test.skip("this machine allows no mounts");
    await world.setUp();
    await world.home.start();
    await world.scanQr();
    await world.aliceApproved();
    const before = await world.say(world.alice, "before");
    await world.given([before.id]);
    await world.say(world.mallory, TOKEN);
    const waiting = /New sender\* (\w{4})/.exec((await world.told(/Mallory/)).text)?.[1];

    const ballast = takeRoom(disk);
    const during = await world.say(world.alice, "during");
    await world.order(`/deny ${waiting}`);
    await world.home.until(async () => {
      const { trouble } = (await world.home.get("/api/v1/status")) as { trouble: string | null };
      return /No room to write .*free some disk space/.test(trouble ?? "");
    }, "the status says that the disk is full");
    expect(await world.home.run(["doctor"])).toMatchObject({
      code: 1,
      out: expect.stringMatching(/✗ data .*No room to write /),
    });
    expect(world.home.running).toBe(true);
    expect(world.owner.inbox.filter(({ text }) => /Denied/.test(text))).toEqual([]);

    rmSync(ballast);
    await world.told(/Denied/, PATIENT);
    expect(world.home.running).toBe(true);
    await world.given([during.id]);
    await world.settled();
    expect(world.responded()).toEqual([before.id, during.id]);
    expect(world.leaks()).toEqual([]);

    await world.home.stop("SIGKILL");
    await world.home.startLinked();
    await world.order("/whois mallory");
    expect((await world.told(/Mallory[\s\S]*denied/i)).text).toMatch(/denied/i);
  });
});

describe("a quota that is used up", () => {
  it.each([["onboard"], ["gateway"], ["whatsapp-setup", "--model", "parrot", "--base-url", "http://127.0.0.1:9/v1"]])(
    "%s ends with a sentence, and leaves no half file in the way",
    async (...args) => {
      const world = await World.create();
      const ran = await world.home.run(args, { fileLimit: 2 });
      expect(ran).toMatchObject({ code: 1, err: expect.stringMatching(/EFBIG|disk is full|No room/) });
      expect(ran.err).not.toMatch(/ {4}at /);
      expect(existsSync(join(world.home.path, "config.json"))).toBe(false);
      expect(readdirSync(world.home.path).filter((name) => name.endsWith(".tmp"))).toEqual([]);
      expect(await world.home.run(args[0] === "gateway" ? ["list"] : args)).toMatchObject({ code: 0 });
    },
  );
});
