import { describe, expect, it } from "vitest";
import { SETTINGS, TOKEN, World } from "./world.js";

describe.each(SETTINGS)("the guide, $title", (setting) => {
  it("I1, I3, I4, I5: a stranger gets nothing, the token brings a notice, 👍 approves, and not one stanza reaches others", async () => {
    const world = await World.linked(setting);
    await world.say(world.mallory, "hello? is this a bot?");
    await world.wa.waitUntilTaken();
    await world.order("/pending");
    expect((await world.told(/pending|waits/i)).text).toMatch(/nobody|no one/i);
    expect(world.mallory.inbox).toEqual([]);

    const { notice, code } = await world.aliceKnocks(`${TOKEN} hello, it's me`);
    expect(notice.text).toContain("Alice · +1 555 000 2000");
    expect(notice.text).toContain("> ");
    expect(notice.text).not.toContain(TOKEN);
    await world.react(notice.id, "👍🏽");
    expect((await world.told(/approved/i)).text).toContain(code);
    const next = await world.say(world.alice, "are you there?");
    await world.given([next.id]);
    await world.settled();
    expect(world.responded()).toHaveLength(2);
    expect(new Set(world.responded()).size).toBe(2);
    expect(world.leaks()).toEqual([]);
    expect(world.alice.inbox).toEqual([]);
  });

  it("a quoted yes, /approve CODE and /approve +number each approve; I2: /deny blocks both addresses, /remove frees", async () => {
    const world = await World.linked(setting);
    const { notice, code } = await world.aliceKnocks();
    await world.reply(notice, "yes");
    expect((await world.told(/approved/i)).text).toContain(code);
    for (const order of [`/approve ${code.toLowerCase()}`, "/approve +1 555 000 2000"]) {
      await world.order(`/remove ${code}`);
      await world.told(/removed/i);
      expect((await world.aliceKnocks()).code).toBe(code);
      await world.order(order);
      expect((await world.told(/✅ approved/i)).text).toContain(code);
    }

    await world.order(`/deny ${code}`);
    await world.told(/denied/i);
    const notices = () => world.owner.inbox.filter(({ text }) => text.includes("New sender")).length;
    expect(notices()).toBe(3);
    for (const addressing of ["pn", "lid"] as const) {
      await world.say(world.alice, TOKEN, { addressing });
      await world.say(world.alice, TOKEN, { addressing, withAlt: false });
    }
    await world.wa.waitUntilTaken();
    await world.settled();
    expect(notices()).toBe(3);
    await world.order(`/remove ${code}`);
    await world.told(/removed/i);
    expect((await world.aliceKnocks()).code).toBe(code);
    expect(world.leaks()).toEqual([]);
  });

  it("I4: after kill -9 the lists are kept and silent mode is on again; /silent off lets the next greeting out", async () => {
    const world = await World.linked(setting);
    const { code } = await world.aliceKnocks();
    await world.order("/silent off");
    await world.told(/silent/i);
    await world.home.stop("SIGKILL");
    await world.home.startLinked();
    expect(await world.home.get("/healthz")).toEqual({ status: "ok", link: "open", silent: true });
    await world.order("/pending");
    await world.told(new RegExp(code));
    await world.order("/silent off");
    await world.told(/silent mode.*off|no longer silent/i);
    await world.order(`/approve ${code}`);
    await world.told(/approved/i);
    const greeting = await world.alice.next();
    expect(greeting.text.length).toBeGreaterThan(5);
    expect(world.wa.stanzasTo(world.alice, "message").map(({ to }) => to)).toEqual([
      setting.addressing === "lid" ? world.alice.lidJid : world.alice.pnJid,
    ]);
    expect(world.leaks(world.mallory)).toEqual([]);
  });
});
