/** The machine's clock jumps by a day either way, and WhatsApp's own time disagrees: nothing expires or fires wrongly. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { TOKEN, World } from "../e2e/world.js";
import type { Run, Topic } from "./run.js";

const JUMPS = 200;
const DAY_MS = 24 * 60 * 60_000;
const SHIFTS = [-DAY_MS, 0, DAY_MS];
/** The gateway looks for its wrong clock more often than that. */
const NOTICED_MS = 60;
const PRELOAD = new URL("./shifted-clock.mjs", import.meta.url).href;

export const clock: Topic = {
  name: "clock",
  short: 0.02,
  async torture(run) {
    const folder = await mkdtemp(join(tmpdir(), "kafclaw-clock-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, "shift");
    let serverShift = 0;
    const clock = { NODE_OPTIONS: `--import ${PRELOAD}`, CLOCK_SHIFT_FILE: file };
    const world = await World.linked(
      { setup: "own-number", addressing: "lid" },
      { KAFCLAW_TEXTS_GREETING: "", ...clock },
      { clock: () => Date.now() + serverShift },
    );
    const { home } = world;
    await world.aliceApproved();
    await world.order("/silent off");
    await world.told(/Silent mode is off/);
    // Pending for a week, an invite for a week: a day more or less is no reason for either to end.
    const bob = world.wa.phone({ pn: "15550003000", name: "Bob" });
    await world.say(bob, TOKEN);
    await world.told(/New sender/);
    await world.order("/invite Carol");
    const said: string[] = [];

    const jumps = run.times(JUMPS);
    for (let index = 0; index < jumps; index += 1) {
      const shift = SHIFTS[index % SHIFTS.length] ?? 0;
      await writeFile(file, String(shift));
      await pause(NOTICED_MS);
      run.fault("jumps by a day");
      said.push((await world.say(world.alice, `at ${index}`)).id);
      await order(run, world, index);
      if (index % SHIFTS.length === 2) {
        // A gateway learns the server's time when it logs in.
        await world.wa.waitUntilTaken();
        serverShift = run.pick(SHIFTS) ?? 0;
        world.wa.disconnect(515);
        await world.wa.waitForCompanion("open");
        run.fault("new times of the server");
      }
      await world.settled();
      const { counts, silent } = (await home.get("/api/v1/status")) as {
        counts: Record<string, number>;
        silent: boolean;
      };
      run.check("nothing expires", counts.approved === 1 && counts.pending === 1, () => JSON.stringify(counts));
      run.check("silent mode stays as it was set", !silent, () => `silent mode is on after ${shift} ms`);
    }
    await writeFile(file, "0");
    await pause(NOTICED_MS);
    // What does not come is a loss, below.
    await world.given(said).catch(() => {});
    await world.settled();
    const got = world.responded();
    run.check(
      "messages handled once, in order",
      got.join() === said.join(),
      () => `${said.length} became ${got.length}`,
    );
    const invites = (await home.get("/api/v1/invites")) as { invites: { revoked: unknown; used: unknown }[] };
    const [invite] = invites.invites;
    run.check("the invite is good", invite?.revoked === null && invite.used === null, () => JSON.stringify(invites));
  },
};

/** An order is answered at once whatever the machine's clock says, since WhatsApp's own time tells its age (I11). */
async function order(run: Run, world: World, index: number): Promise<void> {
  const name = `Dora ${index}.`;
  const dora = world.wa.phone({ pn: `1555${String(3_000_000 + index)}`, name });
  await world.say(dora, TOKEN);
  const code = /New sender\* (\w{4})/.exec((await world.told(new RegExp(`${name}`))).text)?.[1] ?? "";
  await world.order(`/deny ${code}`);
  const { text } = await world.told(/Denied|again/);
  run.check("orders are of now (I11)", text.includes("Denied"), () => text);
  await world.order(`/remove ${code}`);
  await world.told(/Removed/);
}
